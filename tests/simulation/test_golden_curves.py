"""Golden curves: whole trajectories, as they were stored.

They are rewritten by ``python -m tests.simulation.test_golden_curves``, after a change that is meant to move them.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

from altune.data import Dataset
from altune.recipes.recipe import Recipe
from altune.simulation.annotators import Annotator
from altune.simulation.environment import make_environment
from altune.simulation.prepared import prepare_block
from altune.simulation.scenario import Scenario
from altune.simulation.trajectory import play
from tests.helpers.paths import STORED

GOLDEN = STORED / "golden_curves.json"
WHOLE = ("labels", "used", "loop_rows", "rows")


def digits(n_rows: int = 600) -> Dataset:
    X, y = load_digits(return_X_y=True)
    return Dataset(X[:n_rows], y[:n_rows], name="digits")


def iris() -> Dataset:
    X, y = load_iris(return_X_y=True)
    return Dataset(X, y, name="iris")


NOISY = Scenario(budget=60, loops=5, annotators=(Annotator(error=0.2),) * 3, price_per_loop=2.0)
GOLDEN_PLAYS: dict[str, tuple[Any, Scenario, dict[str, Any]]] = {
    "digits, all defaults": (digits, Scenario(budget=80, loops=6), {}),
    "digits, random": (digits, Scenario(budget=80, loops=6), {"query_strategy": {"method": "random"}}),
    "digits, naive Bayes on new labels": (
        digits,
        Scenario(budget=80, loops=6),
        {"model": "naive_bayes", "retrain": {"method": "warm_start", "on": "new"}, "query_strategy": "entropy"},
    ),
    "iris, clusters and diversity": (
        iris,
        Scenario(budget=40, loops=8),
        {
            "initial_sample": {"method": "kcenter", "size": 4},
            "query_strategy": {"method": "switch", "first": "kcenter", "then": "badge"},
            "loop_size": {"method": "geometric", "growth": 1.5},
            "retrain": {"method": "warm_start"},
            "stopping": {"method": "stabilizing_predictions"},
        },
    ),
    "iris, three annotators and an audit": (
        iris,
        NOISY,
        {
            "initial_sample": {"method": "random", "size": 10},
            "labeling": {"method": "majority", "annotators": 3},
        },
    ),
    "iris, relabelling": (
        iris,
        NOISY,
        {
            "initial_sample": {"method": "random", "size": 30},
            "labeling": {"method": "single", "audit": "confident_learning", "action": "relabel", "share": 0.2},
        },
    ),
}


def golden_play(name: str) -> dict[str, Any]:
    data, scenario, fields = GOLDEN_PLAYS[name]
    environment = make_environment(data(), scenario=scenario, seed=1)
    prepared = prepare_block(environment.dataset, environment.blocks("search", 1)[0], 1)
    plain = play(Recipe(**fields), prepared, environment.scenario).to_dict()
    return {part: value for part, value in plain.items() if "seconds" not in part}


@pytest.mark.parametrize("name", GOLDEN_PLAYS)
def test_golden_curves(name):
    expected, found = json.loads(GOLDEN.read_text())[name], golden_play(name)
    for part in WHOLE:
        assert found[part] == expected[part], part
    assert found["stopped"] == expected["stopped"]
    np.testing.assert_allclose(found["scores"]["accuracy"], expected["scores"]["accuracy"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["cost"], expected["cost"], rtol=0, atol=1e-9)
    assert found["prior"] == pytest.approx(expected["prior"], abs=1e-12)
    assert [set(fact) for fact in found["notes"]] == [set(fact) for fact in expected["notes"]]
    for mine, theirs in zip(found["notes"], expected["notes"], strict=True):
        assert mine == pytest.approx(theirs, abs=1e-9)


if __name__ == "__main__":
    text = json.dumps({name: golden_play(name) for name in GOLDEN_PLAYS}, indent=1)
    GOLDEN.write_text(text + "\n")
