"""Helpers over a pool that several knobs share: its model, points, clusters, balls, densities and covered rows.

Functions of :mod:`altune.numerics.geometry` take arrays. Those here take a :class:`~altune.core.pool.Pool` and keep
what depends on the features alone in ``pool.shared``, so that it is computed once for all trajectories of a block, and
what depends on the rows bought in ``pool.memory``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from altune.core.pool import Pool
from altune.core.types import Array, Features, RowNumbers, TrainedModel
from altune.numerics.geometry.balls import (
    Graph,
    ball_graph,
    ball_graph_of,
    columns_of,
    greedy_cover,
    nearest_of_other_cluster,
    pure_squared_radius,
    squared_to_other_cluster,
)
from altune.numerics.geometry.clustering import kmeans, kmeans_from
from altune.numerics.geometry.covering import distances_to, farthest_of
from altune.numerics.geometry.density import mean_similarity
from altune.numerics.geometry.designs import unit_mean_square
from altune.numerics.geometry.distances import Points, make_points, squared_distances, squared_to_nearest
from altune.numerics.geometry.seeding import Seeding
from altune.numerics.geometry.typicality import MOST_CLUSTERS, typical_rows, typicality, typicality_of_pairs

LARGE_POOL = 5_000
"""Up to this number of rows a graph of the whole pool is kept; beyond, one of a subpool is made when it is needed."""

PURITY_ROWS = 2_000
"""Rows on which the purity of balls is measured, at most."""

PAIRED_ROWS = 2_048
"""Up to this number of rows the distances of all pairs are kept, 32 MiB."""

SHARED_BYTES = 64 * 2**20
"""Up to this number of bytes a second copy of the features is kept for all loops."""


def pool_points(pool: Pool) -> Points:
    """Return the points of all pool rows."""
    return pool.shared.get("geometry.points", lambda: make_points(pool.X))


def unit_points(pool: Pool) -> Points:
    """Return the points of all pool rows, scaled to a mean square of 1."""
    return pool.shared.get("geometry.unit_points", lambda: unit_mean_square(pool_points(pool)))


def pool_similarity(pool: Pool) -> Array:
    """Return the mean similarity of each pool row to the pool, ``(n_rows,)``."""
    return pool.shared.get("geometry.similarity", lambda: mean_similarity(pool.X))


def pool_pairs(pool: Pool) -> Array | None:
    """Return the squared distances of all pairs of rows, ``(n_rows, n_rows)``; None for more than 2,048 rows."""
    if pool.n_rows > PAIRED_ROWS:
        return None
    points = pool_points(pool)
    return pool.shared.get("geometry.pairs", lambda: squared_distances(points, points))


def covered_rows(pool: Pool) -> RowNumbers:
    """Return the rows that were bought to train on, sorted.

    A row that an audit dropped was bought, so it counts. Rows held out for validation do not: no model is trained on
    them.
    """
    covered = np.ones(pool.n_rows, dtype=bool)
    covered[pool.candidates] = False
    covered[pool.held_out] = False
    return np.flatnonzero(covered)


def draw_rows(rows: RowNumbers, most: int, rng: np.random.Generator) -> RowNumbers:
    """Return ``rows``, or ``most`` of them drawn at random and sorted if there are more."""
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))


# The current model and its embedding


def current_model(pool: Pool) -> TrainedModel:
    """Return the current model of the pool."""
    if pool.model is None:
        raise RuntimeError("the pool has no trained model yet")
    return pool.model


def embedded(pool: Pool, rows: RowNumbers) -> Features:
    """Return the current model's embedding of rows, or their features if the model has none."""
    return current_model(pool).embedding(pool.inputs[rows])


def embedded_points(pool: Pool) -> Points:
    """Return the points of the candidates in the current model's embedding, scaled but not centred.

    If the model has no embedding and the pool's features take at most 64 MiB, all loops use the same points.
    """
    model = current_model(pool)
    if model.embeds or not _is_small(pool.X):
        return make_points(model.embedding(pool.known().inputs), centre=False)
    uncentred = pool.shared.get("geometry.uncentred", lambda: make_points(pool.X, centre=False))
    return uncentred.take(pool.candidates)


def _is_small(X: Features) -> bool:
    return int((X if isinstance(X, np.ndarray) else X.data).nbytes) <= SHARED_BYTES


# Balls


def pool_pure_radius(pool: Pool, purity: float) -> float:
    """Return the squared radius at which a share ``purity`` of the balls holds rows of one k-means cluster only.

    There are as many clusters as classes. In a pool of more than 2,000 rows, the balls around 2,000 random rows are
    measured. The radius depends on the features alone: its random draws come from a stream of its own.
    """
    squared = pool.shared.get("geometry.other_cluster", lambda: _squared_to_other_cluster(pool))
    return pure_squared_radius(squared, purity)


def _squared_to_other_cluster(pool: Pool) -> Array:
    rng = np.random.default_rng(0)
    points = pool_points(pool)
    labels = kmeans(points, pool.n_classes, rng).labels
    rows, pairs = draw_rows(np.arange(pool.n_rows), PURITY_ROWS, rng), pool_pairs(pool)
    if pairs is not None:
        return nearest_of_other_cluster(pairs[rows], labels[rows], labels)
    return squared_to_other_cluster(points.take(rows), labels[rows], points, labels)


def pool_ball_graph(pool: Pool, squared_radius: float) -> Graph:
    """Return the graph of the balls around all rows of a pool of up to 5,000 rows, made once for each radius."""
    points, pairs = pool_points(pool), pool_pairs(pool)

    def build() -> Graph:
        if pairs is None:
            return ball_graph(points, points, squared_radius)
        return ball_graph_of([pairs], len(points), squared_radius)

    return pool.shared.get(("geometry.balls", squared_radius), build)


