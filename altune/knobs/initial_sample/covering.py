"""Initial samples that spread over the pool."""

from __future__ import annotations

from typing import Literal

import numpy as np

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import RowNumbers
from altune.knobs.initial_sample.base import InitialSample
from altune.knobs.pool_geometry import covered_rows, farthest_candidates, pool_points
from altune.numerics.geometry.covering import distances_to, farthest_first, farthest_pair, sample_by_squared_distance
from altune.numerics.geometry.distances import squared_to_nearest


@register
class KCenterSample(InitialSample):
    """k-center: starting from a random row, each row is the farthest from those before, argmax_u min_l d(u, l).

    The largest distance of a row to the sample is at most twice the smallest possible.
    """

    source = "Gonzalez, Theor. Comput. Sci. 1985; Sener and Savarese, ICLR 2018"

    method: Literal["kcenter"] = "kcenter"

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` candidates, each the farthest from those before it."""
        return farthest_candidates(pool, size, rng)


@register
class KennardStoneSample(InitialSample):
    """Kennard–Stone: the two rows that are farthest apart, then each row the farthest from those before.

    The pair is exact for up to 5,000 rows. In larger pools the search starts at a random row and moves to the farthest
    one while the distance grows.
    """

    source = "Kennard and Stone, Computer Aided Design of Experiments, Technometrics 1969"

    method: Literal["kennard_stone"] = "kennard_stone"

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the two candidates farthest apart, then the farthest; only the latter if rows were bought already."""
        points = pool_points(pool)
        covered = covered_rows(pool)
        candidates = pool.candidates
        if len(covered) or size < 2 or len(candidates) < 3:
            return farthest_candidates(pool, size, rng)
        pair = candidates[list(farthest_pair(points.take(candidates), rng))]
        rest = np.setdiff1d(candidates, pair, assume_unique=True)
        later = rest[farthest_first(points.take(rest), points.take(pair), size - 2, rng)]
        return np.concatenate([pair, later])


@register
class KMeansPlusPlusSample(InitialSample):
    """k-means++: a random row, then rows drawn with probability D² / Σ D².

    D is the distance of a row to the nearest row drawn so far.
    """

    source = "Arthur and Vassilvitskii, k-means++, SODA 2007"

    method: Literal["kmeans_pp"] = "kmeans_pp"

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` candidates, drawn by their squared distance to those before."""
        all_points = pool_points(pool)
        points = all_points.take(pool.candidates)
        nearest = squared_to_nearest(points, all_points.take(covered_rows(pool)))
        return pool.candidates[sample_by_squared_distance(lambda row: distances_to(points, row), nearest, size, rng)]
