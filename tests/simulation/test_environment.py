"""Explicit blocks: how they are played, and which are refused."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris

from altune.core.errors import DataError
from altune.data import Dataset
from altune.simulation.environment import make_environment
from altune.workflows.simulate import simulate


def iris() -> Dataset:
    X, y = load_iris(return_X_y=True)
    return Dataset(X, y, name="iris")


def test_explicit_blocks_are_played_as_given():
    order = np.random.default_rng(0).permutation(150)
    blocks = [
        {"pool": order[:100].tolist(), "test": order[100:].tolist(), "initial": [int(order[7]), int(order[3])]},
        {"pool": order[50:].tolist(), "test": order[:50].tolist()},
    ]
    played = simulate("vanilla", iris(), budget=20, splits=blocks)
    first, second = played.curves
    assert first.rows[:2].tolist() == [order[7], order[3]]
    assert first.labels[0] == 2
    assert set(first.rows.tolist()) <= set(order[:100].tolist())
    assert set(second.rows.tolist()) <= set(order[50:].tolist())
    assert second.labels[0] == 3  # the recipe's own initial sample


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"pool": [1, 2, 3], "test": [3, 4]}, "is in both pool and test"),
        ({"pool": [1, 2, 200], "test": [4]}, "row 200 is not between 0 and 149"),
        ({"pool": [1, 2, 2], "test": [4]}, "twice"),
        ({"pool": [1, 2, 3], "test": [4], "initial": [4]}, "not in the pool"),
        ({"pool": [1, 2, 3]}, "pool, test"),
    ],
)
def test_blocks_that_cannot_be_are_refused(block, words):
    with pytest.raises(DataError, match=words):
        simulate("vanilla", iris(), budget=2, splits=[block])


def test_the_positive_class_that_was_not_chosen_is_named_with_the_other_one():
    labels = np.repeat(["a no", "yes"], 60)
    data = Dataset(np.arange(120.0)[:, None], labels, name="votes")
    assert make_environment(data, metric="recall", also=["roc_auc", "f1"]).advice() == [
        "the positive class of recall and f1 is 'yes', the last one; --positive 'a no' chooses the other"
    ]
    for given in ({"metric": "recall", "positive": "yes"}, {"metric": "recall", "positive": "a no"}, {}):
        assert make_environment(data, **given).advice() == []
