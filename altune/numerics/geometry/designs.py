"""Optimal experimental design for a linear model: D-optimal rows and leverage scores.

Features are scaled to a mean square of 1 first, so that a ridge of 1 means the same on every pool.
"""

from __future__ import annotations

import numpy as np

from altune.core.types import Array, Features, RowNumbers
from altune.numerics.geometry.distances import Points, inner_products, is_sparse, random_argmax

MOST_COLUMNS = 5_000
"""Up to this number of features leverage is exact; beyond, it is measured against this number of random rows."""


def unit_mean_square(points: Points) -> Points:
    """Return points divided by the root of their mean squared entry; standardised features do not change.

    >>> from altune.numerics.geometry.distances import make_points
    >>> unit_mean_square(make_points(np.array([[-2.0], [2.0]]))).values.tolist()
    [[-1.0], [1.0]]
    """
    cells = points.values.shape[0] * points.values.shape[1]
    mean = float(points.norms.sum()) / max(1, cells)
    scale = 1.0 / np.sqrt(mean) if mean > 0 else 1.0
    return Points(points.values * scale, points.norms * scale**2)


def d_optimal_points(points: Points, covered: Points, size: int, ridge: float, rng: np.random.Generator) -> RowNumbers:
    """Select points greedily, each with the largest log(1 + xᵀA⁻¹x), A = λI + Σ xxᵀ over the covered and selected ones.

    This maximises log det A greedily.

    Parameters
    ----------
    points : points that may be selected.
    covered : points that are in A from the start.
    ridge : λ > 0.
    """
    # By the Sherman–Morrison formula A⁻¹ = I/λ − Σ vvᵀ with one vector v = A⁻¹x / √(1 + xᵀA⁻¹x) per point x in A.
    # The gains are therefore updated by squared products with v, in O(N·d), and no d×d matrix is made.
    gains = points.norms / ridge
    size = min(size, len(points))
    directions = np.zeros((len(covered) + size, points.values.shape[1]))
    for turn in range(len(covered)):
        gains = gains - _add(directions, turn, covered, turn, points, ridge)
    picked = np.empty(size, dtype=np.intp)
    for turn in range(size):
        pick = random_argmax(gains, rng)
        picked[turn] = pick
        gains = gains - _add(directions, len(covered) + turn, points, pick, points, ridge)
        gains[pick] = -np.inf
    return picked


def _add(directions: Array, turn: int, source: Points, position: int, points: Points, ridge: float) -> Array:
    """Store v of one more point in ``directions`` and return by how much xᵀA⁻¹x of each point decreases."""
    row = _dense_rows(source.values[position : position + 1])[0]
    earlier = directions[:turn]
    v = row / ridge - earlier.T @ (earlier @ row)
    v = v / np.sqrt(1.0 + max(0.0, float(row @ v)))
    directions[turn] = v
    return np.asarray(points.values @ v, dtype=np.float64) ** 2


def leverage_scores(points: Points, ridge: float, rng: np.random.Generator) -> Array:
    """Return xᵀ(XᵀX + λI)⁻¹x of each row x of X, ``(n_points,)``, in (0, 1) for ridge > 0 and x ≠ 0.

    Exact for up to 5,000 features. Beyond, X in the inverse is a random sample of 5,000 rows.

    Notes
    -----
    M. Mahoney, *Randomized Algorithms for Matrices and Data*, 2011.
    """
    values = points.values
    n, d = values.shape
    if d <= min(n, MOST_COLUMNS):
        gram = values.T @ values
        gram = gram.toarray() if is_sparse(gram) else gram
        factor = np.linalg.cholesky(gram + ridge * np.eye(d))
        inverse = np.linalg.inv(factor)
        return np.asarray(_squared_products(values, inverse), dtype=np.float64)
    sample = values if n <= MOST_COLUMNS else values[np.sort(rng.choice(n, MOST_COLUMNS, replace=False))]
    # (λI + RᵀR)⁻¹ = (I − Rᵀ(λI + RRᵀ)⁻¹R) / λ: with more features than rows, the smaller matrix RRᵀ is inverted.
    factor = np.linalg.cholesky(inner_products(sample, sample) + ridge * np.eye(sample.shape[0]))
    explained = np.empty(n)
    step = max(1, 2**22 // sample.shape[0])
    for start in range(0, n, step):
        block = slice(start, start + step)
        solved = np.linalg.solve(factor, inner_products(sample, values[block]))
        explained[block] = np.einsum("ij,ij->j", solved, solved)
    return np.maximum(points.norms - explained, 0.0) / ridge


def _squared_products(values: Features, matrix: Array) -> Array:
    products = np.asarray(values @ matrix.T, dtype=np.float64)
    result: Array = np.einsum("ij,ij->i", products, products)
    return result


def _dense_rows(values: Features) -> Array:
    return np.asarray(values.toarray() if is_sparse(values) else values, dtype=np.float64)
