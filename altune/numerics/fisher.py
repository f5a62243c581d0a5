"""The Fisher information ratio tr(A⁻¹G) of logistic models, and the batch of rows that minimises it.

A is the information of the labelled rows about the model's parameters, G the mean information of a row of the pool.
A small ratio means a small variance of the model's outputs over the pool.

The information of a row under a softmax model is (diag(p) − p pᵀ) ⊗ g gᵀ. This module leaves out its blocks between
classes: each class k has its own d×d matrix Σ p_k(1 − p_k) g gᵀ, as in a model of that class against the rest. For two
classes this is exact.

Sources: T. Zhang and F. Oles, *A Probability Analysis on the Value of Unlabeled Data for Classification Problems*,
ICML 2000; S. Hoi, R. Jin, J. Zhu, M. Lyu, *Batch Mode Active Learning and Its Application to Medical Image
Classification*, ICML 2006; B. Settles, *Active Learning Literature Survey*, 2009.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from altune.core.types import Array, RowNumbers
from altune.numerics.geometry.distances import random_argmax


@dataclass(eq=False)
class InformationRatio:
    """A⁻¹ and A⁻¹GA⁻¹ of each class, and their quadratic forms on the rows that may be selected.

    Parameters
    ----------
    spread : p_k(1 − p_k) of the rows that may be selected, ``(n_classes, n_rows)``.
    embedding : their embeddings g, ``(n_rows, d)``. G is the mean of p_k(1 − p_k) g gᵀ over these rows.
    labelled_spread, labelled_embedding : the same for the labelled rows.
    ridge : δ > 0 in A = δI + Σ p_k(1 − p_k) g gᵀ, the information of an L2 penalty δ‖w‖²/2.

    Attributes
    ----------
    inverse : A⁻¹ of each class, ``(n_classes, d, d)``.
    pool : G of each class, ``(n_classes, d, d)``.
    between : A⁻¹GA⁻¹ of each class, ``(n_classes, d, d)``.
    leverages : gᵀA⁻¹g of each row, ``(n_classes, n_rows)``.
    shares : gᵀA⁻¹GA⁻¹g of each row, ``(n_classes, n_rows)``.
    """

    spread: Array
    embedding: Array
    labelled_spread: Array
    labelled_embedding: Array
    ridge: float

    def __post_init__(self) -> None:
        penalty = self.ridge * np.eye(self.embedding.shape[1])
        labelled = penalty + information(self.labelled_spread, self.labelled_embedding)
        self.inverse: Array = np.linalg.inv(labelled).astype(np.float64)
        self.pool = information(self.spread, self.embedding) / len(self.embedding)
        self.between: Array = self.inverse @ self.pool @ self.inverse
        self.leverages = self._quadratic(self.inverse)
        self.shares = self._quadratic(self.between)

    def gains(self) -> Array:
        """Return by how much labelling each row lowers the ratio, ``(n_rows,)``.

        By the Sherman–Morrison formula it is Σ_k w gᵀA⁻¹GA⁻¹g / (1 + w gᵀA⁻¹g) with w = p_k(1 − p_k).
        """
        gains: Array = (self.spread * self.shares / (1.0 + self.spread * self.leverages)).sum(axis=0)
        return gains

    def add(self, row: int) -> None:
        """Count a row as labelled: A_k ← A_k + w g gᵀ. Takes O(K·d·(n + d))."""
        # Adding w g gᵀ changes A⁻¹ by −s u uᵀ with u = A⁻¹g and s = w / (1 + w gᵀu). A⁻¹GA⁻¹ then changes by
        # −s (u vᵀ + v uᵀ) + s² (gᵀv) u uᵀ with v = A⁻¹GA⁻¹g. Both changes have rank 2 or less, so the quadratic
        # forms of all rows follow from their products with u and v, without another product with a d×d matrix.
        g, weight = self.embedding[row], self.spread[:, row]
        u, v = self.inverse @ g, self.between @ g
        share = v @ g
        step = weight / (1.0 + weight * (u @ g))
        squared = step**2 * share
        on_u, on_v = u @ self.embedding.T, v @ self.embedding.T
        self.leverages -= step[:, None] * on_u**2
        self.shares += squared[:, None] * on_u**2 - 2.0 * step[:, None] * on_u * on_v
        uu, uv = u[:, :, None] * u[:, None, :], u[:, :, None] * v[:, None, :]
        self.inverse -= step[:, None, None] * uu
        self.between += squared[:, None, None] * uu - step[:, None, None] * (uv + uv.transpose(0, 2, 1))

    def _quadratic(self, matrices: Array) -> Array:
        """Return gᵀMg of each row for the matrix M of each class, ``(n_classes, n_rows)``."""
        return np.stack([np.einsum("nd,nd->n", self.embedding @ matrix, self.embedding) for matrix in matrices])


def information(spread: Array, embedding: Array) -> Array:
    """Return Σ_i spread_ki g_i g_iᵀ of each class, ``(n_classes, d, d)``.

    >>> information(np.array([[0.25, 0.0]]), np.array([[2.0], [5.0]])).tolist()
    [[[1.0]]]
    """
    return np.stack([(embedding * weight[:, None]).T @ embedding for weight in spread])


def most_reducing_batch(ratio: InformationRatio, size: int, rng: np.random.Generator) -> RowNumbers:
    """Select rows greedily, each the one that lowers the ratio most; ties are broken at random."""
    n_rows = len(ratio.embedding)
    picked = np.empty(min(size, n_rows), dtype=np.intp)
    free = np.ones(n_rows, dtype=bool)
    for turn in range(len(picked)):
        pick = random_argmax(np.where(free, ratio.gains(), -np.inf), rng)
        picked[turn], free[pick] = pick, False
        ratio.add(pick)
    return picked
