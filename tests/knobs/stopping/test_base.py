"""What every stopping rule has: patience, a minimum, and no effect before it fires."""

from __future__ import annotations

import pytest

from altune.core.registry import methods
from altune.recipes.recipe import Recipe
from altune.workflows.simulate import simulate
from tests.helpers.stopping import fired, rule, view

RULES = {
    "budget",
    "target",
    "stabilizing_predictions",
    "classification_change",
    "overall_uncertainty",
    "max_confidence",
    "min_expected_error",
    "oracle_accuracy",
    "performance_convergence",
    "uncertainty_convergence",
    "contradictory_information",
    "delta_f",
    "pac_bayes",
    "no_novelty",
    "any",
    "all",
}


@pytest.mark.parametrize("name", sorted(RULES - {"budget", "any", "all"}))
def test_each_rule_has_patience_and_a_minimum(name):
    method = rule(name, patience=2, minimum=60)
    assert method.note(view(labels_bought=50))["stop_labels"] == 50.0
    assert (method.patience, method.minimum) == (2, 60)


def test_no_rule_stops_before_its_minimum():
    method = rule("oracle_accuracy", minimum=30)
    right = {"new_predictions": [0], "new_labels": [0]}
    notes = [method.note(view(labels_bought=count, **right)) for count in (10, 20, 30)]
    assert fired(method, notes) == [False, False, True]
    assert fired(
        rule("any", rules=[{"method": "oracle_accuracy", "minimum": 30}]),
        [{f"rule_0_{name}": value for name, value in note.items()} for note in notes],
    ) == [False, False, True]


def test_a_rule_that_does_not_fire_changes_nothing():
    quiet = {"method": "any", "rules": [{"method": name, "patience": 10} for name in ("max_confidence", "pac_bayes")]}
    recipe = Recipe(query_strategy={"method": "history"} if "history" in methods("query_strategy") else "margin")
    plain, watched = (
        simulate(recipe.replace(stopping=one), "iris", budget=40, n_blocks=2).curves for one in ("budget", quiet)
    )
    for a, b in zip(plain, watched, strict=True):
        assert a.rows.tolist() == b.rows.tolist()
        assert a.scores["accuracy"].tolist() == b.scores["accuracy"].tolist()
