"""Shares of the variance of the objective, with their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class KnobShare:
    """What one knob explains, in shares of the objective's variance.

    Attributes
    ----------
    knob : its name.
    share, low, high : Shapley effect with its interval; the shares of all knobs sum to 1. The interval begins at 0 if
        the knob does not matter.
    main : what the knob explains alone.
    total : what the knob explains alone and with others.
    matters : whether its interval is above the interval of the noise floor.
    """

    knob: str
    share: float
    low: float
    high: float
    main: float
    total: float
    matters: bool


@dataclass(frozen=True)
class ParameterShare:
    """What one decision inside a knob explains: the choice of its method, or one parameter.

    Attributes
    ----------
    path : Optuna's name; the name of the knob is the choice of its method.
    knob : the knob.
    share, low, high : share of the objective's variance with its interval, a part of what the knob explains alone.
    """

    path: str
    knob: str
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Interaction:
    """What two knobs explain together beyond both alone, as a share of the variance with its interval."""

    a: str
    b: str
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Floor:
    """The share of a dummy knob without effect, with its interval."""

    share: float
    low: float
    high: float


@dataclass(frozen=True)
class NumberShare:
    """A number that explains most of the share of its knob.

    Attributes
    ----------
    knob : the knob.
    number : the name of the parameter, such as ``size``; methods of the knob may have it in common.
    paths : Optuna's names of the parameter, one for each method that has it.
    share, low, high : share of the objective's variance with its interval, a part of what the knob explains alone.
    """

    knob: str
    number: str
    paths: tuple[str, ...]
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class HeldNumber:
    """What each knob explains between recipes that have one number in common.

    Attributes
    ----------
    knob, number : the number that is held.
    value : its value, that of the recipe.
    remains : the part of the objective's variance that these recipes have.
    knobs : the share of each open knob in that part, the largest first.
    """

    knob: str
    number: str
    value: Any
    remains: float
    knobs: tuple[KnobShare, ...]

    @property
    def text(self) -> str:
        """The number and its value, such as ``size 10``."""
        value = f"{self.value:.4g}" if isinstance(self.value, float) else str(self.value)
        return f"{number_words(self.number)} {value}"


def number_words(number: str) -> str:
    """Return a parameter's name in words."""
    return number.replace("_", " ")
