"""Strategies that spread over the features and ask no model."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from altune.geometry.covering import farthest_first
from altune.geometry.pooled import covered_rows, pool_points
from altune.geometry.typicality import typical_points
from altune.knobs.query_strategy.base import QueryStrategy
from altune.pool import Pool, Rows
from altune.registry import register


@register
class KCenter(QueryStrategy):
    """Core-set, farthest first from the rows bought so far: argmax_u min_l d(u, l) on the features."""

    source: ClassVar[str] = "Gonzalez, Theor. Comput. Sci. 1985; Sener and Savarese, ICLR 2018"

    method: Literal["kcenter"] = "kcenter"

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> Rows:
        """Return candidates, each the farthest from all rows bought and all picked before it."""
        points = pool_points(pool)
        covered = points.take(covered_rows(pool))
        return pool.candidates[farthest_first(points.take(pool.candidates), covered, size, rng)]


@register
class TypiClust(QueryStrategy):
    """TypiClust: the most typical row of clusters with few labels, min(labelled + size, 500) of them.

    Clusters are visited by labelled rows (few first), then size (large first); those of at most 5 rows
    come last. Typicality is 1 / (mean distance to the min(20, half the cluster) nearest candidates of
    the cluster).
    """

    source: ClassVar[str] = "Hacohen, Dekel, Weinshall, Active Learning on a Budget, ICML 2022"

    method: Literal["typiclust"] = "typiclust"

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> Rows:
        """Return typical candidates, one for each cluster in turn."""
        covered = covered_rows(pool)
        rows = np.concatenate([covered, pool.candidates])
        return rows[typical_points(pool_points(pool).take(rows), len(covered), size, rng)]
