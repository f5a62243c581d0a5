"""Figures of what each loop did, by their numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

import altune
from altune.analysis.loops.facts import LoopFacts, RuleStop
from altune.analysis.loops.stopping import stopping_facts
from altune.core.errors import RequestError
from altune.report.figures.audit import audit_numbers, plot_audit
from altune.report.figures.batch_sizes import batch_size_numbers, plot_batch_sizes
from altune.report.figures.by_loop import common_loops
from altune.report.figures.class_balance import class_balance_numbers, plot_class_balance
from altune.report.figures.pool_map import plot_pool_map, pool_map_numbers
from altune.report.figures.stopping_rules import plot_stopping_rules, stopping_rule_numbers
from altune.report.figures.uncertainty import plot_uncertainty, uncertainty_numbers

PLOTS = {
    "class_balance": plot_class_balance,
    "batch_sizes": plot_batch_sizes,
    "audit": plot_audit,
    "uncertainty": plot_uncertainty,
    "pool_map": plot_pool_map,
    "stopping_rules": plot_stopping_rules,
}


def test_balance_is_in_per_cent_of_the_last_common_loop(facts):
    numbers = class_balance_numbers(facts)
    last = common_loops(facts) - 1
    for row, series in zip(numbers.rows, facts.balance.bought, strict=True):
        assert row.bought == pytest.approx(100 * series.mean[last])
        assert row.first == pytest.approx(100 * series.mean[0])
        assert row.low <= row.bought <= row.high
    assert sum(row.pool for row in numbers.rows) == pytest.approx(100, abs=0.01)
    assert numbers.imbalance == facts.balance.imbalance.mean[: last + 1]


def test_classes_told_together_stand_apart(plain):
    gathered = replace(plain, balance=replace(plain.balance, others=5))
    numbers = class_balance_numbers(gathered)
    assert [row.name for row in numbers.rows] == list(plain.balance.classes[:-1])
    assert numbers.others.name == plain.balance.classes[-1]
    assert f"{numbers.others.pool:.0f} % of the pool" in plot_class_balance(gathered).layout.title.text
    assert class_balance_numbers(plain).others is None


def test_loops_of_fewer_than_half_the_blocks_are_left_out(plain):
    reached = (2, 2, 2, 1, 0, 0)
    short = replace(plain, reached=reached)
    assert common_loops(short) == 4
    assert [size.loop for size in batch_size_numbers(short)] == [0, 1, 2, 3]
    assert uncertainty_numbers(short).loops == (1, 2, 3)


def test_sizes_are_those_of_the_recipe(facts):
    sizes = batch_size_numbers(facts)
    assert [size.rows for size in sizes[:4]] == [facts.rows.mean[0], 4, 6, 9]
    assert sizes[1].labels == facts.labels.mean[1]


def test_suspects_are_right_or_false_alarms(facts):
    numbers = audit_numbers(facts)
    for place, (right, alarms) in enumerate(zip(numbers.right, numbers.alarms, strict=True)):
        assert right + alarms == pytest.approx(facts.audit.suspects.mean[place])
    assert numbers.precision == pytest.approx(sum(numbers.right) / (sum(numbers.right) + sum(numbers.alarms)))
    assert numbers.used[-1] == pytest.approx(100 * facts.audit.wrong_used.mean[len(numbers.loops) - 1])
    figure = plot_audit(facts)
    assert f"{100 * numbers.precision:.0f} % of its suspects have a wrong label" in figure.layout.title.text
    assert {trace.name for trace in figure.data if trace.name} == {
        "bought",
        "trained on",
        "wrong label",
        "false alarm",
    }


def test_uncertainty_begins_where_a_model_picks(facts):
    numbers = uncertainty_numbers(facts, "margin")
    assert numbers.loops[0] == 1
    assert numbers.picked.mean[0] == facts.uncertainty["margin"].picked.mean[1]
    assert all(picked < pool for picked, pool in zip(numbers.picked.mean, numbers.pool.mean, strict=True))
    with pytest.raises(RequestError, match="use least_confidence, margin, entropy"):
        plot_uncertainty(facts, "doubt")


def test_phases_of_the_map_hold_every_row_once(facts):
    numbers = pool_map_numbers(facts)
    every = [pick for phase in numbers.phases for pick in phase.picks]
    assert every == list(range(len(facts.pool_map.picked_row)))
    assert [phase.name.split()[0] for phase in numbers.phases] == ["first", "loops", "loops"]
    assert len(numbers.phases[0].picks) == facts.pool_map.picked_loop.count(0)
    assert len(numbers.names) == 3


def test_a_panel_shows_what_was_bought_before_it(facts):
    figure, phases = plot_pool_map(facts), pool_map_numbers(facts).phases
    sizes = [len(trace.x) for trace in figure.data]
    behind, first, second, third = len(facts.pool_map.x), *(len(phase.picks) for phase in phases)
    assert sizes == [behind, 0, first, behind, first, second, behind, first + second, third]


def test_a_single_loop_and_many_classes_have_a_map(plain):
    shown = plain.pool_map
    first = shown.picked_loop.count(0)
    cut = {name: getattr(shown, name)[:first] for name in ("picked_x", "picked_y", "picked_code", "picked_loop")}
    alone = replace(plain, pool_map=replace(shown, **cut, picked_row=shown.picked_row[:first]))
    assert [phase.name for phase in pool_map_numbers(alone).phases] == ["first sample"]
    many = replace(plain, pool_map=replace(shown, classes=tuple(str(code) for code in range(50))))
    assert pool_map_numbers(many).names == ()
    assert plot_pool_map(alone).data


def test_stops_are_sorted_and_those_that_never_come_are_named(facts):
    numbers = stopping_rule_numbers(facts.stopping)
    assert (numbers.rows[0].name, numbers.never) == ("calm", ("never",))
    row, rule = numbers.rows[0], next(rule for rule in facts.stopping.rules if rule.name == "calm")
    assert row.labels == np.mean(rule.fired)
    assert (row.low, row.high, row.fired) == (min(rule.fired), max(rule.fired), len(rule.fired))
    figure = plot_stopping_rules(facts)
    assert "1 other rule does not stop before the end" in figure.layout.title.text
    told = [note.text for note in figure.layout.annotations]
    assert any(f"{rule.saved:.0f} saved, {100 * rule.kept:.1f} % kept" in text for text in told)


def test_rules_of_which_none_stops_still_make_a_figure(facts):
    quiet = tuple(RuleStop(rule.name, (None,) * 3, 0.0, 1.0) for rule in facts.stopping.rules)
    none = replace(facts, stopping=replace(facts.stopping, rules=quiet))
    assert "2 rules do not stop before the end" in plot_stopping_rules(none).layout.title.text


def test_a_replay_is_drawn_like_an_examined_recipe() -> None:
    rules = {"calm": {"method": "classification_change", "threshold": 0.1}}
    found = altune.replay("vanilla", "iris", budget=60, loops=8, n_blocks=3, rules=rules)
    row = stopping_rule_numbers(stopping_facts(found)).rows[0]
    stops = [int(curve.labels[stop]) for curve, stop in zip(found.curves, found["calm"].stops, strict=True) if stop]
    assert (row.name, row.fired, row.low, row.high) == ("calm", len(stops), min(stops), max(stops))
    assert plot_stopping_rules(found).layout.yaxis.title.text == "accuracy"


def test_names_of_lines_that_end_at_zero_stand_inside_their_panel(facts: LoopFacts) -> None:
    flat = replace(facts.balance.imbalance, mean=(0.5,) + (0.0,) * (len(facts.balance.imbalance.mean) - 1))
    figure = plot_class_balance(replace(facts, balance=replace(facts.balance, imbalance=flat)))
    low, high = figure.layout.yaxis2.range
    names = {note.text: note.y for note in figure.layout.annotations if note.yref == "y2"}
    assert {"this recipe", "random sampling"} <= set(names)
    assert all(low < place < high for place in names.values())


@pytest.mark.parametrize("name", ["audit", "stopping_rules", "uncertainty", "pool_map"])
def test_what_is_not_there_is_refused_in_one_line(plain, name):
    bare = replace(plain, audit=None, stopping=None, uncertainty=None, pool_map=None)
    with pytest.raises(RequestError) as refused:
        PLOTS[name](bare)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", PLOTS)
def test_no_name_becomes_markup_and_every_figure_is_exported(facts, name):
    figure = PLOTS[name](facts)
    assert getattr(altune.report, f"plot_{name}") is PLOTS[name]
    assert isinstance(figure, go.Figure)
    assert "<img" not in figure.to_json()
    assert "<b>bold" not in figure.to_json()
