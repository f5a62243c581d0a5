"""A loop size that follows the agreement of successive models."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from altune.core.registry import RowCount, register
from altune.knobs.loop_size.base import BoundedLoops, LoopState, equal_part


@register
class AgreementLoops(BoundedLoops):
    """Larger loops while successive models agree and smaller ones while they do not: b ← clip(b·γ^{±1}).

    The exponent is +1 if Cohen's κ of the last two models, on at most 1000 fixed pool rows, is at least κ*, and −1
    otherwise; b changes by at least one row. The rule starts in loop 2, when there are two models.
    """

    source = "κ of successive models: Bloodgood and Vijay-Shanker, CoNLL 2009; the rule for sizes: altune"
    watches_stop_set = True
    method: Literal["agreement"] = "agreement"
    start: RowCount | None = Field(
        default=None, description="number of rows labelled in loop 1; by default the budget in equal parts"
    )
    kappa: float = Field(default=0.9, ge=0.0, le=1.0, description="agreement κ* from which loops grow")
    growth: float = Field(default=1.5, gt=1.0, le=4.0, description="factor γ of a change")

    def wanted(self, state: LoopState) -> int:
        """Return the last size, made larger or smaller."""
        kappa = state.agreement()
        if state.last_rows is None or kappa is None:
            return equal_part(state) if self.start is None else self.start
        return stepped(state.last_rows, self.growth, kappa >= self.kappa)


def stepped(size: int, factor: float, up: bool) -> int:
    """Return a size multiplied or divided by a factor, rounded, and at least one row from ``size``.

    >>> stepped(10, 1.5, True), stepped(10, 1.5, False), stepped(1, 1.2, True)
    (15, 7, 2)
    """
    return max(size + 1, round(size * factor)) if up else min(size - 1, round(size / factor))
