"""The one place through which outputs of a wrapped estimator enter altune.

An estimator may be the user's. Without a check, a wrong output fails far from its cause, or nothing fails and the
scores are wrong. Here it raises one line that names the estimator, the method and the shape.
"""

from __future__ import annotations

import contextlib
import math
from typing import Any, Literal, NoReturn

import numpy as np

from altune.core.blame import calls_own_code
from altune.core.errors import EstimatorError, WorkError, first_line
from altune.core.types import Array, Codes, Features

OutputMethod = Literal["predict", "predict_proba", "decision_function"]
ROUNDING = 1e-6
"""How far a probability may lie outside of [0, 1]: estimators of float32 round that much."""
RESCALED = 1e-5
"""How far a sum may be from 1 without being made 1: scikit-learn's metrics take it, and what it was is what is used."""
SUM_ERROR = 0.02
"""How far the sum of a row's probabilities may be from 1, as it is where they were rounded to two digits."""


def estimator_output(estimator: Any, method: OutputMethod, X: Features, n_classes: int, pairs: int = 0) -> Any:
    """Call a method of a trained estimator and return its checked output.

    Columns are put in the order of the codes by the estimator's ``classes_``, where it has them. A class that it knows
    nothing of gets the probability 0 or a decision value below all others. A single column of probabilities is that of
    the second of two classes. Probabilities that were rounded are divided by their sum.

    Parameters
    ----------
    estimator : a classifier whose classes are the codes 0 to ``n_classes - 1``.
    method : which of its methods. It gets features that it cannot write to, or a copy where it insists on writing.
    X : features, ``(n_rows, n_features)``.
    n_classes : classes that the estimator was trained on, 2 or more.
    pairs : 1 or -1 where the decision function has a column for each pair of classes, positive for the first or for
        the second of the two; 0 where it has one for each class.

    Returns
    -------
    For ``predict`` integer codes, ``(n_rows,)``; for the other two finite float64 numbers, ``(n_rows, n_classes)``, or
    ``(n_rows,)`` for the decision function of two classes, positive for the second.

    Raises
    ------
    WorkError
        If the method raises, or if its output has another shape or type, is not finite or out of range.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> bayes = GaussianNB().fit([[0.0], [1.0]], [0, 1])
    >>> estimator_output(bayes, "predict", np.array([[0.1], [0.9]]), 2).tolist()
    [0, 1]
    """
    n_rows = X.shape[0]
    values = _array(estimator, method, _called(estimator, method, X))
    if n_rows == 1 and values.ndim == (0 if method == "predict" else 1):
        values = values[None]  # numpy.squeeze removes the axis of a single row
    if values.shape == (n_rows, 1):
        values = values[:, 0]
    if method == "predict":
        if values.shape != (n_rows,):
            _refuse(estimator, method, values, _expected(n_rows, n_classes, f"({n_rows},)"))
        return _codes(estimator, values, n_classes)
    columns = f"({n_rows}, {n_classes})"
    if values.ndim not in (1, 2) or values.shape[0] != n_rows:
        _refuse(estimator, method, values, _expected(n_rows, n_classes, columns))
    if values.dtype.kind not in "fiub":
        _refuse(estimator, method, values, f"{values.dtype} values are no numbers")
    values = values.astype(np.float64, copy=False)
    _require_finite(estimator, method, values)
    known = _known_classes(estimator, method, values, n_classes)
    if method == "predict_proba":
        return _probabilities(estimator, values, known, n_classes)
    return _decisions(estimator, values, known, n_classes, pairs)


def spread(columns: Array, codes: Codes, n_classes: int) -> Array:
    """Put the columns of some classes among those of all; the others get 0.

    >>> spread(np.array([[0.25, 0.75]]), np.array([0, 2]), 3).tolist()
    [[0.25, 0.0, 0.75]]
    """
    if len(codes) == n_classes and (codes[1:] > codes[:-1]).all():
        return columns
    full = np.zeros((len(columns), n_classes))
    full[:, codes] = columns
    return full


