"""How the numbers of an objective are written: decimals, unit, and which side of zero is better."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from altune.simulation.objectives import Objective

MINUS = "\N{MINUS SIGN}"
WHOLE_FROM = 10.0
SCORE_DIGITS = 3


@dataclass(frozen=True)
class Amounts:
    """How the numbers of one objective are written; by default as a score, such as an accuracy.

    Parameters
    ----------
    digits : number of decimals.
    unit : what is counted, such as ``labels``; empty for a score.
    less_is_better : whether a difference below zero is better.

    Examples
    --------
    >>> Amounts().interval(0.912, 0.9, 0.92), Amounts(1, "labels", True).signed_headline(-34.2)
    ('0.912 [0.900, 0.920]', '−34 labels')
    """

    digits: int = SCORE_DIGITS
    unit: str = ""
    less_is_better: bool = False

    @classmethod
    def of(cls, objective: Objective) -> Amounts:
        """Return how the numbers of an objective are written."""
        digits, unit = _WRITTEN.get(objective.name, (SCORE_DIGITS, ""))
        return cls(digits, unit, objective.direction == "minimize")

    @property
    def exact(self) -> Amounts:
        """The same with one more decimal for a score, for tables."""
        return replace(self, digits=4) if self.digits == SCORE_DIGITS else self

    @property
    def ticks(self) -> str:
        """Plotly's format of a signed number on an axis."""
        return f"+.{self.digits}~f"

    def text(self, value: float) -> str:
        """Return a number without its unit."""
        return self._written(value, "")

    def signed(self, value: float) -> str:
        """Return a difference, with its sign and without its unit."""
        return self._written(value, "+")

    def interval(self, mean: float, low: float | None, high: float | None) -> str:
        """Return a number with its interval; a single block has no interval."""
        return self._with_interval(mean, low, high, "")

    def signed_interval(self, mean: float, low: float | None, high: float | None) -> str:
        """Return a difference with its interval; a single block has no interval."""
        return self._with_interval(mean, low, high, "+")

    def headline(self, value: float) -> str:
        """Return a number in its shortest form, without its unit."""
        return self._short(value).text(value)

    def signed_headline(self, value: float) -> str:
        """Return a difference in its shortest form, with its unit."""
        return f"{self._short(value).signed(value)} {self.unit}".rstrip()

    def _short(self, value: float) -> Amounts:
        return replace(self, digits=0) if self.digits < SCORE_DIGITS and abs(value) >= WHOLE_FROM else self

    def _with_interval(self, mean: float, low: float | None, high: float | None, sign: str) -> str:
        text = self._written(mean, sign)
        if low is None or high is None or not math.isfinite(high - low):
            return f"{text} (no interval)"
        return f"{text} [{self._written(low, sign)}, {self._written(high, sign)}]"

    def _written(self, value: float, sign: str) -> str:
        # Adding 0.0 after rounding removes the sign of a zero.
        return f"{round(value, self.digits) + 0.0:{sign}.{self.digits}f}".replace("-", MINUS)


_WRITTEN = {
    "labels": (1, "labels"),
    "labels_to_target": (1, "labels"),
    "loops": (1, "loops"),
    "seconds": (2, "s"),
    "cost": (2, ""),
    "net_value": (2, ""),
}
"""Decimals and unit of objectives that are not scores."""
