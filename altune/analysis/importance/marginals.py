"""Marginals of a search: of a method, over a numeric parameter, and over two decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MethodEffect:
    """The marginal of one method of a knob.

    Attributes
    ----------
    knob, method : names of the knob and of the method.
    n_trials : number of recipes of the search with the method.
    quantiles : 10, 25, 50, 75 and 90 % quantiles of their values; None if there are none.
    mean, low, high : the marginal with its interval.
    values : the value of each of these recipes.
    """

    knob: str
    method: str
    n_trials: int
    quantiles: tuple[float, ...] | None
    mean: float
    low: float
    high: float
    values: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Curve:
    """The marginal over one numeric parameter.

    Attributes
    ----------
    path : Optuna's name of the parameter.
    at : values of the parameter, ``(n_points,)``, increasing.
    mean, low, high : the marginal with its interval, over recipes in which the parameter is active, ``(n_points,)``.
    log : whether the range is logarithmic.
    trial_at, trial_value : parameter and objective of the recipes that have the parameter, each ``(n_trials,)``.
    """

    path: str
    at: Array
    mean: Array
    low: Array
    high: Array
    log: bool
    trial_at: Array
    trial_value: Array


@dataclass(frozen=True, eq=False)
class Surface:
    """The marginal over two decisions.

    Attributes
    ----------
    a, b : Optuna's names of two decisions of different knobs.
    at_a, at_b : values of the decisions: numbers, or names of methods or choices.
    mean : the marginal, ``(len(at_a), len(at_b))``.
    spread : its posterior standard deviation, of the same shape.
    log_a, log_b : whether each range is logarithmic.
    trial_a, trial_b : values of the two decisions in the recipes that have both, each ``(n_trials,)``.
    """

    a: str
    b: str
    at_a: tuple[Any, ...]
    at_b: tuple[Any, ...]
    mean: Array
    spread: Array
    log_a: bool = False
    log_b: bool = False
    trial_a: tuple[Any, ...] = ()
    trial_b: tuple[Any, ...] = ()
