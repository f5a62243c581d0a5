"""k-means++ seeds in the order of drawing: the first k of them are seeds of k clusters, whatever k is.

So clusterings into 40, 60, 80, … clusters draw their seeds once, which takes most of the time of clusterings into
hundreds, and each depends on its number of clusters alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from altune.core.types import RowNumbers
from altune.numerics.geometry.distances import Array

TRIALS = 8
"""Points that compete at each draw, scikit-learn's 2 + ln k at the most clusters that anybody asks for."""


class Seeding:
    """Seeds of one cloud of points, drawn as far as they were asked for.

    Parameters
    ----------
    n_points : how many points there are.
    distances_from : gives the squared distances of all points to some of them, ``(n_some, n_points)``.
    rng : draws; it belongs to the seeding alone.

    Notes
    -----
    D. Arthur and S. Vassilvitskii, *k-means++: The Advantages of Careful Seeding*, SODA 2007: of ``TRIALS`` points
    drawn with probability D² / Σ D², the one that leaves the least Σ D².
    """

    def __init__(self, n_points: int, distances_from: Callable[[RowNumbers], Array], rng: np.random.Generator) -> None:
        self._n_points = n_points
        self._distances_from = distances_from
        self._rng = rng
        self._seeds: list[int] = []
        self._nearest: Array = np.full(n_points, np.inf)

    def first(self, count: int) -> RowNumbers:
        """Return the first ``count`` seeds, distinct; all points where there are fewer."""
        while len(self._seeds) < min(count, self._n_points):
            self._draw()
        return np.array(self._seeds[:count], dtype=np.intp)

    def _draw(self) -> None:
        rng, nearest = self._rng, self._nearest
        if not self._seeds:
            best = int(rng.integers(self._n_points))
            self._nearest = self._distances_from(np.array([best]))[0].copy()
        elif nearest.max() > 0:
            reached = np.cumsum(nearest / nearest.max())
            tried = np.searchsorted(reached, rng.random(TRIALS) * reached[-1], side="right")
            tried = np.minimum(tried, int(np.flatnonzero(nearest)[-1]))
            left = np.minimum(nearest, self._distances_from(tried))
            least = int(left.sum(axis=1).argmin())
            best, self._nearest = int(tried[least]), left[least]
        else:  # every point lies on a seed
            best = int(rng.choice(np.setdiff1d(np.arange(self._n_points), self._seeds)))
        self._nearest[best] = 0.0
        self._seeds.append(best)
