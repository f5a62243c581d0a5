"""BAIT: the batch that leaves a softmax model's parameters the least uncertain where the pool needs them."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn.decomposition import TruncatedSVD

from altune.core.needs import Need
from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Features, RowNumbers
from altune.knobs.pool_geometry import draw_rows, embedded
from altune.knobs.query_strategy.base import QueryStrategy
from altune.numerics.geometry.designs import unit_mean_square
from altune.numerics.geometry.distances import is_sparse, make_points, random_argmax

Array = NDArray[np.float64]
MOST_CLASSES = 10
"""Classes in a row's expected information: the most probable ones. Exact for up to ten classes."""


@register
class Bait(QueryStrategy):
    """BAIT: the rows S for which tr((λI + Σ_{labelled, S} I(x))⁻¹ Σ_pool I(x)) is smallest.

    I(x) = (diag(p) − ppᵀ) ⊗ ggᵀ is the Fisher information of a softmax layer over the embedding g, with a constant
    joined to it. Twice as many rows as wanted are added one by one and the surplus is taken out again one by one.
    Labelled rows, picks and the pool are means over as many rows, and g has a mean square of 1, so λ means the same
    on every pool. Approximations: g is cut to its leading principal directions so that there are at most
    ``parameters`` parameters, the information of a pick counts its ten most probable classes, and at most
    ``subpool`` random candidates compete and stand for the pool.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "Ash, Goel, Krishnamurthy, Kakade, Gone Fishing, NeurIPS 2021"

    method: Literal["bait"] = "bait"
    ridge: float = Field(default=0.01, ge=1e-6, le=1e3, description="λ, beside a mean information of a row")
    parameters: int = Field(default=400, ge=20, le=2000, description="most parameters, classes times directions")
    subpool: int = Field(default=1000, ge=10, le=5000, description="random candidates that compete")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates that together tell the most of what the pool needs to know."""
        if pool.model is None:
            raise RuntimeError("bait is asked after a model was trained")
        rows = draw_rows(pool.candidates, max(self.subpool, size), rng)
        here = np.searchsorted(pool.candidates, rows)
        both = np.concatenate([rows, pool.labelled])
        directions = max(1, self.parameters // pool.n_classes - 1)
        embedding = leading_directions(embedded(pool, both), directions, rng)
        p = pool.known().probabilities[here]
        labelled = pool.model.class_scores(pool.X[pool.labelled]) if len(pool.labelled) else p[:0]
        probabilities = np.concatenate([p, labelled])
        wanted = softmax_information(probabilities, embedding) / len(both)
        total = len(pool.labelled) + min(size, len(rows))
        start = softmax_information(labelled, embedding[len(rows) :]) / total
        batch = InformationBatch(p, embedding[: len(rows)], start, wanted, self.ridge, 1.0 / total)
        return rows[batch.pick(size, rng)]


class InformationBatch:
    """A⁻¹ of the rows in a batch, and for each row XA⁻¹Xᵀ and XA⁻¹FA⁻¹Xᵀ, kept up to date by low-rank updates.

    A row's information is XᵀX, X = B ⊗ gᵀ with the rows √p_c (e_c − p) of B for its m most probable classes.
    By Woodbury adding it takes tr((I + XA⁻¹Xᵀ)⁻¹XA⁻¹FA⁻¹Xᵀ) off tr(A⁻¹F), and taking it out puts
    tr((I − XA⁻¹Xᵀ)⁻¹XA⁻¹FA⁻¹Xᵀ) on.

    Parameters
    ----------
    probabilities, embedding : of the rows that may be picked, ``(n_rows, n_classes)`` and ``(n_rows, d)``.
    start : information of the labelled rows, ``(K·d, K·d)``.
    wanted : F, information of the pool, ``(K·d, K·d)``.
    ridge : λ > 0.
    weight : what the information of one row counts for.
    """

    def __init__(
        self, probabilities: Array, embedding: Array, start: Array, wanted: Array, ridge: float, weight: float
    ) -> None:
        self._factors = np.sqrt(weight) * information_factors(probabilities, MOST_CLASSES)
        self._embedding = embedding
        self._wanted = wanted
        self.inverse: Array = np.linalg.inv(start + ridge * np.eye(len(start))).astype(np.float64)
        self.between: Array = self.inverse @ wanted @ self.inverse
        self._own = self._quadratic(self.inverse)
        self._shares = self._quadratic(self.between)

    def trace(self) -> float:
        """Return tr(A⁻¹F)."""
        return float(np.einsum("ij,ji->", self.inverse, self._wanted))

    def falls(self, sign: float = 1.0, rows: RowNumbers | None = None) -> Array:
        """Return by how much the trace falls when each row is added (``sign`` 1) or taken out (−1)."""
        own = self._own if rows is None else self._own[rows]
        shares = self._shares if rows is None else self._shares[rows]
        solved = np.linalg.solve(np.eye(own.shape[1]) + sign * own, shares)
        falls: Array = sign * np.trace(solved, axis1=1, axis2=2)
        return falls

    def pick(self, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` rows (all where there are fewer): twice as many are added, the surplus is taken out."""
        n = len(self._embedding)
        size = min(size, n)
        picked: list[int] = []
        for _ in range(min(2 * size, n)):
            falls = self.falls()
            falls[picked] = -np.inf
            picked.append(random_argmax(falls, rng))
            self.change(picked[-1], 1.0)
        while len(picked) > size:
            falls = self.falls(-1.0, np.array(picked))
            out = picked.pop(random_argmax(falls, rng))
            self.change(out, -1.0)
        return np.array(picked, dtype=np.intp)

    def change(self, row: int, sign: float) -> None:
        """Add a row to A (``sign`` 1) or take it out (−1), and bring all that follows up to date."""
        x = np.kron(self._factors[row], self._embedding[row])
        u = self.inverse @ x.T
        r = self.between @ x.T
        weights = sign * np.linalg.inv(np.eye(len(x)) + sign * (x @ u))
        share = weights @ (x @ r) @ weights
        on_u, on_r = self._products(u), self._products(r)
        self._own -= on_u @ weights @ on_u.transpose(0, 2, 1)
        cross = on_u @ weights @ on_r.transpose(0, 2, 1)
        self._shares += on_u @ share @ on_u.transpose(0, 2, 1) - cross - cross.transpose(0, 2, 1)
        self.inverse -= u @ weights @ u.T
        crossed = u @ weights @ r.T
        self.between += u @ share @ u.T - crossed - crossed.T

    def _products(self, columns: Array) -> Array:
        """Return X·columns of each row, ``(n_rows, m, n_columns)``, without making any X."""
        d = self._embedding.shape[1]
        by_class = columns.reshape(-1, d, columns.shape[1])
        projected = np.tensordot(self._embedding, by_class, axes=(1, 1))
        products: Array = self._factors @ projected
        return products

    def _quadratic(self, matrix: Array) -> Array:
        """Return X·matrix·Xᵀ of each row, ``(n_rows, m, m)``."""
        n, (k, d) = len(self._embedding), (self._factors.shape[2], self._embedding.shape[1])
        result = np.empty((n, self._factors.shape[1], self._factors.shape[1]))
        blocks = matrix.reshape(k, d, k, d)
        step = max(1, 2**21 // (k * k * d))
        for begin in range(0, n, step):
            part = slice(begin, begin + step)
            g, b = self._embedding[part], self._factors[part]
            left = np.einsum("nd,kdle->nkle", g, blocks, optimize=True)
            inner = np.einsum("nkle,ne->nkl", left, g, optimize=True)
            result[part] = b @ inner @ b.transpose(0, 2, 1)
        return result


def softmax_information(probabilities: Array, embedding: Array) -> Array:
    """Return Σ (diag(p) − ppᵀ) ⊗ ggᵀ over rows, ``(K·d, K·d)``.

    >>> softmax_information(np.array([[0.5, 0.5]]), np.array([[2.0]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    n, k, d = len(probabilities), probabilities.shape[1], embedding.shape[1]
    weighted = (probabilities[:, :, None] * embedding[:, None, :]).reshape(n, k * d)
    information: Array = -(weighted.T @ weighted)
    for c in range(k):
        own = slice(c * d, (c + 1) * d)
        information[own, own] += weighted[:, own].T @ embedding
    return information


def information_factors(probabilities: Array, most: int) -> Array:
    """Return √p_c (e_c − p) for the ``most`` most probable classes c, ``(n_rows, m, n_classes)``.

    With all classes BᵀB = diag(p) − ppᵀ.
    """
    n, k = probabilities.shape
    m = min(k, most)
    top = np.argsort(-probabilities, axis=1, kind="stable")[:, :m]
    factors = np.repeat(-probabilities[:, None, :], m, axis=1)
    factors[np.arange(n)[:, None], np.arange(m), top] += 1.0
    scaled: Array = factors * np.sqrt(np.take_along_axis(probabilities, top, axis=1))[:, :, None]
    return scaled


def leading_directions(embedding: Features, most: int, rng: np.random.Generator) -> Array:
    """Return at most ``most`` coordinates of each row and a constant 1, ``(n_rows, ≤ most + 1)``.

    The coordinates are the embedding's own where they are few enough, else those along its leading principal
    directions; they have a mean square of 1.
    """
    points = unit_mean_square(make_points(embedding))
    values = points.values
    if values.shape[1] > most:
        seed = int(rng.integers(2**31 - 1))
        with np.errstate(invalid="ignore"):  # the share of variance of constant features
            reduced = TruncatedSVD(min(most, min(values.shape)), random_state=seed).fit_transform(values)
        values = unit_mean_square(make_points(reduced, centre=False)).values
    dense = np.asarray(values.toarray() if is_sparse(values) else values, dtype=np.float64)
    return np.column_stack([dense, np.ones(len(dense))])
