"""Stop when the unlabelled rows have nothing new to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from altune.core.registry import register
from altune.knobs.stopping.base import Criterion, Note, StopView, latest


@register
class NoNovelty(Criterion):
    """Stop when a share ``coverage`` of the stop set lies within ``radius`` of a labelled row.

    Distances are Euclidean, to the k-th nearest labelled row (``neighbours``), in units of the pool's spacing: the
    median distance of a row to its tenth nearest. With a coverage of 1 the rule asks that the largest distance of
    all be no more than the radius. It needs no model, and a share of rows that lie apart is never covered.
    """

    source: ClassVar[str] = "the information-density criterion; coverage as in Yehuda et al., NeurIPS 2022"
    only_decides: ClassVar[frozenset[str]] = Criterion.only_decides | {"coverage"}
    method: Literal["no_novelty"] = "no_novelty"
    coverage: float = Field(default=0.95, gt=0.0, le=1.0, description="share of the stop set that must be covered")
    radius: float = Field(default=1.5, gt=0.0, le=1000.0, description="how far a labelled row covers, in spacings")
    neighbours: int = Field(default=1, ge=1, le=20, description="labelled rows that must lie within the radius")

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the share that is covered."""
        distances = view.watched.distances(self.neighbours)
        return {"stop_coverage": float(np.mean(distances <= self.radius))} if len(distances) else {}

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the newest share."""
        return latest(notes, "stop_coverage")

    def reached(self, statistic: float) -> bool:
        """Return whether it is large enough."""
        return statistic >= self.coverage
