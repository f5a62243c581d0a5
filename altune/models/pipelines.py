"""What a scikit-learn estimator does with the columns it is given, read from its steps before anything is fitted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.pipeline import FeatureUnion, Pipeline

from altune.core.errors import WorkError
from altune.core.types import Array

COLUMNS_PARAMETER = "categorical_features"
"""A parameter of gradient boosting that chooses columns."""


def transformed(pipeline: Pipeline, X: Any) -> Any:
    """Return the output of a fitted pipeline's last transformer as numbers, ``(n_rows, n_outputs)``, dense or CSR.

    Raises
    ------
    WorkError
        If it is not a matrix of finite numbers.
    """
    output: Any = pipeline[:-1].transform(X)
    is_sparse: bool = issparse(output)
    try:
        values: Any = output.tocsr() if is_sparse else np.asarray(output, dtype=np.float64)
        usable = values.ndim == 2 and bool(np.isfinite(values.data if is_sparse else values).all())
    except (TypeError, ValueError):
        usable = False
    if not usable:
        raise WorkError(f"the output of {type(pipeline.steps[-2][1]).__name__} is not a matrix of finite numbers")
    return values


def first_steps(estimator: Any) -> Iterator[Any]:
    """Yield the estimators that are given the columns themselves: the first step of a pipeline, at any depth.

    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> [type(step).__name__ for step in first_steps(make_pipeline(CountVectorizer(), LogisticRegression()))]
    ['CountVectorizer']
    """
    if isinstance(estimator, Pipeline):
        steps = [step for _, step in estimator.steps if step is not None and step != "passthrough"]
        for step in steps[:1]:
            yield from first_steps(step)
        return
    inner = list(_inner(estimator))
    if isinstance(estimator, FeatureUnion) and inner:
        for step in inner:
            yield from first_steps(step)
        return
    yield estimator
    if not isinstance(estimator, ColumnTransformer):
        for step in inner:
            yield from first_steps(step)


def _inner(estimator: Any) -> Iterator[Any]:
    """Yield the estimators in the parameters of another one: a single one or a list of pairs."""
    for value in estimator.get_params(deep=False).values():
        for part in value if isinstance(value, list | tuple) else [value]:
            inner = part[1] if isinstance(part, tuple) and len(part) == 2 else part
            if hasattr(inner, "fit") and hasattr(inner, "get_params") and not isinstance(inner, type):
                yield inner


def chosen_columns(step: Any) -> list[Any]:
    """Return what chooses the columns of a first step, one entry for each transformer: names, positions, selectors."""
    if isinstance(step, ColumnTransformer):
        return [part[2] for part in step.transformers if len(part) == 3]
    chosen = getattr(step, COLUMNS_PARAMETER, None)
    return [] if chosen is None or isinstance(chosen, str) else [chosen]


def named_columns(columns: Any) -> list[str]:
    """Return the names among chosen columns; empty for positions, masks and functions."""
    if isinstance(columns, str):
        return [columns]
    if isinstance(columns, slice):
        return [bound for bound in (columns.start, columns.stop) if isinstance(bound, str)]
    return [name for name in columns if isinstance(name, str)] if np.iterable(columns) else []


def wants(estimator: Any) -> tuple[str, str]:
    """Return why an estimator needs raw rows, and which, ``frame`` or ``text``; empty texts if nothing says so."""
    for step in first_steps(estimator):
        kind = type(step).__name__
        if isinstance(step, CountVectorizer | HashingVectorizer):
            return f"its {kind} reads text", "text"
        for columns in chosen_columns(step):
            if isinstance(columns, make_column_selector):
                return f"its {kind} selects columns of a table by name or type", "frame"
            if names := named_columns(columns):
                return f"its {kind} names the column {names[0]!r}", "frame"
    return "", ""


def positions(estimator: Any) -> list[Any]:
    """Return the columns that an estimator chooses by position or by a mask, one entry for each choice."""
    return [
        columns
        for step in first_steps(estimator)
        for columns in chosen_columns(step)
        if not callable(columns) and not named_columns(columns) and _any_column(columns)
    ]


def _any_column(columns: Any) -> bool:
    return isinstance(columns, slice) or np.size(columns) > 0


def outside(columns: Any, width: int) -> bool:
    """Return whether chosen positions are none of ``width`` columns."""
    if isinstance(columns, slice) or callable(columns) or not np.size(columns):
        return False
    chosen: Array = np.atleast_1d(np.asarray(columns))
    if chosen.dtype == bool:
        return len(chosen) != width
    return bool(((chosen < -width) | (chosen >= width)).any())
