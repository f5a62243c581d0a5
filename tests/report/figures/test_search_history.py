"""Figures of a search by their numbers."""

from __future__ import annotations

import numpy as np
import pytest

from altune.report import TrialPoint, plot_search_history
from altune.report.figures.search_history import search_history_numbers
from tests.helpers.figures import LABELS, title_of
from tests.helpers.report_samples import example_trials


@pytest.fixture(scope="module")
def trials() -> list[TrialPoint]:
    return example_trials()


def test_history_draws_complete_trials_and_counts_the_rest(trials) -> None:
    numbers = search_history_numbers(list(reversed(trials)))
    assert dict(numbers.states) == {"complete": 57, "forbidden": 2, "failed": 1}
    assert 7 not in [trial.number for trial in numbers.trials]
    assert (np.diff(numbers.best) >= 0).all()
    assert numbers.best[-1] == max(trial.value for trial in trials if trial.value is not None)
    figure = plot_search_history(trials, {"vanilla": 0.83})
    assert "60 trials: ○ 57 complete, 2 forbidden, + 1 failed<" in title_of(figure)
    points = next(trace for trace in figure.data if trace.mode == "markers")
    assert len(points.x) == 57
    assert "margin" in points.text[0]
    assert figure.layout.yaxis.range[0] < min(trial.value for trial in trials if trial.value is not None)


def test_history_of_a_search_without_a_complete_trial_still_draws() -> None:
    figure = plot_search_history([TrialPoint(0, None, "failed")], {"vanilla": 0.83})
    assert "1 trial: 1 failed" in title_of(figure)
    assert "no trials" in title_of(plot_search_history([], {}))


def test_history_of_an_objective_where_less_is_better_goes_downwards() -> None:
    trials = [TrialPoint(0, 40.0), TrialPoint(1, 50.0), TrialPoint(2, 31.5)]
    numbers = search_history_numbers(trials, LABELS)
    assert numbers.best.tolist() == [40.0, 40.0, 31.5]
    figure = plot_search_history(trials, {"random_sampling": 45.0}, value="labels to the target", amounts=LABELS)
    assert "less is better" in figure.layout.yaxis.title.text
    points = next(trace for trace in figure.data if trace.name == "trial")
    assert points.text[2] == "<b>trial 2</b>: 31.5"


def test_history_marks_what_does_not_count_and_leaves_it_out_of_the_best() -> None:
    trials = [
        TrialPoint(0, 0.5),
        TrialPoint(1, 0.9, violated="violates labels <= 28 by 2"),
        TrialPoint(2, 0.8, "dropped", "clearly worse than the best on 3 blocks"),
        TrialPoint(3, None, "failed"),
        TrialPoint(4, None, "running"),
        TrialPoint(5, None, "waiting"),
        TrialPoint(6, None, "forbidden"),
        TrialPoint(7, 0.6),
    ]
    numbers = search_history_numbers(trials)
    assert numbers.best.tolist() == [0.5, 0.6]
    assert [trial.number for trial in numbers.beside] == [1, 2]
    assert [trial.number for trial in numbers.without] == [3, 4, 5]
    figure = plot_search_history(trials, {})
    marks = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
    assert len({trace.marker.symbol for trace in marks.values()}) == len(marks) == 6
    assert marks["trial, infeasible"].y == (0.9,)
    assert "labels &lt;= 28 by 2" in marks["trial, infeasible"].text[0]
    assert "0.8000, its estimate when dropped" in marks["trial, dropped early"].text[0]
    bottom = figure.layout.yaxis.range[0]
    assert marks["trial, running"].y == marks["trial, failed"].y == (bottom,)
    assert bottom < 0.5
    assert "8 trials: ○ 2 complete, ✕ 1 infeasible, ▽ 1 dropped early" in title_of(figure)
