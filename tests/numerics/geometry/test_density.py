"""Mean similarity against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import scale

from altune.numerics.geometry.density import mean_similarity


@pytest.fixture(scope="module")
def cancer():
    return scale(load_breast_cancer(return_X_y=True)[0])[:300]


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("data", ["digits", "cancer"])
def test_mean_similarity_is_the_mean_over_all_pairs(form, data, cancer):
    X = cancer if data == "cancer" else load_digits().data[:300]
    want = (1 + (1 - cdist(X, X, "cosine"))).mean(axis=1) / 2
    np.testing.assert_allclose(mean_similarity(form(X)), want, rtol=1e-12)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_mean_similarity_of_rows_of_zeros_and_of_very_unlike_lengths(form):
    got = mean_similarity(form(np.array([[0.0, 0.0], [1e-150, 0.0], [3e150, 0.0], [0.0, -1.0]])))
    np.testing.assert_allclose(got, [0.5, 0.75, 0.75, 0.625])
    assert mean_similarity(form(np.zeros((3, 2)))).tolist() == [0.5] * 3
