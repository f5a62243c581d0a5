"""Strategies that cover the pool by balls, with and without an eye on the model's margin."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from altune.core.needs import Need
from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import RowNumbers
from altune.knobs.pool_geometry import cover_rows, draw_rows, pool_points, pool_pure_radius
from altune.knobs.query_strategy.base import QueryStrategy
from altune.numerics.geometry.balls import ball_graph
from altune.numerics.geometry.distances import Points, blocks, random_argmax, squared_distances

Array = NDArray[np.float64]


@register
class ProbCover(QueryStrategy):
    """ProbCover: greedily the row whose ball of radius δ covers the most rows that no bought row's ball does.

    δ is the largest radius at which a share α of all balls holds rows of one k-means cluster only (as many
    clusters as classes); it and the balls depend on the features alone. Once all is covered, rows are random.
    """

    source: ClassVar[str] = "Yehuda, Dekel, Hacohen, Weinshall, Active Learning Through a Covering Lens, NeurIPS 2022"

    method: Literal["probcover"] = "probcover"
    purity: float = Field(default=0.95, ge=0.5, le=1.0, description="α, the share of balls that must be pure")
    subpool: int = Field(
        default=5000, ge=10, le=5000, description="in larger pools, random candidates that compete and are covered"
    )

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates whose balls cover much of what is left uncovered."""
        return cover_rows(pool, size, pool_pure_radius(pool, self.purity), self.subpool, rng)


@register
class DCoM(QueryStrategy):
    """DCoM: S·(1 − margin) + (1 − S)·degree, both scaled to [0, 1], S the competence by coverage.

    Each labelled row has a ball of its own: the largest radius up to δ_max at which a share τ of the rows in it
    is predicted as the row's label, τ = .2·coverage + .4 (the coverage at τ = .4).
    S = (1 + e^{−k(1 − a)}) / (1 + e^{−k(c − a)}) for the share c of rows in these balls. The degree counts
    uncovered rows in a ball of the mean radius; it falls as rows are picked. The authors set δ_max by hand;
    here it is ``reach`` times ProbCover's δ. They set each ball once, after its row was bought; here all
    follow the model in hand.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "Mishal and Weinshall, DCoM: Active Learning for All Learners, arXiv 2407.01804, 2024"

    method: Literal["dcom"] = "dcom"
    purity: float = Field(default=0.95, ge=0.5, le=1.0, description="α of ProbCover's δ")
    reach: float = Field(default=1.5, ge=1.0, le=5.0, description="δ_max as a multiple of ProbCover's δ")
    steepness: float = Field(default=30.0, ge=1.0, le=100.0, description="k, how sharply competence sets in")
    midpoint: float = Field(default=0.9, ge=0.0, le=1.0, description="a, the coverage at which competence is half")
    subpool: int = Field(
        default=5000, ge=10, le=5000, description="in larger pools, random candidates that compete and are covered"
    )

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates that are uncertain, typical of uncovered places, or both, as competence has it."""
        known = pool.known()
        rows = draw_rows(pool.candidates, max(self.subpool, size), rng)
        here = np.searchsorted(pool.candidates, rows)
        everything = pool_points(pool)
        points, labelled = everything.take(rows), everything.take(pool.labelled)
        limit = self.reach**2 * pool_pure_radius(pool, self.purity)
        balls = fitted_balls(labelled, pool.labels, points, known.predictions[here], limit)
        competence = competence_of(balls.coverage, self.steepness, self.midpoint)
        graph = ball_graph(points, points, balls.mean_radius**2)
        uncertainty = scale_to_one(1.0 - known.margin[here])
        return rows[pick_by_competence(graph, balls.covered, uncertainty, competence, size, rng)]


class Balls(NamedTuple):
    """The balls of labelled rows: their mean radius, which points they hold, and the share of all rows held."""

    mean_radius: float
    covered: NDArray[np.bool_]
    coverage: float


def fitted_balls(
    labelled: Points, labels: RowNumbers, points: Points, predicted: RowNumbers, squared_limit: float
) -> Balls:
    """Return the balls of labelled rows, each the largest that is pure enough for what they cover together.

    Parameters
    ----------
    labelled, labels : labelled points and their labels; each point is in its own ball.
    points, predicted : the other points and the classes that the model predicts for them.
    squared_limit : square of the largest radius, ∞ for no limit.
    """
    first = _balls(labelled, labels, points, predicted, squared_limit, 0.4)
    return _balls(labelled, labels, points, predicted, squared_limit, 0.2 * first.coverage + 0.4)


def _balls(
    labelled: Points, labels: RowNumbers, points: Points, predicted: RowNumbers, squared_limit: float, purity: float
) -> Balls:
    covered = np.zeros(len(points), dtype=bool)
    radii: list[float] = []
    for block in blocks(len(labelled), len(points)):
        squared = squared_distances(Points(labelled.values[block], labelled.norms[block]), points)
        for distances, label in zip(squared, labels[block], strict=True):
            radius, inside = _pure_ball(distances, predicted == label, purity, squared_limit)
            covered[inside] = True
            radii.append(radius)
    coverage = float((covered.sum() + len(labelled)) / (len(points) + len(labelled)))
    return Balls(float(np.mean(radii)) if radii else float(np.sqrt(squared_limit)), covered, coverage)


def _pure_ball(squared: Array, same: NDArray[np.bool_], purity: float, limit: float) -> tuple[float, RowNumbers]:
    """Return the radius of the largest ball, centre included, of which a share ``purity`` is ``same``, and its rows."""
    inside = np.flatnonzero(squared < limit)
    inside = inside[np.argsort(squared[inside], kind="stable")]
    reached = squared[inside]
    share = (1.0 + np.cumsum(same[inside])) / (2.0 + np.arange(len(inside)))
    # a ball cannot end between points at the same distance
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
    """Pick points one by one by S·uncertainty + (1 − S)·degree, the degree scaled to [0, 1] at each pick.

    Parameters
    ----------
    graph : which points the ball of each holds, ``(n_points, n_points)``, symmetric.
    covered : what is covered already, ``(n_points,)``.
    uncertainty : in [0, 1], ``(n_points,)``.
    competence : S in [0, 1].
    size : points wanted; all of them where there are fewer.
    rng : breaks ties.
    """
    open_ = ~covered
    degrees = np.asarray(graph @ open_.astype(np.int64), dtype=np.float64)
    picked = np.empty(min(size, graph.shape[0]), dtype=np.intp)
    for turn in range(len(picked)):
        value = competence * uncertainty + (1.0 - competence) * scale_to_one(degrees)
        value[picked[:turn]] = -np.inf
        pick = picked[turn] = random_argmax(value, rng)
        inside = graph.indices[graph.indptr[pick] : graph.indptr[pick + 1]]
        fresh = inside[open_[inside]]
        open_[fresh] = False
        degrees -= np.bincount(graph[fresh].indices, minlength=len(degrees))
    return picked


def scale_to_one(values: Array) -> Array:
    """Return values moved and scaled to [0, 1]; all 0 where they are alike.

    >>> scale_to_one(np.array([1.0, 3.0, 2.0])).tolist()
    [0.0, 1.0, 0.5]
    """
    low = values.min(initial=np.inf)
    span = values.max(initial=-np.inf) - low
    return (values - low) / span if span > 0 else np.zeros(len(values))
