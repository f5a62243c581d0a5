"""The base of every loop size, and what it may know when it decides."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.needs import Capabilities
from altune.core.registry import Method
from altune.core.types import Learner

UtilityOf = Literal["strategy", "uncertainty"]


class Judged(NamedTuple):
    """How a model did on labels that were bought after it was trained.

    Attributes
    ----------
    trained_on : labels that it was trained on.
    judged : rows whose labels came next, 1 or more.
    wrong : those of them that it had predicted otherwise.
    """

    trained_on: int
    judged: int
    wrong: int


def _no_utilities(of: UtilityOf) -> NDArray[np.float64]:
    return np.empty(0)


def _no_agreement() -> float | None:
    return None


@dataclass(frozen=True)
class LoopState:
    """Where a trajectory stands when the next loop's size is decided.

    What costs time to know is a function, called by the methods that want it.

    Attributes
    ----------
    loop : number of the loop to come, 1 for the first after the initial sample.
    loops_left : loops that may still be played, this one included; None where there is no limit.
    rows_left : rows that the rest of the budget can still label.
    rows_labelled : rows labelled so far.
    pool_rows : rows of the whole pool.
    budget_rows : rows that the whole budget can label.
    last_rows : rows of the loop before, None before loop 1 was played.
    price_per_row : what the labels of one row cost.
    price_per_loop : what a loop costs beside its labels.
    utilities : returns the candidates' scores by the query strategy (by 1 − p₁ where it scores no rows), or their
        uncertainty 1 − p₁, ``(n_candidates,)``; large is useful. Empty where nothing is known.
    agreement : returns Cohen's κ of the last two models on the stop set, None before there are two. Known to
        methods with ``watches_stop_set``.
    errors : how each model so far did on the labels bought next, oldest first. Known to methods with
        ``judges_new_labels``.
    """

    loop: int
    loops_left: int | None
    rows_left: int
    rows_labelled: int
    pool_rows: int
    budget_rows: int
    last_rows: int | None = None
    price_per_row: float = 0.0
    price_per_loop: float = 0.0
    utilities: Callable[[UtilityOf], NDArray[np.float64]] = _no_utilities
    agreement: Callable[[], float | None] = _no_agreement
    errors: tuple[Judged, ...] = ()


class LoopSize(Method):
    """Base of every method of ``loop_size``.

    A method says by class attributes what the loop has to keep for it: ``watches_stop_set`` (the predictions of
    the last models on at most 1000 fixed pool rows), ``judges_new_labels`` (how each model did on the labels bought
    next). One with ``reads_prices`` is refused where the scenario has none.
    """

    knob: ClassVar[str] = "loop_size"
    watches_stop_set: ClassVar[bool] = False
    judges_new_labels: ClassVar[bool] = False
    reads_prices: ClassVar[bool] = False

    @abstractmethod
    def next_size(self, state: LoopState) -> int:
        """Return the rows that the next loop should label, 1 or more; the loop cuts it to what still fits."""

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Say so where prices decide and there are none."""
        if not self.reads_prices or (capabilities.price_per_loop > 0 and capabilities.price_per_label > 0):
            return []
        return [
            f"loop_size {self.method!r} weighs the price of a loop against that of a label; give the scenario "
            "price_per_loop and price_per_label above 0"
        ]


class BoundedLoops(LoopSize):
    """A size that is decided at each loop, within bounds."""

    low: int | None = Field(
        default=None, ge=1, le=100_000, description="fewest rows; by default a quarter of an equal part of the rest"
    )
    high: int | None = Field(
        default=None, ge=1, le=100_000, description="most rows; by default four equal parts of the rest"
    )

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Say so where the bounds exclude every size; a drawn recipe is then drawn again."""
        found = super().objections(model, capabilities)
        if self.low is not None and self.high is not None and self.low > self.high:
            found.append(f"loop_size {self.method!r}: low must not be above high, {self.low} is above {self.high}")
        return found

    def next_size(self, state: LoopState) -> int:
        """Return the size that is wanted, cut to the bounds; where one alone is given, the other makes way for it."""
        part = equal_part(state)
        low = math.ceil(part / 4) if self.low is None else self.low
        high = 4 * part if self.high is None else self.high
        low = min(low, high) if self.low is None else low
        return int(min(max(self.wanted(state), low), max(low, high)))

    @abstractmethod
    def wanted(self, state: LoopState) -> int:
        """Return the rows that the next loop should label, before the bounds."""


def equal_part(state: LoopState) -> int:
    """Return the rest of the budget in equal parts over the loops left; a twentieth of it where loops are free.

    >>> equal_part(LoopState(1, 20, 190, 10, 1000, 200)), equal_part(LoopState(1, None, 190, 10, 1000, 200))
    (10, 10)
    """
    if state.loops_left is None:
        return max(1, math.ceil(state.budget_rows / 20))
    return max(1, math.ceil(state.rows_left / state.loops_left))
