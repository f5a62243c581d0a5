"""A forest as plain arrays predicts what scikit-learn's does, and what is no forest is refused."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from altune.numerics.forest import Forest

STUMP = {"feature": [0, -1, -1], "threshold": [0.5, 0, 0], "left": [1, 1, 2], "right": [2, 1, 2], "value": [0, 1, 2]}


def test_it_predicts_what_the_forest_of_scikit_learn_does():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)).astype(np.float32).astype(np.float64)
    fitted = RandomForestRegressor(7, max_leaf_nodes=20, random_state=0).fit(X, X[:, 0] * X[:, 1])
    trees = []
    for estimator in fitted.estimators_:
        tree = estimator.tree_
        leaf = tree.children_left < 0
        own = np.arange(tree.node_count)
        trees.append(
            {
                "feature": np.where(leaf, -1, tree.feature),
                "threshold": np.where(leaf, 0.0, tree.threshold),
                "left": np.where(leaf, own, tree.children_left),
                "right": np.where(leaf, own, tree.children_right),
                "value": np.where(leaf, tree.value[:, 0, 0], 0.0),
            }
        )
    np.testing.assert_allclose(Forest.from_trees(trees).predict(X), fitted.predict(X), atol=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"left": [0, 1, 2]}, "after its parent"),
        ({"right": [3, 1, 2]}, "after its parent"),
        ({"value": [0, 1]}, "one entry for each node"),
        ({"feature": [-2, -1, -1]}, "a leaf is -1"),
        ({"left": [1.0, 1, 2]}, "whole numbers"),
        ({"value": [0, 1, float("nan")]}, "finite"),
    ],
)
def test_what_is_no_tree_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        Forest.from_trees([STUMP | change])


def test_no_tree_is_no_forest():
    with pytest.raises(ValueError, match="needs a tree"):
        Forest.from_trees([])
