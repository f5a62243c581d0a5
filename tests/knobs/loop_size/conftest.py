"""Data for the tests of loop sizes."""

from __future__ import annotations

import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import scale


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:600] / 16, y[:600]


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y
