"""The faster forests and boosted trees are scikit-learn's own to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier

from altune.core.types import TrainingSet
from altune.models import ExtraTrees, HistGradientBoosting, RandomForest
from tests.helpers.models import LOADERS, some_rows


@pytest.mark.parametrize(
    ("model", "theirs"), [(RandomForest, RandomForestClassifier), (ExtraTrees, ExtraTreesClassifier)]
)
def test_forests_are_scikit_learns(model: Any, theirs: Any) -> None:
    everything, X, y = some_rows("wine", 60)
    settings = {"n_estimators": 12, "max_depth": 4, "max_features": 0.7}
    ours = model(**settings).build(seed=5, n_labelled=60).fit(X, y)
    same = theirs(**settings, random_state=5).fit(X, y)
    assert np.array_equal(ours.predict_proba(everything), same.predict_proba(everything))
    assert [tree.get_params() for tree in ours.estimators_] == [tree.get_params() for tree in same.estimators_]


@pytest.mark.parametrize("data", LOADERS)
@pytest.mark.parametrize("n_rows", [6, 120, 400])
@pytest.mark.parametrize("weighted", [False, True])
def test_boosted_trees_are_scikit_learns(data: str, n_rows: int, weighted: bool) -> None:
    everything, X, y = some_rows(data, n_rows)
    X[0, 0] = everything[0, 0] = -0.0
    weights = np.random.default_rng(1).random(len(y)) + 0.1 if weighted else None
    settings = {"max_iter": 4, "min_samples_leaf": 3}
    ours = HistGradientBoosting(**settings).fit(TrainingSet(X, y, len(np.unique(y)), weights), 0).estimator
    theirs = HistGradientBoostingClassifier(**settings, early_stopping=False, random_state=0).fit(X, y, weights)
    assert np.array_equal(ours.predict_proba(everything), theirs.predict_proba(everything))
    values = max(len(np.unique(column)) for column in X.T)
    assert ours.max_bins == max(2, min(values, 255))
