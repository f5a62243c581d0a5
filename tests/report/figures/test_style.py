"""Names and labels in figures: no markup, no overlap."""

from __future__ import annotations

import html
import json
import re

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
from altune.report.figures.style import (
    DIRECT,
    TITLE_WIDTH,
    X_WIDTH,
    Y_WIDTH,
    new_figure,
    safe_text,
    spread_apart,
)
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


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0.01, 0.1))
def test_labels_stay_within_the_axis(positions: list[float], gap: float) -> None:
    placed = np.sort(spread_apart(positions, gap, within=(0.0, 1.0)))
    assert (np.diff(placed) >= gap - 1e-9).all()
    assert ((placed >= -1e-9) & (placed <= 1 + 1e-9)).all()


def test_long_names_are_cut_before_they_are_escaped() -> None:
    assert safe_text("<" * 50, longest=4) == "&lt;&lt;&lt;…"


def test_direct_labels_are_marked_for_the_page(curves) -> None:
    figure = plot_learning_curves(curves, "accuracy", BUDGET)
    assert [note.name for note in figure.layout.annotations] == [DIRECT] * 3
    assert figure.layout.showlegend is False


LONG = "area under the learning curve (average_precision_weighted_macro) < 1 & a name that goes on and on"


def text_of(title: str) -> str:
    """Return a title as it is read: without markup, in one line."""
    return html.unescape(re.sub(r"<br>", " ", re.sub(r"</?b>", "", title.split("<span")[0]))).strip()


def test_titles_are_whole_and_fit_a_phone() -> None:
    safe = safe_text(LONG, None)
    figure = new_figure(safe, ["a line"], x=f"{safe}<br>more is better", y=safe, height=300)
    plain = new_figure("short", ["a line"], x="short<br>more is better", y="short", height=300)
    title = figure.layout.title.text.split("<span")[0]
    assert text_of(title) == LONG
    for axis, width in ((figure.layout.xaxis, X_WIDTH), (figure.layout.yaxis, Y_WIDTH)):
        assert text_of(axis.title.text).removesuffix(" more is better") == LONG
        assert max(len(html.unescape(line)) for line in axis.title.text.split("<br>")) <= width
    lines = title.removesuffix("<br>").split("<br>")
    assert max(len(text_of(line)) for line in lines) <= TITLE_WIDTH
    # What the lines take is added to the figure, so that its panels keep their size.
    assert figure.layout.margin.t - plain.layout.margin.t == 20 * (len(lines) - 1)
    more = figure.layout.xaxis.title.text.count("<br>") - 1
    assert figure.layout.height - plain.layout.height == 20 * (len(lines) - 1) + 17 * more
