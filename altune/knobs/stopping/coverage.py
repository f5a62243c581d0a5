"""A stopping rule by how much of the pool the labelled rows cover."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from altune.core.registry import register
from altune.knobs.stopping.base import Criterion, StopView


@register
class NoNovelty(Criterion):
    """Stop when a share ``coverage`` of the stop set lies within ``radius`` of a labelled row.

    The distance is the Euclidean one to the k-th nearest labelled row (``neighbours``), in units of the pool's spacing:
    the median distance of a row to its tenth nearest row. A coverage of 1 requires that the largest distance is at most
    the radius; it may never be reached, because outliers are far from all other rows.
    """

    source = "the information density criterion; coverage as in Yehuda et al., NeurIPS 2022"
    only_decides = Criterion.only_decides | {"coverage"}
    key = "stop_coverage"
    method: Literal["no_novelty"] = "no_novelty"
    coverage: float = Field(default=0.95, gt=0.0, le=1.0, description="share of the stop set that must be covered")
    radius: float = Field(default=1.5, gt=0.0, le=1000.0, description="radius, in units of the pool's spacing")
    neighbours: int = Field(
        default=1, ge=1, le=20, description="number of labelled rows that must lie within the radius"
    )

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the covered share of the stop set."""
        distances = view.evidence.distances(self.neighbours)
        return {self.key: float(np.mean(distances <= self.radius))} if len(distances) else {}

    def reached(self, statistic: float) -> bool:
        """Return whether the share is large enough."""
        return statistic >= self.coverage
