"""The rows and points that figures draw, as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from altune.report.amounts import Amounts
from altune.simulation.objectives import Direction

Role = Literal["trial", "picked", "baseline", "infeasible"]
Confirmed = Literal["", "candidate", "selected"]
INFEASIBLE: Literal["infeasible"] = "infeasible"


@dataclass(frozen=True)
class DifferenceRow:
    """The recipe minus one baseline.

    Attributes
    ----------
    name : the baseline's name.
    mean : mean difference over blocks; positive if the recipe has more.
    low, high : ends of the interval, of 95 % for all rows together; infinite or None below 5 blocks.
    matched : whether the baseline was played with the recipe's own sizes of start and loops.
    p : p value of no difference, in [0, 1], shown on hover.
    data : name of the data set; empty if there is one only.
    """

    name: str
    mean: float
    low: float | None
    high: float | None
    matched: bool = False
    p: float | None = None
    data: str = ""


@dataclass(frozen=True)
class FrontAxis:
    """One objective.

    Attributes
    ----------
    name : what is measured, in words.
    amounts : how its numbers are written, and whether less is better.
    """

    name: str
    amounts: Amounts = field(default_factory=Amounts)

    @property
    def direction(self) -> Direction:
        """``minimize`` if less is better, else ``maximize``."""
        return "minimize" if self.amounts.less_is_better else "maximize"


@dataclass(frozen=True)
class FrontPoint:
    """One trial or baseline.

    Attributes
    ----------
    name : ``trial 12``, or the baseline's name.
    values : each objective, in the order of the axes.
    role : an ``infeasible`` trial violates a constraint and is never on the front; a ``picked`` one may be.
    detail : text shown on hover, such as the recipe in words.
    """

    name: str
    values: tuple[float, ...]
    role: Role = "trial"
    detail: str = ""


@dataclass(frozen=True)
class PlayedRow:
    """A recipe or a baseline with its plays, where recipes get blocks by merit.

    Attributes
    ----------
    name : ``trial 12``, the first trial of the recipe, or the baseline's name.
    mean, error : expected value on further blocks, and its standard deviation.
    values : value on each of its blocks.
    baseline : whether it is a baseline.
    confirmed : a ``candidate`` was played again in the confirmation; the ``selected`` one is the recipe of the run.
    detail : text shown on hover, such as the recipe in words.
    positions : position of the search block of each value, from 0; by default the first ones.
    """

    name: str
    mean: float
    error: float
    values: tuple[float, ...]
    baseline: bool = False
    confirmed: Confirmed = ""
    detail: str = ""
    positions: tuple[int, ...] = ()

    @property
    def plays(self) -> dict[int, float]:
        """Value on each of its blocks, by the position of the block."""
        return dict(zip(self.positions or range(len(self.values)), self.values, strict=True))


@dataclass(frozen=True)
class TrialPoint:
    """One trial of a search.

    Attributes
    ----------
    number : its number in the study, from 0.
    value : the objective over its blocks; of a dropped trial its estimate at that time; None if it has none.
    state : ``complete``, ``dropped``, ``forbidden``, ``failed``, ``running`` or ``waiting``.
    detail : text shown on hover, such as the query strategy's name.
    violated : the constraints that it violates, in words; empty if it satisfies all.
    """

    number: int
    value: float | None
    state: str = "complete"
    detail: str = ""
    violated: str = ""

    @property
    def shown_state(self) -> str:
        """The state that the figure shows: ``infeasible`` for a complete trial that violates a constraint."""
        return INFEASIBLE if self.state == "complete" and self.violated else self.state