def spread_decision(values: Array, codes: Codes, n_classes: int) -> Array:
    """Put decision values among those of all classes; the others get the row's smallest less 1.

    >>> spread_decision(np.array([2.0]), np.array([0, 2]), 3).tolist()
    [[-1.0, -2.0, 1.0]]
    """
    columns = np.column_stack([-values / 2, values / 2]) if values.ndim == 1 else values
    full = np.repeat(columns.min(axis=1, keepdims=True) - 1.0, n_classes, axis=1)
    full[:, codes] = columns
    return full


def votes_of_pairs(values: Array, n_classes: int) -> Array:
    """Return a score for each class from decisions between two, positive for the first, in the order (0, 1), (0, 2), …

    The score is the number of decisions for the class, and their sum to break ties, scaled to less than a half: what
    scikit-learn's ``decision_function_shape="ovr"`` returns.

    >>> votes_of_pairs(np.array([[2.0, 2.0, -1.0]]), 3).round(2).tolist()
    [[2.27, -0.25, 0.83]]
    """
    first, second = np.triu_indices(n_classes, 1)
    votes, sums = np.zeros((len(values), n_classes)), np.zeros((len(values), n_classes))
    for column, (one, other) in enumerate(zip(first, second, strict=True)):
        value = values[:, column]
        sums[:, one] += value
        sums[:, other] -= value
        votes[:, one] += value >= 0
        votes[:, other] += value < 0
    scores: Array = votes + sums / (3 * (np.abs(sums) + 1))
    return scores


@calls_own_code("estimator")
def _called(estimator: Any, method: OutputMethod, X: Features) -> Any:
    """Return what the method returns for features that it cannot write to, so that no one else's change."""
    given = X
    if isinstance(X, np.ndarray) and X.flags.writeable:
        given = X.view()
        given.flags.writeable = False
    try:
        try:
            return getattr(estimator, method)(given)
        except ValueError as error:
            if "read-only" not in first_line(error):
                raise
            return getattr(estimator, method)(X.copy())
    except WorkError:
        raise
    except Exception as error:
        reason = first_line(error) or type(error).__name__
        raise EstimatorError(f"{type(estimator).__name__}.{method} failed on {X.shape[0]} rows: {reason}") from error


def _array(estimator: Any, method: OutputMethod, raw: Any) -> Any:
    """Return an output as an array; it may be a list, a Series, a sparse matrix, or anything with ``__array__``."""
    if isinstance(raw, list) and len(raw) == 1 and np.ndim(raw[0]) == 2:
        raw = raw[0]  # of estimators for several outputs, of which this is the only one
    if np.ma.is_masked(raw):
        _refuse(estimator, method, np.ma.getdata(raw), "some values are masked")
    try:
        values = raw.toarray() if hasattr(raw, "toarray") else np.asarray(raw)
    except Exception as error:  # whatever ``__array__`` raises
        kind, reason = type(raw).__name__, first_line(error)
        shape = f" of shape {tuple(raw.shape)}" if hasattr(raw, "shape") else ""
        raise WorkError(
            f"{type(estimator).__name__}.{method} returned a {kind}{shape} that is no array: {reason}"
        ) from error
    if values.dtype.kind in "OUS" and values.ndim:
        with contextlib.suppress(TypeError, ValueError):  # what is no number is refused by its type
            values = values.astype(np.float64)
    return values


def _codes(estimator: Any, values: Any, n_classes: int) -> Any:
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values == np.floor(values)).all():
        values = values.astype(np.intp)
    if values.dtype.kind == "b" and n_classes == 2:
        values = values.astype(np.intp)
    if values.dtype.kind not in "iu":
        _refuse(estimator, "predict", values, f"{values.dtype} values are no class codes")
    if len(values) and (values.min() < 0 or values.max() >= n_classes):
        low, high = values.min(), values.max()
        _refuse(estimator, "predict", values, f"codes from {low} to {high} are outside of 0 to {n_classes - 1}")
    return values


