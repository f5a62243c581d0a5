"""BAIT: the batch that minimises the uncertainty of a softmax model's parameters, weighted by the pool."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field
from sklearn.decomposition import TruncatedSVD

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array, Features, RowNumbers
from altune.knobs.pool_geometry import current_model, draw_rows, embedded
from altune.knobs.query_strategy.base import QueryStrategy
from altune.knobs.query_strategy.subpool import SubpoolSize
from altune.numerics.geometry.designs import unit_mean_square
from altune.numerics.geometry.distances import is_sparse, make_points, random_argmax

MOST_CLASSES = 10
"""Most probable classes in the information of a row; exact for up to ten classes."""


@register
class Bait(QueryStrategy):
    """BAIT: the rows S with the smallest tr((λI + Σ_{labelled, S} I(x))⁻¹ Σ_pool I(x)), I the Fisher information.

    I(x) = (diag(p) − ppᵀ) ⊗ ggᵀ is that of a softmax layer on the embedding g with a constant. Twice as many rows as
    needed are added greedily, then half of them are removed greedily. Sums are scaled to means and g to a mean square
    of 1, so that λ means the same on every pool. To limit the cost, g is projected onto its leading principal
    directions, a row counts with its ten most probable classes, and the candidates considered represent the pool.
    """

    needs = frozenset({"class_scores"})
    source = "Ash, Goel, Krishnamurthy, Kakade, Gone Fishing, NeurIPS 2021"

    method: Literal["bait"] = "bait"
    ridge: float = Field(
        default=0.01, ge=1e-6, le=1e3, description="λ, added to the mean information of a labelled row"
    )
    parameters: int = Field(
        default=400,
        ge=20,
        le=2000,
        description="maximum number of parameters of the softmax layer: classes times principal directions",
    )
    subpool: SubpoolSize = 1000

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the candidates that together lower the trace most."""
        rows = draw_rows(pool.candidates, max(self.subpool, size), rng)
        positions = np.searchsorted(pool.candidates, rows)
        all_rows = np.concatenate([rows, pool.labelled])
        directions = max(1, self.parameters // pool.n_classes - 1)
        embedding = leading_directions(embedded(pool, all_rows), directions, rng)
        p = pool.known().probabilities[positions]
        labelled = current_model(pool).class_scores(pool.inputs[pool.labelled]) if len(pool.labelled) else p[:0]
        probabilities = np.concatenate([p, labelled])
        target = softmax_information(probabilities, embedding) / len(all_rows)
        total = len(pool.labelled) + min(size, len(rows))
        start = softmax_information(labelled, embedding[len(rows) :]) / total
        batch = InformationBatch(p, embedding[: len(rows)], start, target, self.ridge, 1.0 / total)
        return rows[batch.pick(size, rng)]


class InformationBatch:
    """The information matrix A of a batch, and by how much each row changes tr(A⁻¹F).

    The information of a row is XᵀX with X = B ⊗ gᵀ, where B has a row √p_c (e_c − p) for each of the m most probable
    classes c. X has m rows and K·d columns, and m is at most ten. By the Woodbury identity, adding the row to A lowers
    tr(A⁻¹F) by tr((I + XA⁻¹Xᵀ)⁻¹ XA⁻¹FA⁻¹Xᵀ), and removing it raises the trace by tr((I − XA⁻¹Xᵀ)⁻¹ XA⁻¹FA⁻¹Xᵀ). These
    are traces of m×m matrices, so the class keeps XA⁻¹Xᵀ and XA⁻¹FA⁻¹Xᵀ of each row and updates them with the batch.

    Parameters
    ----------
    probabilities, embedding : of the rows that may be selected, ``(n_rows, n_classes)`` and ``(n_rows, d)``.
    start : information of the labelled rows, ``(K·d, K·d)``.
    target : F, the information of the pool, ``(K·d, K·d)``.
    ridge : λ > 0.
    weight : factor of the information of a row in A.

    Attributes
    ----------
    inverse : A⁻¹, ``(K·d, K·d)``.
    between : A⁻¹FA⁻¹, ``(K·d, K·d)``.
    """

    def __init__(
        self, probabilities: Array, embedding: Array, start: Array, target: Array, ridge: float, weight: float
    ) -> None:
        self._factors = np.sqrt(weight) * information_factors(probabilities, MOST_CLASSES)
        self._embedding = embedding
        self.inverse: Array = np.linalg.inv(start + ridge * np.eye(len(start))).astype(np.float64)
        self.between: Array = self.inverse @ target @ self.inverse
        self._leverages = self._quadratic(self.inverse)
        self._shares = self._quadratic(self.between)

    def decreases(self, sign: float = 1.0, rows: RowNumbers | None = None) -> Array:
        """Return by how much the trace decreases if each row is added (``sign`` 1) or removed (−1)."""
        leverages = self._leverages if rows is None else self._leverages[rows]
        shares = self._shares if rows is None else self._shares[rows]
        solved = np.linalg.solve(np.eye(leverages.shape[1]) + sign * leverages, shares)
        decreases: Array = sign * np.trace(solved, axis1=1, axis2=2)
        return decreases

    def pick(self, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` rows, or all rows if there are fewer."""
        # Forward-backward selection: greedy addition cannot revise its first choices, which later ones may make
        # redundant. Twice as many rows as needed are therefore added, and those that the others replace best removed.
        n = len(self._embedding)
        size = min(size, n)
        picked: list[int] = []
        for _ in range(min(2 * size, n)):
            decreases = self.decreases()
            decreases[picked] = -np.inf
            picked.append(random_argmax(decreases, rng))
            self.change(picked[-1], 1.0)
        while len(picked) > size:
            decreases = self.decreases(-1.0, np.array(picked))
            removed = picked.pop(random_argmax(decreases, rng))
            self.change(removed, -1.0)
        return np.array(picked, dtype=np.intp)

    def change(self, row: int, sign: float) -> None:
        """Add a row to A (``sign`` 1) or remove it (−1)."""
        # With U = A⁻¹Xᵀ, R = A⁻¹FA⁻¹Xᵀ and W = ±(I ± XU)⁻¹ of the row that changes, the Woodbury identity gives
        #   A⁻¹ ← A⁻¹ − UWUᵀ   and   A⁻¹FA⁻¹ ← A⁻¹FA⁻¹ + UW(XR)WUᵀ − UWRᵀ − RWUᵀ.
        # Multiplying both by X of another row from the left and Xᵀ from the right shows that its m×m matrices follow
        # from its products with U and R alone, which takes O(K·d·m) per row instead of O((K·d)²·m).
        x = np.kron(self._factors[row], self._embedding[row])
        u = self.inverse @ x.T
        r = self.between @ x.T
        weights = sign * np.linalg.inv(np.eye(len(x)) + sign * (x @ u))
        share = weights @ (x @ r) @ weights
        on_u, on_r = self._products(u), self._products(r)
        self._leverages -= on_u @ weights @ on_u.transpose(0, 2, 1)
        cross = on_u @ weights @ on_r.transpose(0, 2, 1)
        self._shares += on_u @ share @ on_u.transpose(0, 2, 1) - cross - cross.transpose(0, 2, 1)
        self.inverse -= u @ weights @ u.T
        crossed = u @ weights @ r.T
        self.between += u @ share @ u.T - crossed - crossed.T

    def _products(self, columns: Array) -> Array:
        """Return X·columns of each row, ``(n_rows, m, n_columns)``, without making X."""
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
            rows = slice(begin, begin + step)
            g, b = self._embedding[rows], self._factors[rows]
            left = np.einsum("nd,kdle->nkle", g, blocks, optimize=True)
            inner = np.einsum("nkle,ne->nkl", left, g, optimize=True)
            result[rows] = b @ inner @ b.transpose(0, 2, 1)
        return result


def softmax_information(probabilities: Array, embedding: Array) -> Array:
    """Return Σ (diag(p) − ppᵀ) ⊗ ggᵀ over rows, ``(K·d, K·d)``.

    >>> softmax_information(np.array([[0.5, 0.5]]), np.array([[2.0]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    n, k, d = len(probabilities), probabilities.shape[1], embedding.shape[1]
    weighted = (probabilities[:, :, None] * embedding[:, None, :]).reshape(n, k * d)
    information: Array = -(weighted.T @ weighted)
    for code in range(k):
        block = slice(code * d, (code + 1) * d)
        information[block, block] += weighted[:, block].T @ embedding
    return information


def information_factors(probabilities: Array, most: int) -> Array:
    """Return √p_c (e_c − p) for the ``most`` most probable classes c, ``(n_rows, m, n_classes)``.

    With all classes, the product BᵀB of these factors B is diag(p) − ppᵀ.
    """
    n, k = probabilities.shape
    m = min(k, most)
    top = np.argsort(-probabilities, axis=1, kind="stable")[:, :m]
    factors = np.repeat(-probabilities[:, None, :], m, axis=1)
    factors[np.arange(n)[:, None], np.arange(m), top] += 1.0
    return factors * np.sqrt(np.take_along_axis(probabilities, top, axis=1))[:, :, None]


def leading_directions(embedding: Features, most: int, rng: np.random.Generator) -> Array:
    """Return at most ``most`` coordinates of each row and a constant 1, ``(n_rows, ≤ most + 1)``.

    The coordinates are those of the embedding if there are at most ``most``, and otherwise its leading principal
    components. They are scaled to a mean square of 1.
    """
    points = unit_mean_square(make_points(embedding))
    values = points.values
    if values.shape[1] > most:
        seed = int(rng.integers(2**31 - 1))
        with np.errstate(invalid="ignore"):  # scikit-learn divides 0 by 0 if all features are constant
            reduced = TruncatedSVD(min(most, min(values.shape)), random_state=seed).fit_transform(values)
        values = unit_mean_square(make_points(reduced, centre=False)).values
    dense = np.asarray(values.toarray() if is_sparse(values) else values, dtype=np.float64)
    return np.column_stack([dense, np.ones(len(dense))])
