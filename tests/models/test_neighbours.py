"""Nearest neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

from altune.core.types import TrainingSet
from tests.helpers.models import model


def test_neighbours_are_at_most_the_labels(digits: Any) -> None:
    X, y = digits
    fitted = model("k_nearest_neighbours", n_neighbors=50).fit(TrainingSet(X[:8], y[:8], 10), 0)
    np.testing.assert_allclose(fitted.class_scores(X[-3:]), np.tile(np.bincount(y[:8], minlength=10) / 8, (3, 1)))
