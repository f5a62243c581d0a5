"""Learning curves, and areas under them.

The whole curve is stored, so that it can be scored later by another objective or price without simulating again.
Every trajectory is integrated over the same domain ``[0, budget]``, whatever its own first and last label counts:
before the first model the score is that of the prior predictor, and after the last model its score holds.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from altune.core.deprecations import OldNames
from altune.core.formats import CURVE_FORMAT
from altune.core.read_only import read_only

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
NOTHING: Counts = np.empty(0, dtype=np.int64)
TOLERANCE = 1e-12
_FORMAT_1 = {"facts": "notes", "rounds": "round_trips"}
"""Fields by their names in format 1."""
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
    """One recipe played on one block; each point of the curve is one trained model.

    Attributes
    ----------
    labels : labels bought when the model was trained, ``(n_points,)``, increasing.
    used : labels that the model was trained on, after the audit, ``(n_points,)``.
    cost : money spent so far, in the scenario's unit, ``(n_points,)``.
    scores : score on the test rows for each metric, each ``(n_points,)``.
    prior : score of the prior predictor (majority class) for each metric.
    loop_rows : rows labelled in this loop, ``(n_points,)``.
    fit_seconds, query_seconds, evaluation_seconds : wall-clock seconds, each ``(n_points,)``.
    notes : what the audit and the stopping rule noted in each loop.
    rows : row numbers of the data set in the order in which they were bought.
    stopped : why the trajectory ended: ``budget``, ``loops``, ``pool``, or the name of the stopping method.
    round_trips : round trips to the annotators so far, each of which costs the price of a loop, ``(n_points,)``.
    priced : answers so far that cost the scenario's price per label, ``(n_points,)``; others have their own prices.
    dense_labels, dense_scores : score of a model refitted on the first rows bought, on a grid of label counts, each
        ``(n_grid,)``; empty unless recorded.
    row_scores : whether each model classifies each test row correctly, ``(n_points, n_test)``, in the order of the
        block's test rows; None unless recorded.
    row_prior : the same for the prior predictor, ``(n_test,)``; None unless recorded.
    row_classes : class code of each test row, ``(n_test,)``; empty unless recorded.
    group_scores : for each metric that is no mean over rows, its pseudo-values for groups of test rows
        (:mod:`altune.simulation.scoring`), each ``(1 + n_points, n_groups)`` with the prior predictor first; empty
        unless recorded. If the data have groups, the accuracy is here as well, in place of ``row_scores``.
    bought_groups : group of each row in ``rows``; empty if the data have no groups.
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
    row_scores: NDArray[np.bool_] | None = None
    row_prior: NDArray[np.bool_] | None = None
    row_classes: Counts = field(default_factory=lambda: NOTHING)
    group_scores: Mapping[str, Array] = field(default_factory=dict)
    bought_groups: Counts = field(default_factory=lambda: NOTHING)

    def __post_init__(self) -> None:
        read_only(self)  # objectives of the user read it

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, counts: Array | Counts, metric: str) -> Array:
        """Return the score of the current model at each label count, that of the prior before the first model."""
        steps = np.concatenate([[self.prior[metric]], self.scores[metric]])
        current: Array = steps[np.searchsorted(self.labels, counts, side="right")]
        return current

    def by_unit(self, metric: str) -> Array | None:
        """Return the score on each unit of the test rows, ``(1 + n_points, n_units)``, None if it was not recorded.

        The first line is that of the prior predictor. A unit is a row for the accuracy, else a group of rows; if the
        data have groups, it never separates their rows. The mean over units is the score, for pseudo-values
        approximately.
        """
        if metric != "accuracy" or metric in self.group_scores:
            return self.group_scores.get(metric)
        if self.row_scores is None or self.row_prior is None:
            return None
        return np.vstack([self.row_prior, self.row_scores]).astype(np.float64)

    def unit_classes(self, metric: str) -> Counts | None:
        """Return the class code of each unit of :meth:`by_unit`; None for groups, which have all classes alike."""
        return self.row_classes if metric == "accuracy" and len(self.row_classes) else None

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of all fits and queries."""
        return float(self.fit_seconds.sum() + self.query_seconds.sum())

    def first(self, points: int, stopped: str) -> LearningCurve:
        """Return the curve as if it had ended after ``points`` points for the reason ``stopped``."""
        return replace(
            self,
            **{name: getattr(self, name)[:points] for name in _POINTWISE},
            scores={metric: values[:points] for metric, values in self.scores.items()},
            rows=self.rows[: int(self.loop_rows[:points].sum())],
            bought_groups=self.bought_groups[: int(self.loop_rows[:points].sum())],
            row_scores=None if self.row_scores is None else self.row_scores[:points],
            group_scores={metric: values[: points + 1] for metric, values in self.group_scores.items()},
            stopped=stopped,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each point, with a column for each array, metric and note of the curve."""
        return curves_frame([self])

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back."""
        plain: dict[str, Any] = {"format": CURVE_FORMAT}
        for part in fields(self):
            value = getattr(self, part.name)
            if part.name in _PACKED:
                if value is None or not len(value):
                    continue
                value = _PACKED[part.name][0](value)
            elif isinstance(value, np.ndarray):
                value = value.tolist()
            elif part.name in ("scores", "dense_scores"):
                value = {metric: scores.tolist() for metric, scores in value.items()}
            elif part.name == "notes":
                value = [dict(entry) for entry in value]
            plain[part.name] = dict(value) if isinstance(value, Mapping) else value
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> LearningCurve:
        """Read a curve back from :meth:`to_dict`, in this format or an earlier one.

        Raises
        ------
        ValueError
            If the curve was stored in the format of a later version of altune.
        """
        if plain.get("format", 1) > CURVE_FORMAT:
            raise ValueError(f"a learning curve of format {plain['format']}; this altune reads up to {CURVE_FORMAT}")
        whole = {"labels", "used", "loop_rows", "rows", "round_trips", "priced", "dense_labels"}
        plain = {_FORMAT_1.get(name, name): value for name, value in plain.items()}
        values: dict[str, Any] = {}
        for part in fields(cls):
            optional = part.default_factory is not MISSING or part.default is not MISSING
            if optional and part.name not in plain:
                continue
            value = plain[part.name]
            if part.name in _PACKED:
                value = _PACKED[part.name][1](value)
            elif part.name in ("scores", "dense_scores"):
                value = {metric: np.asarray(scores, dtype=np.float64) for metric, scores in value.items()}
            elif part.name == "notes":
                value = tuple(dict(entry) for entry in value)
            elif isinstance(value, list):
                value = np.asarray(value, dtype=np.int64 if part.name in whole else np.float64)
            values[part.name] = value
        return cls(**values)


def labels_to_reach(curve: LearningCurve, metric: str, score: float) -> int | None:
    """Return the first label count at which the current score is ``score`` or more, None if it never is.

    It is 0 if the prior predictor has this score already.
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


