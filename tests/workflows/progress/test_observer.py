"""Progress of real runs in numbers: done of all, what was read back, and what racing leaves out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import altune
from altune.simulation.objectives import Objective
from altune.tuning.search import SearchProgress
from altune.tuning.trials import TrialRecord
from altune.workflows.progress import ProgressObserver, python_observer
from altune.workflows.progress.displays import ShownNow
from altune.workflows.progress.observer import search_note
from altune.workflows.progress.shown import Shown

SIZES: dict[str, Any] = {"budget": 30, "loops": 3, "n_blocks": 2, "sampler": "random", "n_trials": 5, "batch": 2}
SIZES |= {"select_among": 2, "select_blocks": 2, "report_blocks": 3}


class Recorded:
    """A display that keeps all that it shows."""

    def __init__(self) -> None:
        self.states: list[Shown] = []
        self.closed = 0

    def show(self, shown: ShownNow) -> None:
        self.states.append(shown())

    def say(self, line: str) -> None:
        pass

    def close(self) -> None:
        self.closed += 1


def run_shown(**given: Any) -> tuple[list[Shown], altune.Run]:
    display = Recorded()
    run = altune.tune("iris", "quick", **(SIZES | given), observer=ProgressObserver(display))
    assert display.closed == 1
    return display.states, run


def in_stage(states: list[Shown], stage: str) -> list[Shown]:
    return [state for state in states if state.stage == stage]


def trajectories_of(run: altune.Run) -> int:
    """Return the number of trajectories of a whole run, counted from what is stored of it."""
    confirmation, ablation = run.confirmation, run.record.ablated()
    assert confirmation is not None
    played = [*run.baselines.values(), *(candidate.played for candidate in confirmation.candidates)]
    played += [confirmation.recipe, *confirmation.baselines.values(), *confirmation.matched.values()]
    count = sum(len(one.curves) for one in played) + sum(len(trial.values) for trial in run.trials) + 3
    if ablation is not None:
        [curves] = ablation.played
        recipes = {one.recipe.digest() for one in [*curves.path[1:-1], *curves.without.values()]}
        count += sum(len(step.tried) for step in ablation.steps) * 2 + len(recipes) * 3
    return count


def test_the_whole_run_is_one_count_from_the_first_baseline_to_the_last_step_of_the_ablation(tmp_path: Path) -> None:
    states, run = run_shown(out=tmp_path / "run")
    stages = list(dict.fromkeys(state.stage for state in states))
    assert stages[:4] == ["baselines", "search", "confirmation", "examination"]
    planned = run.record.plan["trajectories"]
    first, last = states[0], states[-1]
    assert (first.done, first.total) == (0, sum(planned.values()))
    assert [state.done for state in states] == sorted(state.done for state in states)
    assert in_stage(states, "search")[0].done == planned["baselines"]
    assert in_stage(states, "confirmation")[0].done == planned["baselines"] + planned["search"]
    assert last.done == trajectories_of(run) == last.total <= first.total
    assert last.stage == "done"


def test_a_run_that_is_repeated_counts_everything_as_done_and_knows_no_pace(tmp_path: Path) -> None:
    before, _ = run_shown(out=tmp_path / "run", ablation=False)
    states, _ = run_shown(out=tmp_path / "run", ablation=False)
    assert (states[-1].done, states[-1].total) == (before[-1].done, before[-1].total)
    assert all(state.seconds_left is None for state in states)
    assert len(states) < len(before)


def test_trajectories_from_a_cache_count_as_done_and_leave_the_pace_alone(tmp_path: Path) -> None:
    before, _ = run_shown(cache=tmp_path / "cache", confirm=False)
    states, _ = run_shown(cache=tmp_path / "cache", confirm=False)
    assert before[-1].seconds_left == 0
    assert [state.done for state in states] == [state.done for state in before]
    assert all(state.seconds_left is None for state in states)


def test_an_interrupted_search_starts_with_what_it_has(tmp_path: Path) -> None:
    run_shown(out=tmp_path / "run", n_trials=3, confirm=False)
    states, _ = run_shown(out=tmp_path / "run", n_trials=5, confirm=False)
    searching = in_stage(states, "search")
    n_baselines = states[-1].total - 5 * 2
    assert {state.total for state in searching} == {n_baselines + 5 * 2}
    assert (searching[1].done, searching[-1].done) == (n_baselines + 3 * 2, n_baselines + 5 * 2)
    assert states[-1].note.startswith("5 of 5 trials, best so far 0.")


def test_a_later_confirmation_counts_anew() -> None:
    display = Recorded()
    run = altune.tune("iris", "quick", **SIZES, confirm=False, observer=ProgressObserver(display))
    before = len(display.states)
    run.confirm(report_blocks=2)
    later = display.states[before:]
    assert (later[0].stage, later[0].done) == ("confirmation", 0)
    assert later[-1].done == later[-1].total
    assert display.closed == 2


def test_what_racing_drops_is_taken_from_the_total() -> None:
    sizes = {"n_blocks": 5, "n_trials": 24, "batch": 4, "racing": 0.5, "confirm": False, "budget": 40}
    states, run = run_shown(**sizes)
    dropped = [trial for trial in run.trials if trial.state == "dropped"]
    assert dropped, "the example must drop trials"
    missing = sum(5 - len(trial.values) for trial in dropped)
    assert states[0].total - states[-1].total == missing > 0
    assert states[-1].done == states[-1].total


def test_nothing_is_shown_where_no_one_watches(capsys: pytest.CaptureFixture[str]) -> None:
    altune.simulate("vanilla", "iris", budget=20, n_blocks=2)
    altune.compare({"a": "vanilla", "b": "random_sampling"}, "iris", budget=20, n_blocks=2)
    altune.tune("iris", "quick", **SIZES, confirm=False)
    assert capsys.readouterr() == ("", "")


class Terminal:
    """Standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_shown_in_a_terminal_unless_it_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", Terminal())
    assert isinstance(python_observer(True), ProgressObserver)
    assert not isinstance(python_observer(False), ProgressObserver)


