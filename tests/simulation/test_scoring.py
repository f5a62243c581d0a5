"""Scores on the test rows, and the prior before the first model."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression

from altune.core.errors import ScenarioError
from altune.data import Dataset
from altune.data.blocks import explicit_block
from altune.recipes.recipe import Recipe
from altune.simulation.prepared import prepare_block
from altune.simulation.scenario import Scenario
from altune.simulation.trajectory import play
from altune.workflows.simulate import simulate


def iris() -> Dataset:
    X, y = load_iris(return_X_y=True)
    return Dataset(X, y, name="iris")


def cancer() -> Dataset:
    X, y = load_breast_cancer(return_X_y=True)
    return Dataset(X, y, name="breast_cancer")


def test_the_prior_is_the_majority_classs_share_of_the_test_rows():
    data = cancer()
    block = explicit_block(data, np.arange(300), np.arange(300, 569))
    prepared = prepare_block(data, block, 0)
    curve = play(Recipe(), prepared, Scenario(budget=20, loops=2, also=("balanced_accuracy", "roc_auc")))
    majority = np.bincount(data.y[:300]).argmax()
    assert curve.prior["accuracy"] == pytest.approx((data.y[300:] == majority).mean())
    assert curve.prior["balanced_accuracy"] == curve.prior["roc_auc"] == 0.5
    assert set(curve.scores) == {"accuracy", "balanced_accuracy", "roc_auc"}


def test_the_positive_class_is_the_one_that_was_given():
    names = np.array(["malignant", "benign"])
    data = Dataset(cancer().X, names[cancer().y], classes=names, name="breast_cancer")
    block = explicit_block(data, np.arange(300), np.arange(300, 569))
    chosen, usual = (
        play(
            Recipe(),
            prepare_block(data, block, 0),
            Scenario(budget=20, loops=2, metric="recall", also=("accuracy",), positive=positive).resolve(data, 300),
        )
        for positive in ("malignant", None)
    )
    assert chosen.scores["accuracy"].tolist() == usual.scores["accuracy"].tolist()
    # The accuracy is the mean of the two recalls, with the shares of the classes as weights.
    share = (data.y[300:] == 0).mean()
    mixed = share * chosen.scores["recall"] + (1 - share) * usual.scores["recall"]
    assert mixed.tolist() == pytest.approx(usual.scores["accuracy"].tolist())
    majority = np.bincount(data.y[:300]).argmax()
    assert (chosen.prior["recall"], usual.prior["recall"]) == (float(majority == 0), float(majority == 1))


def test_a_metric_that_cannot_score_the_classes_is_refused():
    with pytest.raises(ScenarioError, match="f1"):
        simulate("vanilla", iris(), n_blocks=1, budget=30, metric="f1")


def test_the_scores_are_scikit_learns_on_the_test_rows():
    data = iris()
    order = np.random.default_rng(5).permutation(150)
    block = explicit_block(data, order[:100], order[100:], order[:10])
    curve = play(Recipe(), prepare_block(data, block, 0), Scenario(budget=10, loops=1))
    mean, spread = data.X[order[:100]].mean(axis=0), data.X[order[:100]].std(axis=0)
    X = (data.X - mean) / spread
    expected = LogisticRegression(max_iter=1000).fit(X[order[:10]], data.y[order[:10]])
    assert curve.scores["accuracy"][0] == expected.score(X[order[100:]], data.y[order[100:]])
