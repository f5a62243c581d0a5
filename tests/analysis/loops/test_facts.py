"""What each loop of a recipe did, in numbers: against counts by hand, true labels, and the trajectories themselves."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

import altune
from altune.analysis.loops.facts import LoopFacts
from altune.core.errors import RequestError
from altune.recipes.recipe import Recipe
from altune.simulation.environment import make_environment
from altune.workflows.examine import Examination
from tests.helpers.examined import AUDIT, NOISY, SPARSE, examined


def test_facts_are_read_back_as_they_were(facts):
    assert LoopFacts.from_dict(json.loads(json.dumps(facts.to_dict()))) == facts


def test_facts_of_something_else_are_refused(facts):
    with pytest.raises(RequestError, match=r"stored facts of the loops: balance\.pool"):
        LoopFacts.from_dict({**facts.to_dict(), "balance": {**facts.to_dict()["balance"], "pool": "much"}})


def test_shares_sum_to_one_and_agree_with_each_other(facts):
    for place in range(len(facts.loops)):
        assert sum(series.mean[place] for series in facts.balance.bought) == pytest.approx(1, abs=1e-4)
        assert sum(series.mean[place] for series in facts.balance.new) == pytest.approx(1, abs=1e-4)
    assert facts.balance.bought[0].mean[0] == facts.balance.new[0].mean[0]
    assert sum(facts.balance.pool) == pytest.approx(1, abs=1e-4)


def test_shares_are_those_of_all_rows_bought_so_far():
    found = altune.examine("random_sampling", "iris", budget=30, loops=4, n_blocks=1, rules={})
    curve = altune.simulate("random_sampling", "iris", budget=30, loops=4, n_blocks=1).curves[0]
    ends = np.cumsum(curve.loop_rows)
    for loop, end in enumerate(ends.tolist()):
        shares = np.bincount(load_iris().target[curve.rows[:end]], minlength=3) / end
        assert [series.mean[loop] for series in found.balance.bought] == pytest.approx(shares, abs=1e-4)


def test_the_recipes_own_rule_ends_what_is_told_and_not_the_other_rules_curve():
    recipe = Recipe(stopping={"method": "classification_change", "threshold": 0.06, "minimum": 20})
    found = altune.examine(recipe, "iris", budget=70, loops=10, n_blocks=1)
    plain = altune.simulate(recipe, "iris", budget=70, loops=10, n_blocks=1).curves[0]
    assert plain.stopped == "classification_change", "a rule that never fires proves nothing"
    assert found.labels.mean == tuple(plain.labels.tolist())
    own = next(rule for rule in found.stopping.rules if rule.name == "recipe")
    assert own.labels == (plain.labels[-1],)
    assert found.stopping.last == 70


def test_stops_are_those_of_a_replay():
    from altune.workflows.replay import replay

    rules = {"calm": {"method": "classification_change", "threshold": 0.05}, "sure": "min_expected_error"}
    environment = {"budget": 60, "loops": 12, "n_blocks": 2, "rules": rules}
    found = altune.examine("vanilla", "wine", **environment).stopping
    usual = replay("vanilla", "wine", **environment)
    for rule in found.rules:
        own = usual[rule.name]
        stops = [None if s is None else int(c.labels[s]) for s, c in zip(own.stops, usual.curves, strict=True)]
        assert list(rule.labels) == stops
        assert rule.saved == pytest.approx(own.saved.mean, abs=0.01)
        assert rule.kept == pytest.approx(own.kept.mean, abs=1e-4)
    assert any(rule.fired for rule in found.rules)


def test_a_recipe_that_buys_hold_out_rows_is_played_as_it_is():
    recipe = Recipe(stopping={"method": "target", "score": 0.75, "holdout": 10, "looks": 1000})
    found = altune.examine(recipe, "iris", budget=40, loops=6, n_blocks=1)
    plain = altune.simulate(recipe, "iris", budget=40, loops=6, n_blocks=1).curves[0]
    assert found.stopping is None
    assert found.labels.mean == tuple(float(count) for count in plain.labels)
    assert found.used.mean[0] < found.rows.mean[0]


def test_audit_tells_wrong_labels_bought_from_those_used(facts):
    audit = facts.audit
    assert (audit.detector, audit.action, audit.blocks) == ("knn_disagreement", "drop", 3)
    assert sum(audit.suspects.mean) > sum(audit.right.mean) > 0
    assert audit.suspects.mean[1] == 0, "it runs every other loop"
    for bought, used, left, rows in zip(
        audit.wrong_bought.mean, audit.wrong_used.mean, facts.used.mean, np.cumsum(facts.rows.mean), strict=True
    ):
        assert bought >= used - 0.02
        assert left <= rows + 1e-6


def test_a_dropped_suspect_stays_out_between_two_audits():
    recipe = Recipe(query_strategy="random", labeling={**AUDIT, "action": "drop", "every": 3}, loop_size=SPARSE)
    _, noted, prepared = examined(recipe, budget=80, annotators=NOISY)
    made = make_environment("iris", budget=80, loops=6, annotators=NOISY)
    examination = Examination.of(recipe, made, [prepared.block])
    found = examination.facts([noted]).audit
    suspects = np.array([one.get("audit_suspects", np.nan) for one in noted.notes])
    first = int(np.flatnonzero(suspects > 0)[0])
    assert np.isnan(suspects[first + 1])
    bought = np.cumsum(noted.loop_rows)[first + 1]
    out = bought - noted.used[first + 1]
    wrong = noted.notes[first + 1].get("wrong_labels_used", 0.0) * noted.used[first + 1]
    right = noted.notes[first]["wrong_suspects"]
    assert out == suspects[first]
    assert found.wrong_bought.mean[first + 1] == pytest.approx((wrong + right) / bought, abs=1e-4)


def test_many_classes_are_gathered():
    X, y = load_digits(return_X_y=True)
    data = altune.Dataset(X, np.where(np.arange(len(y)) % 2, y, y + 10), name="twenty")
    found = altune.examine("random_sampling", data, budget=60, loops=4, n_blocks=1).balance
    assert len(found.classes) == 10
    assert (found.classes[-1], found.others) == ("11 other classes", 11)
    assert sum(found.pool) == pytest.approx(1, abs=1e-4)
    assert found.pool[-1] > 0.4
    assert found.pool_evenness > 0.99, "over all twenty classes"


def test_many_loops_are_thinned():
    single = Recipe(initial_sample={"method": "random", "size": 3}, loop_size={"method": "constant", "size": 1})
    found = altune.examine(single, "wine", budget=66, loops="unlimited", n_blocks=1, rules={})
    assert (len(found.loops), found.loops[-1]) == (60, 63)
    assert found.labels.mean[-1] == 66
    assert found.stopping is None, "no rule was asked for"
