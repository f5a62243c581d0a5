"""Seeds of k-means++ that clusterings of all sizes share: the first k seeds are the seeds of k clusters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from altune.core.types import Array, RowNumbers

TRIALS = 8
"""Points that compete at each draw: scikit-learn's 2 + ln k for 500 clusters, the most that a method asks for."""


class Seeding:
    """Seeds of k-means++ for one set of points, drawn when they are first asked for.

    Each seed depends on the earlier ones only, never on the number of clusters. Clusterings into 40, 60, 80, … clusters
    therefore share one sequence, which is drawn once, although drawing takes most of the time of a clustering into
    hundreds of clusters. The clusters for a number k are the same whichever numbers were asked for before.

    Parameters
    ----------
    n_points : number of points.
    distances_from : returns the squared distances of all points to some of them, ``(n_some, n_points)``.
    rng : draws; no other object may use it, since the sequence would then depend on the order of calls.

    Notes
    -----
    D. Arthur and S. Vassilvitskii, *k-means++: The Advantages of Careful Seeding*, SODA 2007: of ``TRIALS`` points
    drawn with probability D² / Σ D², the one that leaves the smallest Σ D².
    """

    def __init__(self, n_points: int, distances_from: Callable[[RowNumbers], Array], rng: np.random.Generator) -> None:
        self._n_points = n_points
        self._distances_from = distances_from
        self._rng = rng
        self._seeds: list[int] = []
        self._nearest: Array = np.full(n_points, np.inf)

    def first(self, count: int) -> RowNumbers:
        """Return the first ``count`` seeds, distinct; all points if there are fewer."""
        while len(self._seeds) < min(count, self._n_points):
            self._draw()
        return np.array(self._seeds[:count], dtype=np.intp)

    def _draw(self) -> None:
        rng, nearest = self._rng, self._nearest
        if not self._seeds:
            best = int(rng.integers(self._n_points))
            self._nearest = self._distances_from(np.array([best]))[0].copy()
        elif nearest.max() > 0:
            cumulated = np.cumsum(nearest / nearest.max())
            tried = np.searchsorted(cumulated, rng.random(TRIALS) * cumulated[-1], side="right")
            tried = np.minimum(tried, int(np.flatnonzero(nearest)[-1]))
            remaining = np.minimum(nearest, self._distances_from(tried))
            least = int(remaining.sum(axis=1).argmin())
            best, self._nearest = int(tried[least]), remaining[least]
        else:  # every point coincides with a seed
            best = int(rng.choice(np.setdiff1d(np.arange(self._n_points), self._seeds)))
        self._nearest[best] = 0.0
        self._seeds.append(best)
