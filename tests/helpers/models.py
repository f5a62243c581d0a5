"""Models that train quickly, and what every one of them must answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.preprocessing import scale

from altune.core.registry import parse_method
from altune.models import FittedModel, Model

QUICK: dict[str, dict[str, Any]] = {
    "random_forest": {"n_estimators": 10},
    "extra_trees": {"n_estimators": 10},
    "hist_gradient_boosting": {"max_iter": 5},
    "sgd": {"max_epochs": 30},
    "mlp": {"max_epochs": 30, "hidden_units": 20, "learning_rate": 0.01},
}


def model(name: str, **parameters: Any) -> Model:
    made = parse_method("model", {"method": name, **QUICK.get(name, {}), **parameters})
    assert isinstance(made, Model)
    return made


def check_answers(fitted: FittedModel, X: Any, n_classes: int, possible: set[int]) -> None:
    """Whatever was seen, all three outputs are over all classes and agree with one another."""
    predicted = fitted.predict(X)
    assert predicted.shape == (X.shape[0],)
    assert set(predicted.tolist()) <= possible
    scores = fitted.class_scores(X)
    assert scores.shape == (X.shape[0], n_classes)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0, atol=1e-9)
    assert scores.min() >= 0
    assert not scores[:, sorted(set(range(n_classes)) - possible)].any()
    best = scores[np.arange(len(predicted)), predicted]
    np.testing.assert_allclose(best, scores.max(axis=1), atol=1e-9)
    if hasattr(fitted, "predict_proba"):
        np.testing.assert_array_equal(fitted.predict_proba(X), scores)
    if hasattr(fitted, "decision_function"):
        values = fitted.decision_function(X)
        assert values.shape == ((X.shape[0],) if n_classes == 2 else (X.shape[0], n_classes))
        two_sided = np.column_stack([-values, values]) if values.ndim == 1 else values
        np.testing.assert_array_equal(two_sided.argmax(axis=1), predicted)
        for unseen in set(range(n_classes)) - possible:
            assert (two_sided[:, unseen] < two_sided[:, sorted(possible)].min(axis=1)).all()


LOADERS = {"digits": load_digits, "wine": load_wine, "breast_cancer": load_breast_cancer}
ANSWERS = ("predict", "predict_proba", "decision_function")


def some_rows(data: str, n_rows: int, seed: int = 0) -> tuple[Any, Any, Any]:
    """Return all scaled features, and features and gapless class codes of some rows."""
    X, y = LOADERS[data](return_X_y=True)
    X = scale(X)
    rows = np.sort(np.random.default_rng(seed).permutation(len(y))[:n_rows])
    return X, X[rows], np.unique(y[rows], return_inverse=True)[1]


def require_same(ours: Any, theirs: Any, X: Any) -> None:
    """Compare all that is learned and predicted, bit for bit."""
    for name in ("classes_", "coef_", "intercept_", "n_iter_"):
        mine, own = getattr(ours, name), getattr(theirs, name)
        assert np.array_equal(mine, own), name
        assert (mine.shape, mine.dtype) == (own.shape, own.dtype)
    assert ours.n_features_in_ == theirs.n_features_in_
    for name in ANSWERS:
        assert np.array_equal(getattr(ours, name)(X), getattr(theirs, name)(X)), name
