"""Golden plays: the rows that every strategy, start and model picks, and the scores, as they were stored.

Work that makes altune faster must not change what it does: the rows are compared exactly, the scores to 1e-12. Stored
plays are rewritten by ``python -m tests.test_golden [NAME ...]``, after a change that is meant to move them.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from altune.core.registry import methods
from altune.data import Dataset, load_dataset
from altune.models.custom import CustomModel
from altune.recipes.recipe import Recipe
from altune.simulation.environment import Environment, make_environment
from altune.simulation.prepared import PreparedBlock, prepare_block
from altune.simulation.trajectory import play
from tests.helpers.paths import STORED

GOLDEN = STORED / "golden_picks.json"
EXCEPT = {"skactiveml", "label_functions", "learned_ranker", "lal"}
"""Methods that need another library or functions of the user's own, and those whose table may be trained anew."""

# (data, strategy, initial sample, model, anything else); every strategy, start and model stands in at least one
PLAYS: dict[str, tuple[str, Any, Any, Any, dict[str, Any]]] = {
    "random": ("digits", "random", "random", "logistic_regression", {}),
    "margin": ("digits", "margin", "until_all_classes", "logistic_regression", {}),
    "margin, two classes": ("breast_cancer", "margin", "random", "logistic_regression", {}),
    "entropy": ("digits", "entropy", "kmeans", "logistic_regression", {"loop_size": "geometric"}),
    "least_confidence": ("wine", "least_confidence", "kmedoids", "linear_svm", {}),
    "kcenter": ("digits", "kcenter", "kcenter", "logistic_regression", {}),
    "kcenter, relabelled": (
        "iris",
        "kcenter",
        "random",
        "logistic_regression",
        {"labeling": {"method": "single", "audit": "confident_learning", "action": "relabel", "share": 0.1}},
    ),
    "margin, sparse": ("sparse", "margin", "random", "logistic_regression", {"retrain": "warm_start"}),
    "kcenter, sparse": ("sparse", "kcenter", "kmeans_pp", "logistic_regression", {}),
    "badge, sparse": ("sparse", "badge", "random", "logistic_regression", {}),
    "probcover, sparse": ("sparse", "probcover", "random", "logistic_regression", {}),
    "kmeans": ("digits", "kmeans", "kmeans_pp", "logistic_regression", {}),
    "typiclust": ("digits", "typiclust", "typiclust", "logistic_regression", {}),
    "probcover": ("digits", "probcover", "probcover", "logistic_regression", {}),
    "probcover, held-out rows": (
        "wine",
        "probcover",
        "density",
        "logistic_regression",
        {"stopping": {"method": "target", "score": 0.99, "holdout": 10}},
    ),
    "dcom": ("digits", "dcom", "density", "logistic_regression", {}),
    "badge": ("digits", "badge", "facility_location", "logistic_regression", {}),
    "badge, hidden layer": ("wine", "badge", "random", {"method": "mlp", "hidden_units": 16, "max_epochs": 30}, {}),
    "bait": ("iris", "bait", "d_optimal", "logistic_regression", {}),
    "clue": ("digits", "clue", "leverage", "logistic_regression", {}),
    "cluster_margin": ("digits", "cluster_margin", "oracle_stratified", "logistic_regression", {}),
    "dropquery": ("digits", "dropquery", "random", "logistic_regression", {}),
    "qbc": ("wine", {"method": "qbc", "members": 3}, "kennard_stone", "naive_bayes", {}),
    "bald": ("wine", {"method": "bald", "members": 3}, "random", "logistic_regression", {}),
    "batchbald": ("iris", {"method": "batchbald", "members": 3}, "random", "logistic_regression", {}),
    "density_weighted": ("digits", "density_weighted", "random", "k_nearest_neighbours", {}),
    "mixture": ("digits", "mixture", "random", "logistic_regression", {"training": {"method": "power"}}),
    "switch": ("digits", "switch", "random", "svm_rbf", {}),
    "egl": ("iris", "egl", "random", "logistic_regression", {"retrain": "warm_start"}),
    "eer": ("iris", {"method": "eer", "candidates": 20, "evaluation": 30}, "random", "naive_bayes", {}),
    "variance_reduction": ("iris", "variance_reduction", "random", "logistic_regression", {}),
    "margin_cover": ("digits", "margin_cover", "random", "logistic_regression", {}),
    "margin_cover, sparse": (
        "sparse",
        {"method": "margin_cover", "cover": 0.5},
        "typiclust",
        "logistic_regression",
        {},
    ),
    "bandit": ("digits", "bandit", "random", "logistic_regression", {}),
    "bandit, thompson": ("digits", {"method": "bandit", "algorithm": "thompson"}, "random", "logistic_regression", {}),
    "falcun": ("digits", "falcun", "random", {"method": "random_forest", "n_estimators": 10}, {}),
    "history": ("digits", "history", "random", {"method": "extra_trees", "n_estimators": 10}, {}),
    "fluctuation": ("digits", "fluctuation", "random", {"method": "hist_gradient_boosting", "max_iter": 5}, {}),
    "temporal_discrepancy": ("digits", "temporal_discrepancy", "random", {"method": "sgd", "max_epochs": 20}, {}),
    "contrastive": ("digits", "contrastive", "random", "logistic_regression", {"model_init": "class_prior"}),
    "quire": ("iris", "quire", "random", "logistic_regression", {}),
    "discriminative": ("wine", "discriminative", "random", "logistic_regression", {}),
    "epsilon_mix": ("digits", "epsilon_mix", "random", "logistic_regression", {"retrain": "shrink_perturb"}),
    "power": ("digits", "power", "random", "logistic_regression", {"labeling": {"method": "auto", "threshold": 0.9}}),
}


