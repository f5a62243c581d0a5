"""Strategies that cover the pool with balls: by the features alone, or weighted against the model's margin."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array, Codes, RowNumbers
from altune.knobs.pool_geometry import cover_rows, draw_rows, pool_points, pool_pure_radius
from altune.knobs.query_strategy.base import QueryStrategy
from altune.knobs.query_strategy.subpool import SubpoolSize
from altune.numerics.geometry.balls import ball_graph
from altune.numerics.geometry.distances import Points, blocks, random_argmax, squared_distances


@register
class ProbCover(QueryStrategy):
    """ProbCover: greedily the row whose ball of radius δ covers the most rows outside the balls of the rows bought.

    δ is the largest radius at which a share α of all balls holds rows of one k-means cluster only, with as many
    clusters as classes. Once all rows are covered, random rows follow. If the pool has more than ``subpool`` rows, only
    the candidates considered have to be covered.
    """

    source = "Yehuda, Dekel, Hacohen, Weinshall, Active Learning Through a Covering Lens, NeurIPS 2022"

    method: Literal["probcover"] = "probcover"
    purity: float = Field(default=0.95, ge=0.5, le=1.0, description="share α of balls that hold one cluster only")
    subpool: SubpoolSize = 5000

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates whose balls cover the most uncovered rows."""
        return cover_rows(pool, size, pool_pure_radius(pool, self.purity), self.subpool, rng)


