"""The one place through which the answers of a recipe's methods enter the loop.

A method may be the user's. Without a check, a wrong answer fails far from its cause, or nothing fails and the curve is
wrong. Here it raises one line that names the method, the loop and the problem.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from altune.core.errors import FormatError, WorkError, first_line, reason_of
from altune.core.plain import shown
from altune.core.read_only import read_only
from altune.core.registry import validate_fields
from altune.core.types import Array, Codes, RowNumbers
from altune.knobs.labeling import Automatic
from altune.knobs.query_strategy import Choice
from altune.models import FittedModel, Model

if TYPE_CHECKING:
    from altune.core.registry import Method

Labels = tuple[RowNumbers, RowNumbers]


class Gate:
    """Checks of the answers that methods give in one loop; each returns the answer or raises.

    Parameters
    ----------
    loop : number of the loop, for the messages.
    n_classes : classes of the scenario.

    Raises
    ------
    WorkError
        By each check, if the answer has a wrong type, shape or value.
    """

    def __init__(self, loop: int, n_classes: int) -> None:
        self.loop = loop
        self.n_classes = n_classes

    def rows(
        self, method: Method, rows: Any, candidates: RowNumbers, *, least: int = 0, most: int | None = None
    ) -> RowNumbers:
        """Check distinct pool rows that a method selected among sorted candidates, from ``least`` to ``most``."""
        rows = self._array(method, "selected", rows)
        if rows.ndim != 1 or (rows.dtype.kind not in "iu" and len(rows)):
            self._refuse(method, f"selected an array of shape {rows.shape} and type {rows.dtype}, not row numbers")
        if len(rows) < least or (most is not None and len(rows) > most):
            expected = f"{least}" if least == most else f"{least} to {most}"
            self._refuse(method, f"selected {len(rows)} rows, not {expected}")
        selected: RowNumbers = read_only(rows.astype(np.intp))
        if len(rows):
            in_order = np.sort(selected)
            if (in_order[1:] == in_order[:-1]).any():
                self._refuse(method, "selected a row twice")
            self._require_candidates(method, selected, candidates)
        return selected

    def choice(self, method: Method, choice: Any, candidates: RowNumbers, size: int) -> Choice:
        """Check ``size`` rows that a query strategy chose, who chose each, and what it notes for later loops."""
        if not isinstance(choice, Choice):
            self._refuse(method, f"chose {type(choice).__name__}, not a Choice")
        rows = self.rows(method, choice.rows, candidates, least=size, most=size)
        arms = self._array(method, "named", choice.arms)
        if arms.shape != (size,) or (size and arms.dtype.kind != "U"):
            problem = f"named arms of shape {arms.shape} and type {arms.dtype}, not the name of who chose each of"
            self._refuse(method, f"{problem} {size} rows")
        propensities = choice.propensities
        if propensities is not None:
            propensities = self._array(method, "returned", propensities)
            if propensities.shape != (size,) or (size and propensities.dtype.kind != "f"):
                found = f"shape {propensities.shape} and type {propensities.dtype}"
                self._refuse(method, f"returned propensities of {found}, not ({size},) numbers")
            if ((propensities <= 0) | (propensities > 1)).any():
                self._refuse(method, "returned propensities outside of (0, 1]")
        self._require_plain(method, choice.memo)
        return Choice(rows, arms, propensities, choice.memo)

    def scores(self, method: Method, scores: Any, n_candidates: int) -> Array:
        """Check the score of each candidate, ``(n_candidates,)``."""
        scores = self._array(method, "returned", scores)
        if scores.shape != (n_candidates,) or scores.dtype.kind not in "fiu":
            self._refuse(
                method,
                f"returned scores of shape {scores.shape} and type {scores.dtype}, not ({n_candidates},) numbers",
            )
        if not (np.isfinite(scores.sum()) or np.isfinite(scores).all()):
            self._refuse(method, "returned scores that are not finite")
        checked: Array = scores
        return checked

    def size(self, method: Method, size: Any, what: str = "the size", least: int = 1) -> int:
        """Check a number of rows or labels that a method wants, ``least`` or more."""
        if not isinstance(size, (int, np.integer)) or isinstance(size, bool) or size < least:
            self._refuse(method, f"returned {what} {shown(size)}, not a whole number of {least} or more")
        return int(size)

    def asked(self, method: Method, asked: Any, rows: RowNumbers, labels_per_row: int, annotators: int) -> Labels:
        """Check which annotators are asked about which rows, ``(n_labels,)`` each."""
        if not (isinstance(asked, (tuple, list)) and len(asked) == 2):
            self._refuse(method, f"returned {type(asked).__name__}, not rows and annotators")
        asked_rows, asked_annotators = (self._array(method, "returned", part) for part in asked)
        n_labels = len(rows) * labels_per_row
        if asked_rows is not rows:
            if asked_rows.shape != (n_labels,) or (n_labels and asked_rows.dtype.kind not in "iu"):
                self._refuse(method, f"does not ask {labels_per_row} times about each of {len(rows)} rows")
            expected = np.repeat(np.sort(rows), labels_per_row)
            if not np.array_equal(np.sort(asked_rows, axis=None), expected):
                self._refuse(method, f"does not ask {labels_per_row} times about each of {len(rows)} rows")
        if asked_annotators.shape != (n_labels,) or (n_labels and asked_annotators.dtype.kind not in "iu"):
            self._refuse(method, "does not name one annotator for each label")
        if len(rows) and (asked_annotators.min() < 0 or asked_annotators.max() >= annotators):
            self._refuse(method, f"asks annotators outside of 0 to {annotators - 1}")
        return asked_rows.astype(np.intp, copy=False), asked_annotators.astype(np.intp, copy=False)

    def labels(self, method: Method, labels: Any, n_rows: int) -> Codes:
        """Check the label of each row, ``(n_rows,)``."""
        labels = self._array(method, "returned", labels)
        if labels.shape != (n_rows,) or (n_rows and labels.dtype.kind not in "iu"):
            self._refuse(
                method, f"returned labels of shape {labels.shape} and type {labels.dtype}, not ({n_rows},) class codes"
            )
        if n_rows and (labels.min() < 0 or labels.max() >= self.n_classes):
            self._refuse(
                method, f"returned labels from {labels.min()} to {labels.max()}, not in 0 to {self.n_classes - 1}"
            )
        codes: Codes = labels.astype(np.intp, copy=False)
        return codes

    def automatic(self, method: Method, labels: Any, candidates: RowNumbers) -> Automatic | None:
        """Check labels that no annotator gave, None without any."""
        if labels is None:
            return None
        if not isinstance(labels, Automatic):
            self._refuse(method, f"returned {type(labels).__name__} as automatic labels, not Automatic or None")
        rows = self.rows(method, labels.rows, candidates)
        if (rows[1:] < rows[:-1]).any():
            self._refuse(method, "returned automatic labels whose rows are not sorted")
        if not _is_number(labels.weight) or not 0 < labels.weight <= 1:
            self._refuse(method, f"returned automatic labels of weight {shown(labels.weight)}, not in (0, 1]")
        return Automatic(rows, self.labels(method, labels.labels, len(rows)), labels.weight)

    def notes(self, method: Method, notes: Any) -> dict[str, float]:
        """Check finite numbers by name."""
        if not isinstance(notes, dict):
            self._refuse(method, f"noted {type(notes).__name__}, not a dictionary of numbers by name")
        for name, value in notes.items():
            if not (isinstance(name, str) and _is_number(value) and math.isfinite(value)):
                self._refuse(method, f"noted {shown(name)}: {shown(value)}, not a finite number by name")
        # numbers of numpy are no numbers to JSON
        return {name: value.item() if isinstance(value, np.generic) else value for name, value in notes.items()}

    def decision(self, method: Method, decision: Any) -> bool:
        """Check whether a stopping rule fires."""
        if not isinstance(decision, (bool, np.bool_)):
            self._refuse(method, f"decided {shown(decision)}, not True or False")
        return bool(decision)

    def learner(self, method: Method, model: Any, given: Model) -> Model:
        """Check the model that a method of ``training`` returned, ``given`` with other hyperparameters or the same."""
        if not isinstance(model, Model):
            self._refuse(method, f"returned {type(model).__name__}, not a Model")
        if model is given:
            return given
        if type(model) is not type(given):
            self._refuse(method, f"returned the model {model.method!r}, not {given.method!r}")
        try:
            validate_fields(type(model), model.to_dict())
        except FormatError as error:
            self._refuse(method, f"returned {model.method!r} with another value than it takes: {error}")
        return model

    def fitted(self, method: Method, fitted: Any) -> FittedModel:
        """Check the trained model that a method of ``retrain`` returned."""
        if not isinstance(fitted, FittedModel):
            self._refuse(method, f"returned {type(fitted).__name__}, not a FittedModel")
        if fitted.n_classes != self.n_classes:
            self._refuse(method, f"returned a model of {fitted.n_classes} classes, not {self.n_classes}")
        return fitted

    def _array(self, method: Method, verb: str, values: Any) -> Any:
        """Return an answer as an array; it may be anything, and may refuse to become one."""
        try:
            return np.asarray(values)
        except Exception as error:
            self._refuse(method, f"{verb} a {type(values).__name__} that is no array: {reason_of(error)}")

    def _require_candidates(self, method: Method, rows: RowNumbers, candidates: RowNumbers) -> None:
        positions = np.searchsorted(candidates, rows)
        known = positions < len(candidates)
        known[known] = candidates[positions[known]] == rows[known]
        if not known.all():
            self._refuse(method, f"selected row {rows[np.argmin(known)]}, which is not a candidate")

    def _require_plain(self, method: Method, memo: Any) -> None:
        try:
            json.dumps(memo, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            self._refuse(method, f"noted a memo that JSON cannot write: {first_line(error)}")

    def _refuse(self, method: Method, problem: str) -> NoReturn:
        raise WorkError(f"{method.knob} {method.method!r} in loop {self.loop}: it {problem}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
