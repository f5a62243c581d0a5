"""Initial samples from the dense regions of the pool."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array, RowNumbers
from altune.knobs.initial_sample.base import InitialSample
from altune.knobs.pool_geometry import (
    LARGE_POOL,
    cover_rows,
    covered_rows,
    draw_rows,
    pool_points,
    pool_pure_radius,
    pool_similarity,
)
from altune.numerics.geometry.density import log_kernel_density
from altune.numerics.geometry.facilities import locate_facilities, similarity_graph

REFERENCE_ROWS = 2_000
"""Rows on which the kernel density is measured, at most."""


@register
class DensitySample(InitialSample):
    """Density sampling: rows drawn without replacement with a probability in proportion to density^β.

    The density is a Gaussian kernel density on at most m = 2,000 rows, with the median distance to the √m-th neighbour
    as bandwidth, or the mean of (1 + cos(x, x′)) / 2 over the pool. Rows are drawn because the densest ones alone lie
    close together.
    """

    source = "Zhu, Wang, Yao, Tsou, Active Learning with Sampling by Uncertainty and Density, COLING 2008"

    method: Literal["density"] = "density"
    kind: Literal["kernel", "similarity"] = Field(
        default="kernel", description="density: a Gaussian kernel density, or the mean cosine similarity to the pool"
    )
    beta: float = Field(default=1.0, ge=0.0, le=10.0, description="exponent β of the density; 0 draws uniformly")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` distinct candidates, most of them from dense regions."""
        logs = np.log(pool_similarity(pool)) if self.kind == "similarity" else _log_density(pool)
        # The largest sums of a log weight and Gumbel noise are a weighted draw without replacement.
        keys = self.beta * logs[pool.candidates] + rng.gumbel(size=len(pool.candidates))
        return pool.candidates[np.argsort(-keys)[:size]]


@register
class ProbCoverSample(InitialSample):
    """ProbCover: greedily the row whose ball of radius δ covers the most uncovered rows.

    δ is the largest radius at which a share α of all balls holds rows of one k-means cluster only, with as many
    clusters as classes. Once all rows are covered, random rows follow. In pools of more than 5,000 rows, a random 5,000
    compete and have to be covered.
    """

    source = "Yehuda, Dekel, Hacohen, Weinshall, Active Learning Through a Covering Lens, NeurIPS 2022"

    method: Literal["probcover"] = "probcover"
    purity: float = Field(default=0.95, ge=0.5, le=1.0, description="share α of balls that hold one cluster only")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` candidates whose balls cover the most rows outside the balls of rows bought already."""
        return cover_rows(pool, size, pool_pure_radius(pool, self.purity), LARGE_POOL, rng)


@register
class FacilityLocationSample(InitialSample):
    """Facility location: greedily the rows with the largest Σᵢ max_{j selected} s_ij.

    s_ij = exp(−d²_ij / 2h²) for the nearest neighbours j of each row i, h² their mean squared distance, and 0 for rows
    farther away. The sum reaches at least 1 − 1/e of its maximum. In pools of more than 5,000 rows, a random 5,000
    compete and have to be represented.
    """

    source = "Nemhauser, Wolsey, Fisher 1978; Wei, Iyer, Bilmes, Submodularity in Data Subset Selection, ICML 2015"

    method: Literal["facility_location"] = "facility_location"
    neighbours: int = Field(default=30, ge=1, le=500, description="number of nearest rows that can represent a row")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` candidates that represent the rows which rows bought already do not represent."""
        points = pool_points(pool)
        if pool.n_rows <= LARGE_POOL:
            key = ("geometry.facilities", self.neighbours)
            graph = pool.shared.get(key, lambda: similarity_graph(points, self.neighbours))
            return locate_facilities(graph, pool.candidates, covered_rows(pool), size, rng)
        competing = draw_rows(pool.candidates, max(LARGE_POOL, size), rng)
        rows = np.concatenate([covered_rows(pool), competing])
        graph = similarity_graph(points.take(rows), self.neighbours)
        covered = np.arange(len(rows) - len(competing))
        allowed = np.arange(len(covered), len(rows))
        return rows[locate_facilities(graph, allowed, covered, size, rng)]


def _log_density(pool: Pool) -> Array:
    def build() -> Array:
        points = pool_points(pool)
        sample = draw_rows(np.arange(pool.n_rows), REFERENCE_ROWS, np.random.default_rng(0))
        return log_kernel_density(points, points.take(sample))

    return pool.shared.get("geometry.log_density", build)
