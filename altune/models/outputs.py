"""The one place through which outputs of a wrapped estimator enter altune.

An estimator may be the user's. Without a check, a wrong output fails far from its cause, or nothing fails and the
scores are wrong. Here it raises one line that names the estimator, the method and the shape.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from altune.core.errors import WorkError
from altune.core.types import Features

OutputMethod = Literal["predict", "predict_proba", "decision_function"]
ROUNDING = 1e-6
"""How far a probability may lie outside of [0, 1]: estimators of float32 round that much."""


def estimator_output(estimator: Any, method: OutputMethod, X: Features, n_classes: int) -> Any:
    """Call a method of a trained estimator and return its checked output.

    Parameters
    ----------
    estimator : a classifier whose classes are the codes 0 to ``n_classes - 1``.
    method : which of its methods.
    X : features, ``(n_rows, n_features)``.
    n_classes : classes that the estimator was trained on, 2 or more.

    Returns
    -------
    For ``predict`` integer codes, ``(n_rows,)``; for the other two finite numbers, ``(n_rows, n_classes)``, or
    ``(n_rows,)`` where the decision function of two classes is a single column.

    Raises
    ------
    WorkError
        If the output has another shape or type, is not finite or out of range.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> bayes = GaussianNB().fit([[0.0], [1.0]], [0, 1])
    >>> estimator_output(bayes, "predict", np.array([[0.1], [0.9]]), 2).tolist()
    [0, 1]
    """
    values = np.asarray(getattr(estimator, method)(X))
    n_rows = X.shape[0]
    shapes: list[tuple[int, ...]] = [(n_rows, n_classes)]
    if method == "predict":
        shapes = [(n_rows,)]
    elif method == "decision_function" and n_classes == 2:
        shapes = [(n_rows,), (n_rows, 2)]
    if values.shape == (n_rows, 1) and (n_rows,) in shapes:
        values = values.ravel()
    if values.shape not in shapes:
        _refuse(estimator, method, values, f"for {n_rows} rows and {n_classes} classes it must be {shapes[0]}")
    return _codes(estimator, values, n_classes) if method == "predict" else _scores(estimator, method, values)


def _codes(estimator: Any, values: Any, n_classes: int) -> Any:
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values == np.floor(values)).all():
        values = values.astype(np.intp)
    if values.dtype.kind not in "iu":
        _refuse(estimator, "predict", values, f"{values.dtype} values are no class codes")
    if len(values) and (values.min() < 0 or values.max() >= n_classes):
        low, high = values.min(), values.max()
        _refuse(estimator, "predict", values, f"codes from {low} to {high} are outside of 0 to {n_classes - 1}")
    return values


def _scores(estimator: Any, method: OutputMethod, values: Any) -> Any:
    if values.dtype.kind not in "fiu":
        _refuse(estimator, method, values, f"{values.dtype} values are no numbers")
    if not values.size:
        return values
    low, high = float(values.min()), float(values.max())  # a NaN is both the least and the largest
    if not (math.isfinite(low) and math.isfinite(high)):
        _refuse(estimator, method, values, "some values are not finite")
    if method == "predict_proba" and (low < -ROUNDING or high > 1 + ROUNDING):
        _refuse(estimator, method, values, f"probabilities from {low:g} to {high:g} are outside of 0 to 1")
    return values


def _refuse(estimator: Any, method: OutputMethod, values: Any, problem: str) -> None:
    raise WorkError(f"{type(estimator).__name__}.{method} returned an array of shape {values.shape}: {problem}")