def _require_finite(estimator: Any, method: OutputMethod, values: Any) -> None:
    if not values.size:
        return
    low, high = float(values.min()), float(values.max())  # a NaN is both the least and the largest
    if not (math.isfinite(low) and math.isfinite(high)):
        _refuse(estimator, method, values, "some values are not finite")
    if method == "predict_proba" and (low < -ROUNDING or high > 1 + ROUNDING):
        _refuse(estimator, method, values, f"probabilities from {low:g} to {high:g} are outside of 0 to 1")


def _known_classes(estimator: Any, method: OutputMethod, values: Any, n_classes: int) -> Codes | None:
    """Return the codes of the estimator's ``classes_`` in its order, None where it names none."""
    try:
        classes = estimator.classes_
    except Exception:  # none, or a property that fails
        return None
    try:
        if isinstance(classes, list) and len(classes) == 1 and np.ndim(classes[0]) == 1:
            classes = classes[0]
        exact = np.asarray(classes).astype(np.float64)
        codes = exact.astype(np.intp)
        right = codes.ndim == 1 and (codes == exact).all() and len(set(codes.tolist())) == len(codes)
        if right and (not len(codes) or (codes.min() >= 0 and codes.max() < n_classes)):
            return codes
    except (TypeError, ValueError):
        pass
    listed = " ".join(str(np.asarray(classes, dtype=object).tolist()).split())[:80]
    _refuse(estimator, method, values, f"its classes_ are {listed}, not codes from 0 to {n_classes - 1}")


def _probabilities(estimator: Any, values: Array, known: Codes | None, n_classes: int) -> Array:
    own_classes = n_classes if known is None else len(known)
    if values.ndim == 1 and own_classes <= 2:
        values = values[:, None] if own_classes == 1 else np.column_stack([1.0 - values, values])
    _require_columns(estimator, "predict_proba", values, known, n_classes)
    if not values.size:
        return values
    sums = values.sum(axis=1)
    low, high = float(sums.min()), float(sums.max())
    if low < 1 - SUM_ERROR or high > 1 + SUM_ERROR:
        _refuse(estimator, "predict_proba", values, f"the sums of its rows are from {low:g} to {high:g}, not 1")
    if low < 1 - RESCALED or high > 1 + RESCALED:
        values = values / sums[:, None]
    return values if known is None else spread(values, known, n_classes)


def _decisions(estimator: Any, values: Array, known: Codes | None, n_classes: int, pairs: int) -> Array:
    own_classes = n_classes if known is None else len(known)
    if pairs and own_classes >= 3 and values.shape[1:] == (own_classes * (own_classes - 1) // 2,):
        values = votes_of_pairs(pairs * values, own_classes)
    if values.ndim == 2 and values.shape[1] == own_classes == 2:
        values = values[:, 1] - values[:, 0]
    if values.ndim == 2 or own_classes != 2:
        _require_columns(estimator, "decision_function", values, known, n_classes)
    if known is None:
        return values
    if n_classes == own_classes == 2:
        return values if known[0] == 0 else -values
    in_order = own_classes == n_classes and (known[1:] > known[:-1]).all()
    return values if in_order else spread_decision(values, known, n_classes)


def _require_columns(estimator: Any, method: OutputMethod, values: Array, known: Codes | None, n_classes: int) -> None:
    columns = n_classes if known is None else len(known)
    if values.ndim == 2 and values.shape[1] == columns:
        return
    n_rows = len(values)
    problem = _expected(n_rows, columns, f"({n_rows}, {columns})")
    if method == "decision_function":
        if columns == 2:
            problem = _expected(n_rows, columns, f"({n_rows},)")
        elif values.shape[1:] == (columns * (columns - 1) // 2,):
            problem += "; it has a column for each pair of classes"
    _refuse(estimator, method, values, problem)


def _expected(n_rows: int, n_classes: int, shape: str) -> str:
    return f"for {n_rows} rows and {n_classes} classes it must be {shape}"


def _refuse(estimator: Any, method: OutputMethod, values: Any, problem: str) -> NoReturn:
    scalar = values.dtype.kind == "O" and values.ndim == 0
    returned = f"a {type(values.item()).__name__}" if scalar else f"an array of shape {values.shape}"
    raise WorkError(f"{type(estimator).__name__}.{method} returned {returned}: {problem}")
