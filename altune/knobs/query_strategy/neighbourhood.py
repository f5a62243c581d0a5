"""Strategies that compare a row with the labelled ones around it."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import cholesky, solve_triangular
from sklearn.linear_model import LogisticRegression

from altune.core.needs import Need
from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Features, RowNumbers
from altune.knobs.pool_geometry import covered_rows, draw_rows, embedded, unit_points
from altune.knobs.query_strategy.base import QueryStrategy, ScoreStrategy, largest
from altune.numerics.geometry.designs import unit_mean_square
from altune.numerics.geometry.distances import Points, blocks, make_points, squared_distances
from altune.numerics.geometry.neighbours import nearest_neighbours

Array = NDArray[np.float64]
LEAST_PROBABILITY = 1e-7


@register
class Contrastive(ScoreStrategy):
    """Contrastive active learning: the mean of KL(p(x′) ‖ p(x)) over the k labelled rows x′ nearest to x.

    High where the model says other things of rows that lie close together, by its embedding.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "Margatina, Vernikos, Barrault, Aletras, Contrastive Active Learning, EMNLP 2021"

    method: Literal["contrastive"] = "contrastive"
    neighbours: int = Field(default=10, ge=1, le=200, description="k, labelled rows that are compared with")

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the mean divergence of each candidate; 0 where nothing is labelled."""
        if pool.model is None or len(pool.labelled) == 0:
            return np.zeros(len(pool.candidates))
        rows = np.concatenate([pool.candidates, pool.labelled])
        points = make_points(embedded(pool, rows))
        n = len(pool.candidates)
        near = nearest_neighbours(points.take(np.arange(n)), points.take(np.arange(n, len(rows))), self.neighbours)
        known = pool.model.class_scores(pool.X[pool.labelled])
        return mean_divergence(known, near.positions, pool.known().probabilities)


@register
class Quire(ScoreStrategy):
    """QUIRE: the row with the smallest kernel ridge objective, its own label at the worst and all others at the best.

    For two classes it is (1 + |f|)² / v, f the prediction on the labels so far (±1) and v = k(x, x) + λ −
    kᵀ(K + λI)⁻¹k the variance there: unsure, and far from what is labelled. For more classes it is the largest of
    (1 − f_c)² / v + yᵀ(K + λI)⁻¹y over each class c against the rest. This is the published formula with the
    unlabelled labels minimised out in closed form (the inverse of a block of an inverse), in O(n²) a row for n
    labelled ones where the published form takes O(N³). The kernel is exp(−γ‖x − x′‖² / (d·m)), m the mean
    square of a feature.
    """

    source: ClassVar[str] = (
        "Huang, Jin, Zhou, Active Learning by Querying Informative and Representative Examples, NeurIPS 2010"
    )

    method: Literal["quire"] = "quire"
    ridge: float = Field(default=1.0, ge=1e-4, le=1e4, description="λ of the kernel ridge regression")
    gamma: float = Field(default=1.0, ge=1e-3, le=1e3, description="γ, inverse squared width of the kernel")

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return minus the objective of each candidate."""
        points = unit_points(pool)
        labelled = points.take(pool.labelled)
        signs = np.where(pool.labels[:, None] == np.arange(pool.n_classes), 1.0, -1.0)
        width = self.gamma / max(1, pool.X.shape[1])
        return -quire_objective(labelled, signs, points.take(pool.candidates), width, self.ridge)


