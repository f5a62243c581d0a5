"""Labels that the model gives to the rows it is sure of."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale

from altune.core.pool import Pool
from altune.core.registry import parse_method
from altune.core.streams import Streams
from altune.core.types import TrainingSet
from altune.knobs.labeling import Automatic
from altune.loop.loop import ActiveLearningLoop
from altune.models import LogisticRegressionModel
from altune.recipes.recipe import Capabilities, Recipe
from altune.simulation.scenario import Scenario
from altune.workflows.simulate import simulate

STREAMS = Streams(0, "cancer", "search", 0)


def labeling(name, **parameters):
    return parse_method("labeling", {"method": name, **parameters})


class Sure:
    """A model that says p₁ for class 1 of each row as its only feature has it."""

    failure = ""

    def class_scores(self, X):
        return np.column_stack([1 - X[:, 0], X[:, 0]])


def sure_pool(values, closed=()):
    pool = Pool(np.array(values)[:, None], 2, budget=10)
    pool.close(np.array(closed, dtype=int))
    pool.model = Sure()
    return pool


def test_the_surest_candidates_get_the_models_own_label():
    pool = sure_pool([0.99, 0.5, 0.02, 0.97, 1.0, 0.94], closed=[4])
    found = labeling("auto", threshold=0.95, weight=0.3).automatic(pool, None)
    assert found.rows.tolist() == [0, 2, 3]
    assert found.labels.tolist() == [1, 0, 1]
    assert found.weight == 0.3
    assert labeling("auto", threshold=0.95, quota=2).automatic(pool, None).rows.tolist() == [0, 2]
    assert labeling("auto", threshold=1.0).automatic(pool, None) is None
    pool.model = None
    assert labeling("auto").automatic(pool, None) is None


def test_auto_labels_are_taken_back_or_kept():
    earlier = Automatic(np.array([0, 1, 3, 4]), np.array([1, 1, 1, 1]), 0.5)
    pool = sure_pool([0.99, 0.5, 0.98, 0.01, 0.99, 0.96], closed=[4])  # row 4 was bought, 1 is doubtful, 3 turned
    again = labeling("auto", quota=1).automatic(pool, earlier)
    assert again.rows.tolist() == [0, 2, 3]
    assert again.labels.tolist() == [1, 1, 0]
    kept = labeling("auto", quota=1, revocable=False).automatic(pool, earlier)
    assert kept.rows.tolist() == [0, 1, 2, 3]
    assert kept.labels.tolist() == [1, 1, 1, 1]


def played(data, **fields):
    scenario = Scenario(price_per_auto_label=0.01, price_per_label=1.0)
    return simulate(Recipe(**fields), data, budget=30, loops=4, n_blocks=1, scenario=scenario).curves[0]


def test_auto_labels_cost_no_labels_and_their_price():
    curve = played("breast_cancer", labeling={"method": "auto", "threshold": 0.8, "quota": 30})
    given = [fact.get("auto_labels", 0) for fact in curve.notes]
    assert given[0] == 0
    assert 0 < given[1] <= 30
    assert curve.labels[-1] == 30 == len(curve.rows)
    assert curve.used.tolist() == curve.labels.tolist()
    first = (curve.cost - curve.labels) / 0.01
    assert first[1] == pytest.approx(given[1])
    assert given[-1] <= round(first[-1]) <= 30 * (len(curve) - 1)  # each row is paid for once
    assert all("wrong_auto_labels" in fact for fact in curve.notes[1:])


def test_the_model_is_trained_on_both_kinds_by_their_weights():
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    recipe = Recipe(
        labeling={"method": "auto", "threshold": 0.9, "weight": 0.25}, initial_sample={"method": "random", "size": 20}
    )
    loop = ActiveLearningLoop(recipe, X, 2, budget=30, loops=1, streams=STREAMS)
    loop.tell(y[loop.ask().rows])
    assert loop.automatic is None
    first = loop.model
    loop.tell(y[loop.ask().rows])
    auto = loop.automatic
    rest = np.setdiff1d(np.arange(569), loop.bought)
    scores = first.class_scores(X[rest])
    sure = rest[scores.max(axis=1) >= 0.9]
    assert set(auto.rows.tolist()) <= set(sure.tolist())
    assert len(auto.rows) == min(50, len(sure))
    rows = np.concatenate([loop.pool.labelled, auto.rows])
    labels, weights = np.concatenate([y[loop.pool.labelled], auto.labels]), np.repeat([1.0, 0.25], [30, len(auto.rows)])
    expected = LogisticRegressionModel().fit(TrainingSet(X[rows], labels, 2, weights), 0)
    np.testing.assert_allclose(loop.model.class_scores(X), expected.class_scores(X), atol=1e-4)
    assert len(loop.pool.labelled) == 30  # strategies see what was bought alone
    assert np.isin(auto.rows, loop.pool.candidates).all()


def test_people_label_alone_or_by_vote():
    recipe = Recipe(labeling={"method": "auto", "by": "majority", "annotators": 5})
    assert "needs 5 annotators" in recipe.problems(Capabilities(annotators=3))[0]
    assert recipe.problems(Capabilities(annotators=5)) == []
    assert recipe.labeling.labels_per_row == 5
    assert Recipe(labeling="auto").labeling.labels_per_row == 1
    knn = Recipe(labeling="auto", model="k_nearest_neighbours")
    assert "takes no sample weights; use weight 1.0" in knn.problems(Capabilities())[0]
    assert knn.replace(labeling={"method": "auto", "weight": 1.0}).problems(Capabilities()) == []
