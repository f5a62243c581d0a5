"""A recipe is tuned at home and confirmed on data that no trial saw."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import altune
from altune.core.errors import RequestError, WorkError
from altune.data import Dataset, load_dataset
from altune.report.figures.transfer import transfer_numbers
from altune.report.html.blocks import FigureBlock, TableBlock
from altune.report.pages.run.page import run_content
from altune.report.words import ELSEWHERE
from altune.simulation.environment import make_environments
from altune.simulation.execution.player import Player
from altune.tuning.away import make_away
from altune.tuning.away_stage import AwayStage
from altune.tuning.header import header_digest
from altune.tuning.observer import Silent
from altune.tuning.settings import Settings
from altune.tuning.storage import JOURNAL, set_attribute
from altune.tuning.stored_away import AWAY as AWAY_STORED
from altune.tuning.stored_away import reported_recipes
from altune.tuning.study_setup import StudySetup
from altune.workflows.open_run import open_run
from altune.workflows.watch import WatchedRun

SIZES: dict[str, Any] = {"budget": 40, "loops": 3, "n_trials": 3, "select_among": 1, "select_blocks": 1}
SIZES |= {"report_blocks": 5, "ablation": False}
SPACE = altune.SearchSpace.from_dict(
    {
        "version": 1,
        "name": "small",
        "query_strategy": [{"method": "margin"}, {"method": "entropy"}],
        "initial_sample": {"method": "typiclust", "size": {"choices": [10, 20]}},
    }
)


class Heard(Silent):
    """Keeps what is reported, and stops the run after some trajectories of the transfer if that is asked for."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.lines: list[str] = []
        self.simulated: dict[str, int] = {}
        self.planned: dict[str, int] = {}
        self._stage, self._stop_after = "", stop_after

    def plan(self, trajectories: Any) -> None:
        self.planned = dict(trajectories)

    def stage(self, name: str, trajectories: int, done: int = 0) -> None:
        self._stage = name

    def played(self, simulated: bool = True) -> None:
        self.simulated[self._stage] = self.simulated.get(self._stage, 0) + simulated
        if self._stop_after is not None and self.simulated.get("transfer", 0) == self._stop_after:
            raise KeyboardInterrupt

    def say(self, line: str) -> None:
        self.lines.append(line)


def part(number: int, name: str) -> Dataset:
    """Return a sixth of the rows of digits."""
    digits = load_dataset("digits")
    rows = np.arange(digits.n_rows) % 6 == number
    return Dataset(np.asarray(digits.X)[rows], digits.y[rows], name=name)


HOME, AWAY, FURTHER = part(0, "home"), part(1, "away"), part(2, "further")


def tuned(confirm_on: Sequence[Dataset] = (), home: Any = HOME, space: Any = SPACE, **more: Any) -> altune.Run:
    return altune.tune(home, space, confirm_on=confirm_on, **{**SIZES, **more})


@pytest.fixture(scope="module")
def alone() -> altune.Run:
    return tuned()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> altune.Run:
    return tuned([AWAY, FURTHER], out=tmp_path_factory.mktemp("transfer") / "run")


def curves(report: Any) -> dict[str, list[list[float]]]:
    played = {"": report.recipe, **report.baselines}
    played |= {f"{name}, matched": each for name, each in report.matched.items()}
    return {name: [curve.scores["accuracy"].tolist() for curve in each.curves] for name, each in played.items()}


def test_nothing_of_the_data_away_reaches_search_and_selection(alone: altune.Run, run: altune.Run) -> None:
    assert [(trial.params, trial.values) for trial in run.trials] == [
        (trial.params, trial.values) for trial in alone.trials
    ]
    assert run.confirmation is not None
    assert alone.confirmation is not None
    assert run.confirmation.selection() == alone.confirmation.selection()
    assert curves(run.confirmation) == curves(alone.confirmation)
    assert list(run.confirmations) == ["home"]
    assert list(run.away) == ["away", "further"]