@register
class Discriminative(QueryStrategy):
    """Discriminative active learning: the rows that look least like the labelled ones.

    A logistic regression on the embedding tells labelled from unlabelled rows; the surest unlabelled ones are taken
    in sub-batches, each counted as labelled when the regression is fitted for the next.
    """

    source: ClassVar[str] = "Gissin and Shalev-Shwartz, Discriminative Active Learning, arXiv 1907.06347, 2019"

    method: Literal["discriminative"] = "discriminative"
    sub_batches: int = Field(default=10, ge=1, le=100, description="parts in which a loop's rows are taken")
    C: float = Field(default=1.0, ge=1e-4, le=1e4, description="inverse strength of the regression's L2 penalty")
    subpool: int = Field(default=5000, ge=10, le=5000, description="in larger pools, random candidates that compete")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates that the labelled rows say least of."""
        size = min(size, len(pool.candidates))
        rows = draw_rows(pool.candidates, max(self.subpool, size), rng)
        bought = covered_rows(pool)
        points = unit_mean_square(make_points(embedded(pool, np.concatenate([bought, rows]))))
        labelled = np.arange(len(points)) < len(bought)
        picked: list[RowNumbers] = []
        for part in np.array_split(np.arange(size), min(self.sub_batches, size)):
            scores = unlabelled_scores(points.values, labelled, self.C)
            left = np.flatnonzero(~labelled)
            picked.append(left[largest(scores[left], len(part), rng)])
            labelled[picked[-1]] = True
        return rows[np.concatenate(picked) - len(bought)]


def mean_divergence(known: Array, neighbours: NDArray[np.intp], probabilities: Array) -> Array:
    """Return the mean over k neighbours of KL(p_neighbour ‖ p), ``(n_rows,)``, in nats.

    Parameters
    ----------
    known : probabilities of the labelled rows, ``(n_labelled, n_classes)``; clipped at 1e-7, as are the others.
    neighbours : positions among them of each row's neighbours, ``(n_rows, k)``.
    probabilities : of the rows, ``(n_rows, n_classes)``.
    """
    ours, theirs = _clipped(probabilities), _clipped(known)
    # Σ q ln q − Σ q ln p, so that no (n_rows, k, n_classes) array is made
    own = np.einsum("ij,ij->i", theirs, np.log(theirs))
    mean_known = np.stack([theirs[:, c][neighbours].mean(axis=1) for c in range(theirs.shape[1])], axis=1)
    result: Array = own[neighbours].mean(axis=1) - np.einsum("ij,ij->i", mean_known, np.log(ours))
    return result


def quire_objective(labelled: Points, signs: Array, points: Points, width: float, ridge: float) -> Array:
    """Return max_c y_cᵀ(K + λI)⁻¹y_c over labelled rows and one point, labelled +1 of class c, ``(n_points,)``.

    Parameters
    ----------
    labelled : points with labels.
    signs : +1 for a row's class, −1 for others, ``(n_labelled, n_classes)``.
    points : what may be picked.
    width : γ of the kernel exp(−γd²).
    ridge : λ > 0.
    """
    kernel = np.exp(-width * squared_distances(labelled, labelled))
    factor = cholesky(kernel + ridge * np.eye(len(labelled)), lower=True)
    targets = solve_triangular(factor, signs, lower=True)
    base = (targets**2).sum(axis=0)
    objective = np.empty(len(points))
    for block in blocks(len(points), max(1, len(labelled))):
        part = Points(points.values[block], points.norms[block])
        solved = solve_triangular(factor, np.exp(-width * squared_distances(labelled, part)), lower=True)
        variance = np.maximum(1.0 + ridge - (solved**2).sum(axis=0), 1e-12)
        predicted = solved.T @ targets
        objective[block] = (base + (1.0 - predicted) ** 2 / variance[:, None]).max(axis=1)
    return objective


def unlabelled_scores(X: Features, labelled: NDArray[np.bool_], C: float) -> Array:
    """Return how surely a logistic regression takes each row for an unlabelled one, ``(n_rows,)``.

    It is the log-odds: probabilities near 1 would tie by rounding. All 0 where one of both kinds is missing.
    """
    if labelled.all() or not labelled.any():
        return np.zeros(len(labelled))
    regression = LogisticRegression(C=C, max_iter=1000).fit(X, ~labelled)
    return np.asarray(regression.decision_function(X), dtype=np.float64)


def _clipped(probabilities: Array) -> Array:
    clipped = np.clip(probabilities, LEAST_PROBABILITY, 1.0)
    scaled: Array = clipped / clipped.sum(axis=1, keepdims=True)
    return scaled
