"""What the geometry needs of a pool: its points, its density, and the rows that count as covered."""

from __future__ import annotations

import numpy as np

from altune.geometry.balls import Graph, ball_graph, greedy_cover, pure_squared_radius, squared_to_other_cluster
from altune.geometry.clustering import kmeans
from altune.geometry.density import mean_similarity
from altune.geometry.designs import unit_mean_square
from altune.geometry.distances import Array, Points, make_points
from altune.pool import Features, Pool, Rows

LARGE_POOL = 5_000
"""Up to so many rows a graph of the whole pool is kept; beyond, one of a subpool is made when it is needed."""

PURITY_ROWS = 2_000


def pool_points(pool: Pool) -> Points:
    """Return the points of all pool rows, made once for each pool."""
    return pool.shared.get("geometry.points", lambda: make_points(pool.X))


def pool_similarity(pool: Pool) -> Array:
    """Return the mean similarity of each pool row to the pool, ``(n_rows,)``, computed once for each pool."""
    return pool.shared.get("geometry.similarity", lambda: mean_similarity(pool.X))


def covered_rows(pool: Pool) -> Rows:
    """Return the rows that were bought to learn from, sorted.

    A row that an audit dropped has been bought and seen, so it counts; rows held out for validation
    teach the model nothing, so they do not.
    """
    covered = np.ones(pool.n_rows, dtype=bool)
    covered[pool.candidates] = False
    covered[pool.held_out] = False
    return np.flatnonzero(covered)


def unit_points(pool: Pool) -> Points:
    """Return the points of all pool rows with a mean square of 1, made once for each pool."""
    return pool.shared.get("geometry.unit_points", lambda: unit_mean_square(pool_points(pool)))


def embedded(pool: Pool, rows: Rows) -> Features:
    """Return what the model in hand makes of rows: its embedding, or their features where it has none."""
    if pool.model is None:
        raise RuntimeError("there is no embedding before the first model is trained")
    return pool.model.embedding(pool.X[rows])


def draw_rows(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    """Return ``rows``, or ``most`` of them drawn at random in sorted order where there are more."""
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))


def pool_pure_radius(pool: Pool, purity: float) -> float:
    """Return the squared radius at which a share ``purity`` of the balls holds one k-means cluster only.

    There are as many clusters as classes. Of a pool of more than 2,000 rows, 2,000 are measured, against all.
    It depends on the features alone and is computed once for each pool: the draws come from a stream of its own.
    """
    squared = pool.shared.get("geometry.other_cluster", lambda: _squared_to_other_cluster(pool))
    return pure_squared_radius(squared, purity)


def pool_ball_graph(pool: Pool, squared_radius: float) -> Graph:
    """Return the graph of the balls around all rows of a pool of up to 5,000, made once for each radius."""
    points = pool_points(pool)
    return pool.shared.get(("geometry.balls", squared_radius), lambda: ball_graph(points, points, squared_radius))


def cover_rows(pool: Pool, size: int, squared_radius: float, most: int, rng: np.random.Generator) -> Rows:
    """Return ``size`` candidates whose balls cover the most rows that bought rows leave uncovered.

    Where the pool has more than ``most`` rows, a random ``most`` candidates compete and are to be covered.
    Rows held out for validation neither cover nor have to be covered.
    """
    bought = covered_rows(pool)
    if pool.n_rows <= min(most, LARGE_POOL):
        graph = pool_ball_graph(pool, squared_radius)
        covered = np.ones(pool.n_rows, dtype=bool)
        covered[pool.candidates] = False
        covered[graph[bought].indices] = True
        return pool.candidates[greedy_cover(graph[pool.candidates], covered, size, rng)]
    competing = draw_rows(pool.candidates, max(most, size), rng)
    points = pool_points(pool)
    wanted = points.take(competing)
    covered = np.zeros(len(competing), dtype=bool)
    covered[ball_graph(points.take(bought), wanted, squared_radius).indices] = True
    return competing[greedy_cover(ball_graph(wanted, wanted, squared_radius), covered, size, rng)]


def _squared_to_other_cluster(pool: Pool) -> Array:
    rng = np.random.default_rng(0)
    points = pool_points(pool)
    labels = kmeans(points, pool.n_classes, rng).labels
    rows = draw_rows(np.arange(pool.n_rows), PURITY_ROWS, rng)
    return squared_to_other_cluster(points.take(rows), labels[rows], points, labels)
