"""A loop size that weighs the price of a loop against the price of an outdated model."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from altune.core.registry import register
from altune.core.types import Array
from altune.knobs.loop_size.base import BoundedLoops, Judged, LoopState, equal_part

LEAST_POINTS = 3
"""Errors that are needed for a fit."""


@register
class CostAwareLoops(BoundedLoops):
    """The size with the lowest price of loops and staleness per row, F/b + h·b/2, which is b* = √(2F/h).

    F is the scenario's price of a loop. While b rows are labelled, the current model is not updated although its error
    ε(n) would decrease by s = −dε/dn with each label; h = w·s is the price of this staleness, and w the price of an
    error of 1 while one row is labelled. ``slope`` fits ε = a − g·ln n, so that s = g/n. ``power_law`` fits
    ε = α·n^{−γ} and minimises (F + w·∫₀ᵇ ε(n) − ε(n + x) dx)/b instead.

    The errors are those of each model on the labels bought after it was trained. With fewer than three of them the loop
    is an equal part of the rest of the budget; if they do not decrease, it doubles the number of labelled rows.
    """

    # An uncertainty strategy selects difficult rows, on which the error is too high; only its decrease is used.
    # From MCAL: the power law, fitted again after each purchase on the labels bought; the purchase that minimises the
    # predicted cost of the rest; doubling if no decreasing curve can be fitted. Left out: machine labels for easy rows
    # and their accuracy target, the term e^{−n/k} (which the authors' code switches off), and the cost of training,
    # which is part of the price of a loop.
    source = "Harris, How Many Parts to Make at Once, 1913 (b* = √(2F/h)); Qiu, Chintalapudi, Govindan, MCAL, ICLR 2023"
    judges_new_labels = True
    reads_prices = True
    method: Literal["cost_aware"] = "cost_aware"
    estimate: Literal["slope", "power_law"] = Field(
        default="slope", description="curve that is fitted to the errors: a line in ln n, or a power law"
    )
    worth: float = Field(
        default=1.0,
        ge=0.001,
        le=1000.0,
        description="price w of an error of 1 while one row is labelled, in units of the price of a row's labels",
    )

    def wanted(self, state: LoopState) -> int:
        """Return b*, or an equal part of the rest of the budget while there are too few errors."""
        worth = self.worth * state.price_per_row
        if worth <= 0 or state.price_per_loop <= 0 or len({point.trained_on for point in state.errors}) < LEAST_POINTS:
            return equal_part(state)
        n = state.rows_labelled
        if self.estimate == "slope":
            slope = -error_line(state.errors).slope / n
            size = economic_size(state.price_per_loop, worth * slope) if slope > 0 else float(n)
            return int(min(max(1, round(min(size, 1e9))), state.rows_left))
        law = power_law(state.errors)
        if law.exponent <= 0:
            return n
        return cheapest_size(state.price_per_loop, worth, n, law, state.rows_left)


class FittedLine(NamedTuple):
    """The line y = at_zero + slope·x."""

    at_zero: float
    slope: float


class PowerLaw(NamedTuple):
    """The power law ε = α·n^{−γ}: ``log_scale`` is ln α and ``exponent`` is γ."""

    log_scale: float
    exponent: float

    def error(self, n: int) -> float:
        """Return ε(n), at most 1."""
        return math.exp(min(0.0, self.log_scale - self.exponent * math.log(n)))


def economic_size(price_per_loop: float, staleness: float) -> float:
    """Return √(2F/h), the minimum of F/b + h·b/2.

    >>> economic_size(8.0, 0.01)
    40.0
    """
    return math.sqrt(2.0 * price_per_loop / staleness)


def error_line(errors: tuple[Judged, ...]) -> FittedLine:
    """Fit the error rate over ln n by least squares, with the number of judged rows as weights."""
    n, rate, judged = _points(errors)
    return fitted_line(np.log(n), rate, judged)


def power_law(errors: tuple[Judged, ...]) -> PowerLaw:
    """Fit ε = α·n^{−γ} to error rates by weighted least squares of ln ε over ln n.

    One half is added to the numbers of wrong and of right predictions, so that the logarithm of an error of 0 exists.
    The weight is the inverse variance of ln ε, m·ε/(1 − ε) for m judged rows.
    """
    n, rate, judged = _points(errors)
    shrunk = (rate * judged + 0.5) / (judged + 1.0)
    line = fitted_line(np.log(n), np.log(shrunk), judged * shrunk / (1.0 - shrunk))
    return PowerLaw(line.at_zero, -line.slope)


def fitted_line(x: Array, y: Array, weight: Array) -> FittedLine:
    """Return the weighted least-squares line through points with at least two different x.

    >>> fitted_line(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]), np.ones(3))
    FittedLine(at_zero=1.0, slope=2.0)
    """
    share = weight / weight.sum()
    centre, level = float(share @ x), float(share @ y)
    slope = float(share @ ((x - centre) * (y - level)) / (share @ (x - centre) ** 2))
    return FittedLine(level - slope * centre, slope)


def stale_error(law: PowerLaw, n: int, sizes: Array) -> Array:
    """Return ∫₀ᵇ ε(n) − ε(n + x) dx for each size b: the errors that updating the model could have avoided."""
    power = 1.0 - law.exponent
    grown = np.log1p(sizes / n)
    fresh = n * (grown if abs(power) < 1e-9 else np.expm1(power * grown) / power)
    return law.error(n) * (sizes - fresh)


def cheapest_size(price_per_loop: float, worth: float, n: int, law: PowerLaw, most: int) -> int:
    """Return the size up to ``most`` with the lowest price of a loop and its staleness per row."""
    sizes = np.arange(1, max(1, most) + 1, dtype=np.float64)
    price = (price_per_loop + worth * stale_error(law, n, sizes)) / sizes
    return int(sizes[np.argmin(price)])


def _points(errors: tuple[Judged, ...]) -> tuple[Array, Array, Array]:
    trained_on, judged, wrong = np.array(errors, dtype=np.float64).T
    return trained_on, wrong / judged, judged