@cache
def stage(data: str) -> tuple[Environment, PreparedBlock]:
    """Return the environment and the prepared of a data set, of digits the first 400 rows, which may be sparse."""
    dataset = load_dataset("digits" if data == "sparse" else data)
    if dataset.name == "digits":
        X = dataset.X[:400]
        dataset = Dataset(sparse.csr_array(X) if data == "sparse" else X, dataset.y[:400], name="digits")
    environment = make_environment(dataset, budget=40, loops=4, seed=1)
    return environment, prepare_block(dataset, environment.blocks("search", 1)[0], 1)


def golden_play(name: str) -> dict[str, Any]:
    data, strategy, start, model, others = PLAYS[name]
    environment, prepared = stage(data)
    recipe = Recipe(query_strategy=strategy, initial_sample=start, model=model, **others)
    curve = play(recipe, prepared, environment.scenario)
    return {
        "rows": curve.rows.tolist(),
        "labels": curve.labels.tolist(),
        "accuracy": curve.scores["accuracy"].tolist(),
        "stopped": curve.stopped,
    }


@pytest.mark.parametrize("name", PLAYS)
def test_golden_plays(name):
    expected, found = json.loads(GOLDEN.read_text())[name], golden_play(name)
    scores = expected.pop("accuracy"), found.pop("accuracy")
    assert found == expected
    np.testing.assert_allclose(*scores, rtol=0, atol=1e-12)


@pytest.mark.parametrize("knob", ["query_strategy", "initial_sample", "model"])
def test_every_method_is_played(knob):
    ours = {name: cls for name, cls in methods(knob).items() if cls.__module__.startswith("altune.")}
    shipped = {name for name, cls in ours.items() if not issubclass(cls, CustomModel)}  # examples register some
    place = {"query_strategy": 1, "initial_sample": 2, "model": 3}[knob]
    played = {value["method"] if isinstance(value, dict) else value for value in (p[place] for p in PLAYS.values())}
    assert shipped - EXCEPT - played == set()


if __name__ == "__main__":
    kept = json.loads(GOLDEN.read_text()) if GOLDEN.exists() and sys.argv[1:] else {}
    moved = {name: golden_play(name) for name in sys.argv[1:] or PLAYS}
    text = json.dumps(kept | moved)
    GOLDEN.write_text(text.replace('}, "', '},\n"') + "\n")
