"""What the geometry needs of a pool: its points, its density, and the rows that count as covered."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from altune.core.pool import Pool
from altune.core.types import Features, RowNumbers
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
from altune.numerics.geometry.distances import Array, Points, make_points, squared_distances, squared_to_nearest
from altune.numerics.geometry.seeding import Seeding
from altune.numerics.geometry.typicality import MOST_CLUSTERS, typical_rows, typicality, typicality_of_pairs

LARGE_POOL = 5_000
"""Up to so many rows a graph of the whole pool is kept; beyond, one of a subpool is made when it is needed."""

PURITY_ROWS = 2_000
PAIRED_ROWS = 2_048
"""Up to so many rows the distances of all pairs are kept, 32 MiB."""


SHARED_BYTES = 64 * 2**20
"""Up to so many bytes of features a second copy of them is kept for all loops."""


def pool_points(pool: Pool) -> Points:
    """Return the points of all pool rows, made once for each pool."""
    return pool.shared.get("geometry.points", lambda: make_points(pool.X))


def pool_similarity(pool: Pool) -> Array:
    """Return the mean similarity of each pool row to the pool, ``(n_rows,)``, computed once for each pool."""
    return pool.shared.get("geometry.similarity", lambda: mean_similarity(pool.X))


def covered_rows(pool: Pool) -> RowNumbers:
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


def embedded(pool: Pool, rows: RowNumbers) -> Features:
    """Return what the model in hand makes of rows: its embedding, or their features where it has none."""
    if pool.model is None:
        raise RuntimeError("there is no embedding before the first model is trained")
    return pool.model.embedding(pool.X[rows])


def embedded_points(pool: Pool) -> Points:
    """Return the points of what the model in hand makes of the candidates, scaled but not centred.

    Where it makes nothing of the features, and the pool's take up to 64 MiB, all loops take theirs from the same.
    """
    if pool.model is None:
        raise RuntimeError("there is no embedding before the first model is trained")
    if pool.model.embeds or not _is_small(pool.X):
        return make_points(pool.model.embedding(pool.known().X), centre=False)
    everything = pool.shared.get("geometry.uncentred", lambda: make_points(pool.X, centre=False))
    return everything.take(pool.candidates)


def _is_small(X: Features) -> bool:
    return int((X if isinstance(X, np.ndarray) else X.data).nbytes) <= SHARED_BYTES


def draw_rows(rows: RowNumbers, most: int, rng: np.random.Generator) -> RowNumbers:
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
    points, pairs = pool_points(pool), pool_pairs(pool)

    def build() -> Graph:
        if pairs is None:
            return ball_graph(points, points, squared_radius)
        return ball_graph_of([pairs], len(points), squared_radius)

    return pool.shared.get(("geometry.balls", squared_radius), build)


def cover_rows(pool: Pool, size: int, squared_radius: float, most: int, rng: np.random.Generator) -> RowNumbers:
    """Return ``size`` candidates whose balls cover the most rows that bought rows leave uncovered.

    Where the pool has more than ``most`` rows, a random ``most`` candidates compete and are to be covered.
    RowNumbers held out for validation neither cover nor have to be covered.
    """
    bought = covered_rows(pool)
    if pool.n_rows <= min(most, LARGE_POOL):
        graph = pool_ball_graph(pool, squared_radius)
        key = ("geometry.balls_around", squared_radius)
        reached_by = pool.shared.get(key, lambda: sparse.csr_array(graph.T))
        open_ = np.zeros(pool.n_rows, dtype=bool)
        open_[pool.candidates] = True
        open_[columns_of(graph, bought)] = False
        return greedy_cover(graph, reached_by, open_, pool.candidates, size, rng)
    competing = draw_rows(pool.candidates, max(most, size), rng)
    points = pool_points(pool)
    wanted = points.take(competing)
    open_ = np.ones(len(competing), dtype=bool)
    open_[ball_graph(points.take(bought), wanted, squared_radius).indices] = False
    graph = ball_graph(wanted, wanted, squared_radius)
    everything = np.arange(len(competing))
    return competing[greedy_cover(graph, sparse.csr_array(graph.T), open_, everything, size, rng)]


def pool_pairs(pool: Pool) -> Array | None:
    """Return the squared distances of all pairs of rows of a pool of up to 2,048, made once; None for a larger one."""
    if pool.n_rows > PAIRED_ROWS:
        return None
    points = pool_points(pool)
    return pool.shared.get("geometry.pairs", lambda: squared_distances(points, points))


def distances_from(pool: Pool, row: int) -> Array:
    """Return the squared distances of all pool rows to one of them, ``(n_rows,)``."""
    pairs = pool_pairs(pool)
    return distances_to(pool_points(pool), row) if pairs is None else pairs[row]


class _Reached:
    """How far each pool row is from the nearest row of a set that only grows."""

    def __init__(self, n_rows: int) -> None:
        self.rows: RowNumbers = np.empty(0, dtype=np.intp)
        self.squared: Array = np.full(n_rows, np.inf)
        self._next: tuple[RowNumbers, Array] | None = None

    def foresee(self, rows: RowNumbers, squared: Array) -> None:
        """Take down how far the pool will be from the set if ``rows`` join it, which a selection found out."""
        self._next = rows, squared

    def extend(self, points: Points, pairs: Array | None, rows: RowNumbers) -> None:
        """Take the set to be ``rows``, sorted, of which only those that are new are looked at."""
        foreseen, self._next = self._next, None
        if not np.isin(self.rows, rows, assume_unique=True).all():  # no trajectory gives rows back, but a test may
            self.rows, self.squared = self.rows[:0], np.full(len(points), np.inf)
        elif foreseen is not None and np.isin(foreseen[0], rows, assume_unique=True).all():
            self.rows, self.squared = np.union1d(self.rows, foreseen[0]), foreseen[1]
        fresh = np.setdiff1d(rows, self.rows, assume_unique=True)
        if len(fresh):
            near = squared_to_nearest(points, points.take(fresh)) if pairs is None else pairs[fresh].min(axis=0)
            self.squared = np.minimum(self.squared, near)
        self.rows = rows


def _reached(pool: Pool) -> _Reached:
    reached = pool.memory.get("geometry.reached", lambda: _Reached(pool.n_rows))
    reached.extend(pool_points(pool), pool_pairs(pool), covered_rows(pool))
    return reached


def squared_to_covered(pool: Pool) -> Array:
    """Return the squared distance of each pool row to the nearest covered one, ``(n_rows,)``; ∞ without any.

    Only rows that were covered since the last call are looked at.
    """
    return _reached(pool).squared


def farthest_candidates(pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
    """Return ``min(size, n_candidates)`` candidates, each the farthest from all covered rows and those before it.

    How far the pool is from them is kept, so that the next loop does not measure it again.
    """
    reached = _reached(pool)
    after = reached.squared.copy()
    nearest = np.full(pool.n_rows, -np.inf)
    nearest[pool.candidates] = after[pool.candidates]

    def distances(row: int) -> Array:
        found = distances_from(pool, row)
        np.minimum(after, found, out=after)
        return found

    picked = farthest_of(nearest, distances, min(size, len(pool.candidates)), rng)
    reached.foresee(picked, after)
    return picked


def pool_clusters(pool: Pool, n_clusters: int) -> NDArray[np.intp]:
    """Return the k-means cluster of each pool row, ``(n_rows,)``, worked out once for each number of clusters.

    The seeds come from a stream of their own, so the clusters depend on the features and their number alone. A pool
    of more than 5,000 rows is clustered by minibatches at each call.
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
    """Return candidates, each the most typical of its cluster, of clusters with few covered rows (TypiClust)."""

    def typicality_within(rows: RowNumbers, n_neighbours: int) -> Array:
        pairs = pool_pairs(pool)
        if pairs is None:
            return typicality(pool_points(pool).take(rows), n_neighbours)
        return typicality_of_pairs(pairs[np.ix_(rows, rows)], n_neighbours)

    covered = covered_rows(pool)
    clusters = pool_clusters(pool, min(len(covered) + size, MOST_CLUSTERS))
    return typical_rows(clusters, covered, pool.candidates, size, rng, typicality_within)


def _squared_to_other_cluster(pool: Pool) -> Array:
    rng = np.random.default_rng(0)
    points = pool_points(pool)
    labels = kmeans(points, pool.n_classes, rng).labels
    rows, pairs = draw_rows(np.arange(pool.n_rows), PURITY_ROWS, rng), pool_pairs(pool)
    if pairs is not None:
        return nearest_of_other_cluster(pairs[rows], labels[rows], labels)
    return squared_to_other_cluster(points.take(rows), labels[rows], points, labels)
