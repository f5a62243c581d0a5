"""Objectives: each a pure function of a learning curve, and how one number comes of many blocks.

Some measure a curve against that of random sampling on the same block, its *reference*. Those where less is better
(labels needed, money, seconds) say so by their direction; nothing is negated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from altune.curve import Array, LearningCurve, held_area, labels_to_reach, trapezoid_area
from altune.errors import ScenarioError, did_you_mean

Direction = Literal["maximize", "minimize"]
SLOPE_POINTS = 5
HOUR = 3600.0
_FLAT = 1e-9


@dataclass(frozen=True)
class ObjectiveKind:
    """What is the same for every objective of one name.

    Attributes
    ----------
    text : one line of explanation.
    plain : its name in a sentence or on an axis.
    measure : what a difference of it is a difference of, with ``{metric}`` and ``{budget}`` open.
    direction : whether more or less is better.
    reference : whether it is measured against random sampling on the same block.
    saves : whether ending before the budget can better it.
    prefix : whether it follows from the part of a curve that was seen, plus what comes after (areas do).
    """

    text: str
    plain: str
    measure: str
    direction: Direction = "maximize"
    reference: bool = False
    saves: bool = False
    prefix: bool = False


KINDS: dict[str, ObjectiveKind] = {
    "aulc": ObjectiveKind(
        "area under the learning curve over [0, budget]; each score holds until the next model exists",
        "area under the learning curve",
        "mean {metric} over {budget} labels",
        prefix=True,
    ),
    "aulc_trapezoid": ObjectiveKind(
        "the same area with the points joined by lines, as most published tables have it",
        "area under the learning curve (trapezoid)",
        "mean {metric} over {budget} labels (trapezoid)",
        prefix=True,
    ),
    "aulc_dense": ObjectiveKind(
        "the area with a model refitted at each of a grid of label counts: the worth of the selected rows alone",
        "area under the learning curve (refitted on a grid)",
        "mean {metric} over {budget} labels (refitted on a grid)",
    ),
    "aulc_log": ObjectiveKind(
        "the held area over log2 of the label count: early labels weigh more",
        "area under the learning curve (log labels)",
        "mean {metric} over the logarithm of {budget} labels",
        prefix=True,
    ),
    "alc_normalized": ObjectiveKind(
        "the held area over log2 of the label count, 0 for the prior predictor and 1 for a perfect one (Guyon 2011)",
        "normalised area under the learning curve",
        "normalised area over the logarithm of {budget} labels",
        prefix=True,
    ),
    "aubc_lu": ObjectiveKind(
        "trapezoid(scores[1:]) / len(scores[1:]), as Lu & Lin's benchmark has it (arXiv 2306.08954)",
        "area under the budget curve (Lu & Lin)",
        "mean {metric} over the loops after the first",
    ),
    "deficiency": ObjectiveKind(
        "area between random sampling's final score and the curve, over the same for random sampling; less than 1 is "
        "better than it (Baram 2004)",
        "deficiency against random sampling",
        "deficiency against random sampling",
        direction="minimize",
        reference=True,
    ),
    "labels_to_target": ObjectiveKind(
        "labels until the score is `target_score`, by default random sampling's final one; else the budget",
        "labels to the target",
        "labels until {metric} is at the target",
        direction="minimize",
        reference=True,
    ),
    "data_utilization": ObjectiveKind(
        "labels to the target over those that random sampling needs, on monotone curves; less than 1 is better than it",
        "data utilisation rate",
        "data utilisation rate against random sampling",
        direction="minimize",
        reference=True,
    ),
    "final_score": ObjectiveKind("the score at the end of the budget", "final score", "{metric} at {budget} labels"),
    "last_k_slope": ObjectiveKind(
        f"slope of the last {SLOPE_POINTS} points, in score per 100 labels: what more labels would still bring",
        "slope at the end (score per 100 labels)",
        "slope of {metric} at the end, per 100 labels",
    ),
    "net_value": ObjectiveKind(
        "value x final score, less the price of labels, loops and computing", "net value", "net value", saves=True
    ),
    "labels": ObjectiveKind(
        "labels bought by the end", "labels bought", "labels bought", direction="minimize", saves=True
    ),
    "cost": ObjectiveKind("money spent by the end", "money spent", "money spent", direction="minimize", saves=True),
    "loops": ObjectiveKind(
        "loops after the first model", "loops", "loops after the first model", direction="minimize", saves=True
    ),
    "seconds": ObjectiveKind(
        "seconds of computing, fits and queries; no two runs agree on it",
        "seconds of computing",
        "seconds of computing",
        direction="minimize",
        saves=True,
    ),
}

OBJECTIVES: dict[str, str] = {name: kind.text for name, kind in KINDS.items()}
"""Objectives by name, each with one line of explanation."""

SPENT = ("labels", "cost", "loops", "seconds")
"""Objectives that say nothing of the score: worth something beside another one, or as constraints."""


@dataclass(frozen=True)
class Risk:
    """How one number comes of many blocks: their mean, or what the unlucky ones have.

    Parameters
    ----------
    kind : ``mean``; ``quantile``, the value that a share of the blocks does not reach; ``cvar``, the mean over the
        worst share of the blocks (conditional value at risk).
    share : that share, in (0, 1); of no meaning for the mean.

    Examples
    --------
    >>> Risk.parse("cvar:0.5")([1.0, 2.0, 3.0, 4.0], "maximize")
    1.5
    """

    kind: str = "mean"
    share: float = 0.1

    @classmethod
    def parse(cls, text: str) -> Risk:
        """Read ``mean``, ``quantile:0.1`` or ``cvar:0.2``.

        Raises
        ------
        ScenarioError
            For anything else.
        """
        kind, _, number = text.partition(":")
        try:
            share = float(number) if number else 0.1
        except ValueError:
            share = -1.0
        if kind not in ("mean", "quantile", "cvar") or not 0 < share < 1 or (kind == "mean" and number):
            raise ScenarioError(f"no risk {text!r}; take mean, quantile:SHARE or cvar:SHARE with a share such as 0.1")
        return cls(kind, share)

    def __call__(self, values: Sequence[float] | Array, direction: Direction) -> float:
        """Return the number that stands for the values of several blocks."""
        ordered = np.sort(np.asarray(values, dtype=np.float64))
        if self.kind == "mean":
            return float(np.mean(np.asarray(values, dtype=np.float64)))
        worst_first = ordered if direction == "maximize" else ordered[::-1]
        if self.kind == "quantile":
            return float(np.quantile(ordered, self.share if direction == "maximize" else 1 - self.share))
        whole = self.share * len(worst_first)
        weights = np.clip(whole - np.arange(len(worst_first)), 0.0, 1.0)
        return float(worst_first @ weights / weights.sum())


@dataclass(frozen=True)
class Objective:
    """What a search betters: one number from one curve.

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
    risk: Risk = Risk()
    price_per_hour: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in KINDS:
            raise ScenarioError(f"no objective {self.name!r}; {did_you_mean(self.name, KINDS)}")

    def __call__(self, curve: LearningCurve, reference: LearningCurve | None = None) -> float:
        """Return the objective of a curve; ``reference`` is random sampling's curve on the same block.

        Raises
        ------
        ScenarioError
            If the objective needs a reference and there is none, or what it integrates was not recorded.
        """
        if self.needs_reference and reference is None:
            raise ScenarioError(f"{self.name} is measured against random sampling on the same block, and none is given")
        return float(_FORMULAS[self.name](self, curve, reference if reference is not None else curve))

    def each(self, curves: Sequence[LearningCurve], references: Sequence[LearningCurve] | None = None) -> Array:
        """Return the objective of each curve, ``(n_blocks,)``."""
        beside = references if references is not None else [None] * len(curves)
        return np.array([self(curve, other) for curve, other in zip(curves, beside, strict=True)])

    def over_blocks(self, values: Sequence[float] | Array) -> float:
        """Return the one number of several blocks, by the risk."""
        return self.risk(values, self.direction)

    @property
    def kind(self) -> ObjectiveKind:
        """What is the same for every objective of this name."""
        return KINDS[self.name]

    @property
    def direction(self) -> Direction:
        """``maximize`` or ``minimize``."""
        return self.kind.direction

    @property
    def sign(self) -> float:
        """1 where more is better, −1 where less is."""
        return 1.0 if self.direction == "maximize" else -1.0

    @property
    def needs_reference(self) -> bool:
        """Whether it is measured against random sampling on the same block."""
        return self.kind.reference and not (self.name == "labels_to_target" and self.target is not None)

    @property
    def normalizes(self) -> bool:
        """Whether it is a score or a mean of scores, so that 0 for random sampling and 1 for a perfect model fit."""
        return self.name in ("aulc", "aulc_trapezoid", "aulc_dense", "aulc_log", "aubc_lu", "final_score")

    @property
    def rewards_early_stop(self) -> bool:
        """Whether ending before the budget can better the objective."""
        return self.kind.saves

    def gain(self, own: float, other: float) -> float:
        """Return how much better ``own`` is than ``other``; positive where it is better."""
        return self.sign * (own - other)