def cover_rows(pool: Pool, size: int, squared_radius: float, most: int, rng: np.random.Generator) -> RowNumbers:
    """Select ``size`` candidates whose balls cover the most rows outside the balls of the rows bought.

    If the pool has more than ``most`` rows, a random ``most`` candidates compete, and only they have to be covered.
    Rows held out for validation neither cover others nor have to be covered.
    """
    bought = covered_rows(pool)
    if pool.n_rows <= min(most, LARGE_POOL):
        graph = pool_ball_graph(pool, squared_radius)
        key = ("geometry.balls_around", squared_radius)
        reached_by = pool.shared.get(key, lambda: sparse.csr_array(graph.T))
        uncovered = np.zeros(pool.n_rows, dtype=bool)
        uncovered[pool.candidates] = True
        uncovered[columns_of(graph, bought)] = False
        return greedy_cover(graph, reached_by, uncovered, pool.candidates, size, rng)
    competing = draw_rows(pool.candidates, max(most, size), rng)
    all_points = pool_points(pool)
    points = all_points.take(competing)
    uncovered = np.ones(len(competing), dtype=bool)
    uncovered[ball_graph(all_points.take(bought), points, squared_radius).indices] = False
    graph = ball_graph(points, points, squared_radius)
    positions = np.arange(len(competing))
    return competing[greedy_cover(graph, sparse.csr_array(graph.T), uncovered, positions, size, rng)]


# Distances to the covered rows


class CoveredDistances:
    """Squared distances of all pool rows to the nearest covered row, updated as rows are bought.

    Attributes
    ----------
    rows : covered rows, sorted.
    squared : squared distance of each pool row to the nearest of them, ``(n_rows,)``; ∞ if there is none.
    """

    def __init__(self, n_rows: int) -> None:
        self.rows: RowNumbers = np.empty(0, dtype=np.intp)
        self.squared: Array = np.full(n_rows, np.inf)
        self._expected: tuple[RowNumbers, Array] | None = None

    def expect(self, rows: RowNumbers, squared: Array) -> None:
        """Store the distances that follow if ``rows`` are bought, as a selection computed them."""
        self._expected = rows, squared

    def update(self, points: Points, pairs: Array | None, rows: RowNumbers) -> None:
        """Bring the distances up to date with the covered ``rows``; only new rows are measured."""
        expected, self._expected = self._expected, None
        is_bought = np.zeros(len(points), dtype=bool)
        is_bought[rows] = True
        if not is_bought[self.rows].all():  # bought rows stay bought, except in a test
            self.rows, self.squared = self.rows[:0], np.full(len(points), np.inf)
        elif expected is not None and is_bought[expected[0]].all():
            self.rows, self.squared = np.union1d(self.rows, expected[0]), expected[1]
        is_bought[self.rows] = False
        new = np.flatnonzero(is_bought)
        if len(new):
            near = squared_to_nearest(points, points.take(new)) if pairs is None else pairs[new].min(axis=0)
            self.squared = np.minimum(self.squared, near)
        self.rows = rows


def covered_distances(pool: Pool) -> CoveredDistances:
    """Return the distances of the pool to its covered rows, up to date."""
    distances = pool.memory.get("geometry.covered", lambda: CoveredDistances(pool.n_rows))
    distances.update(pool_points(pool), pool_pairs(pool), covered_rows(pool))
    return distances


def farthest_candidates(pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
    """Select ``min(size, n_candidates)`` candidates, each the farthest from all covered and selected rows.

    The distances to the selected rows are kept, so that the next loop does not measure them again.
    """
    covered = covered_distances(pool)
    points, pairs = pool_points(pool), pool_pairs(pool)
    after = covered.squared.copy()
    nearest = np.full(pool.n_rows, -np.inf)
    nearest[pool.candidates] = after[pool.candidates]

    def distances(row: int) -> Array:
        squared = distances_to(points, row) if pairs is None else pairs[row]
        np.minimum(after, squared, out=after)
        return squared

    picked = farthest_of(nearest, distances, min(size, len(pool.candidates)), rng)
    covered.expect(picked, after)
    return picked


# Clusters


def pool_clusters(pool: Pool, n_clusters: int) -> NDArray[np.intp]:
    """Return the k-means cluster of each pool row, ``(n_rows,)``, computed once for each number of clusters.

    The clusters depend on the features and their number alone: the seeds come from a stream of their own. A pool of
    more than 5,000 rows is clustered by minibatches, again at each call.
    """
    points = pool_points(pool)
    if pool.n_rows > LARGE_POOL:
        return kmeans(points, n_clusters, np.random.default_rng(0)).labels
    pairs = pool_pairs(pool)

    def distances(rows: RowNumbers) -> Array:
        return squared_distances(points.take(rows), points) if pairs is None else pairs[rows]

    def build() -> NDArray[np.intp]:
        seeding = pool.shared.get("geometry.seeding", lambda: Seeding(len(points), distances, np.random.default_rng(0)))
        return kmeans_from(points, seeding.first(n_clusters)).labels

    return pool.shared.get(("geometry.clusters", n_clusters), build)


def typical_candidates(pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
    """Select typical candidates from the clusters with the fewest covered rows (TypiClust)."""

    def typicality_within(rows: RowNumbers, n_neighbours: int) -> Array:
        pairs = pool_pairs(pool)
        if pairs is None:
            return typicality(pool_points(pool).take(rows), n_neighbours)
        return typicality_of_pairs(pairs[np.ix_(rows, rows)], n_neighbours)

    covered = covered_rows(pool)
    clusters = pool_clusters(pool, min(len(covered) + size, MOST_CLUSTERS))
    return typical_rows(clusters, covered, pool.candidates, size, rng, typicality_within)