@pytest.mark.parametrize("verb", ["simulate", "compare", "ablate", "examine", "replay"])
def test_every_call_counts_the_trajectories_that_it_announces(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    display = Recorded()
    monkeypatch.setattr("altune.workflows.progress.observer.python_display", lambda progress: display)
    recipe = {"initial_sample": {"method": "kcenter"}, "query_strategy": {"method": "random"}}
    first = {"a": recipe, "b": "vanilla"} if verb == "compare" else recipe
    getattr(altune, verb)(first, "iris", budget=20, loops=3, n_blocks=2)
    assert display.states[0].done == 0
    assert display.states[-1].done == display.states[-1].total > 0
    assert display.closed == 1


def note_of(best: TrialRecord, **given: Any) -> str:
    progress = SearchProgress(60, finished=12, failed=1, dropped=4, best=best, **given)
    return search_note(progress, {"random_sampling": 0.81})


def best_trial(*objectives: float) -> TrialRecord:
    return TrialRecord(3, "complete", objectives[0], {}, (), None, objectives=objectives)


def test_the_note_gives_the_best_beside_the_baselines_and_what_was_dropped() -> None:
    note = note_of(best_trial(0.9123))
    assert note == "12 of 60 trials, best so far 0.912, random sampling 0.810, 4 dropped early, 1 failed"


def test_the_note_of_other_objectives_and_several_data_sets_says_so() -> None:
    labels = [Objective("labels_to_target", end=200)]
    assert "lowest so far 33.5, random" in note_of(best_trial(33.5), objectives=labels)
    both = [Objective("aulc", end=200), Objective("labels", end=200)]
    assert "best so far 0.900 with 120 labels bought" in note_of(best_trial(0.9, 120.4), objectives=both)
    assert "best so far 0.250 (mean over 3 data sets)" in note_of(best_trial(0.25), data_sets=3)


def test_the_note_of_a_search_by_merit_counts_plays_recipes_and_candidates() -> None:
    note = note_of(best_trial(0.9), recipes=11, candidates=3, played=17)
    assert note.startswith("12 of 60 trials, 17 plays of 11 recipes, 3 still candidates, best so far 0.900")
    assert "recipes" not in note_of(best_trial(0.9), recipes=0, played=2), "no batch has ended"
