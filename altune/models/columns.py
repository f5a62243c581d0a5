"""Whether a user's estimator fits the columns of a data set, found before anything is played.

What can be read from the estimator is read. The rest is found by two small fits, whose results are thrown away.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from altune.core.blame import pass_on
from altune.core.errors import AltuneError, did_you_mean, first_line
from altune.core.needs import Capabilities
from altune.core.raw_rows import RawOffer, RawRows, RawTable
from altune.core.types import TrainingSet
from altune.models.pipelines import chosen_columns, first_steps, named_columns, outside, positions

if TYPE_CHECKING:
    from altune.models.base import Model

PROBED_ROWS = 200
FIRST_ROWS = 10
PREDICTED_ROWS = 1000


def column_problems(model: Model, estimator: Any, capabilities: Capabilities) -> list[str]:
    """Return why a user's estimator cannot be trained on the columns of a data set, one line each; usually nothing.

    Parameters
    ----------
    model : the model.
    estimator : its estimator, as it was registered.
    capabilities : what the environment offers.
    """
    if not model.takes.raw:
        return _position_problems(model, estimator, capabilities)
    offer = capabilities.raw
    if offer is None:
        return []
    if type(model) not in offer.found:
        offer.found[type(model)] = _raw_problems(model, estimator, offer)
    return offer.found[type(model)]


def _position_problems(model: Model, estimator: Any, capabilities: Capabilities) -> list[str]:
    """Object to positions of columns where encoding makes other columns of them."""
    chosen = positions(estimator)
    width, raw = capabilities.n_features, capabilities.raw
    if not chosen or (width is None and raw is None):  # without rows at hand nothing is known of their columns
        return []
    if width is None and raw is not None and raw.kind == "dense" and all(map(_from_the_left, chosen)):
        width = raw.columns
    elif width is None:
        return [
            f"model: {model.method!r} chooses columns by position, but encoding makes other columns of the data; "
            "register it with takes='frame', which gives it the original columns of a DataFrame"
        ]
    wrong = next((columns for columns in chosen if width is not None and outside(columns, width)), None)
    if wrong is not None:
        return [f"model: {model.method!r} chooses the columns {wrong!r}; the data have {width}, numbered from 0"]
    return []


def _from_the_left(columns: Any) -> bool:
    """Return whether columns are whole numbers from 0: columns that mark gaps are added at the end."""
    values = np.atleast_1d(np.asarray(columns, dtype=object)) if not isinstance(columns, slice) else np.array([None])
    return all(isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= 0 for value in values)


def _raw_problems(model: Model, estimator: Any, offer: RawOffer) -> list[str]:
    takes, name = model.takes, f"model: {model.method!r}"
    table = offer.table()
    if table is None:
        what = f"{name} has takes={takes.rows!r}"
        return [f"{what}, but {offer.data} has only numbers without column names; give a DataFrame"]
    if problem := table.problem(takes):
        return [f"{name} has takes='text', but {offer.data} has {problem}"]
    if takes.rows == "frame":
        known = [str(label) for label in table.frame.columns]
        for step in first_steps(estimator):
            for columns in chosen_columns(step):
                missing = next((column for column in named_columns(columns) if column not in known), None)
                if missing is not None:
                    hint = did_you_mean(missing, known)
                    return [f"{name} names the column {missing!r}, which {offer.data} does not have; {hint}"]
                if not named_columns(columns) and outside(columns, len(known)):
                    return [f"{name} chooses the columns {columns!r}; {offer.data} has {len(known)}, numbered from 0"]
    return _probed(model, offer, table)


def _probed(model: Model, offer: RawOffer, table: RawTable) -> list[str]:
    """Train on some rows and on few, predict others, and return the error of the estimator if there is one."""
    rows = _spread(offer.labels)
    n_classes = int(offer.labels.max()) + 1
    places = rows[:PREDICTED_ROWS]
    inputs = RawRows.of(table, places, np.zeros((len(places), 1)))
    known = TrainingSet(inputs, offer.labels[places], n_classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fitted = model.fit(known.take(slice(PROBED_ROWS)), 0)
            if fitted.failure:
                return [f"model: {fitted.failure}"]
            fitted.predict(inputs[:FIRST_ROWS])
        except AltuneError as error:
            return [f"model: {error}"]
        except BaseException as error:
            pass_on(error)
            return [f"model: {model.method!r} could not predict rows of {offer.data}: {_reason(error)}"]
        for count in (n_classes, max(FIRST_ROWS, 2 * n_classes)):
            try:
                few = model.fit(known.take(slice(count)), 0)
            except AltuneError:  # it needs more rows than that, and gets them later
                continue
            try:
                few.predict(inputs)
            except BaseException as error:
                pass_on(error)
                return [
                    f"model: {model.method!r}, trained on {count} rows, could not predict others of {offer.data}: "
                    f"{_reason(error)}; new values must be accepted, as handle_unknown='ignore' does"
                ]
    return []


def _spread(labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return all rows in an order in which the classes take turns."""
    turn = np.empty(len(labels), dtype=np.intp)
    for code in np.unique(labels):
        of_class = np.flatnonzero(labels == code)
        turn[of_class] = np.arange(len(of_class))
    return np.argsort(turn, kind="stable")


def _reason(error: BaseException) -> str:
    return first_line(error) or type(error).__name__
