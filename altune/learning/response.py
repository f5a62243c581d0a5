"""The response of the area under the learning curve to steps from the rule, and the step that increases it most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from altune.core.types import Array
from altune.numerics.shrinkage import Moments, grouped_ridge

LONGEST = 3.0
"""Longest step in units of the radius: the trust region. Along a direction, few policies were played farther out."""
CAUTION = 1.645
"""Standard errors by which the slope is taken to be smaller than measured: the end of a one-sided 95 % interval."""
STEP_GRID = np.linspace(0.0, LONGEST, 31)


@dataclass(frozen=True, eq=False)
class Responses:
    """The responses of one data set.

    Attributes
    ----------
    data, family : name of the data set and of its family.
    steps : step of each pair that was played, in units of the radius, ``(n_plays, n_weights)``.
    plus, minus : area of the policies at the step and at the opposite one, minus that of the rule on the same block,
        ``(n_plays,)``.
    """

    data: str
    family: str
    steps: Array
    plus: Array
    minus: Array

    @cached_property
    def scale(self) -> float:
        """Standard deviation of the responses, by which they are normalised; 1 if all policies are alike."""
        spread = float(np.std((self.plus - self.minus) / 2))
        return spread if spread > 0 else 1.0

    @property
    def odd(self) -> Array:
        """Part of the normalised response that changes its sign with the step: the slope along it, ``(n_plays,)``."""
        return (self.plus - self.minus) / (2 * self.scale)

    @property
    def even(self) -> Array:
        """Part of the normalised response that is the same for opposite steps: the curvature along it."""
        return (self.plus + self.minus) / (2 * self.scale)


@dataclass(frozen=True, eq=False)
class Step:
    """A step from the rule.

    Attributes
    ----------
    vector : the step in units of the radius, ``(n_weights,)``; zeros if no step is expected to gain.
    slope, slope_error, curvature : of the normalised response along the direction, on families that the direction was
        not fitted on: mean over families, its standard error, and the mean curvature.
    """

    vector: Array
    slope: float
    slope_error: float
    curvature: float

    @property
    def length(self) -> float:
        """Length of the step in units of the radius."""
        return float(np.linalg.norm(self.vector))


class StepFinder:
    """Finds the step that increases the area most, from the responses of some families.

    The direction is that of the fitted slopes. Its length comes from cross-validation over the families: each family is
    left out, a direction is fitted on the others, and slope and curvature along it are measured on the family that was
    left out. The length maximises its product with the lower end of a 95 % interval of the mean slope, plus half of the
    curvature times its square, within the trust region. It is 0 unless directions generalise over families.

    Parameters
    ----------
    responses : one for each data set.
    groups : group of each weight, whose shrinkage is common, ``(n_weights,)``.
    """

    def __init__(self, responses: Sequence[Responses], groups: NDArray[np.intp]) -> None:
        self._groups = groups
        self._of_family: dict[str, list[Responses]] = {}
        for response in responses:
            if len(response.plus):
                self._of_family.setdefault(response.family, []).append(response)
        self._moments = {
            family: _summed([Moments.of(response.steps, response.odd) for response in found])
            for family, found in self._of_family.items()
        }

    @property
    def families(self) -> list[str]:
        """Names of the families."""
        return list(self._of_family)

    def step(self, without: str | None = None) -> Step:
        """Return the step that is fitted on all families, or on all but one."""
        families = [family for family in self.families if family != without]
        none = np.zeros(len(self._groups))
        direction = self._direction(families)
        if direction is None or len(families) < 2:
            return Step(none, 0.0, 0.0, 0.0)
        slopes, curvatures, units = [], [], []
        for family in families:
            other = self._direction([name for name in families if name != family])
            for response in self._of_family[family]:
                slope, curvature = (0.0, 0.0) if other is None else along(response, other)
                slopes.append(slope)
                curvatures.append(curvature)
                units.append(family)
        slope, error = _family_mean(np.array(slopes), units)
        curvature = min(0.0, float(np.mean(curvatures)))
        gains = (slope - CAUTION * error) * STEP_GRID + 0.5 * curvature * STEP_GRID**2
        return Step(float(STEP_GRID[int(np.argmax(gains))]) * direction, slope, error, curvature)

    def _direction(self, families: Sequence[str]) -> Array | None:
        """Return the unit vector along the fitted slopes, None if there is no slope."""
        if not families:
            return None
        slopes = grouped_ridge(_summed([self._moments[family] for family in families]), self._groups)
        length = float(np.linalg.norm(slopes))
        return slopes / length if length > 1e-9 else None


def along(response: Responses, direction: Array) -> tuple[float, float]:
    """Return slope and curvature of a data set's normalised response along a unit vector.

    The curvature is that along the vector alone: what all directions have in common is taken out by an intercept.
    """
    x = response.steps @ direction
    slope = float(x @ response.odd / max(float(x @ x), 1e-12))
    half_squares = (x**2 - np.mean(x**2)) / 2
    even = response.even - response.even.mean()
    curvature = float(half_squares @ even / max(float(half_squares @ half_squares), 1e-12))
    return slope, curvature


def _summed(moments: Sequence[Moments]) -> Moments:
    total = moments[0]
    for other in moments[1:]:
        total = total + other
    return total


def _family_mean(values: Array, families: Sequence[str]) -> tuple[float, float]:
    """Return the mean over data sets, and its standard error with the families as units.

    The slope on a family is a product with the mean slope of the others, so each pair of families enters twice, which
    doubles the variance of the mean over that of independent slopes.
    """
    mean = float(values.mean())
    names = sorted(set(families))
    of_family = np.array(families)
    sums = np.array([(values[of_family == name] - mean).sum() for name in names])
    error = float(np.sqrt(2.0 * (sums**2).sum() * len(names) / max(1, len(names) - 1))) / len(values)
    return mean, error
