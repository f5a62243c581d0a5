"""Knob 4: how many rows the next loop labels."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field

from altune.registry import Method, register


@dataclass(frozen=True)
class LoopState:
    """Where a trajectory stands when the next loop's size is decided.

    Attributes
    ----------
    loop : number of the loop to come, 1 for the first after the initial sample.
    loops_left : loops that may still be played, this one included; None where there is no limit.
    rows_left : rows that the rest of the budget can still label.
    rows_labelled : rows labelled so far.
    pool_rows : rows of the whole pool.
    budget_rows : rows that the whole budget can label.
    """

    loop: int
    loops_left: int | None
    rows_left: int
    rows_labelled: int
    pool_rows: int
    budget_rows: int


class LoopSize(Method):
    """Base of every method of ``loop_size``."""

    knob: ClassVar[str] = "loop_size"

    @abstractmethod
    def next_size(self, state: LoopState) -> int:
        """Return the rows that the next loop should label, 1 or more; the loop cuts it to what still fits."""


def equal_part(state: LoopState) -> int:
    """Return the rest of the budget in equal parts over the loops left; a twentieth of it where loops are free.

    >>> equal_part(LoopState(1, 20, 190, 10, 1000, 200)), equal_part(LoopState(1, None, 190, 10, 1000, 200))
    (10, 10)
    """
    if state.loops_left is None:
        return max(1, math.ceil(state.budget_rows / 20))
    return max(1, math.ceil(state.rows_left / state.loops_left))


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
        loops = max(1, 21 - state.loop) if state.loops_left is None else state.loops_left
        weight = sum(self.growth**step for step in range(min(loops, 1000)))
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