@dataclass(frozen=True)
class Constraint:
    """A bound on an objective that a recipe must keep, such as ``labels <= 300``.

    Parameters
    ----------
    name : one of :data:`OBJECTIVES`.
    most : whether ``bound`` is the most that is allowed, else the least.
    bound : the bound, in the objective's unit.
    """

    name: str
    most: bool
    bound: float

    @classmethod
    def parse(cls, text: str) -> Constraint:
        """Read ``NAME <= NUMBER`` or ``NAME >= NUMBER``.

        >>> Constraint.parse("labels <= 300")
        Constraint(name='labels', most=True, bound=300.0)

        Raises
        ------
        ScenarioError
            For anything else.
        """
        found = re.fullmatch(r"\s*(\w+)\s*(<=|>=)\s*([-+.\deE]+)\s*", text)
        try:
            bound = float(found.group(3)) if found else float("nan")
        except ValueError:
            bound = float("nan")
        if found is None or not np.isfinite(bound):
            raise ScenarioError(f"no constraint {text!r}; write NAME <= NUMBER or NAME >= NUMBER, as in labels <= 300")
        if found.group(1) not in KINDS:
            raise ScenarioError(f"constraint {text!r}: no {found.group(1)!r}; {did_you_mean(found.group(1), KINDS)}")
        return cls(found.group(1), found.group(2) == "<=", bound)

    def __str__(self) -> str:
        return f"{self.name} {'<=' if self.most else '>='} {self.bound:g}"

    def violation(self, value: float) -> float:
        """Return by how much a value breaks the bound; 0 or less where it keeps it, as Optuna has it."""
        return value - self.bound if self.most else self.bound - value