def log_axis(x: Array | Counts) -> Array:
    """Return the place of label counts or costs on a logarithmic axis: log2, and 0 for all that is below 1.

    >>> log_axis(np.array([0, 1, 8])).tolist()
    [0.0, 0.0, 3.0]
    """
    return np.log2(np.maximum(x, 1.0))


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
    """Mean learning curve over several blocks with its spread, on one grid of label counts.

    Attributes
    ----------
    counts : label counts, ``(n_counts,)``.
    mean : mean current score over the blocks, ``(n_counts,)``.
    low, high : 10 % and 90 % quantiles over the blocks, ``(n_counts,)``.
    blocks : number of blocks.
    """

    counts: Counts
    mean: Array
    low: Array
    high: Array
    blocks: int = field(default=1)


def band(curves: list[LearningCurve] | tuple[LearningCurve, ...], metric: str, end: int) -> Band:
    """Return the mean curve over several blocks at every label count in ``[0, end]`` at which one of them changes."""
    moves = np.unique(np.concatenate([[0, end], *(curve.labels for curve in curves)])).astype(np.int64)
    counts = moves[moves <= end]
    scores = np.stack([curve.at(counts, metric) for curve in curves])
    low, high = np.quantile(scores, [0.1, 0.9], axis=0)
    return Band(counts, scores.mean(axis=0), low, high, len(curves))


def curves_frame(curves: Sequence[LearningCurve], keys: Mapping[str, Sequence[Any]] | None = None) -> pd.DataFrame:
    """Return one row for each point of many curves, with the columns of :meth:`LearningCurve.to_frame`.

    Parameters
    ----------
    curves : the curves, in the order of their rows. A metric or note that a curve does not have is NaN.
    keys : further columns, which come first: for each name one value per curve.
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
    key_columns = {name: np.repeat(np.array(list(values)), lengths) for name, values in (keys or {}).items()}
    return pd.DataFrame(key_columns | columns)


def _packed_bits(flags: NDArray[np.bool_]) -> dict[str, Any]:
    """Return flags as JSON values, eight of them in a byte: a curve of 20 models and 400 test rows takes 1.4 kB."""
    return {"shape": list(flags.shape), "bits": base64.b64encode(np.packbits(flags).tobytes()).decode("ascii")}


def _packed_numbers(values: NDArray[Any], dtype: str) -> dict[str, Any]:
    """Return numbers as JSON values, in the bytes of a smaller type."""
    return {
        "shape": list(values.shape),
        "numbers": base64.b64encode(values.astype(dtype).tobytes()).decode("ascii"),
    }


def _unpacked_numbers(plain: Mapping[str, Any], dtype: str) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(plain["numbers"]), dtype=dtype).reshape(plain["shape"])


def _unpacked_bits(plain: Mapping[str, Any]) -> NDArray[np.bool_]:
    shape = tuple(plain["shape"])
    packed = np.frombuffer(base64.b64decode(plain["bits"]), dtype=np.uint8)
    return np.unpackbits(packed, count=int(np.prod(shape))).astype(np.bool_).reshape(shape)


_PACKED: Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "row_scores": (_packed_bits, _unpacked_bits),
    "row_prior": (_packed_bits, _unpacked_bits),
    "row_classes": (
        lambda codes: _packed_numbers(codes, "<u2"),
        lambda plain: _unpacked_numbers(plain, "<u2").astype(np.int64),
    ),
    "bought_groups": (
        lambda codes: _packed_numbers(codes, "<u4"),
        lambda plain: _unpacked_numbers(plain, "<u4").astype(np.int64),
    ),
    # Four bytes each are exact enough for an interval.
    "group_scores": (
        lambda groups: {metric: _packed_numbers(values, "<f4") for metric, values in groups.items()},
        lambda plain: {metric: _unpacked_numbers(values, "<f4").astype(np.float64) for metric, values in plain.items()},
    ),
}
"""How the fields that are recorded by test row are stored and read."""
