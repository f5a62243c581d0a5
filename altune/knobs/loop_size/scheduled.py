"""Loop sizes that follow from the number of the loop and the number of labelled rows."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from altune.core.registry import RowCount, register
from altune.knobs.loop_size.base import LoopSize, LoopState, equal_part
from altune.knobs.shares import Share, rows_of_share

OF_BUDGET = "number b of rows as a share of the budget's rows, in place of `{}`"


@register
class ConstantLoops(LoopSize):
    """The same number of rows in each loop, b_t = b."""

    source = "Settles, Active Learning Literature Survey, 2009"
    either = ("size", "share")
    method: Literal["constant"] = "constant"
    size: RowCount | None = Field(
        default=None,
        description="number b of rows labelled in each loop; by default the budget in equal parts over the loops",
    )
    share: Share | None = Field(default=None, description=OF_BUDGET.format("size"))

    @property
    def uses_all_loops(self) -> bool:
        """Whether the loops are planned to use up the budget and their largest number."""
        return self.size is None and self.share is None

    def next_size(self, state: LoopState) -> int:
        """Return b."""
        if self.share is not None:
            return rows_of_share(self.share, state.budget_rows)
        return equal_part(state) if self.size is None else self.size


class StartedLoops(LoopSize):
    """Base of sizes that follow from the size b of loop 1.

    Without ``start`` and ``share``, b is chosen such that the loops left use up the budget; 20 loops if their number is
    unlimited.
    """

    either = ("start", "share")

    start: RowCount | None = Field(
        default=None,
        description="number b of rows labelled in loop 1; by default such that the loops use up the budget",
    )
    share: Share | None = Field(default=None, description=OF_BUDGET.format("start"))

    @property
    def uses_all_loops(self) -> bool:
        """Whether the loops are planned to use up the budget and their largest number."""
        return self.start is None and self.share is None

    def first_size(self, state: LoopState) -> int | None:
        """Return b if it is given, in rows or as a share of the budget."""
        return self.start if self.share is None else rows_of_share(self.share, state.budget_rows)


@register
class LinearLoops(StartedLoops):
    """Loops that grow or shrink by a constant number of rows: b_t = b + c·t, t = 0 in loop 1, rounded, at least 1.

    Without ``start`` and ``share``, b is chosen such that the loops left use up the budget; 20 loops if their number is
    unlimited.
    """

    source = "Settles, Active Learning Literature Survey, 2009"
    method: Literal["linear"] = "linear"
    step: float = Field(
        default=1.0, ge=-1000.0, le=1000.0, description="number c of rows by which a loop is larger than the last one"
    )

    def next_size(self, state: LoopState) -> int:
        """Return b + c·t, at least 1."""
        first = self.first_size(state)
        if first is not None:
            return max(1, round(first + self.step * (state.loop - 1)))
        loops = planned_loops(state)
        return max(1, round(state.rows_left / loops - self.step * (loops - 1) / 2))


@register
class GeometricLoops(StartedLoops):
    """Loops that grow or shrink by a constant factor: b_t = b·gᵗ, t = 0 in loop 1, rounded, at least 1.

    Without ``start`` and ``share``, b is chosen such that the loops left use up the budget; 20 loops if their number is
    unlimited.
    """

    source = "Citovsky et al., Batch Active Learning at Scale, NeurIPS 2021 (large late batches)"
    method: Literal["geometric"] = "geometric"
    growth: float = Field(default=1.25, ge=0.5, le=2.0, description="factor g from one loop to the next")

    def next_size(self, state: LoopState) -> int:
        """Return b·gᵗ, at least 1."""
        first = self.first_size(state)
        if first is not None:
            return max(1, round(first * self.growth ** min(state.loop - 1, 1000)))
        weight = sum(self.growth**step for step in range(min(planned_loops(state), 1000)))
        return max(1, round(state.rows_left / weight))


@register
class FractionLoops(LoopSize):
    """A share of the N pool rows or of the n_t rows labelled so far: b_t = ρ·N or ρ·n_t, rounded up."""

    source = "Ren et al., A Survey of Deep Active Learning, ACM Computing Surveys 2021"
    method: Literal["fraction"] = "fraction"
    of: Literal["pool", "labelled"] = Field(default="labelled", description="rows of which the share is taken")
    rho: float = Field(default=0.2, ge=0.001, le=1.0, description="share ρ")

    def next_size(self, state: LoopState) -> int:
        """Return ρ·N or ρ·n, rounded up."""
        n_rows = state.pool_rows if self.of == "pool" else state.rows_labelled
        return max(1, math.ceil(self.rho * n_rows - 1e-9))  # in floating point 0.07 · 100 is above 7


@register
class ListedLoops(LoopSize):
    """A list of sizes, one for each loop; the last one repeats."""

    source = "for published protocols that list their batch sizes"
    method: Literal["list"] = "list"
    sizes: tuple[RowCount, ...] = Field(
        default=(10, 20, 40), min_length=1, max_length=10_000, description="numbers of rows labelled in loop 1, 2, …"
    )

    def next_size(self, state: LoopState) -> int:
        """Return the size listed for this loop, or the last one after the end of the list."""
        return self.sizes[min(state.loop, len(self.sizes)) - 1]


def planned_loops(state: LoopState) -> int:
    """Return the number of loops left, at least 1; without a limit, of twenty in all.

    >>> planned_loops(LoopState(3, None, 190, 10, 1000, 200)), planned_loops(LoopState(30, None, 90, 110, 1000, 200))
    (18, 1)
    """
    return max(1, 21 - state.loop) if state.loops_left is None else state.loops_left