def test_away_is_what_a_run_there_would_report(run: altune.Run) -> None:
    there = tuned(home=AWAY, n_trials=1).confirmation
    assert there is not None
    away = run.away["away"]
    assert away.recipe.recipe == run.best_recipe
    assert curves(away)["margin"] == curves(there)["margin"]
    assert (away.n_train, away.n_test) == (there.n_train, there.n_test)


def test_the_answer_says_what_it_is_worth_there_beside_home(run: altune.Run) -> None:
    first, together, of_away, *_ = run.sentences
    assert "of the 2 data sets that no trial saw, away and further" in first
    gain = run.transfer.differences(run.transfer.away)["random_sampling"]  # type: ignore[union-attr]
    assert f"{gain.mean:+.3f}" in together
    assert "over random sampling (at home, on home, " in together
    assert re.match(r"On away, the recipe(, which is .*,)? reaches accuracy ", of_away)
    assert sum(sentence.startswith("At home, on home: ") for sentence in run.sentences) == 1


def test_a_single_data_set_away_has_home_beside_each_difference(alone: altune.Run) -> None:
    first, second, *_ = tuned([AWAY]).sentences
    assert re.match(r"On away, which no trial saw, the recipe(, which is .*,)? reaches accuracy ", first)
    assert "there it is" in second
    assert "; at home, on home, " in second
    assert not any("home" in sentence for sentence in alone.sentences)


def test_json_has_each_data_set_and_all_together(alone: altune.Run, run: altune.Run) -> None:
    plain = run.to_dict()
    assert plain["away"]["data_sets"].keys() == {"away", "further"}
    assert plain["away"]["data_sets"]["away"]["baselines"].keys() == plain["baselines"].keys()
    sides = plain["away"]["together"]["margin"]
    means = [of_data["baselines"]["margin"]["difference"] for of_data in plain["away"]["data_sets"].values()]
    assert sides["away"]["difference"] == pytest.approx(np.mean(means))
    assert sides["home"]["difference"] == plain["baselines"]["margin"]["difference"]
    assert "away" not in alone.to_dict()


def test_the_number_of_processes_changes_nothing(run: altune.Run) -> None:
    assert without_times(tuned([AWAY, FURTHER], n_jobs=2)) == without_times(run)


def without_times(run: altune.Run) -> dict[str, Any]:
    return {name: value for name, value in run.to_dict().items() if name not in ("seconds", "run", "trials")}


def test_a_run_is_confirmed_elsewhere_later_and_keeps_it(alone: altune.Run, run: altune.Run, tmp_path: Path) -> None:
    tuned(out=tmp_path / "run")
    heard = Heard()
    later = tuned([AWAY, FURTHER], out=tmp_path / "run", observer=heard)
    assert heard.simulated.keys() == {"transfer"}
    assert without_times(later) == without_times(run)
    heard = Heard()
    again = tuned([AWAY, FURTHER], out=tmp_path / "run", observer=heard)
    assert not heard.simulated
    assert without_times(again) == without_times(run)
    assert without_times(tuned(out=tmp_path / "run")) == without_times(run)
    assert without_times(open_run(tmp_path / "run")) == without_times(run)


