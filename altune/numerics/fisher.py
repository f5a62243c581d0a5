"""The Fisher information ratio tr(A⁻¹G) of logistic models, and the batch that makes it smallest.

A is the information that the labelled rows hold about the parameters, G that of a row of the pool on average: the
smaller the ratio, the smaller the variance of the model's outputs over the pool. A softmax model's information of
a row is (diag(p) − p pᵀ) ⊗ g gᵀ; its blocks between classes are left out here, so that each class k has a
d×d matrix of its own, Σ p_k(1 − p_k) g gᵀ, as in a model of one class against the rest. For two classes nothing
is lost. Sources: T. Zhang and F. Oles, *A Probability Analysis on the Value of Unlabeled Data for
Classification Problems*, ICML 2000;
S. Hoi, R. Jin, J. Zhu, M. Lyu, *Batch Mode Active Learning and Its Application to Medical Image Classification*,
ICML 2006; B. Settles, *Active Learning Literature Survey*, 2009.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from altune.numerics.geometry.distances import random_argmax

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(eq=False)
class InformationRatio:
    """A⁻¹ and A⁻¹GA⁻¹ of each class, and their quadratic forms on the rows that may be picked.

    Parameters
    ----------
    spread : p_k(1 − p_k) of the rows that may be picked, ``(n_classes, n_rows)``; G is their mean.
    embedding : their g, ``(n_rows, d)``.
    labelled_spread, labelled_embedding : the same of the labelled rows.
    ridge : δ > 0 in A = δI + Σ p_k(1 − p_k) g gᵀ, the information of an L2 penalty δ‖w‖²/2.
    """

    spread: Array
    embedding: Array
    labelled_spread: Array
    labelled_embedding: Array
    ridge: float

    def __post_init__(self) -> None:
        unit = self.ridge * np.eye(self.embedding.shape[1])
        known = unit + information(self.labelled_spread, self.labelled_embedding)
        self.inverse: Array = np.linalg.inv(known).astype(np.float64)
        self.pool = information(self.spread, self.embedding) / len(self.embedding)
        self.between: Array = self.inverse @ self.pool @ self.inverse
        self.leverages = self._quadratic(self.inverse)
        self.shares = self._quadratic(self.between)

    def ratio(self) -> float:
        """Return Σ_k tr(A_k⁻¹ G_k)."""
        return float(np.einsum("kde,ked->", self.inverse, self.pool))

    def gains(self) -> Array:
        """Return by how much the ratio falls with each row, ``(n_rows,)``.

        By Sherman and Morrison Σ_k w gᵀA⁻¹GA⁻¹g / (1 + w gᵀA⁻¹g), w = p_k(1 − p_k).
        """
        fall: Array = (self.spread * self.shares / (1.0 + self.spread * self.leverages)).sum(axis=0)
        return fall

    def add(self, row: int) -> None:
        """Count a row as labelled: A_k ← A_k + w g gᵀ, and all that follows, in O(K·d·(n + d))."""
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
        return np.stack([np.einsum("nd,nd->n", self.embedding @ matrix, self.embedding) for matrix in matrices])


def information(spread: Array, embedding: Array) -> Array:
    """Return Σ_i spread_ki g_i g_iᵀ of each class, ``(n_classes, d, d)``.

    >>> information(np.array([[0.25, 0.0]]), np.array([[2.0], [5.0]])).tolist()
    [[[1.0]]]
    """
    return np.stack([(embedding * weight[:, None]).T @ embedding for weight in spread])


def most_reducing_batch(ratio: InformationRatio, size: int, rng: np.random.Generator) -> Rows:
    """Pick rows greedily, each the one by which the ratio falls most; ties fall by chance.

    Returns
    -------
    positions, ``(min(size, n_rows),)``, distinct, in the order of picking.
    """
    n_rows = len(ratio.embedding)
    picked = np.empty(min(size, n_rows), dtype=np.intp)
    free = np.ones(n_rows, dtype=bool)
    for turn in range(len(picked)):
        pick = random_argmax(np.where(free, ratio.gains(), -np.inf), rng)
        picked[turn], free[pick] = pick, False
        ratio.add(pick)
    return picked
