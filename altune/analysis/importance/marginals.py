"""Marginals of a search as numbers: of a method, along a numeric parameter, and over two decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MethodEffect:
    """What one method of a knob reaches.

    Attributes
    ----------
    knob, method : which.
    n_trials : recipes of the search that have it.
    quantiles : 10, 25, 50, 75 and 90 % quantiles of their values; None without any.
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
    path : Optuna's name.
    at : values of the parameter, ``(n_points,)``, rising.
    mean, low, high : the marginal with its interval where the parameter is active, each ``(n_points,)``.
    log : whether the range is logarithmic.
    trial_at, trial_value : the recipes that have it, to be drawn beside the curve, each ``(n_trials,)``.
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
    at_a, at_b : their values: numbers, or names of methods or choices.
    mean : the marginal, ``(len(at_a), len(at_b))``.
    spread : its posterior standard deviation, of the same shape.
    log_a, log_b : whether the range is logarithmic.
    trial_a, trial_b : the two decisions of the recipes that have both, each ``(n_trials,)``.
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
