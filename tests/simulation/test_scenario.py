"""The scenario: its defaults, what it refuses, and what a study keeps of it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from sklearn.datasets import load_iris

from altune.core.errors import FormatError, ScenarioError
from altune.data import Dataset, load_dataset
from altune.data.blocks import pool_size
from altune.simulation.objectives import Objective
from altune.simulation.scenario import Annotator, Scenario, default_budget


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return Dataset(X, y, name="iris")


def test_defaults_are_those_of_the_design():
    scenario = Scenario()
    assert (scenario.loops, scenario.metric, scenario.objective, scenario.over) == (20, "accuracy", "aulc", "labels")
    assert scenario.annotators == (Annotator(error=0.0, price=None),)
    assert (scenario.price_per_label, scenario.price_per_loop) == (1.0, 0.0)
    assert scenario.budget is None


def test_default_budget_is_twenty_labels_a_class_at_least_100_at_most_half_the_pool(iris):
    assert default_budget(10, 1000) == 200
    assert default_budget(2, 1000) == 100
    assert default_budget(10, 300) == 150
    assert default_budget(2, 3) == 2
    digits = load_dataset("digits")
    assert Scenario().resolve(digits, pool_size(digits)).labels == 200
    assert Scenario().resolve(iris, 90).labels == 45


def test_a_given_budget_stays_and_one_beyond_the_pool_is_refused(iris):
    assert Scenario(budget=90).resolve(iris, 90).labels == 90
    with pytest.raises(ScenarioError, match=r"budget 91 is larger than the pool of 90 rows of iris; give at most 90"):
        Scenario(budget=91).resolve(iris, 90)
    with pytest.raises(ScenarioError, match="the scenario has no budget yet"):
        _ = Scenario().labels


def test_resolving_leaves_the_rest_as_it_was(iris):
    scenario = Scenario(metric="balanced_accuracy", annotators=(Annotator(error=0.1),) * 3, loops="unlimited")
    resolved = scenario.resolve(iris, 90)
    assert resolved.model_copy(update={"budget": None}).with_classes([]) == scenario
    assert scenario.budget is None


def test_loops():
    assert Scenario(loops=7).most_loops == 7
    assert Scenario(loops="unlimited").most_loops is None


def test_every_metric_is_named_once():
    assert Scenario(metric="accuracy", also=("balanced_accuracy", "accuracy")).metric_names == (
        "accuracy",
        "balanced_accuracy",
    )


def test_an_annotator_has_its_own_price_or_the_scenarios():
    scenario = Scenario(price_per_label=2.0, annotators=(Annotator(), Annotator(error=0.2, price=0.5)))
    assert [scenario.price(number) for number in range(2)] == [2.0, 0.5]


def test_the_objectives_domain(iris):
    assert Scenario(budget=60).make_objective() == Objective("aulc", "accuracy", "labels", 60.0, 0.0)
    prices = {"price_per_label": 2.0, "price_per_loop": 5.0, "over": "cost"}
    # the dearest label 60 times, and the first sample and 20 loops
    assert Scenario(budget=60, **prices).make_objective().end == 60 * 2 + 21 * 5
    dear = Scenario(budget=60, annotators=(Annotator(price=3.0), Annotator()), **prices)
    assert dear.make_objective().end == 60 * 3 + 21 * 5
    assert Scenario(budget=60, loops="unlimited", **prices).make_objective().end == 60 * 2 + 61 * 5
    with pytest.raises(ScenarioError, match="needs a price"):
        Scenario(budget=60, over="cost", price_per_label=0.0).make_objective()


@pytest.mark.parametrize(
    ("plain", "path", "words"),
    [
        ({"budgett": 5}, "budgett", "did you mean 'budget'"),
        ({"budget": 1}, "budget", "greater than or equal to 2"),
        ({"loops": 0}, "loops", "1 or more, or 'unlimited'"),
        ({"loops": "many"}, "loops", "'many'"),
        ({"metric": "acuracy"}, "metric", "similar: accuracy"),
        ({"also": ["acuracy"]}, "also", "similar: accuracy"),
        ({"objective": "aucl"}, "", "did you mean 'aulc'"),
        ({"objective": "net_value"}, "", "needs `value`"),
        ({"annotators": []}, "annotators", "at least 1"),
        ({"annotators": [{"error": 1.0}]}, "annotators[0].error", "less than 1"),
        ({"annotators": [{"eror": 0.1}]}, "annotators[0].eror", "did you mean 'error'"),
        ({"annotators": [{"error": 0.1, 0: 1}]}, "annotators[0].0", "no field '0'"),
        ({"a\nb": 1}, "a\nb", "no field"),
        ({"price_per_loop": -1}, "price_per_loop", "greater than or equal to 0"),
        ({"price_per_label": float("nan")}, "price_per_label", "finite"),
        ({"version": 2}, "version", "1"),
        ({"scaling": "some"}, "scaling", "standard"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(plain, path, words):
    with pytest.raises(FormatError) as caught:
        Scenario.from_dict(plain, file="mine.yaml")
    error = caught.value
    assert error.path.startswith(path)
    assert error.file == "mine.yaml"
    assert words in str(error)
    assert str(error).startswith("mine.yaml: ")
    assert "\n" not in str(error)


def test_a_scenario_does_not_change():
    with pytest.raises(ValueError, match="frozen"):
        Scenario().budget = 5


def test_it_reads_back_from_json_and_from_yaml(tmp_path):
    scenario = Scenario(
        budget=60,
        loops="unlimited",
        also=("balanced_accuracy",),
        annotators=(Annotator(error=0.1, price=0.5), Annotator()),
        price_per_loop=1.5,
    )
    assert Scenario.from_dict(json.loads(json.dumps(scenario.to_dict()))) == scenario
    path = tmp_path / "scenario.yaml"
    path.write_text(
        "budget: 60\nloops: unlimited\nalso: [balanced_accuracy]\n"
        "annotators:\n  - {error: 0.1, price: 0.5}\n  - {}\nprice_per_loop: 1.5\n"
    )
    assert Scenario.load(path) == scenario


def test_the_digest_sees_every_field():
    changes = {
        "budget": 61,
        "loops": 19,
        "metric": "balanced_accuracy",
        "also": ("balanced_accuracy",),
        "positive": "no",
        "objective": "aulc_trapezoid",
        "over": "cost",
        "value": 2.0,
        "annotators": (Annotator(error=0.1),),
        "price_per_label": 2.0,
        "price_per_loop": 1.0,
        "price_per_review": 1.0,
        "price_of_class": (0.0, 1.0, 0.0),
        "price_of_difficulty": 1.0,
        "price_per_auto_label": 1.0,
        "scaling": "none",
        "text_features": "tfidf",
        "risk": "cvar:0.2",
        "target_score": 0.9,
        "constraints": ("labels <= 50",),
        "price_per_hour": 1.0,
        "dense": 10,
    }
    assert set(changes) | {"version"} == set(Scenario.model_fields)
    digests = {
        Scenario(budget=60).digest(),
        *(Scenario(**{"budget": 60, name: new}).digest() for name, new in changes.items()),
    }
    assert len(digests) == len(changes) + 1
    assert Scenario(budget=60).digest() == Scenario(budget=60).digest()


def two_classes(*classes: object) -> Dataset:
    labels = np.repeat(np.array(classes, dtype=object), 50)
    return Dataset(np.arange(float(len(labels)))[:, None], labels, name="votes")


@pytest.mark.parametrize(
    ("classes", "given", "name", "code"),
    [
        (("no", "yes"), None, "yes", 1),
        (("no", "yes"), "no", "no", 0),
        ((0, 1), 0, "0", 0),
        ((0, 1), "1", "1", 1),
        ((0.0, 2.5), 0.0, "0", 0),
        ((0.0, 2.5), 2.5, "2.5", 1),
        ((False, True), False, "False", 0),
    ],
)
def test_the_positive_class_is_given_as_in_the_data_and_named(classes, given, name, code):
    resolved = Scenario(metric="f1", positive=given).resolve(two_classes(*classes), 60)
    assert (resolved.positive_class, resolved.positive_code) == (name, code)
    assert resolved.make_objective().metric_text == f"f1 of {name!r}"
    # It is named where a metric beside the objective's needs it.
    beside = Scenario(also=("recall",), positive=given).resolve(two_classes(*classes), 60)
    assert (beside.positive_class, beside.make_objective().metric_text) == (name, "accuracy")


def test_no_class_is_positive_of_three_or_where_no_metric_has_one(iris):
    assert Scenario(metric="f1_macro").resolve(iris, 90).positive_code is None
    resolved = Scenario(metric="roc_auc").resolve(two_classes("no", "yes"), 60)
    assert resolved.positive_class is None
    assert resolved.make_objective().metric_text == "roc auc"


def test_the_last_class_given_as_positive_changes_no_hash_and_the_other_does():
    data = two_classes("no", "yes")
    usual, last, first = (
        Scenario(metric="f1", positive=positive).resolve(data, 60) for positive in (None, "yes", "no")
    )
    assert usual.to_dict() == last.to_dict()
    assert "positive" not in usual.to_dict()
    assert usual.played_digest() == last.played_digest() != first.played_digest()
    assert Scenario.from_dict(first.to_dict()).with_classes(data.classes) == first


@pytest.mark.parametrize(
    ("classes", "fields", "words"),
    [
        (("a", "b", "c"), {"metric": "f1_macro"}, "positive is one of two classes, but votes has 3"),
        (("no", "yes"), {"metric": "f1", "positive": "yse"}, "votes has no class 'yse'; did you mean 'yes'?"),
        ((1, "1"), {"metric": "f1", "positive": 1}, "both classes of votes are written '1'"),
        (("no", "yes"), {"positive": "no"}, "accuracy is the same whichever class is positive"),
        (("no", "yes"), {"also": ("roc_auc",), "positive": "no"}, "accuracy and roc_auc are the same"),
    ],
)
def test_a_positive_class_that_does_not_fit_is_refused(classes, fields, words):
    with pytest.raises(ScenarioError, match=re.escape(words)) as caught:
        Scenario(**{"positive": "a", **fields}).resolve(two_classes(*classes), 60)
    assert "\n" not in str(caught.value)


def test_the_keys_of_stored_trajectories_are_those_of_0_1_0():
    plain, noisy = Scenario(budget=60), Scenario(budget=60, metric="f1", annotators=(Annotator(error=0.2),))
    assert plain.played_digest() == "99b2abb193589aa0682860809b587957"
    assert noisy.resolve(two_classes("no", "yes"), 60).played_digest() == "56a5fbc420f901bb06cae333fed0f709"


def test_a_positive_class_needs_the_classes():
    with pytest.raises(ScenarioError, match="resolve it for a data set first"):
        _ = Scenario(positive="no").positive_code


def test_scaling_is_what_the_scenario_says():
    from altune.simulation.environment import make_environment
    from altune.simulation.prepared import prepare_block

    X, y = load_iris(return_X_y=True)
    environment = make_environment(Dataset(X, y, name="iris"), budget=30)
    block = environment.blocks("search", 1)[0]
    raw = prepare_block(environment.dataset, block, 0, "none")
    np.testing.assert_array_equal(raw.X_pool, X[block.pool])
    scaled = prepare_block(environment.dataset, block, 0, "standard")
    np.testing.assert_allclose(scaled.X_pool.std(axis=0), 1.0)
