"""The formula of each objective, from a learning curve and that of random sampling on the same block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from altune.core.errors import ScenarioError
from altune.core.types import Array
from altune.simulation.curve import LearningCurve, held_area, labels_to_reach, log_axis, trapezoid_area
from altune.simulation.metrics import metric_range
from altune.simulation.objectives.kinds import SLOPE_POINTS
from altune.simulation.objectives.risk import MEAN, Risk

HOUR = 3600.0
_FLAT = 1e-9
"""Differences of scores up to this count as zero."""


@dataclass(frozen=True)
class Terms:
    """The parameters of an objective.

    Parameters
    ----------
    name : one of :data:`OBJECTIVES`.
    metric : the score that is used.
    over : ``labels``, or ``cost`` to integrate an area over the money spent.
    end : right end of the domain: the budget in labels, or the highest cost.
    value : value of a score of 1, in the scenario's unit of money (only for ``net_value``).
    target : score to reach (only for ``labels_to_target`` and ``data_utilization``); None for the final score of the
        reference.
    risk : how the values of several blocks are summarised.
    price_per_hour : price of an hour of computing (only for ``net_value``).
    positive : name of the positive class, None where the metric has none.
    """

    name: str = "aulc"
    metric: str = "accuracy"
    over: str = "labels"
    end: float = 1.0
    value: float = 0.0
    target: float | None = None
    risk: Risk = MEAN
    price_per_hour: float = 0.0
    positive: str | None = None


Formula = Callable[[Terms, LearningCurve, LearningCurve], float]


def perfect(metric: str) -> float:
    """Return the score of a perfect model: the highest possible value, infinite where there is none.

    >>> perfect("neg_log_loss"), perfect("f1_macro")
    (0.0, 1.0)
    """
    return metric_range(metric)[1]


def _area(
    area: Callable[[Array, Array, float, float], float], objective: Terms, curve: LearningCurve, *, log: bool = False
) -> float:
    spent = (curve.labels if objective.over == "labels" else curve.cost).astype(np.float64)
    x, end = (log_axis(spent), float(np.log2(objective.end))) if log else (spent, objective.end)
    return area(x, curve.scores[objective.metric], curve.prior[objective.metric], end)


def _held(objective: Terms, curve: LearningCurve) -> float:
    return _area(held_area, objective, curve)


def _dense(objective: Terms, curve: LearningCurve, reference: LearningCurve) -> float:
    if not len(curve.dense_labels):
        raise ScenarioError(
            "aulc_dense needs models refitted on a grid, which this curve does not have; simulate again"
        )
    counts, scores = curve.dense_labels, curve.dense_scores[objective.metric]
    return trapezoid_area(counts, scores, curve.prior[objective.metric], objective.end)


def _alc(objective: Terms, curve: LearningCurve, reference: LearningCurve) -> float:
    prior, best = curve.prior[objective.metric], perfect(objective.metric)
    # The prior is a horizontal line of area A_random, a perfect model one of area A_max: their lengths cancel.
    return (_area(trapezoid_area, objective, curve, log=True) - prior) / max(best - prior, _FLAT)


def _aubc(objective: Terms, curve: LearningCurve, reference: LearningCurve) -> float:
    y = curve.scores[objective.metric][1:]
    # With fewer than two points left, the published formula would give 0 for any score.
    return float(np.trapezoid(y) / len(y)) if len(y) > 1 else float(curve.scores[objective.metric][-1])


def _deficiency(objective: Terms, curve: LearningCurve, reference: LearningCurve) -> float:
    final = float(reference.scores[objective.metric][-1])
    missed, missed_at_random = final - _held(objective, curve), final - _held(objective, reference)
    # If random sampling has its final score from the start, the ratio is undefined, and the difference takes its place.
    return missed / missed_at_random if missed_at_random > _FLAT else 1.0 + missed - missed_at_random


def _target(objective: Terms, reference: LearningCurve) -> float:
    return float(reference.scores[objective.metric][-1]) if objective.target is None else objective.target


def _to_target(objective: Terms, curve: LearningCurve, reference: LearningCurve) -> float:
    reached = labels_to_reach(curve, objective.metric, _target(objective, reference))
    return float(_budget(objective, curve) if reached is None else reached)


def _utilization(objective: Terms, curve: LearningCurve, reference: LearningCurve) -> float:
    target = _target(objective, reference)
    budget = _budget(objective, reference)
    reached = _monotone_labels(curve, objective.metric, target)
    at_random = _monotone_labels(reference, objective.metric, target)
    return max(1.0, budget if reached is None else reached) / max(1.0, budget if at_random is None else at_random)


def _budget(objective: Terms, curve: LearningCurve) -> float:
    return objective.end if objective.over == "labels" else float(curve.labels[-1])


def _monotone_labels(curve: LearningCurve, metric: str, target: float) -> int | None:
    """Return the label count at which the isotonic fit of a curve reaches a score, None if it never does."""
    from sklearn.isotonic import IsotonicRegression

    x = np.concatenate([[0], curve.labels]).astype(np.float64)
    smooth = IsotonicRegression().fit_transform(x, np.concatenate([[curve.prior[metric]], curve.scores[metric]]))
    reached = np.flatnonzero(smooth >= target - 1e-12)
    return int(x[reached[0]]) if len(reached) else None


def _slope(objective: Terms, curve: LearningCurve, reference: LearningCurve) -> float:
    x, y = (values[-SLOPE_POINTS:].astype(np.float64) for values in (curve.labels, curve.scores[objective.metric]))
    return float(100 * np.polyfit(x, y, 1)[0]) if len(x) > 1 else 0.0


def _net_value(objective: Terms, curve: LearningCurve, reference: LearningCurve) -> float:
    computing = objective.price_per_hour * curve.seconds / HOUR
    return objective.value * float(curve.scores[objective.metric][-1]) - float(curve.cost[-1]) - computing


FORMULAS: dict[str, Formula] = {
    "aulc": lambda objective, curve, reference: _held(objective, curve),
    "aulc_trapezoid": lambda objective, curve, reference: _area(trapezoid_area, objective, curve),
    "aulc_dense": _dense,
    "aulc_log": lambda objective, curve, reference: _area(held_area, objective, curve, log=True),
    "alc_normalized": _alc,
    "aubc_lu": _aubc,
    "deficiency": _deficiency,
    "labels_to_target": _to_target,
    "data_utilization": _utilization,
    "final_score": lambda objective, curve, reference: float(curve.scores[objective.metric][-1]),
    "last_k_slope": _slope,
    "net_value": _net_value,
    "labels": lambda objective, curve, reference: float(curve.labels[-1]),
    "cost": lambda objective, curve, reference: float(curve.cost[-1]),
    "loops": lambda objective, curve, reference: float(len(curve) - 1),
    "seconds": lambda objective, curve, reference: curve.seconds,
}
