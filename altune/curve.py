"""Learning curves, and every objective as a pure function of one.

A curve is stored whole, so that another objective or price is scored later without simulating again. Every
trajectory is integrated over the same domain ``[0, budget]``, whatever its own first and last label counts: before
the first model the score is the prior predictor's, after the last one the last score holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from altune.errors import ScenarioError, did_you_mean

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """One recipe played on one block, point by point; a point is one trained model.

    Attributes
    ----------
    labels : labels bought when the model was trained, ``(n_points,)``, increasing.
    used : labels that the model was trained on, after the audit.
    cost : money spent so far, in the scenario's unit.
    scores : score on the test rows for each metric, each ``(n_points,)``.
    prior : score of the prior predictor (majority class) for each metric.
    loop_rows : rows labelled for this loop.
    fit_seconds, query_seconds, evaluation_seconds : wall seconds, each ``(n_points,)``.
    facts : what the audit and the stopping rule noted in each loop.
    rows : row numbers of the data set in the order they were bought.
    stopped : why it ended: ``budget``, ``loops``, ``pool``, or the stopping method's name.
    """

    labels: Counts
    used: Counts
    cost: Array
    scores: Mapping[str, Array]
    prior: Mapping[str, float]
    loop_rows: Counts
    fit_seconds: Array
    query_seconds: Array
    evaluation_seconds: Array
    facts: tuple[Mapping[str, float], ...]
    rows: Counts
    stopped: str

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, counts: Array | Counts, metric: str) -> Array:
        """Return the score in hand at each label count: the prior before the first model, held afterwards."""
        steps = np.concatenate([[self.prior[metric]], self.scores[metric]])
        held: Array = steps[np.searchsorted(self.labels, counts, side="right")]
        return held

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each point: the columns of the curve, one for each metric, one for each fact."""
        columns: dict[str, Any] = {"loop": np.arange(len(self))}
        for name in (
            "labels",
            "used",
            "cost",
            "loop_rows",
            "fit_seconds",
            "query_seconds",
            "evaluation_seconds",
        ):
            columns[name] = getattr(self, name)
        columns.update(self.scores)
        frame = pd.DataFrame(columns)
        facts = pd.DataFrame(list(self.facts)) if any(self.facts) else pd.DataFrame(index=frame.index)
        return pd.concat([frame, facts], axis=1)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back."""
        plain: dict[str, Any] = {}
        for part in fields(self):
            value = getattr(self, part.name)
            if isinstance(value, np.ndarray):
                value = value.tolist()
            elif part.name == "scores":
                value = {metric: scores.tolist() for metric, scores in value.items()}
            elif part.name == "facts":
                value = [dict(entry) for entry in value]
            plain[part.name] = dict(value) if isinstance(value, Mapping) else value
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> LearningCurve:
        """Read a curve back from :meth:`to_dict`."""
        whole = {"labels", "used", "loop_rows", "rows"}
        values: dict[str, Any] = {}
        for part in fields(cls):
            value = plain[part.name]
            if part.name == "scores":
                value = {metric: np.asarray(scores, dtype=np.float64) for metric, scores in value.items()}
            elif part.name == "facts":
                value = tuple(dict(entry) for entry in value)
            elif isinstance(value, list):
                value = np.asarray(value, dtype=np.int64 if part.name in whole else np.float64)
            values[part.name] = value
        return cls(**values)


def held_area(x: Array | Counts, y: Array, prior: float, end: float, start: float = 0.0) -> float:
    """Return the mean over ``[start, end]`` of the step function that is ``prior`` before ``x[0]`` and holds after.

    >>> held_area(np.array([2.0, 6.0]), np.array([0.5, 1.0]), prior=0.0, end=10.0)
    0.6
    """
    edges = np.clip(np.concatenate([[start], x, [end]]), start, end)
    return float(np.diff(edges) @ np.concatenate([[prior], y]) / (end - start))


def trapezoid_area(x: Array | Counts, y: Array, prior: float, end: float) -> float:
    """Return the mean over ``[0, end]`` of the line through ``(0, prior)`` and the points, held after the last.

    >>> trapezoid_area(np.array([2.0, 6.0]), np.array([0.5, 1.0]), prior=0.0, end=10.0)
    0.75
    """
    inside = np.asarray(x) < end
    grid = np.concatenate([[0.0], np.asarray(x, dtype=np.float64)[inside], [end]])
    line = np.interp(grid, np.concatenate([[0.0], x]), np.concatenate([[prior], y]))
    return float(np.trapezoid(line, grid) / end)


@dataclass(frozen=True)
class Objective:
    """What a search maximises: one number from one curve.

    Parameters
    ----------
    name : one of :data:`OBJECTIVES`.
    metric : the score that is integrated.
    over : ``labels``, or ``cost`` to integrate over money spent.
    end : right end of the domain: the budget in labels, or the most that can be spent.
    value : worth of a score of 1 over a score of 0, in the scenario's unit of money (``net_value`` only).
    """

    name: str = "aulc"
    metric: str = "accuracy"
    over: str = "labels"
    end: float = 1.0
    value: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in OBJECTIVES:
            raise ScenarioError(f"no objective {self.name!r}; {did_you_mean(self.name, OBJECTIVES)}")

    def __call__(self, curve: LearningCurve) -> float:
        """Return the objective of a curve; larger is better."""
        x = curve.labels if self.over == "labels" else curve.cost
        y, prior = curve.scores[self.metric], curve.prior[self.metric]
        match self.name:
            case "aulc":
                return held_area(x, y, prior, self.end)
            case "aulc_trapezoid":
                return trapezoid_area(x, y, prior, self.end)
            case "aulc_log":
                return held_area(np.log2(np.maximum(x, 1)), y, prior, float(np.log2(self.end)))
            case "net_value":
                return self.value * float(y[-1]) - float(curve.cost[-1])
            case _:
                return float(y[-1])

    @property
    def rewards_early_stop(self) -> bool:
        """Whether ending before the budget can raise the objective."""
        return self.name == "net_value"


OBJECTIVES: dict[str, str] = {
    "aulc": "area under the learning curve over [0, budget]; each score holds until the next model exists",
    "aulc_trapezoid": "the same area with the points joined by lines, as most published tables have it",
    "aulc_log": "the held area over log2 of the label count: early labels weigh more",
    "final_score": "the score at the end of the budget",
    "net_value": "value x final score, less the price of labels and loops",
}
"""Objectives by name, each with one line of explanation."""


@dataclass(frozen=True)
class Band:
    """Mean learning curve of several blocks with its spread, on one grid of label counts.

    Attributes
    ----------
    counts : label counts, ``(n_counts,)``.
    mean : mean score in hand over the blocks, ``(n_counts,)``.
    low, high : 10 % and 90 % quantiles over the blocks, ``(n_counts,)``.
    blocks : number of blocks.
    """

    counts: Counts
    mean: Array
    low: Array
    high: Array
    blocks: int = field(default=1)


def band(curves: list[LearningCurve] | tuple[LearningCurve, ...], metric: str, end: int) -> Band:
    """Return the mean curve of several blocks at every label count in ``[0, end]`` at which one of them moves."""
    moves = np.unique(np.concatenate([[0, end], *(curve.labels for curve in curves)])).astype(np.int64)
    counts = moves[moves <= end]
    scores = np.stack([curve.at(counts, metric) for curve in curves])
    low, high = np.quantile(scores, [0.1, 0.9], axis=0)
    return Band(counts, scores.mean(axis=0), low, high, len(curves))