def perfect(metric: str) -> float:
    """Return what a perfect model scores: 0 for scikit-learn's negated losses, else 1.

    >>> perfect("neg_log_loss"), perfect("f1_macro")
    (0.0, 1.0)
    """
    return 0.0 if metric.startswith("neg_") else 1.0


Formula = Callable[[Objective, LearningCurve, LearningCurve], float]


def _held(objective: Objective, curve: LearningCurve) -> float:
    x = curve.labels if objective.over == "labels" else curve.cost
    return held_area(x, curve.scores[objective.metric], curve.prior[objective.metric], objective.end)


def _held_log(objective: Objective, curve: LearningCurve) -> float:
    x = np.log2(np.maximum(curve.labels if objective.over == "labels" else curve.cost, 1))
    end = float(np.log2(objective.end))
    return held_area(x, curve.scores[objective.metric], curve.prior[objective.metric], end)


def _trapezoid(objective: Objective, curve: LearningCurve, reference: LearningCurve) -> float:
    x = curve.labels if objective.over == "labels" else curve.cost
    return trapezoid_area(x, curve.scores[objective.metric], curve.prior[objective.metric], objective.end)


def _dense(objective: Objective, curve: LearningCurve, reference: LearningCurve) -> float:
    if not len(curve.dense_labels):
        raise ScenarioError("aulc_dense needs models refitted on a grid, which this curve does not hold: simulate anew")
    counts, scores = curve.dense_labels, curve.dense_scores[objective.metric]
    return trapezoid_area(counts, scores, curve.prior[objective.metric], objective.end)


def _alc(objective: Objective, curve: LearningCurve, reference: LearningCurve) -> float:
    prior, best = curve.prior[objective.metric], perfect(objective.metric)
    return (_held_log(objective, curve) - prior) / max(best - prior, _FLAT)


def _aubc(objective: Objective, curve: LearningCurve, reference: LearningCurve) -> float:
    y = curve.scores[objective.metric][1:]
    # With fewer than two points left the published formula gives 0, whatever the score.
    return float(np.trapezoid(y) / len(y)) if len(y) > 1 else float(curve.scores[objective.metric][-1])


def _deficiency(objective: Objective, curve: LearningCurve, reference: LearningCurve) -> float:
    final = float(reference.scores[objective.metric][-1])
    own, usual = final - _held(objective, curve), final - _held(objective, reference)
    # Where random sampling has its final score from the start, the ratio is not defined; the difference is.
    return own / usual if usual > _FLAT else 1.0 + own - usual


def _target(objective: Objective, reference: LearningCurve) -> float:
    return float(reference.scores[objective.metric][-1]) if objective.target is None else objective.target


def _to_target(objective: Objective, curve: LearningCurve, reference: LearningCurve) -> float:
    reached = labels_to_reach(curve, objective.metric, _target(objective, reference))
    return float(_budget(objective, curve) if reached is None else reached)


def _utilization(objective: Objective, curve: LearningCurve, reference: LearningCurve) -> float:
    target = _target(objective, reference)
    own, usual = (_monotone_labels(one, objective.metric, target) for one in (curve, reference))
    most = _budget(objective, reference)
    return max(1.0, most if own is None else own) / max(1.0, most if usual is None else usual)


def _budget(objective: Objective, curve: LearningCurve) -> float:
    return objective.end if objective.over == "labels" else float(curve.labels[-1])


def _monotone_labels(curve: LearningCurve, metric: str, target: float) -> int | None:
    """Return the labels at which the isotonic fit of a curve reaches a score."""
    from sklearn.isotonic import IsotonicRegression

    x = np.concatenate([[0], curve.labels]).astype(np.float64)
    smooth = IsotonicRegression().fit_transform(x, np.concatenate([[curve.prior[metric]], curve.scores[metric]]))
    reached = np.flatnonzero(smooth >= target - 1e-12)
    return int(x[reached[0]]) if len(reached) else None


def _slope(objective: Objective, curve: LearningCurve, reference: LearningCurve) -> float:
    x, y = (values[-SLOPE_POINTS:].astype(np.float64) for values in (curve.labels, curve.scores[objective.metric]))
    return float(100 * np.polyfit(x, y, 1)[0]) if len(x) > 1 else 0.0


def _net_value(objective: Objective, curve: LearningCurve, reference: LearningCurve) -> float:
    computing = objective.price_per_hour * curve.seconds / HOUR
    return objective.value * float(curve.scores[objective.metric][-1]) - float(curve.cost[-1]) - computing


_FORMULAS: Mapping[str, Formula] = {
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
