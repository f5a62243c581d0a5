"""Learning curves, and areas under them.

A curve is stored whole, so that another objective or price is scored later without simulating again. Every
trajectory is integrated over the same domain ``[0, budget]``, whatever its own first and last label counts: before
the first model the score is the prior predictor's, after the last one the last score holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from altune.core.deprecations import OldNames

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
NOTHING: Counts = np.empty(0, dtype=np.int64)
TOLERANCE = 1e-12
_FORMAT_1 = {"facts": "notes", "rounds": "round_trips"}
"""Fields by their names in what altune 0.1.0 stored."""
_COLUMNS = ("labels", "used", "cost", "loop_rows", "fit_seconds", "query_seconds", "evaluation_seconds")
_POINTWISE = (
    "labels",
    "used",
    "cost",
    "loop_rows",
    "fit_seconds",
    "query_seconds",
    "evaluation_seconds",
    "notes",
    "round_trips",
    "priced",
)


@dataclass(frozen=True, eq=False)
class LearningCurve(OldNames):
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
    notes : what the audit and the stopping rule noted in each loop.
    rows : row numbers of the data set in the order they were bought.
    stopped : why it ended: ``budget``, ``loops``, ``pool``, or the stopping method's name.
    round_trips : round trips to the annotators so far, each of which costs the price of a loop, ``(n_points,)``.
    priced : answers so far that cost the scenario's price per label, ``(n_points,)``; others have prices of their own.
    dense_labels, dense_scores : score of a model refitted on the first rows bought, on a grid of label counts,
        each ``(n_grid,)``; empty unless it was asked for.
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
    notes: tuple[Mapping[str, float], ...]
    rows: Counts
    stopped: str
    round_trips: Counts = field(default_factory=lambda: NOTHING)
    priced: Counts = field(default_factory=lambda: NOTHING)
    dense_labels: Counts = field(default_factory=lambda: NOTHING)
    dense_scores: Mapping[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, counts: Array | Counts, metric: str) -> Array:
        """Return the score in hand at each label count: the prior before the first model, held afterwards."""
        steps = np.concatenate([[self.prior[metric]], self.scores[metric]])
        held: Array = steps[np.searchsorted(self.labels, counts, side="right")]
        return held

    @property
    def seconds(self) -> float:
        """Wall seconds of all fits and queries."""
        return float(self.fit_seconds.sum() + self.query_seconds.sum())

    def first(self, points: int, stopped: str) -> LearningCurve:
        """Return the curve as it was after so many points, had it ended there for the reason ``stopped``."""
        return replace(
            self,
            **{name: getattr(self, name)[:points] for name in _POINTWISE},
            scores={metric: values[:points] for metric, values in self.scores.items()},
            rows=self.rows[: int(self.loop_rows[:points].sum())],
            stopped=stopped,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each point: the columns of the curve, one for each metric, one for each fact."""
        return curves_frame([self])

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back."""
        plain: dict[str, Any] = {}
        for part in fields(self):
            value = getattr(self, part.name)
            if isinstance(value, np.ndarray):
                value = value.tolist()
            elif part.name in ("scores", "dense_scores"):
                value = {metric: scores.tolist() for metric, scores in value.items()}
            elif part.name == "notes":
                value = [dict(entry) for entry in value]
            plain[part.name] = dict(value) if isinstance(value, Mapping) else value
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> LearningCurve:
        """Read a curve back from :meth:`to_dict`."""
        whole = {"labels", "used", "loop_rows", "rows", "round_trips", "priced", "dense_labels"}
        plain = {_FORMAT_1.get(name, name): value for name, value in plain.items()}
        values: dict[str, Any] = {}
        for part in fields(cls):
            if part.name not in plain and part.default_factory is not MISSING:  # an optional field of a later altune
                continue
            value = plain[part.name]
            if part.name in ("scores", "dense_scores"):
                value = {metric: np.asarray(scores, dtype=np.float64) for metric, scores in value.items()}
            elif part.name == "notes":
                value = tuple(dict(entry) for entry in value)
            elif isinstance(value, list):
                value = np.asarray(value, dtype=np.int64 if part.name in whole else np.float64)
            values[part.name] = value
        return cls(**values)


def labels_to_reach(curve: LearningCurve, metric: str, score: float) -> int | None:
    """Return the first label count at which the score in hand is ``score`` or more, None where it never is.

    0 where the prior predictor has it already.
    """
    if curve.prior[metric] >= score - TOLERANCE:
        return 0
    reached = np.flatnonzero(curve.scores[metric] >= score - TOLERANCE)
    return int(curve.labels[reached[0]]) if len(reached) else None


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


def curves_frame(curves: Sequence[LearningCurve], keys: Mapping[str, Sequence[Any]] | None = None) -> pd.DataFrame:
    """Return one row for each point of many curves, as :meth:`LearningCurve.to_frame` has them, all at once.

    Parameters
    ----------
    curves : in the order of their rows. What one of them does not have is a gap.
    keys : columns to stand first, by name, a value for each curve.
    """
    import pandas as pd

    lengths = [len(curve) for curve in curves]
    rows, first = sum(lengths), 0
    columns: dict[str, Any] = {"loop": np.concatenate([np.arange(length) for length in lengths] or [NOTHING])}
    for name in _COLUMNS:
        columns[name] = np.concatenate([getattr(curve, name) for curve in curves] or [NOTHING])
    for curve, length in zip(curves, lengths, strict=True):
        for metric, values in curve.scores.items():
            columns.setdefault(metric, np.full(rows, np.nan))[first : first + length] = values
        for index, notes in enumerate(curve.notes, first):
            for name, value in notes.items():
                columns.setdefault(name, np.full(rows, np.nan))[index] = value
        first += length
    told = {name: np.repeat(np.array(list(values)), lengths) for name, values in (keys or {}).items()}
    return pd.DataFrame(told | columns)
