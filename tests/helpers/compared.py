"""Curves and comparisons for tests of paired comparisons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from altune.simulation.curve import LearningCurve

BUDGET = 60


def curve(labels: Sequence[int], scores: Sequence[float], prior: float = 0.5) -> LearningCurve:
    n = len(labels)
    nothing = np.zeros(n)
    return LearningCurve(
        labels=np.array(labels),
        used=np.array(labels),
        cost=np.array(labels, dtype=float),
        scores={"accuracy": np.array(scores, dtype=float)},
        prior={"accuracy": prior},
        loop_rows=np.diff(labels, prepend=0),
        fit_seconds=nothing,
        query_seconds=nothing,
        evaluation_seconds=nothing,
        notes=({},) * n,
        rows=np.arange(labels[-1]),
        stopped="budget",
    )


def play(seed: int, strategy: str) -> LearningCurve:
    """Play margin or random sampling on breast_cancer: 10 labels first, then 5 a loop."""
    X, y = load_breast_cancer(return_X_y=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    pool, test = order[:400], order[400:]
    scaler = StandardScaler().fit(X[pool])
    X = scaler.transform(X)
    bought, labels, scores = list(pool[:10]), [], []
    while True:
        model = LogisticRegression(max_iter=200).fit(X[bought], y[bought])
        labels.append(len(bought))
        scores.append(model.score(X[test], y[test]))
        if len(bought) >= BUDGET:
            return curve(labels, scores, prior=float(max(y[test].mean(), 1 - y[test].mean())))
        rest = np.setdiff1d(pool, bought)
        unsure = np.abs(model.decision_function(X[rest])) if strategy == "margin" else rng.random(len(rest))
        bought.extend(rest[np.argsort(unsure)[:5]])
