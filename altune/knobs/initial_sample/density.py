"""First samples from where the pool is dense."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import RowNumbers
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


@register
class DensitySample(InitialSample):
    """Density sampling: rows drawn without replacement, each with a chance in proportion to density^β.

    The density is a Gaussian kernel's (bandwidth: the median distance to the √m-th neighbour of m = at most
    2,000 rows, which are the ones that it is measured on), or the mean of (1 + cos) / 2 over the pool. Drawn, not
    taken from the top: the densest rows alone all lie side by side.
    """

    source: ClassVar[str] = (
        "Zhu, Wang, Yao, Tsou, Active Learning with Sampling by Uncertainty and Density, COLING 2008"
    )

    method: Literal["density"] = "density"
    kind: Literal["kernel", "similarity"] = Field(
        default="kernel", description="what density is: a kernel density, or the mean similarity to the pool"
    )
    beta: float = Field(default=1.0, ge=0.0, le=10.0, description="exponent of the density; 0 draws uniformly")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` distinct candidates, most of them from dense places."""
        logs = np.log(pool_similarity(pool)) if self.kind == "similarity" else _log_density(pool)
        # the largest of log-weight plus Gumbel noise is a weighted draw without replacement
        keys = self.beta * logs[pool.candidates] + rng.gumbel(size=len(pool.candidates))
        return pool.candidates[np.argsort(-keys)[:size]]


@register
class ProbCoverSample(InitialSample):
    """ProbCover: greedily the row whose ball of radius δ covers the most uncovered rows.

    δ is the largest radius at which a share α of all balls holds rows of one k-means cluster only (as many
    clusters as classes). Once all is covered, rows are random. Of pools above 5,000 rows a random 5,000 compete
    and are to be covered.
    """

    source: ClassVar[str] = "Yehuda, Dekel, Hacohen, Weinshall, Active Learning Through a Covering Lens, NeurIPS 2022"

    method: Literal["probcover"] = "probcover"
    purity: float = Field(default=0.95, ge=0.5, le=1.0, description="α, the share of balls that must be pure")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` candidates whose balls cover much of the pool; what bought rows cover counts."""
        return cover_rows(pool, size, pool_pure_radius(pool, self.purity), LARGE_POOL, rng)


@register
class FacilityLocationSample(InitialSample):
    """Facility location: greedily the largest Σᵢ max_{j picked} s_ij, within 1 − 1/e of the best.

    s_ij = exp(−d²_ij / 2h²) for the nearest neighbours j of each row i, h² their mean squared distance, and 0 for
    rows farther away. Of pools above 5,000 rows a random 5,000 compete and are to be represented.
    """

    source: ClassVar[str] = (
        "Nemhauser, Wolsey, Fisher 1978; Wei, Iyer, Bilmes, Submodularity in Data Subset Selection, ICML 2015"
    )

    method: Literal["facility_location"] = "facility_location"
    neighbours: int = Field(default=30, ge=1, le=500, description="rows that each row may be represented by")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` candidates that stand for many rows; bought rows stand for some already."""
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


def _log_density(pool: Pool) -> NDArray[np.float64]:
    def build() -> NDArray[np.float64]:
        points = pool_points(pool)
        sample = draw_rows(np.arange(pool.n_rows), REFERENCE_ROWS, np.random.default_rng(0))
        return log_kernel_density(points, points.take(sample))

    return pool.shared.get("geometry.log_density", build)
