"""Names and labels in figures: no markup, no overlap."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altune.core.errors import RequestError
from altune.report import (
    Amounts,
    DifferenceRow,
    FrontAxis,
    FrontPoint,
    TrialPoint,
    plot_differences,
    plot_learning_curves,
    plot_pareto_front,
    plot_search_history,
)
from altune.report.figures.style import DIRECT, safe_text, spread_apart
from tests.helpers.report_samples import BUDGET, EVIL


def test_nothing_to_plot_is_refused() -> None:
    with pytest.raises(RequestError, match="no differences"):
        plot_differences([])
    with pytest.raises(RequestError, match="no learning curves"):
        plot_learning_curves({}, "accuracy", BUDGET)
    with pytest.raises(RequestError, match="two or more objectives"):
        plot_pareto_front([FrontPoint("trial 0", (1.0,))], [FrontAxis("score")])


def test_names_cannot_become_markup_in_any_figure(curves) -> None:
    evil = dict(zip([EVIL, f"{EVIL}2", f"{EVIL}3"], curves.values(), strict=True))
    figures = [
        plot_learning_curves(evil, "accuracy", BUDGET, matched={EVIL: curves["vanilla"]}),
        plot_search_history([TrialPoint(0, 0.5, detail=EVIL), TrialPoint(1, None, EVIL)], {EVIL: 0.4}, value=EVIL),
        plot_differences([DifferenceRow(EVIL, 0.1, 0.0, 0.2, data=EVIL)] * 7, value=EVIL),
        plot_search_history([TrialPoint(0, 0.5, "dropped", EVIL), TrialPoint(1, 0.4, violated=EVIL)], {}),
        plot_pareto_front(
            [FrontPoint(EVIL, (1.0, 2.0), "picked", EVIL), FrontPoint(f"{EVIL}2", (1.0, 3.0), "baseline", EVIL)],
            [FrontAxis(EVIL), FrontAxis(EVIL, Amounts(1, EVIL, less_is_better=True))],
        ),
    ]
    for figure in figures:
        text = json.loads(figure.to_json())
        assert "<script" not in json.dumps(text)
        assert "&lt;script" in json.dumps(text)


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0.01, 0.3))
def test_labels_never_overlap_and_keep_their_order(positions: list[float], gap: float) -> None:
    placed = spread_apart(positions, gap)
    assert len(placed) == len(positions)
    assert (np.diff(np.sort(placed)) >= gap - 1e-9).all()
    order = np.argsort(positions, kind="stable")
    assert (np.diff(np.array(placed)[order]) > 0).all()
    assert np.sum(placed) == pytest.approx(np.sum(positions))


def test_long_names_are_cut_before_they_are_escaped() -> None:
    assert safe_text("<" * 50, longest=4) == "&lt;&lt;&lt;…"


def test_direct_labels_are_marked_for_the_page(curves) -> None:
    figure = plot_learning_curves(curves, "accuracy", BUDGET)
    assert [note.name for note in figure.layout.annotations] == [DIRECT] * 3
    assert figure.layout.showlegend is False