def test_after_an_interruption_only_the_rest_is_played(run: altune.Run, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        tuned([AWAY, FURTHER], out=tmp_path / "run", observer=Heard(stop_after=20))
    heard = Heard()
    resumed = tuned([AWAY, FURTHER], out=tmp_path / "run", observer=heard)
    assert heard.planned["transfer"] == 2 * 5 * (1 + 2 * len(run.baselines))
    # Those in flight when it stopped may be stored or not.
    assert heard.simulated["transfer"] <= heard.planned["transfer"] - 19
    assert without_times(resumed) == without_times(run)


def test_what_is_stored_of_another_recipe_is_not_shown() -> None:
    run, heard = tuned([AWAY]), Heard()
    set_attribute(run.study, AWAY_STORED, {**run.study.user_attrs[AWAY_STORED], "key": "older", "recipes": "others"})
    run.read_again()
    assert not run.away
    assert "away" not in run.to_dict()
    setup = StudySetup(make_environments(HOME, budget=40, loops=3), SPACE, Settings())
    assert not AwayStage(setup, heard).confirm(run.record, Player(), Settings())
    (line,) = heard.lines
    home = run.confirmations["home"]
    assert reported_recipes(home) != reported_recipes(replace(home, recipe=home.baselines["margin"]))
    assert line.startswith("what is stored of away is of another recipe than the confirmed one and is not shown; ")


def test_later_sizes_are_those_of_both_sides() -> None:
    run = tuned([AWAY]).confirm(report_blocks=6)
    assert len(run.away["away"].recipe.curves) == 6 == len(run.confirmation.recipe.curves)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("confirm_on", "more", "message"),
    [
        ([part(0, "copy")], {}, "copy has the rows of home"),
        ([AWAY, part(1, "copy")], {}, "copy has the rows of away"),
        ([part(1, "home")], {}, "two data sets are called home"),
        ([AWAY], {"confirm": False}, "--no-confirm"),
        ([AWAY], {"budget": 400}, "larger than the pool"),
    ],
)
def test_what_cannot_be_confirmed_is_refused(confirm_on: Any, more: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message) as refused:
        tuned(confirm_on, **more)
    assert "\n" not in str(refused.value)


def test_a_metric_that_cannot_score_the_classes_away_is_refused_with_the_data() -> None:
    with pytest.raises(RequestError, match=r"^iris, to confirm on: metric f1 cannot score 3 classes"):
        tuned(["iris"], home="breast_cancer", metric="f1")


SPARSE = Dataset(csr_matrix(np.asarray(AWAY.X)), AWAY.y, name="sparse")
MODELS = altune.SearchSpace.from_dict(
    {"version": 1, "name": "models", "model": [{"method": "logistic_regression"}, {"method": "naive_bayes"}]}
)


def models(run: altune.Run) -> set[str]:
    return {trial.recipe.model.method for trial in run.trials if trial.recipe is not None}


def test_the_space_is_what_works_at_home_and_away() -> None:
    heard = Heard()
    run = tuned([SPARSE], space=MODELS, observer=heard)
    assert models(run) == {"logistic_regression"}
    assert models(tuned(space=MODELS, confirm=False)) > models(run)
    (line,) = [line for line in heard.lines if "is left out" in line]
    assert line.startswith("model.naive_bayes is left out: ")
    assert line.endswith("(on sparse, where the recipe is confirmed)")


def test_a_space_of_which_nothing_works_away_is_refused() -> None:
    with pytest.raises(RequestError, match="could not be confirmed on sparse: model: no alternative works"):
        tuned([SPARSE], space="quick", model="naive_bayes")


def test_a_resumed_run_keeps_the_space_with_which_it_was_begun(tmp_path: Path) -> None:
    more: dict[str, Any] = {"space": MODELS, "confirm": False, "out": tmp_path / "run"}
    # It is found in the same folder with and without the option.
    home = make_environments(HOME)
    setups = [StudySetup(home, MODELS, Settings(), away=make_away(data, home)) for data in ([], [SPARSE])]
    assert header_digest(setups[0].header()) == header_digest(setups[1].header())
    tuned([SPARSE], space=MODELS, out=tmp_path / "run", n_trials=2)
    assert models(tuned(**more, n_trials=6)) == {"logistic_regression"}


