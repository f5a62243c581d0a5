"""Sizes that follow from the loop's number and from how many rows are labelled."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from altune.core.registry import register
from altune.knobs.loop_size.base import LoopSize, LoopState, equal_part


@register
class ConstantLoops(LoopSize):
    """The same number of rows in each loop: b_t = b; by default the rest of the budget in equal parts."""

    source: ClassVar[str] = "Settles, Active Learning Literature Survey, 2009"
    method: Literal["constant"] = "constant"
    size: int | None = Field(default=None, ge=1, le=100_000, description="rows labelled in each loop")

    def next_size(self, state: LoopState) -> int:
        """Return b."""
        return equal_part(state) if self.size is None else self.size


@register
class LinearLoops(LoopSize):
    """Loops that grow or shrink by a step: b_t = b + c·t with t = 0 in loop 1, rounded, at least 1.

    Without ``start``, b is chosen so that the loops left use up the budget, twenty of them where loops are free.
    """

    source: ClassVar[str] = "Settles, Active Learning Literature Survey, 2009"
    method: Literal["linear"] = "linear"
    start: int | None = Field(default=None, ge=1, le=100_000, description="rows b labelled in loop 1")
    step: float = Field(default=1.0, ge=-1000.0, le=1000.0, description="rows c that each loop adds to the one before")

    def next_size(self, state: LoopState) -> int:
        """Return b + c·t, at least 1."""
        if self.start is not None:
            return max(1, round(self.start + self.step * (state.loop - 1)))
        loops = planned_loops(state)
        return max(1, round(state.rows_left / loops - self.step * (loops - 1) / 2))


@register
class GeometricLoops(LoopSize):
    """Loops that grow or shrink by a factor: b_t = b₀·gᵗ, rounded.

    Without ``start``, b₀ is chosen so that the loops left use up the budget, twenty of them where loops are free.
    """

    source: ClassVar[str] = "Citovsky et al., NeurIPS 2021 (large late batches); the factor is searched"
    method: Literal["geometric"] = "geometric"
    start: int | None = Field(default=None, ge=1, le=100_000, description="rows labelled in loop 1")
    growth: float = Field(default=1.25, ge=0.5, le=2.0, description="factor from one loop to the next")

    def next_size(self, state: LoopState) -> int:
        """Return b₀·g^(t−1), at least 1."""
        if self.start is not None:
            return max(1, round(self.start * self.growth ** min(state.loop - 1, 1000)))
        weight = sum(self.growth**step for step in range(min(planned_loops(state), 1000)))
        return max(1, round(state.rows_left / weight))


@register
class FractionLoops(LoopSize):
    """A share of the pool or of the rows labelled so far: b_t = ρ·N or ρ·n_t, rounded up."""

    source: ClassVar[str] = "Ren et al., A Survey of Deep Active Learning, ACM Computing Surveys 2021"
    method: Literal["fraction"] = "fraction"
    of: Literal["pool", "labelled"] = Field(default="labelled", description="what the share is taken of")
    rho: float = Field(default=0.2, ge=0.001, le=1.0, description="the share ρ")

    def next_size(self, state: LoopState) -> int:
        """Return ρ·N or ρ·n, rounded up."""
        whole = state.pool_rows if self.of == "pool" else state.rows_labelled
        return max(1, math.ceil(self.rho * whole - 1e-9))  # 0.07 · 100 is 7.000…01 in binary


@register
class ListedLoops(LoopSize):
    """Sizes as they are listed, one for each loop; the last one repeats."""

    source: ClassVar[str] = "the sizes of a protocol that is to be matched"
    method: Literal["list"] = "list"
    sizes: tuple[Annotated[int, Field(ge=1, le=100_000)], ...] = Field(
        default=(10, 20, 40), min_length=1, max_length=10_000, description="rows labelled in loop 1, 2, …"
    )

    def next_size(self, state: LoopState) -> int:
        """Return the size listed for this loop, the last one where the list has ended."""
        return self.sizes[min(state.loop, len(self.sizes)) - 1]


def planned_loops(state: LoopState) -> int:
    """Return the loops left; of twenty in all where loops are free, at least 1.

    >>> planned_loops(LoopState(3, None, 190, 10, 1000, 200)), planned_loops(LoopState(30, None, 90, 110, 1000, 200))
    (18, 1)
    """
    return max(1, 21 - state.loop) if state.loops_left is None else state.loops_left
