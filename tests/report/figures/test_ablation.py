"""Figures of an ablation by their numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from altune.numerics.statistics import PairedDifference
from altune.report.figures.ablation import ablation_numbers, plot_ablation
from altune.report.figures.leave_one_out import leave_one_out_numbers, plot_leave_one_out
from altune.report.figures.wrapped_rows import verdict
from altune.simulation.objectives import Objective, Risk
from tests.helpers.ablation import by_hand


def test_numbers_of_the_stair() -> None:
    first, step, group, last = ablation_numbers(by_hand())
    assert (first.label, first.value, first.verdict) == ("vanilla", "0.650", "end")
    assert step.label == "query strategy: least confidence → margin"
    assert step.value == "+0.100 [+0.082, +0.118]"
    assert (step.before, step.after, step.verdict) == (pytest.approx(0.65), pytest.approx(0.75), "better")
    assert step.low == pytest.approx(0.732, abs=1e-3)
    assert group.label == "loops: constant → geometric (growth 1.5); model: logistic regression → naive bayes"
    assert (group.before, group.verdict) == (step.after, "unclear")
    assert last.value.startswith("0.750: +0.100 [")


def test_numbers_of_what_each_decision_is_worth() -> None:
    rows = leave_one_out_numbers(by_hand())
    assert [row.verdict for row in rows] == ["better", "no interval", "no interval"]
    assert rows[0].mean == pytest.approx(0.1)
    assert rows[1].value == "cannot be put back alone: no"
    assert rows[1].mean is None


def test_verdicts_follow_the_objective() -> None:
    worse = PairedDifference(0.2, 0.1, 0.3, 0.01, 9, 1.0)
    assert verdict(worse, Objective("aulc")) == "better"
    assert verdict(worse, Objective("deficiency")) == "worse"
    assert verdict(PairedDifference(0.2, -np.inf, np.inf, 1.0, 1, 1.0), Objective("aulc")) == "no interval"


def test_figures_draw_a_bar_for_each_step_and_say_what_grey_means() -> None:
    stair, worth = plot_ablation(by_hand()), plot_leave_one_out(by_hand())
    bars = [trace for trace in stair.data if trace.type == "bar"]
    assert [bar.base[0] for bar in bars] == pytest.approx([0.65, 0.75])
    assert len(worth.data) == 1
    assert "grey: the interval includes zero" in stair.layout.title.text
    assert "grey" not in worth.layout.title.text
    assert all("5 paired blocks" in figure.layout.title.text for figure in (stair, worth))


def test_names_are_text_in_figures_and_a_risk_is_told() -> None:
    evil = "<img src=x onerror=alert(1)>"
    found = replace(by_hand(), start_name=evil, objective=Objective("final_score", end=10, risk=Risk("cvar", 0.2)))
    for figure in (plot_ablation(found, end_name=evil), plot_leave_one_out(found)):
        assert "<img" not in str(figure.to_plotly_json())
        assert "not the cvar of the search" in figure.layout.title.text
