"""Strategies that compare a row with the labelled rows around it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import cholesky, solve_triangular
from sklearn.linear_model import LogisticRegression

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array, Features, RowNumbers
from altune.knobs.pool_geometry import covered_rows, draw_rows, embedded, unit_points
from altune.knobs.query_strategy.base import QueryStrategy, ScoreStrategy, largest
from altune.knobs.query_strategy.subpool import SubpoolSize
from altune.numerics.geometry.designs import unit_mean_square
from altune.numerics.geometry.distances import Points, blocks, make_points, squared_distances
from altune.numerics.geometry.neighbours import nearest_neighbours
from altune.numerics.row_scores import mean_neighbour_divergence


@register
class Contrastive(ScoreStrategy):
    """Contrastive active learning: the mean of KL(p(x′) ‖ p(x)) over the k labelled rows x′ nearest to x.

    Distances are those of the model's embedding. The score is large where the predictions for similar rows differ.
    """

    needs = frozenset({"class_scores"})
    source = "Margatina, Vernikos, Barrault, Aletras, Contrastive Active Learning, EMNLP 2021"

    method: Literal["contrastive"] = "contrastive"
    neighbours: int = Field(default=10, ge=1, le=200, description="number k of nearest labelled rows")

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the mean divergence of each candidate; 0 if there is no labelled row."""
        if pool.model is None or len(pool.labelled) == 0:
            return np.zeros(len(pool.candidates))
        rows = np.concatenate([pool.candidates, pool.labelled])
        points = make_points(embedded(pool, rows))
        n = len(pool.candidates)
        near = nearest_neighbours(points.take(np.arange(n)), points.take(np.arange(n, len(rows))), self.neighbours)
        labelled = pool.model.class_scores(pool.inputs[pool.labelled])
        return mean_neighbour_divergence(labelled, near.positions, pool.known().probabilities)


@register
class Quire(ScoreStrategy):
    """QUIRE: the row whose label, at its worst, gives the smallest kernel ridge objective.

    For two classes the objective is (1 + |f|)² / v, with f the prediction from the labels so far (±1) and
    v = k(x, x) + λ − kᵀ(K + λI)⁻¹k the variance; it is small for uncertain rows far from labelled ones. For more
    classes it is the largest of (1 − f_c)² / v + yᵀ(K + λI)⁻¹y over the classes c against the rest. The kernel is
    exp(−γ‖x − x′‖² / (d·m)), d the number of features and m their mean square.
    """

    source = "Huang, Jin, Zhou, Active Learning by Querying Informative and Representative Examples, NeurIPS 2010"

    method: Literal["quire"] = "quire"
    ridge: float = Field(default=1.0, ge=1e-4, le=1e4, description="ridge λ of the kernel regression")
    gamma: float = Field(default=1.0, ge=1e-3, le=1e3, description="inverse squared width γ of the kernel")

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the objective of each candidate, times −1."""
        points = unit_points(pool)
        labelled = points.take(pool.labelled)
        signs = np.where(pool.labels[:, None] == np.arange(pool.n_classes), 1.0, -1.0)
        width = self.gamma / max(1, pool.X.shape[1])
        return -quire_objective(labelled, signs, points.take(pool.candidates), width, self.ridge)


@register
class Discriminative(QueryStrategy):
    """Discriminative active learning: the rows that a classifier can best tell apart from the labelled ones.

    A logistic regression on the embedding separates labelled from unlabelled rows, and the rows that are most certainly
    unlabelled are selected. This is done in sub-batches; each counts as labelled when the next regression is fitted.
    """

    source = "Gissin and Shalev-Shwartz, Discriminative Active Learning, arXiv 1907.06347, 2019"

    method: Literal["discriminative"] = "discriminative"
    sub_batches: int = Field(default=10, ge=1, le=100, description="number of sub-batches in a loop")
    C: float = Field(default=1.0, ge=1e-4, le=1e4, description="inverse strength of the regression's L2 penalty")
    subpool: SubpoolSize = 5000

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the candidates that differ most from the labelled rows."""
        size = min(size, len(pool.candidates))
        rows = draw_rows(pool.candidates, max(self.subpool, size), rng)
        bought = covered_rows(pool)
        points = unit_mean_square(make_points(embedded(pool, np.concatenate([bought, rows]))))
        labelled = np.arange(len(points)) < len(bought)
        picked: list[RowNumbers] = []
        for sub_batch in np.array_split(np.arange(size), min(self.sub_batches, size)):
            scores = unlabelled_scores(points.values, labelled, self.C)
            remaining = np.flatnonzero(~labelled)
            picked.append(remaining[largest(scores[remaining], len(sub_batch), rng)])
            labelled[picked[-1]] = True
        return rows[np.concatenate(picked) - len(bought)]


def quire_objective(labelled: Points, signs: Array, points: Points, width: float, ridge: float) -> Array:
    """Return max_c y_cᵀ(K + λI)⁻¹y_c over labelled rows and one point, labelled +1 of class c, ``(n_points,)``.

    Parameters
    ----------
    labelled : labelled points.
    signs : +1 for the class of a row and −1 for all others, ``(n_labelled, n_classes)``.
    points : points that may be selected.
    width : γ of the kernel exp(−γd²).
    ridge : λ > 0.
    """
    # The published objective is yᵀ(K + λI)⁻¹y over the whole pool, minimised over the labels of all other unlabelled
    # rows, in O(N³). The inverse of a block of an inverse gives this minimum in closed form: it is the same quadratic
    # form over the labelled rows and the point alone. All points share the Cholesky factor of the labelled block, so
    # that a point takes O(n²).
    kernel = np.exp(-width * squared_distances(labelled, labelled))
    factor = cholesky(kernel + ridge * np.eye(len(labelled)), lower=True)
    targets = solve_triangular(factor, signs, lower=True)
    base = (targets**2).sum(axis=0)
    objective = np.empty(len(points))
    for block in blocks(len(points), max(1, len(labelled))):
        near = np.exp(-width * squared_distances(labelled, points.take(block)))
        solved = solve_triangular(factor, near, lower=True)
        variance = np.maximum(1.0 + ridge - (solved**2).sum(axis=0), 1e-12)
        predicted = solved.T @ targets
        objective[block] = (base + (1.0 - predicted) ** 2 / variance[:, None]).max(axis=1)
    return objective


def unlabelled_scores(X: Features, labelled: NDArray[np.bool_], C: float) -> Array:
    """Return the log-odds by a logistic regression that each row is unlabelled, ``(n_rows,)``.

    Log-odds, because probabilities near 1 would be tied by rounding. All are 0 if every row or no row is labelled.
    """
    if labelled.all() or not labelled.any():
        return np.zeros(len(labelled))
    regression = LogisticRegression(C=C, max_iter=1000).fit(X, ~labelled)
    return np.asarray(regression.decision_function(X), dtype=np.float64)
