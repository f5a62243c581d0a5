"""One full trajectory tells where each rule would have stopped, and it is where the rule does stop."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from altune.analysis.stopping_replay import statistics_of
from altune.cli import app
from altune.core.errors import RequestError
from altune.core.registry import methods, parse_method
from altune.knobs.stopping import stopping_point
from altune.recipes.recipe import Recipe
from altune.simulation.annotators import Annotator
from altune.simulation.scenario import Scenario
from altune.workflows.replay import replay
from altune.workflows.simulate import simulate

LOOSE = {
    "stabilizing_predictions": {"threshold": 0.9},
    "classification_change": {"threshold": 0.02},
    "delta_f": {"threshold": 0.1, "patience": 2},
    "overall_uncertainty": {"threshold": 0.2},
    "max_confidence": {"threshold": 0.69},
    "min_expected_error": {"threshold": 0.06},
    "oracle_accuracy": {"threshold": 0.8, "patience": 2},
    "performance_convergence": {"window": 3, "threshold": 0.02},
    "uncertainty_convergence": {"window": 3, "threshold": 0.1},
    "contradictory_information": {"drops": 1},
    "pac_bayes": {"threshold": 0.6, "minimum": 40},
    "no_novelty": {"coverage": 0.6, "radius": 2.0},
    "any": {"rules": [{"method": "oracle_accuracy", "threshold": 1.0, "patience": 2}, "classification_change"]},
    "all": {"rules": [{"method": "min_expected_error", "threshold": 0.1}, {"method": "delta_f", "threshold": 0.2}]},
}
SCENARIO = {"budget": 90, "loops": 18, "n_blocks": 2}
BASE = Recipe(query_strategy="margin", labeling={"method": "single", "audit": "self_confidence", "action": "relabel"})
NOISY = Scenario(annotators=(Annotator(error=0.05), Annotator(pair=0.1)), price_per_loop=2.0)


@pytest.fixture(scope="module")
def played():
    rules = {name: {"method": name, **parameters} for name, parameters in LOOSE.items()}
    return replay(BASE, "breast_cancer", rules=rules, scenario=NOISY, **SCENARIO)


def test_all_rules_but_two_are_replayed():
    assert set(LOOSE) == set(methods("stopping")) - {"budget", "target"}


@pytest.mark.parametrize("name", LOOSE)
def test_a_replayed_rule_stops_where_it_really_stops(played, name):
    method = {"method": name, **LOOSE[name]}
    really = simulate(BASE.replace(stopping=method), "breast_cancer", scenario=NOISY, **SCENARIO)
    found = played[name]
    assert any(stop is not None for stop in found.stops), "a rule that never fires proves nothing"
    for whole, live, stop in zip(played.curves, really.curves, found.stops, strict=True):
        assert live.stopped == (whole.stopped if stop is None else name)
        expected = whole if stop is None else whole.first(stop + 1, name)
        for part in ("labels", "used", "cost", "loop_rows", "rows"):
            np.testing.assert_array_equal(getattr(live, part), getattr(expected, part), err_msg=part)
        np.testing.assert_array_equal(live.scores["accuracy"], expected.scores["accuracy"])
    assert found.value.mean == pytest.approx(really.mean)


def test_what_is_told_of_a_rule_by_hand(played):
    found = played["oracle_accuracy"]
    ends = [len(curve) - 1 if stop is None else stop for stop, curve in zip(found.stops, played.curves, strict=True)]
    labels = [curve.labels[end] for end, curve in zip(ends, played.curves, strict=True)]
    kept = [c.scores["accuracy"][end] / c.scores["accuracy"][-1] for end, c in zip(ends, played.curves, strict=True)]
    assert found.labels.mean == np.mean(labels)
    assert found.saved.mean == np.mean([c.labels[-1] for c in played.curves]) - np.mean(labels)
    assert found.kept.mean == pytest.approx(np.mean(kept))
    assert found.fired == np.mean([stop is not None for stop in found.stops])
    own = [
        [{k.removeprefix("rule_6_"): v for k, v in fact.items() if k.startswith("rule_6_")} for fact in curve.notes]
        for curve in played.curves
    ]
    assert played.rules[6] is found
    expected = []
    for notes, curve in zip(own, played.curves, strict=True):
        pairs = [(n["stop_oracle_accuracy"], s) for n, s in zip(notes, curve.scores["accuracy"], strict=True) if n]
        expected.append(np.corrcoef(np.array(pairs).T)[0, 1])
    assert found.correlation == pytest.approx(np.mean(expected))


def test_a_rule_that_falls_towards_its_stop_is_turned_round(played):
    rule = played["min_expected_error"]
    assert not rule.rule.grows
    assert rule.correlation > 0.3  # the expected error falls as the accuracy rises


def test_a_rule_that_never_fires_pays_the_whole_budget():
    found = replay(
        "vanilla", "iris", rules={"never": {"method": "oracle_accuracy", "minimum": 1000}}, budget=30, n_blocks=2
    )
    never = found["never"]
    assert never.stops == (None, None)
    assert (never.fired, never.labels.mean, never.saved.mean, never.kept.mean) == (0.0, 30.0, 0.0, 1.0)
    assert never.value.mean == pytest.approx(simulate("vanilla", "iris", budget=30, n_blocks=2).mean)


def test_what_cannot_be_replayed_is_left_out_with_its_reason():
    recipe = Recipe(stopping={"method": "delta_f", "threshold": 0.3}, model="naive_bayes")
    found = replay(recipe, "iris", budget=30, n_blocks=1)
    assert "hold-out rows" in found.excluded["target"]
    assert "never stops" in found.excluded["budget"]
    assert found["recipe"].rule == recipe.stopping
    assert {one.name for one in found.rules} == {"recipe", *LOOSE}
    nested = {"bought": {"method": "any", "rules": ["target", "delta_f"]}}
    with pytest.raises(RequestError, match="bought: it buys hold-out rows"):
        replay("vanilla", "iris", rules=nested, budget=30, n_blocks=1)


def test_a_stop_under_prices_is_worth_what_it_saves():
    environment = Scenario(objective="net_value", value=100.0, price_per_label=1.0)
    found = replay("vanilla", "iris", rules={"early": "oracle_accuracy"}, scenario=environment, budget=40, n_blocks=2)
    early = found["early"]
    by_hand = [
        100 * curve.scores["accuracy"][end] - curve.labels[end]
        for curve, stop in zip(found.curves, early.stops, strict=True)
        for end in [-1 if stop is None else stop]
    ]
    assert early.value.mean == pytest.approx(np.mean(by_hand))


def test_pure_parts():
    rule = parse_method("stopping", {"method": "oracle_accuracy"})
    notes = [{}, {"stop_oracle_accuracy": 0.5}, {"stop_oracle_accuracy": 0.9}, {"stop_oracle_accuracy": 1.0}]
    assert stopping_point(rule, notes) == 2
    assert stopping_point(rule, notes[:2]) is None
    np.testing.assert_array_equal(statistics_of(rule, notes), [np.nan, 0.5, 0.9, 1.0])


def test_the_command_prints_a_table_or_one_object():
    runner = CliRunner()
    options = ["stopping", "iris", "--budget", "30", "--blocks", "2", "--jobs", "1"]
    shown = runner.invoke(app, options)
    assert shown.exit_code == 0, shown.output
    for name in LOOSE:
        assert name in shown.output
    assert "left out: target: it buys hold-out rows" in shown.output
    plain = json.loads(runner.invoke(app, [*options, "--json", "--rule", "delta_f"]).output)
    assert plain["blocks"] == 2
    assert [one["name"] for one in plain["rules"]] == ["delta_f"]
    assert set(plain["rules"][0]) >= {"fired", "labels", "saved", "kept", "value", "correlation", "stops"}
    wrong = runner.invoke(app, [*options, "--rule", "deltaf"])
    assert isinstance(wrong.exception, RequestError)
    assert "did you mean 'delta_f'" in str(wrong.exception)
