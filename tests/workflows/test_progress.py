"""Progress of a search in a terminal."""

from __future__ import annotations

import pytest

from altune.simulation.objectives import Objective
from altune.tuning.search import SearchProgress
from altune.tuning.trials import TrialRecord
from altune.workflows.progress import ConsoleObserver


def progress_line(observer: ConsoleObserver, capsys: pytest.CaptureFixture[str], *objectives: float) -> str:
    best = TrialRecord(3, "complete", objectives[0], {}, (), None, objectives=objectives)
    observer.search(SearchProgress(60, finished=12, failed=1, dropped=4, best=best))
    return " ".join(capsys.readouterr().err.split())


def test_progress_tells_dropped_trials_and_the_best_beside_the_baselines(capsys: pytest.CaptureFixture[str]) -> None:
    observer = ConsoleObserver()
    observer.baseline("random_sampling", 0.81)
    line = progress_line(observer, capsys, 0.9123)
    assert line == ("12 of 60 trials; best so far 0.912, random sampling 0.810, 4 dropped early, 1 failed")


def test_progress_of_an_objective_where_less_is_better_counts_labels(capsys: pytest.CaptureFixture[str]) -> None:
    observer = ConsoleObserver(objectives=[Objective("labels_to_target", end=200)])
    observer.baseline("random_sampling", 187.4)
    assert "lowest so far 33.5, random sampling 187, " in progress_line(observer, capsys, 33.5)


def test_progress_of_several_objectives_and_data_sets_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    both = ConsoleObserver(objectives=[Objective("aulc", end=200), Objective("labels", end=200)])
    assert "best so far 0.900 with 120 labels bought" in progress_line(both, capsys, 0.9, 120.4)
    assert "best so far 0.250 (mean over 3 data sets)" in progress_line(ConsoleObserver(data_sets=3), capsys, 0.25)