def test_a_run_that_was_begun_without_the_data_says_where_its_recipe_fails(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    classes = np.arange(200) % 2
    spread = Dataset(rng.normal(size=(200, 4)) * (1 + 4 * classes[:, None]), classes, name="spread")
    more: dict[str, Any] = {"space": MODELS, "out": tmp_path / "run", "home": spread, "n_trials": 4}
    assert tuned(**more).best_recipe.model.method == "naive_bayes"
    heard = Heard()
    with pytest.raises(WorkError, match="recipe of this run does not work on sparse: model: 'naive_bayes' cannot"):
        tuned([SPARSE], **more, observer=heard)
    assert any("was started without sparse" in line for line in heard.lines)


def test_a_precision_is_that_of_each_side() -> None:
    heard = Heard()
    run = tuned([AWAY], report_blocks=None, precision=0.5, observer=heard)
    assert run.confirmation is not None
    assert len(run.confirmation.recipe.curves) == len(run.away["away"].recipe.curves) == 10
    assert "10 report blocks on away: a precision of 0.5 is reached" in heard.lines


def test_nothing_that_reads_a_run_takes_away_for_home(run: altune.Run, tmp_path: Path) -> None:
    assert run.folder is not None
    assert run.findings is not None
    rescored = altune.rescore(run.folder, objective="final_score")
    assert {name: of_data.recipe.mean for name, of_data in rescored.confirmed.items()} == {
        "home": pytest.approx(run.findings.score)
    }
    later = tuned(out=tmp_path / "run", n_trials=1)
    assert altune.compare_runs([run.folder, later.folder]).to_dict()["data"] == ["home"]
    assert list(run.record.data_sets) == ["home"]
    assert "further" not in run.record.scenarios
    frame = run.curves()
    assert set(frame.loc[frame.part == "away", "data"]) == {"away", "further"}
    assert set(frame.loc[frame.part != "away", "data"]) == {"home"}


def test_the_figure_has_each_baseline_at_home_and_away(run: altune.Run, alone: altune.Run) -> None:
    numbers = transfer_numbers(run)
    assert run.transfer is not None
    assert [number.row.data for number in numbers[:4]] == ["at home, home", "away", "further", "these together"]
    assert [number.row.name for number in numbers[::4]] == run.transfer.baselines
    together = run.transfer.differences(run.transfer.away)["margin"]
    row = next(number.row for number in numbers if (number.row.name, number.row.data) == ("margin", "these together"))
    assert (row.mean, row.low, row.high) == (together.mean, *together.together)
    assert "at home, home: margin" in [number.label for number in numbers]
    with pytest.raises(RequestError, match="--confirm-on"):
        transfer_numbers(alone)


def test_the_page_and_the_summary_show_both_sides(run: altune.Run) -> None:
    content = run_content(run)
    assert [text for _, text in content.highlights][:2] == [
        "beside random sampling, on data that no trial saw",
        "beside random sampling, at home",
    ]
    blocks = [block for block in content.parts if block.heading == ELSEWHERE]
    assert [type(block) for block in blocks] == [FigureBlock] * 3 + [TableBlock] * 2
    assert content.intros[ELSEWHERE].endswith("of each of away and further, which no trial saw.")
    assert content.verdict_text.endswith(", at home")
    shown = run._repr_html_()
    assert all(f"aulc of accuracy on {name}" in shown for name in ("home", "away", "further"))


def test_the_progress_of_a_run_names_the_stage(run: altune.Run, tmp_path: Path) -> None:
    assert run.folder is not None
    lines = (run.folder / JOURNAL).read_bytes().splitlines(keepends=True)
    until = next(place for place, line in enumerate(lines) if b'"user_attr":{"away"' in line)
    (tmp_path / JOURNAL).write_bytes(b"".join(lines[:until]))
    progress = WatchedRun(tmp_path).progress()
    assert progress.stage == "transfer" or progress.ended
    done, total = progress.trajectories or (0, 0)
    assert total - done >= 2 * 5 * 7


@pytest.mark.slow
def test_a_run_killed_while_it_was_confirmed_away_continues(run: altune.Run, tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; import tests.workflows.test_transfer as t\n"
        "class Killed(t.Heard):\n"
        "    def played(self, simulated=True):\n"
        "        super().played(simulated)\n"
        "        if self.simulated.get('transfer', 0) == 30: os.kill(os.getpid(), signal.SIGKILL)\n"
        "t.tuned([t.AWAY, t.FURTHER], out=Path(sys.argv[1]), observer=Killed())"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path / "run")], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    heard = Heard()
    resumed = tuned([AWAY, FURTHER], out=tmp_path / "run", observer=heard)
    assert heard.simulated.keys() == {"transfer"} | heard.simulated.keys() & {"examination"}
    assert heard.simulated["transfer"] <= heard.planned["transfer"] - 29
    assert without_times(resumed) == without_times(run)
