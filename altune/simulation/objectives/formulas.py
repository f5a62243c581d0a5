"""The formula of each objective: a number from a learning curve and random sampling's on the same block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from altune.core.errors import ScenarioError
from altune.simulation.curve import LearningCurve, held_area, labels_to_reach, trapezoid_area
from altune.simulation.objectives.kinds import SLOPE_POINTS
from altune.simulation.objectives.risk import MEAN, Risk

HOUR = 3600.0
_FLAT = 1e-9


@dataclass(frozen=True)
class Terms:
    """What an objective is made of: all that a formula reads.

    Parameters
    ----------
    name : one of :data:`OBJECTIVES`.
    metric : the score that is measured.
    over : ``labels``, or ``cost`` to integrate an area over money spent.
    end : right end of the domain: the budget in labels, or the most that can be spent.
    value : worth of a score of 1 over a score of 0, in the scenario's unit of money (``net_value`` only).
    target : score to be reached (``labels_to_target`` and ``data_utilization``); None for the reference's final one.
    risk : how blocks are summed up.
    price_per_hour : price of an hour of computing (``net_value`` only).
    """

    name: str = "aulc"
    metric: str = "accuracy"
    over: str = "labels"
    end: float = 1.0
    value: float = 0.0
    target: float | None = None
    risk: Risk = MEAN
    price_per_hour: float = 0.0


Formula = Callable[[Terms, LearningCurve, LearningCurve], float]


def perfect(metric: str) -> float:
    """Return what a perfect model scores: 0 for scikit-learn's negated losses, else 1.

    >>> perfect("neg_log_loss"), perfect("f1_macro")
    (0.0, 1.0)
    """
    return 0.0 if metric.startswith("neg_") else 1.0


def _held(objective: Terms, curve: LearningCurve) -> float:
    x = curve.labels if objective.over == "labels" else curve.cost
    return held_area(x, curve.scores[objective.metric], curve.prior[objective.metric], objective.end)


def _held_log(objective: Terms, curve: LearningCurve) -> float:
    x = np.log2(np.maximum(curve.labels if objective.over == "labels" else curve.cost, 1))
    end = float(np.log2(objective.end))
    return held_area(x, curve.scores[objective.metric], curve.prior[objective.metric], end)


def _trapezoid(objective: Terms, curve: LearningCurve, reference: LearningCurve) -> float:
    x = curve.labels if objective.over == "labels" else curve.cost
    return trapezoid_area(x, curve.scores[objective.metric], curve.prior[objective.metric], objective.end)


def _dense(objective: Terms, curve: LearningCurve, reference: LearningCurve) -> float:
    if not len(curve.dense_labels):
        raise ScenarioError("aulc_dense needs models refitted on a grid, which this curve does not hold: simulate anew")
    counts, scores = curve.dense_labels, curve.dense_scores[objective.metric]
    return trapezoid_area(counts, scores, curve.prior[objective.metric], objective.end)


def _alc(objective: Terms, curve: LearningCurve, reference: LearningCurve) -> float:
    prior, best = curve.prior[objective.metric], perfect(objective.metric)
    return (_held_log(objective, curve) - prior) / max(best - prior, _FLAT)


def _aubc(objective: Terms, curve: LearningCurve, reference: LearningCurve) -> float:
    y = curve.scores[objective.metric][1:]
    # With fewer than two points left the published formula gives 0, whatever the score.
    return float(np.trapezoid(y) / len(y)) if len(y) > 1 else float(curve.scores[objective.metric][-1])


def _deficiency(objective: Terms, curve: LearningCurve, reference: LearningCurve) -> float:
    final = float(reference.scores[objective.metric][-1])
    own, usual = final - _held(objective, curve), final - _held(objective, reference)
    # Where random sampling has its final score from the start, the ratio is not defined; the difference is.
    return own / usual if usual > _FLAT else 1.0 + own - usual


def _target(objective: Terms, reference: LearningCurve) -> float:
    return float(reference.scores[objective.metric][-1]) if objective.target is None else objective.target


def _to_target(objective: Terms, curve: LearningCurve, reference: LearningCurve) -> float:
    reached = labels_to_reach(curve, objective.metric, _target(objective, reference))
    return float(_budget(objective, curve) if reached is None else reached)


def _utilization(objective: Terms, curve: LearningCurve, reference: LearningCurve) -> float:
    target = _target(objective, reference)
    own, usual = (_monotone_labels(one, objective.metric, target) for one in (curve, reference))
    most = _budget(objective, reference)
    return max(1.0, most if own is None else own) / max(1.0, most if usual is None else usual)


def _budget(objective: Terms, curve: LearningCurve) -> float:
    return objective.end if objective.over == "labels" else float(curve.labels[-1])


def _monotone_labels(curve: LearningCurve, metric: str, target: float) -> int | None:
    """Return the labels at which the isotonic fit of a curve reaches a score."""
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


FORMULAS: Mapping[str, Formula] = {
    "aulc": lambda objective, curve, reference: _held(objective, curve),
    "aulc_trapezoid": _trapezoid,
    "aulc_dense": _dense,
    "aulc_log": lambda objective, curve, reference: _held_log(objective, curve),
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
