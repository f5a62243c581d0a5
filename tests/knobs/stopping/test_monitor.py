"""What the loop shows to a stopping rule."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits

from altune.core.streams import Streams
from altune.loop.loop import ActiveLearningLoop
from altune.recipes.recipe import Recipe
from tests.helpers.stopping import NOTHING, a_watch, rule


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_distances_are_in_spacings_of_the_pool(make):
    X = np.column_stack([np.arange(100.0), np.zeros(100)])
    watch = a_watch(make(X), [10, 11, 50])
    seen = watch.observe(1, None, NOTHING, lambda rows: NOTHING).evidence
    # on a line of unit steps the tenth nearest lies five steps away
    assert seen.distances(1) * 5 == pytest.approx(np.abs(X[:, :1] - [10, 11, 50]).min(axis=1))
    second = np.sort(np.abs(X[:, :1] - [10, 11, 50]), axis=1)[:, 1]
    second[[10, 11, 50]] = 0.0
    assert seen.distances(2) * 5 == pytest.approx(second)
    assert seen.unlabelled.sum() == 97


def test_rows_that_are_all_alike_are_no_obstacle():
    seen = a_watch(np.ones((30, 2)), [0, 1]).observe(1, None, NOTHING, lambda rows: NOTHING).evidence
    assert seen.distances(1).tolist() == [0.0] * 30


def test_the_loop_shows_a_rule_what_it_says_it_shows():
    X, y = load_digits(return_X_y=True)
    X, y = X[:300] / 16, y[:300]
    looks = []
    method = rule("oracle_accuracy", threshold=1.0, patience=10)

    class Spy(type(method)):
        def measure(self, view):
            looks.append((view.evidence.new_scores, view.evidence.new_predictions, view.evidence.new_labels))
            return super().measure(view)

    recipe = Recipe(stopping=Spy(threshold=1.0, patience=10), query_strategy="margin")
    loop = ActiveLearningLoop(recipe, X, 10, budget=60, loops=4, streams=Streams(0, "d", "search", 0))
    model, known = None, None
    while not loop.done:
        request = loop.ask()
        model = loop.model
        loop.tell(y[request.rows])
        scores, said, labels = looks[-1]
        if model is None:
            assert len(scores) == len(said) == len(labels) == 0
            continue
        assert labels.tolist() == y[request.rows].tolist()
        np.testing.assert_array_equal(said, model.predict(X[request.rows]))
        np.testing.assert_array_equal(scores, model.class_scores(X[request.rows]))
        known = loop.records[-1].notes["stop_oracle_accuracy"]
        assert known == np.mean(said == labels)
    assert known is not None
