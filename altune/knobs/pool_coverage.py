"""Coverage of a pool by its labelled rows, on a graph of nearest neighbours that the trajectories of a block share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from altune.core.pool import Pool
from altune.core.types import Array, RowNumbers
from altune.knobs.pool_geometry import covered_rows, draw_rows, pool_points
from altune.numerics.geometry.coverage import (
    CoverageGains,
    NeighbourGraph,
    coverage_by,
    neighbour_graph,
    similarities_to,
)
from altune.numerics.geometry.distances import Points

GRAPH_POOL = 20_000
"""Up to this number of rows the graph of nearest neighbours has all rows of the pool."""

GRAPH_ROWS = 10_000
"""Number of rows of the graph in a larger pool."""


class PoolGraph(NamedTuple):
    """The graph of nearest neighbours of a pool: its rows, sorted, their points, and the edges."""

    rows: RowNumbers
    points: Points
    graph: NeighbourGraph


def pool_neighbour_graph(pool: Pool, k: int) -> PoolGraph:
    """Return the graph of the ``k`` nearest neighbours, computed once for all trajectories of a block.

    In a pool of more than 20,000 rows, it has the same 10,000 random rows for all of them.
    """

    def build() -> PoolGraph:
        rows, points = np.arange(pool.n_rows), pool_points(pool)
        if pool.n_rows > GRAPH_POOL:
            rows = draw_rows(rows, GRAPH_ROWS, np.random.default_rng(0))
            points = points.take(rows)
        return PoolGraph(rows, points, neighbour_graph(points, k))

    return pool.shared.get(("coverage.graph", k), build)


class Covered:
    """The coverage of a graph by the rows of a trajectory, to which only rows that were bought since are added."""

    def __init__(self, n_rows: int) -> None:
        self._is_chosen = np.zeros(n_rows, dtype=bool)
        self._covered = np.zeros(n_rows)

    def by(self, graph: NeighbourGraph, rows: RowNumbers) -> Array:
        """Return the coverage of each row of the graph by ``rows``, in [0, 1], ``(n_rows,)``."""
        chosen = np.zeros(len(graph), dtype=bool)
        chosen[rows] = True
        if (self._is_chosen & ~chosen).any():  # an audit dropped rows
            self._is_chosen, self._covered = np.zeros_like(chosen), np.zeros(len(graph))
        new = np.flatnonzero(chosen & ~self._is_chosen)
        self._covered = np.maximum(self._covered, coverage_by(graph, new)) if len(new) else self._covered
        self._is_chosen = chosen
        return self._covered


class PoolCoverage:
    """The coverage of a pool in one loop, by the rows that were bought so far.

    Parameters
    ----------
    pool : the pool.
    k : number of nearest neighbours, 1 or more.

    Attributes
    ----------
    graph : graph of nearest neighbours.
    candidates : positions in the graph of the rows that compete, ``(n_competing,)``: candidates that the graph has.
    positions : their positions in ``pool.candidates``, ``(n_competing,)``.
    covered : coverage of each row of the graph by the rows that were bought to train on, ``(n_graph,)``. Rows held out
        for validation cover nothing and need no cover.
    """

    def __init__(self, pool: Pool, k: int) -> None:
        rows, points, self.graph = pool_neighbour_graph(pool, k)
        self.candidates, inside = _positions(rows, pool.candidates)
        self.positions = np.flatnonzero(inside)
        bought = covered_rows(pool)
        at, inside = _positions(rows, bought)
        known: Covered = pool.memory.get(("coverage.covered", k), lambda: Covered(len(rows)))
        self.covered: Array = known.by(self.graph, at).copy()
        if not inside.all():
            others = pool_points(pool).take(bought[~inside])
            self.covered = np.maximum(self.covered, similarities_to(points, others, self.graph))
        self.covered[_positions(rows, pool.held_out)[0]] = 1.0

    def of_labelled(self) -> CoverageGains:
        """Return what each row of the graph would add to the coverage by the rows that were bought."""
        return CoverageGains(self.graph, np.ones(len(self.graph)), self.covered)

    def of_batch(self, uncertainty: Array) -> CoverageGains:
        """Return what each row of the graph adds to the coverage by a batch, weighted by uncertainty.

        Parameters
        ----------
        uncertainty : uncertainty of each of ``pool.candidates``, 0 or more; that of all other rows is 0.
        """
        weights = np.zeros(len(self.graph))
        weights[self.candidates] = uncertainty[self.positions]
        return CoverageGains(self.graph, weights, np.zeros(len(self.graph)))


def _positions(rows: RowNumbers, wanted: RowNumbers) -> tuple[RowNumbers, NDArray[np.bool_]]:
    """Return the positions in ``rows`` of those of ``wanted`` that are there, and which of ``wanted`` these are."""
    at = np.minimum(np.searchsorted(rows, wanted), len(rows) - 1)
    inside = rows[at] == wanted
    return at[inside], inside
