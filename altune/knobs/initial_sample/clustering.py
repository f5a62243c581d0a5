"""Initial samples that represent clusters of the pool."""

from __future__ import annotations

from typing import Literal

import numpy as np

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import RowNumbers
from altune.knobs.initial_sample.base import InitialSample
from altune.knobs.pool_geometry import pool_points, typical_candidates
from altune.numerics.geometry.clustering import central_points, medoids


@register
class KMeansSample(InitialSample):
    """k-means with ``size`` clusters; from each cluster the row nearest to its centre.

    A pass over the pool takes O(N·size·d).
    """

    source = "Kang, Ryu, Kwon, Using cluster-based sampling to select initial training set, PAKDD 2004"

    method: Literal["kmeans"] = "kmeans"

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the candidate nearest to each of ``size`` centres, or the next nearest if it is taken."""
        return pool.candidates[central_points(pool_points(pool).take(pool.candidates), size, rng)]


@register
class KMedoidsSample(InitialSample):
    """k-medoids: ``size`` rows with a small sum of distances from every row to its nearest one."""

    source = "Kaufman and Rousseeuw, Finding Groups in Data, 1990; Park and Jun 2009"

    method: Literal["kmedoids"] = "kmedoids"

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` medoids of the candidates."""
        return pool.candidates[medoids(pool_points(pool).take(pool.candidates), size, rng)]


@register
class TypiClustSample(InitialSample):
    """TypiClust: the most typical row of each of min(size, 500) k-means clusters, large clusters first.

    Typicality is 1 / (mean distance to the min(20, half the cluster) nearest rows of the cluster). Clusters of at most
    5 rows are used after all others.
    """

    source = "Hacohen, Dekel, Weinshall, Active Learning on a Budget, ICML 2022"

    method: Literal["typiclust"] = "typiclust"

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` typical candidates; rows that were bought already count as labelled."""
        return typical_candidates(pool, size, rng)
