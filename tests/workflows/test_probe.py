"""The probe: what it extrapolates, what it counts, and who prints it."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import altune
from altune.cli import main
from altune.recipes.recipe import Recipe
from altune.simulation.environment import make_environments
from altune.simulation.prepared import prepare_block
from altune.tuning.observer import Silent
from altune.tuning.prepared_space import prepare_space
from altune.tuning.settings import Settings
from altune.tuning.study_setup import StudySetup
from altune.workflows import probe as probing
from altune.workflows.probe import PARTS, Estimate, probe, whole_seconds
from altune.workflows.sweep.planning import plan_sweep

COUNTS = {"baselines": 10, "search": 300, "confirmation": 90}


def setup_of(**given: Any) -> StudySetup:
    environments = make_environments("iris", budget=40, loops=10, **given)
    return StudySetup(environments, prepare_space("quick", environments), Settings(n_blocks=2))


def test_a_trajectory_that_was_played_in_part_follows_the_line_of_its_parts() -> None:
    growing = [0.1 + 0.01 * part for part in range(PARTS)]
    assert whole_seconds(growing[:6], False) == pytest.approx(sum(growing))
    assert whole_seconds([9.0, *growing[1:6]], False) == pytest.approx(9.0 + sum(growing[1:])), "done once, not again"
    assert whole_seconds([0.2, 0.3, 0.2, 0.1], False) == pytest.approx(0.8 + 16 * 0.2), "it never gets faster"
    assert whole_seconds([2.0], False) == pytest.approx(2.0 * PARTS)
    assert whole_seconds([0.2, 0.2], True) == pytest.approx(0.4), "its stopping rule ended it"


def test_the_estimate_counts_each_stage_at_its_pace_and_the_time_limit_ends_the_search() -> None:
    estimate = Estimate(COUNTS, baseline_seconds=1.0, recipe_seconds=2.0, jobs=4, memory=None)
    assert estimate.seconds == pytest.approx((10 * 1.0 + 390 * 2.0) / 4)
    assert estimate.seconds_each == pytest.approx((10 * 1.0 + 390 * 2.0) / 400)
    limited = Estimate(COUNTS, 1.0, 2.0, 4, None, timeout=60.0)
    assert limited.seconds == pytest.approx(60.0 + 90 * 2.0 / 4)


@pytest.mark.parametrize(("first", "parts"), [(5.9, 3), (6.1, 1), (0.0, 9)])
def test_what_takes_long_at_the_beginning_is_not_extrapolated(
    monkeypatch: pytest.MonkeyPatch, first: float, parts: int
) -> None:
    clock, played = [0.0], list[float]()

    class Clocked(probing.Trajectory):
        def advance(self, until: float = float("inf")) -> None:
            clock[0] += 0.04 if played else first
            played.append(until)

    monkeypatch.setattr(probing, "Trajectory", Clocked)
    monkeypatch.setattr(probing, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    [environment] = make_environments("iris", budget=40, loops=10)
    block = environment.blocks("search", 1)[0]
    prepared = prepare_block(environment.dataset, block, environment.seed)
    seconds = probing.seconds_of(Recipe(), prepared, environment.scenario, 0.3)
    assert len(played) == parts
    assert seconds == pytest.approx(first + 19 * 0.04 if parts > 1 else first * PARTS)


def test_where_the_search_plays_on_a_part_the_confirmation_is_estimated_on_all_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probing, "seconds_of", lambda recipe, prepared, *_: float(len(prepared.block.pool)))
    environments = make_environments("digits", budget=20, loops=3)
    settings = Settings(n_blocks=2, search_rows=600)
    estimate = probe(StudySetup(environments, prepare_space("quick", environments), settings), COUNTS, 1)
    assert (estimate.baseline_seconds, estimate.recipe_seconds, estimate.confirmed_seconds) == (450, 450, 1077)
    assert estimate.seconds == pytest.approx(310 * 450 + 90 * 1077)
    assert estimate.seconds_each == pytest.approx(estimate.seconds / 400)
    whole = probe(StudySetup(environments, prepare_space("quick", environments), Settings(n_blocks=2)), COUNTS, 1)
    assert (whole.recipe_seconds, whole.confirmed_seconds) == (1077, None)


def test_a_part_is_enough_and_a_limit_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = setup_of()
    whole = probe(setup, COUNTS, 1)
    assert whole.baseline_seconds > 0
    assert whole.recipe_seconds > 0
    monkeypatch.setattr(probing, "LIMIT", 0.0)
    labels: list[float] = []
    advance = probing.Trajectory.advance

    def seen(self: Any, until: float = float("inf")) -> None:
        labels.append(until)
        advance(self, until)

    monkeypatch.setattr(probing.Trajectory, "advance", seen)
    assert probe(setup, COUNTS, 1).seconds > 0
    assert set(labels) == {40 / PARTS}, "a trajectory beyond its share of the limit is not continued"


def test_memory_is_that_of_this_process() -> None:
    memory = probe(setup_of(), COUNTS, 1).memory
    assert memory is not None
    assert 50e6 < memory < 1e12


class Messages(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def test_a_long_run_says_so_at_its_start_and_what_shortens_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(probing, "seconds_of", lambda *arguments: 60.0)
    sizes: dict[str, Any] = {"budget": 20, "loops": 3, "n_blocks": 2, "n_trials": 2, "confirm": False}
    for limit, expected in ((720.0, 0), (719.0, 1)):
        monkeypatch.setattr(probing, "LONG", limit)
        observer = Messages()
        altune.tune("iris", "quick", **sizes, observer=observer)
        about = [line for line in observer.lines if line.startswith("this run takes about 12 min with 1 process")]
        assert len(about) == expected
    for words in ("Fewer trials or blocks", "smaller budget", "fewer loops", "faster model", "more processes"):
        assert words in about[0]
    assert "--timeout" in about[0]
    observer = Messages()
    altune.tune("iris", "quick", **sizes, observer=observer, out=tmp_path / "run")
    altune.tune("iris", "quick", **sizes, observer=observer, out=tmp_path / "run")
    assert len([line for line in observer.lines if "this run takes" in line]) == 1, "a resumed run shows its progress"


def test_the_plan_of_tune_and_that_of_a_sweep_have_one_probe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(probing, "seconds_of", lambda *arguments: 3.0)
    words = ["tune", "iris", "--space", "quick", "--budget", "30", "--jobs", "2", "--dry-run"]
    monkeypatch.setattr(sys, "argv", ["altune", *words, "--json"])
    with pytest.raises(SystemExit):
        main()
    plain = json.loads(capsys.readouterr().out)
    count = sum(plain["trajectories"].values())
    estimate = plain["estimate"]
    assert (estimate["seconds"], estimate["processes"]) == (pytest.approx(3.0 * count / 2), 2)
    assert estimate["memory_per_process"] > 0
    monkeypatch.setattr(sys, "argv", ["altune", *words])
    with pytest.raises(SystemExit):
        main()
    out = capsys.readouterr().out
    assert "with 2 processes, estimated from a few trajectories" in out
    planned = plan_sweep({"data": ["iris"], "spaces": ["quick"], "budgets": [30]}, n_jobs=2)
    assert planned.seconds == pytest.approx(3.0 * planned.trajectories / 2)
    assert planned.memory is not None


def test_a_baseline_that_fails_has_no_estimate_and_a_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*arguments: Any) -> float:
        raise ValueError("no such model")

    monkeypatch.setattr(probing, "seconds_of", fails)
    monkeypatch.setattr(sys, "argv", ["altune", "tune", "iris", "--space", "quick", "--budget", "30", "--dry-run"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert "not known: a baseline fails on iris: ValueError: no such model" in capsys.readouterr().out
