"""The budget alone, and rules joined by any and all."""

from __future__ import annotations

import json

import numpy as np
import pytest

from altune.core.errors import FormatError
from altune.core.registry import parse_method
from altune.knobs.stopping import StopView
from altune.recipes.recipe import Capabilities, Recipe
from altune.recipes.space import SearchSpace
from tests.helpers.stopping import agreement_view, rule, view


def test_budget_never_fires():
    assert rule("budget").note(agreement_view()) == {}
    assert not rule("budget").fires([{}] * 100)


def test_any_and_all_read_a_list_of_rules_and_write_it():
    rules = [{"method": "delta_f", "threshold": 0.1}, {"method": "any", "rules": ["oracle_accuracy", "budget"]}]
    recipe = Recipe(stopping={"method": "all", "rules": rules})
    plain = recipe.to_dict()["stopping"]
    assert [one["method"] for one in plain["rules"]] == ["delta_f", "any"]
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert Recipe.from_dict({"stopping": plain}) == recipe
    space = SearchSpace.from_dict({"stopping": plain, "query_strategy": ["random", "margin"]})
    assert space.recipe_at({"query_strategy": "margin"}) == recipe
    assert "delta_f (threshold 0.1)" in recipe.describe()


@pytest.mark.parametrize(
    ("rules", "path"),
    [([], "stopping.rules"), ([{"method": "deltaf"}], "stopping.rules[0]"), ([{"method": "delta_f", "b": 1}], "[0].b")],
)
def test_a_wrong_rule_in_a_list_is_named_with_its_place(rules, path):
    with pytest.raises(FormatError) as caught:
        Recipe(stopping={"method": "any", "rules": rules})
    assert path in str(caught.value)


def test_nested_rules_make_their_needs_known():
    nested = {"method": "any", "rules": ["delta_f", {"method": "all", "rules": ["min_expected_error", "no_novelty"]}]}
    method = parse_method("stopping", nested)
    assert method.required() == {"class_scores"}
    assert method.watching()
    assert not rule("all", rules=["no_novelty"]).watching()
    assert (
        "rules[1]"
        in Recipe(stopping={"method": "any", "rules": ["delta_f", "pac_bayes"]}).problems(Capabilities(sparse=True))[0]
    )
    assert rule("any", rules=[{"method": "target", "holdout": 17}, "delta_f"]).held_out_rows == 17


def test_two_rules_of_one_kind_keep_their_notes_apart():
    rules = [{"method": "oracle_accuracy", "threshold": 0.5}, {"method": "oracle_accuracy", "threshold": 1.0}]
    either, both = rule("any", rules=rules), rule("all", rules=rules)
    half = view(new_predictions=[0, 1], new_labels=[0, 0])
    notes = [either.note(half)]
    assert notes[0] == {"rule_0_stop_oracle_accuracy": 0.5, "rule_1_stop_oracle_accuracy": 0.5}
    assert either.fires(notes)
    assert not both.fires(notes)
    assert both.fires([both.note(view(new_predictions=[0, 0], new_labels=[0, 0]))])


def test_a_rule_inside_draws_what_it_would_draw_alone():
    target = {"method": "target", "metric": "balanced_accuracy"}
    said, labels = np.array([0, 1, 1, 0, 1]), np.array([0, 1, 0, 0, 1])
    seen = StopView((), labels, said, 10, 2, np.random.default_rng(3))
    alone = parse_method("stopping", target).note(StopView((), labels, said, 10, 2, np.random.default_rng(3)))
    noted = rule("any", rules=[target, target]).note(seen)
    assert noted == {f"rule_{place}_{name}": value for place in (0, 1) for name, value in alone.items()}
