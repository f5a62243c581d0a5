"""A size that follows from how much the last label changed the model."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from altune.core.registry import register
from altune.knobs.loop_size.base import BoundedLoops, LoopState, equal_part


@register
class AgreementLoops(BoundedLoops):
    """Larger loops while successive models agree, smaller ones while they do not: b ← clip(b·γ^{±1}).

    The exponent is +1 where Cohen's κ of the last two models, on at most 1000 fixed pool rows, is κ* or more, else
    −1. b moves by a row at least. It needs two models, so it starts in loop 2.
    """

    source: ClassVar[str] = "κ of successive models: Bloodgood & Vijay-Shanker, CoNLL 2009; as a step rule: altune"
    watches_stop_set: ClassVar[bool] = True
    method: Literal["agreement"] = "agreement"
    start: int | None = Field(
        default=None, ge=1, le=100_000, description="rows labelled in loop 1; by default an equal part of the budget"
    )
    kappa: float = Field(default=0.9, ge=0.0, le=1.0, description="the κ* that divides growing from shrinking")
    growth: float = Field(default=1.5, gt=1.0, le=4.0, description="the factor γ of a step")

    def wanted(self, state: LoopState) -> int:
        """Return the last size, a step larger or smaller."""
        kappa = state.agreement()
        if state.last_rows is None or kappa is None:
            return equal_part(state) if self.start is None else self.start
        return stepped(state.last_rows, self.growth, kappa >= self.kappa)


def stepped(size: int, factor: float, up: bool) -> int:
    """Return a size a factor up or down, rounded, at least one row away.

    >>> stepped(10, 1.5, True), stepped(10, 1.5, False), stepped(1, 1.2, True)
    (15, 7, 2)
    """
    return max(size + 1, round(size * factor)) if up else min(size - 1, round(size / factor))
