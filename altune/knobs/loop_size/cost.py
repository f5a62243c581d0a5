"""A size that weighs the price of a loop against that of a model left stale."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.registry import register
from altune.knobs.loop_size.base import BoundedLoops, Judged, LoopState, equal_part

Array = NDArray[np.float64]
LEAST_POINTS = 3


@register
class CostAwareLoops(BoundedLoops):
    """The size that makes loops and staleness together cheapest.

    While b rows are labelled the model in hand stays as it was. Its error ε(n) could have fallen by the slope
    s = −dε/dn with each of them, so a loop costs F + h·b²/2 with F the scenario's price of a loop, h = w·s the price
    of staleness and w what an error of 1 costs while one row is labelled, in prices of a row's labels.

    ``estimate: slope`` fits the line ε = a − g·ln n to the errors seen so far, s = g/n, and takes b* = √(2F/h).
    ``estimate: power_law`` fits ε = α·n^{−γ} and takes the b of the rows left that makes
    (F + w·∫₀ᵇ ε(n) − ε(n + x) dx)/b least: where no later loop can earn its price, all of them.

    The errors are those of each model on the labels bought after it was trained: they are paid for, and no test row
    is looked at. An uncertain strategy asks for difficult rows, so their level is too high; only its fall decides.
    Until there are three such errors the loop is an equal part of the budget; while they do not fall, it is as large
    as what was labelled so far.

    Taken from MCAL: the power law, fitted again after each purchase on labels that were bought; the purchase that
    minimises the predicted cost of the rest; the doubling where no falling curve can be fitted. Not taken: machine
    labels for the easy rows and their accuracy target, the term e^{−n/k} (which the authors' code switches off), and
    the cost of training, for which the price of a loop stands.
    """

    source: ClassVar[str] = (
        "Harris, How Many Parts to Make at Once, 1913 (b* = √(2F/h)); Qiu, Chintalapudi & Govindan, MCAL, ICLR 2023"
    )
    judges_new_labels: ClassVar[bool] = True
    reads_prices: ClassVar[bool] = True
    method: Literal["cost_aware"] = "cost_aware"
    estimate: Literal["slope", "power_law"] = Field(default="slope", description="how the error's fall is estimated")
    worth: float = Field(
        default=1.0,
        ge=0.001,
        le=1000.0,
        description="what an error of 1 costs while one row is labelled, in prices of a row's labels (w)",
    )

    def wanted(self, state: LoopState) -> int:
        """Return b*, an equal part while too little is known."""
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
    """y = at_zero + slope·ln n."""

    at_zero: float
    slope: float


class PowerLaw(NamedTuple):
    """ε = α·n^{−γ}: ``log_scale`` is ln α, ``exponent`` γ."""

    log_scale: float
    exponent: float

    def error(self, n: int) -> float:
        """Return ε(n), at most 1."""
        return math.exp(min(0.0, self.log_scale - self.exponent * math.log(n)))


def economic_size(price_per_loop: float, staleness: float) -> float:
    """Return √(2F/h), where F/b + h·b/2 is least.

    >>> economic_size(8.0, 0.01)
    40.0
    """
    return math.sqrt(2.0 * price_per_loop / staleness)


def error_line(errors: tuple[Judged, ...]) -> FittedLine:
    """Fit the error rate over ln n by least squares, each point weighted by the rows it was judged on."""
    n, rate, judged = _points(errors)
    return fitted_line(np.log(n), rate, judged)


def power_law(errors: tuple[Judged, ...]) -> PowerLaw:
    """Fit ε = α·n^{−γ} to error rates by weighted least squares of ln ε over ln n.

    A half is added to the wrong and to the right ones, so that no error of 0 has to be a logarithm; the weight is
    the inverse of the variance of ln ε, m·ε/(1 − ε) for m judged rows.
    """
    n, rate, judged = _points(errors)
    shrunk = (rate * judged + 0.5) / (judged + 1.0)
    line = fitted_line(np.log(n), np.log(shrunk), judged * shrunk / (1.0 - shrunk))
    return PowerLaw(line.at_zero, -line.slope)


def fitted_line(x: Array, y: Array, weight: Array) -> FittedLine:
    """Return the weighted least-squares line through points of two or more different x.

    >>> fitted_line(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]), np.ones(3))
    FittedLine(at_zero=1.0, slope=2.0)
    """
    share = weight / weight.sum()
    centre, level = float(share @ x), float(share @ y)
    slope = float(share @ ((x - centre) * (y - level)) / (share @ (x - centre) ** 2))
    return FittedLine(level - slope * centre, slope)


def stale_error(law: PowerLaw, n: int, sizes: Array) -> Array:
    """Return ∫₀ᵇ ε(n) − ε(n + x) dx for each size b: what a model left at n labels errs beyond fresh ones."""
    power = 1.0 - law.exponent
    grown = np.log1p(sizes / n)
    fresh = n * (grown if abs(power) < 1e-9 else np.expm1(power * grown) / power)
    stale: Array = law.error(n) * (sizes - fresh)
    return stale


def cheapest_size(price_per_loop: float, worth: float, n: int, law: PowerLaw, most: int) -> int:
    """Return the whole size up to ``most`` at which a loop and the staleness it brings cost least for each row."""
    sizes = np.arange(1, max(1, most) + 1, dtype=np.float64)
    price = (price_per_loop + worth * stale_error(law, n, sizes)) / sizes
    return int(sizes[np.argmin(price)])


def _points(errors: tuple[Judged, ...]) -> tuple[Array, Array, Array]:
    trained_on, judged, wrong = np.array(errors, dtype=np.float64).T
    return trained_on, wrong / judged, judged
