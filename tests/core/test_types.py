"""A training set: what it knows about its labels, how rows are taken, and what it refuses."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from altune.core.errors import RequestError
from altune.core.types import TrainingSet

X = np.arange(10.0).reshape(5, 2)
y = np.array([3, 1, 1, 3, 0])


def test_classes_are_found_once() -> None:
    training = TrainingSet(X, y, 4)
    assert len(training) == 5
    assert training.seen.tolist() == [0, 1, 3]
    assert training.positions.tolist() == [2, 1, 1, 2, 0]
    assert training.seen is training.seen
    assert training.positions is training.positions
    complete = TrainingSet(X, np.array([0, 1, 2, 0, 1]), 3)
    assert complete.positions is complete.y
    with pytest.raises(FrozenInstanceError):
        training.y = y  # type: ignore[misc]


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_rows_are_taken_by_position_or_slice(form: Any) -> None:
    training = TrainingSet(form(X), y, 4, np.arange(5.0))
    for rows in (np.array([4, 0]), slice(1, 3)):
        taken = training.take(rows)
        dense = taken.X if form is np.asarray else taken.X.toarray()
        np.testing.assert_array_equal(dense, X[rows])
        np.testing.assert_array_equal(taken.y, y[rows])
        assert taken.weights is not None
        np.testing.assert_array_equal(taken.weights, np.arange(5.0)[rows])
        assert taken.n_classes == 4
    assert TrainingSet(X, y, 4).take(np.array([0])).weights is None
    assert len(TrainingSet(X, y, 4).take(slice(0)).seen) == 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((X, y[:4], 4), r"5 rows need labels of shape \(5,\), not \(4,\)"),
        ((X, y[:, None], 4), r"5 rows need labels of shape \(5,\), not \(5, 1\)"),
        ((X, y.astype(float), 4), r"labels must be class codes \(integers\), not float64"),
        ((X, y, 4, np.ones(4)), r"5 rows need weights of shape \(5,\), not \(4,\)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arguments: Any, problem: str) -> None:
    with pytest.raises(RequestError, match=problem):
        TrainingSet(*arguments)


@pytest.mark.parametrize(("codes", "n_classes", "problem"), [(y, 3, "0 to 2, not 0 to 3"), (-y, 4, "0 to 3, not -3")])
def test_codes_out_of_range_are_refused(codes: Any, n_classes: int, problem: str) -> None:
    with pytest.raises(RequestError, match=f"labels must be codes from {problem}"):
        _ = TrainingSet(X, codes, n_classes).seen
