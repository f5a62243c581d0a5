"""The bases of loop sizes, and the state of the loop that they decide on."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from altune.core.needs import Capabilities
from altune.core.registry import Method, RowCount
from altune.core.types import Array, Learner

UtilityOf = Literal["strategy", "uncertainty"]


class Judged(NamedTuple):
    """The errors of a model on labels that were bought after it was trained.

    Attributes
    ----------
    trained_on : number of labels that the model was trained on.
    judged : number of rows labelled next, 1 or more.
    wrong : number of these rows that the model predicted wrongly.
    """

    trained_on: int
    judged: int
    wrong: int


@dataclass(frozen=True)
class LoopState:
    """The state of a trajectory when the size of the next loop is decided.

    Quantities that take time to compute are functions.

    Attributes
    ----------
    loop : number of the next loop, 1 for the first after the initial sample.
    loops_left : number of loops that are left, the next one included; None if there is no limit.
    rows_left : number of rows that the rest of the budget can label.
    rows_labelled : number of rows labelled so far.
    pool_rows : number of rows in the pool.
    budget_rows : number of rows that the whole budget can label.
    last_rows : number of rows labelled in the last loop; None before loop 1.
    price_per_row : price of the labels of a row.
    price_per_loop : price of a loop in addition to its labels.
    utilities : returns the scores of the candidates by the query strategy (1 − p₁ if the strategy has no scores), or
        their uncertainty 1 − p₁, ``(n_candidates,)``; large is useful. Empty if there is no model.
    agreement : returns Cohen's κ of the last two models on the stop set; None before there are two. For methods with
        ``watches_stop_set``.
    errors : errors of each model so far on the labels bought next, oldest first. For methods with
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
    utilities: Callable[[UtilityOf], Array] = lambda of: np.empty(0)
    agreement: Callable[[], float | None] = lambda: None
    errors: tuple[Judged, ...] = ()


class LoopSize(Method):
    """Base of every method of ``loop_size``.

    Class attributes declare what the loop has to keep for a method: ``watches_stop_set`` the predictions of the last
    models on at most 1000 fixed pool rows, ``judges_new_labels`` the errors of each model on the labels bought next. A
    method with ``reads_prices`` is refused if the scenario has no prices.
    """

    knob = "loop_size"
    watches_stop_set: ClassVar[bool] = False
    judges_new_labels: ClassVar[bool] = False
    reads_prices: ClassVar[bool] = False

    @property
    def uses_all_loops(self) -> bool:
        """Whether the loops are planned to use up the budget and their largest number, whatever the parameters."""
        return False

    @abstractmethod
    def next_size(self, state: LoopState) -> int:
        """Return the number of rows that the next loop should label, 1 or more; the loop cuts it to what fits."""

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Return a line if the method reads prices and the scenario has none."""
        if not self.reads_prices or (capabilities.price_per_loop > 0 and capabilities.price_per_label > 0):
            return []
        return [
            f"loop_size {self.method!r} weighs the price of a loop against that of a label; give the scenario "
            "price_per_loop and price_per_label above 0"
        ]


class BoundedLoops(LoopSize):
    """Base of sizes that are decided in each loop, within bounds.

    The default bounds refer to an equal part: the rest of the budget divided by the number of loops left.
    """

    low: RowCount | None = Field(
        default=None, description="minimum number of rows; by default a quarter of an equal part"
    )
    high: RowCount | None = Field(default=None, description="maximum number of rows; by default four equal parts")

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Return a line if ``low`` is above ``high``; a search then draws the recipe again."""
        problems = super().objections(model, capabilities)
        if self.low is not None and self.high is not None and self.low > self.high:
            problems.append(f"loop_size {self.method!r}: low must not be above high, {self.low} is above {self.high}")
        return problems

    def next_size(self, state: LoopState) -> int:
        """Return the wanted size, cut to the bounds; a given bound takes precedence over the default of the other."""
        part = equal_part(state)
        low = math.ceil(part / 4) if self.low is None else self.low
        high = 4 * part if self.high is None else self.high
        low = min(low, high) if self.low is None else low
        return int(min(max(self.wanted(state), low), max(low, high)))

    @abstractmethod
    def wanted(self, state: LoopState) -> int:
        """Return the number of rows that the next loop should label, before the bounds are applied."""


def equal_part(state: LoopState) -> int:
    """Return the rest of the budget divided by the number of loops left; a twentieth of the budget without a limit.

    >>> equal_part(LoopState(1, 20, 190, 10, 1000, 200)), equal_part(LoopState(1, None, 190, 10, 1000, 200))
    (10, 10)
    """
    if state.loops_left is None:
        return max(1, math.ceil(state.budget_rows / 20))
    return max(1, math.ceil(state.rows_left / state.loops_left))
