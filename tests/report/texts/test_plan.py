"""The plan of a search as text, and progress in a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from altune.report.texts.tables import plan_text, table
from altune.simulation.environment import make_environments
from altune.simulation.objectives import Objective
from altune.tuning.prepared_space import prepare_space
from altune.tuning.search import SearchProgress
from altune.tuning.settings import Settings
from altune.tuning.trials import TrialRecord
from altune.workflows.plan import plan
from altune.workflows.progress import ConsoleObserver


def plan_of(data: Any = "iris", space: str = "quick", settings: Settings | None = None, **given: Any) -> dict[str, str]:
    """Return the first table of a plan as rows by name."""
    environments = make_environments(data, budget=30, loops=8, **given)
    made = plan(environments, prepare_space(space, environments), settings or Settings(), Path("runs/x"), True)
    first = plan_text(made).split("\n\n")[0].splitlines()
    width = first[0].index("value")
    rows: dict[str, str] = {}
    name = ""
    for line in first[1:]:
        name = line[:width].strip() or name
        rows[name] = f"{rows.get(name, '')} {line[width:].strip()}".strip()
    return rows


def test_a_usual_plan_says_nothing_of_what_was_not_asked_for() -> None:
    rows = plan_of()
    assert list(rows) == [
        *("data", "pool and test", "budget", "first sample", "loops", "metric", "annotators", "prices", "objective"),
        *("search", "sampler", "confirmation", "trajectories", "run"),
    ]
    assert rows["data"] == "iris: 150 rows, 4 features, 3 classes"
    assert rows["objective"] == "aulc over labels"
    assert rows["search"] == "60 trials on 5 blocks, batches of 4"


def test_a_plan_of_several_data_sets_tells_each() -> None:
    rows = plan_of(["iris", "wine"], settings=Settings(across="ranks", sampler="random"))
    assert rows["data set 2"].startswith("wine: 178 rows, 13 features, 3 classes pool 106, test 36 rows; budget 30")
    assert rows["over data sets"] == "mean of the ranks among all trials, on each data set"
    assert rows["search"].startswith("60 trials on 5 blocks of each data set")
    assert rows["confirmation"] == "best 5 on 10 blocks, one on 20 of each data set"
    usual = plan_of(["iris", "wine"])
    assert usual["over data sets"] == "mean of values where random sampling is 0 and a perfect model 1"


def test_a_plan_tells_objectives_rule_risk_and_bounds() -> None:
    settings = Settings(prefer="score within 0.02, then fewest labels")
    given = {"objective": ("aulc", "labels"), "risk": "cvar:0.2", "constraints": ("labels <= 28",)}
    rows = plan_of(space="stopping", settings=settings, **given)
    assert rows["objectives"] == "aulc over labels; labels (less is better)"
    assert rows["picked from the front"] == "aulc within 0.02 of the best, then the fewest labels"
    assert rows["over blocks"] == "the mean over the worst 20 % of the blocks"
    assert rows["bounds"] == "labels <= 28"
    target = plan_of(objective="labels_to_target", target_score=0.9)
    assert (target["objective"], target["target"]) == ("labels_to_target (less is better)", "a score of 0.9")


def test_a_plan_tells_what_is_spent_with_care() -> None:
    rows = plan_of(settings=Settings(racing=0.05, rungs=(0.3, 0.6), leader_blocks=3, trial_timeout=60))
    assert rows["racing"].endswith("one as good with a probability of 0.05 at most")
    assert rows["rungs"].startswith("at 30%, 60% of the budget")
    assert rows["leaders"] == "3 further blocks for trials among the best 5"
    assert rows["time limit"] == "60 s for each trial"
    assert rows["trajectories"].endswith("and more for leaders")
    assert plan_of(settings=Settings(racing=0.05))["trajectories"].endswith(", at most")


def test_wide_columns_share_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    text = table([{"name": "a", "first": "one two " * 40, "second": "three four " * 40}], wide=("first", "second"))
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("one two") + text.count("one\n") >= 30
    assert max(map(len, table([{"name": "a", "first": "x"}], wide="first").splitlines())) == 11


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
    assert "least so far 33.5, random sampling 187, " in progress_line(observer, capsys, 33.5)


def test_progress_of_several_objectives_and_data_sets_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    both = ConsoleObserver(objectives=[Objective("aulc", end=200), Objective("labels", end=200)])
    assert "best so far 0.900 with 120 labels bought" in progress_line(both, capsys, 0.9, 120.4)
    assert "best so far 0.250 (mean over 3 data sets)" in progress_line(ConsoleObserver(data_sets=3), capsys, 0.25)