@register
class DCoM(QueryStrategy):
    """DCoM: the rows with the largest S·(1 − margin) + (1 − S)·degree, both scaled to [0, 1], S the model's competence.

    The ball of a labelled row is the largest one, up to the radius δ_max, in which a share τ = .2·c₀ + .4 of the rows
    is predicted as its label, c₀ the share of rows in the balls for τ = .4. With c the share of rows in all balls,
    S = (1 + e^{−k(1 − a)}) / (1 + e^{−k(c − a)}); the degree counts uncovered rows in a ball of the mean radius.
    Unlike the authors, who set δ_max by hand and each ball once, this uses ``reach`` times the radius of ``probcover``
    and recomputes all balls with the current model.
    """

    needs = frozenset({"class_scores"})
    source = "Mishal and Weinshall, DCoM: Active Learning for All Learners, arXiv 2407.01804, 2024"

    method: Literal["dcom"] = "dcom"
    purity: float = Field(default=0.95, ge=0.5, le=1.0, description="share α of balls that determines probcover's δ")
    reach: float = Field(default=1.5, ge=1.0, le=5.0, description="largest radius δ_max as a multiple of δ")
    steepness: float = Field(
        default=30.0, ge=1.0, le=100.0, description="steepness k of the competence as a function of the coverage"
    )
    midpoint: float = Field(
        default=0.9, ge=0.0, le=1.0, description="coverage a at which the competence is about one half"
    )
    subpool: SubpoolSize = 5000

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates by uncertainty and by the uncovered rows around them, weighted by the competence."""
        known = pool.known()
        rows = draw_rows(pool.candidates, max(self.subpool, size), rng)
        positions = np.searchsorted(pool.candidates, rows)
        all_points = pool_points(pool)
        points, labelled = all_points.take(rows), all_points.take(pool.labelled)
        limit = self.reach**2 * pool_pure_radius(pool, self.purity)
        balls = fitted_balls(labelled, pool.labels, points, known.predictions[positions], limit)
        competence = competence_of(balls.coverage, self.steepness, self.midpoint)
        graph = ball_graph(points, points, balls.mean_radius**2)
        uncertainty = scale_to_one(1.0 - known.margin[positions])
        return rows[pick_by_competence(graph, balls.covered, uncertainty, competence, size, rng)]


class Balls(NamedTuple):
    """The balls of the labelled rows: their mean radius, the points in them, and the share of all rows in them."""

    mean_radius: float
    covered: NDArray[np.bool_]
    coverage: float


def fitted_balls(labelled: Points, labels: Codes, points: Points, predicted: Codes, squared_limit: float) -> Balls:
    """Return the balls of the labelled rows, each the largest in which a share τ of the rows is predicted as its label.

    τ = .2·c₀ + .4, c₀ the share of rows in the balls for τ = .4.

    Parameters
    ----------
    labelled, labels : labelled points and their labels; each point is in its own ball.
    points, predicted : other points and the classes that the model predicts for them.
    squared_limit : square of the largest radius; ∞ for no limit.
    """
    first = _balls(labelled, labels, points, predicted, squared_limit, 0.4)
    return _balls(labelled, labels, points, predicted, squared_limit, 0.2 * first.coverage + 0.4)


def _balls(
    labelled: Points, labels: Codes, points: Points, predicted: Codes, squared_limit: float, purity: float
) -> Balls:
    covered = np.zeros(len(points), dtype=bool)
    radii: list[float] = []
    for block in blocks(len(labelled), len(points)):
        squared = squared_distances(labelled.take(block), points)
        for distances, label in zip(squared, labels[block], strict=True):
            radius, inside = _pure_ball(distances, predicted == label, purity, squared_limit)
            covered[inside] = True
            radii.append(radius)
    coverage = float((covered.sum() + len(labelled)) / (len(points) + len(labelled)))
    return Balls(float(np.mean(radii)) if radii else float(np.sqrt(squared_limit)), covered, coverage)


def _pure_ball(squared: Array, same: NDArray[np.bool_], purity: float, limit: float) -> tuple[float, RowNumbers]:
    """Return the radius and the points of the largest ball in which a share ``purity`` is ``same``, centre included."""
    inside = np.flatnonzero(squared < limit)
    inside = inside[np.argsort(squared[inside], kind="stable")]
    reached = squared[inside]
    share = (1.0 + np.cumsum(same[inside])) / (2.0 + np.arange(len(inside)))
    # A ball holds all points at one distance or none of them.
    ends = np.append(reached[1:] > reached[:-1], True) if len(inside) else np.empty(0, dtype=bool)
    pure = np.flatnonzero((share >= purity) & ends)
    if len(pure) == 0:
        return (float(np.sqrt(reached[0])) if len(inside) else float(np.sqrt(limit))), inside[:0]
    last = int(pure[-1])
    border = limit if last + 1 == len(inside) else reached[last + 1]
    return float(np.sqrt(border)), inside[: last + 1]


def competence_of(coverage: float, steepness: float, midpoint: float) -> float:
    """Return S(c) = (1 + e^{−k(1 − a)}) / (1 + e^{−k(c − a)}), 1 at full coverage.

    >>> competence_of(1.0, 30.0, 0.9), round(competence_of(0.9, 30.0, 0.9), 3)
    (1.0, 0.525)
    """
    return float((1.0 + np.exp(-steepness * (1.0 - midpoint))) / (1.0 + np.exp(-steepness * (coverage - midpoint))))


def pick_by_competence(
    graph: sparse.csr_array,
    covered: NDArray[np.bool_],
    uncertainty: Array,
    competence: float,
    size: int,
    rng: np.random.Generator,
) -> RowNumbers:
    """Select points greedily by S·uncertainty + (1 − S)·degree, the degree scaled to [0, 1] before each selection.

    Parameters
    ----------
    graph : points that the ball of each point holds, ``(n_points, n_points)``, symmetric.
    covered : whether each point is covered already, ``(n_points,)``.
    uncertainty : in [0, 1], ``(n_points,)``.
    competence : S in [0, 1].
    """
    uncovered = ~covered
    degrees = np.asarray(graph @ uncovered.astype(np.int64), dtype=np.float64)
    picked = np.empty(min(size, graph.shape[0]), dtype=np.intp)
    for turn in range(len(picked)):
        value = competence * uncertainty + (1.0 - competence) * scale_to_one(degrees)
        value[picked[:turn]] = -np.inf
        pick = picked[turn] = random_argmax(value, rng)
        inside = graph.indices[graph.indptr[pick] : graph.indptr[pick + 1]]
        fresh = inside[uncovered[inside]]
        uncovered[fresh] = False
        degrees -= np.bincount(graph[fresh].indices, minlength=len(degrees))
    return picked


def scale_to_one(values: Array) -> Array:
    """Return the values shifted and scaled to [0, 1]; all 0 if they are equal.

    >>> scale_to_one(np.array([1.0, 3.0, 2.0])).tolist()
    [0.0, 1.0, 0.5]
    """
    low = values.min(initial=np.inf)
    span = values.max(initial=-np.inf) - low
    return (values - low) / span if span > 0 else np.zeros(len(values))
