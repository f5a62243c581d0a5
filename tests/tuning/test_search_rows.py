"""Searches on a part of the rows: the rule, what is played where, and runs that are resumed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import altune
from altune.cli import main
from altune.core.errors import RequestError
from altune.data import Dataset
from altune.data.blocks import make_blocks, pool_size, rows_of_block
from altune.simulation.environment import Environment, make_environment, make_environments
from altune.simulation.execution.player import Player
from altune.tuning.observer import Silent
from altune.tuning.prepared_space import prepare_space
from altune.tuning.search_rows import least_search_rows, with_search_rows
from altune.tuning.settings import Settings
from altune.tuning.study_setup import StudySetup
from altune.workflows.sweep.planning import plan_sweep

SPACE = altune.SearchSpace.from_dict({"query_strategy": ["margin", "random"], "loop_size": ["constant", "geometric"]})
SIZES: dict[str, Any] = {"budget": 20, "loops": 3, "n_blocks": 2, "sampler": "random", "confirm": False}
SPLITS = [{"pool": list(range(0, 150, 2)), "test": list(range(1, 150, 2))}]


def large(rows: int = 14_000, name: str = "large") -> Dataset:
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=rows)
    return Dataset(rng.normal(size=(rows, 2)) + y[:, None], y, name=name)


LARGE = large()
EXPLICIT = make_environment("iris", budget=20, splits=SPLITS)


class Heard(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def tuned(out: Path | None = None, trials: int = 2, data: Any = "digits", **more: Any) -> tuple[altune.Run, list[str]]:
    heard = Heard()
    return altune.tune(data, SPACE, **{**SIZES, **more}, n_trials=trials, out=out, observer=heard), heard.lines


def setup_of(environments: list[Environment], rows: Any = None) -> StudySetup:
    return StudySetup(environments, prepare_space("quick", environments), Settings(search_rows=rows, n_blocks=2))


# the rule


def test_a_part_suits_the_budget_and_the_classes() -> None:
    for budget, asked, rows in (
        (20, 600, 600),
        (20, 100, 534),
        (60, 600, 1600),
        (20, 1, 534),
        (60, None, None),
        (390, 600, 10_400),
        (900, 600, None),
        (20, 11_199, 11_199),
        (20, 11_200, None),
    ):
        [environment] = with_search_rows(make_environments(LARGE, budget=budget), asked)
        assert environment.search_rows == rows, (budget, asked)
    assert least_search_rows(make_environment("digits", budget=12)) == 400, "ten test rows for each of ten classes"
    [line] = [line for line in setup_of(make_environments(LARGE, budget=60), 600).notes() if "search plays" in line]
    assert line == (
        "the search plays on 1600 of the 11200 rows of large that are not held back (600 are too few for 60 labels and "
        "3 classes), another part in each block, and the confirmation on all"
    )


def test_each_of_several_data_sets_has_at_most_that_number_of_rows() -> None:
    environments = with_search_rows(make_environments([LARGE, "digits", "iris"], budget=20), 1000)
    assert [environment.search_rows for environment in environments] == [1000, 1000, None]
    setup = setup_of(make_environments([LARGE, "iris"], budget=20), 1000)
    assert [len(block.pool) for _, block in setup.search_blocks.of(setup.environments)] == [750, 90] * 2


def test_explicit_blocks_keep_their_rows() -> None:
    assert setup_of([EXPLICIT]).environments[0].search_rows is None
    with pytest.raises(RequestError, match=r"leave out search_rows \(--search-rows\) or --splits"):
        setup_of([EXPLICIT], 100)


@pytest.mark.parametrize("wrong", [0, -5])
def test_wrong_numbers_are_refused(wrong: int) -> None:
    with pytest.raises(RequestError, match="search_rows must be"):
        Settings(search_rows=wrong)


# what is played where


def test_trials_and_baselines_are_played_on_the_part_and_the_confirmation_on_all(tmp_path: Path) -> None:
    sizes = {"confirm": True, "select_among": 1, "select_blocks": 1, "report_blocks": 2, "ablation": False}
    run, lines = tuned(tmp_path / "run", search_rows=600, **sizes)
    data, environment = altune.load_dataset("digits"), make_environment("digits", budget=20, loops=3)
    with Player() as player:
        for role, rows, trajectories in (
            ("search", 600, [(trial.recipe, run.record.curves(trial.number)) for trial in run.trials]),
            ("search", 600, [(played.recipe, played.curves) for played in run.record.baselines().values()]),
            ("select", None, [(one.played.recipe, one.played.curves) for one in run.confirmation.candidates]),
            ("report", None, [(run.confirmation.recipe.recipe, run.confirmation.recipe.curves)]),
        ):
            blocks = make_blocks(data, role, 2, 0, rows)
            for recipe, curves in trajectories:
                expected = player.curves(recipe, blocks[: len(curves)], environment)
                assert [curve.scores["accuracy"].tolist() for curve in curves] == [
                    curve.scores["accuracy"].tolist() for curve in expected
                ]
    assert (run.confirmation.n_train, run.confirmation.n_test) == (pool_size(data), 360)
    assert any(line.startswith("the search plays on 600 of the 1437 rows of digits") for line in lines)
    assert (
        "600 rows of each block, pool and test; the confirmation has all" in (tmp_path / "run/report.html").read_text()
    )


# runs that are resumed


def test_the_same_number_resumes_and_another_one_is_refused(tmp_path: Path) -> None:
    tuned(tmp_path / "run", search_rows=600)
    run, _ = tuned(tmp_path / "run", 4, search_rows=600)
    undisturbed, _ = tuned(None, 4, search_rows=600)
    assert [trial.values for trial in run.trials] == [trial.values for trial in undisturbed.trials]
    for other, words in ((700, "700"), (None, "all")):
        with pytest.raises(RequestError, match=f"search_rows is {words}, in the run 600"):
            tuned(tmp_path / "run", 5, search_rows=other)
    tuned(tmp_path / "whole")
    assert len(tuned(tmp_path / "whole", 3, search_rows=2000)[0].trials) == 3, "more rows than there are change nothing"
    with pytest.raises(RequestError, match="search_rows is 600, in the run all"):
        tuned(tmp_path / "whole", 4, search_rows=600)


def test_a_session_plays_on_the_part(tmp_path: Path) -> None:
    environments = make_environments("digits", budget=20, loops=3)
    with altune.Session(environments, SPACE, Settings(n_blocks=1, search_rows=600)) as session:
        asked = session.ask()
        [curve] = session.play(asked)
        blocks = make_blocks(environments[0].dataset, "search", 1, 0, 600)
        [expected] = session.player.curves(asked.recipe, blocks, environments[0])
    assert curve.scores["accuracy"].tolist() == expected.scores["accuracy"].tolist()


# the command line, sweeps


@pytest.fixture
def altune_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command line in an empty folder; return exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(command: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["altune", *command.split()])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


def test_the_command_line_takes_a_number(tmp_path: Path, altune_command: Callable[..., Any]) -> None:
    words = "tune digits --space quick --budget 20 --loops 3 --blocks 1 --trials 1 --no-confirm --jobs 1"
    code, out, _ = altune_command(f"{words} --search-rows 600 --dry-run")
    assert code == 0
    assert "450 and 150 rows of each search block" in out
    assert "note: the search plays on 600 of the 1437 rows of digits" in " ".join(out.split())
    plans = {
        rows: json.loads(altune_command(f"{words} --search-rows {rows} --dry-run --json")[1])
        for rows in ("600", "5000")
    }
    assert [plan["data"]["search_rows"] for plan in plans.values()] == [600, None]
    assert [plan["data"]["pool"] for plan in plans.values()] == [450, 1077]
    usual = json.loads(altune_command(f"{words} --dry-run --json")[1])
    assert usual["run"] == plans["5000"]["run"] != plans["600"]["run"], "what changes nothing is no other run"
    for wrong in ("most", "-1", "0"):
        code, _, err = altune_command(f"{words} --search-rows {wrong}")
        assert code == 2
        assert "search" in err


def test_only_cells_that_search_rows_change_are_played_again(tmp_path: Path) -> None:
    settings = {"n_trials": 1, "n_blocks": 1, "select_among": 1, "select_blocks": 1, "report_blocks": 2}
    request: dict[str, Any] = {
        "data": ["digits", "iris"],
        "spaces": [{"file": SPACE, "name": "small"}],
        "scenario": {"budget": 20, "loops": 3},
        "settings": settings,
    }
    out = tmp_path / "sweep"
    assert all(cell.state == "complete" for cell in altune.sweep(request, out=out).runs)
    for rows, state in ((None, "finished"), (2000, "finished"), (600, "to play")):
        planned = plan_sweep({**request, "settings": {**settings, "search_rows": rows}}, out=out)
        assert [cell.state for cell in planned.cells] == [state, "finished"], rows


@pytest.mark.parametrize("rows", [600, None])
def test_a_worker_plays_on_the_rows_of_its_owner(server: Any, rows: int | None) -> None:
    from altune.tuning.shared import open_shared
    from altune.tuning.shared_worker import rebuild

    url = server.create_database(f"rows{rows}")
    altune.tune("digits", SPACE, **SIZES, n_trials=1, search_rows=rows, storage=url)
    stages = rebuild(open_shared(url, "altune", Silent()), Silent())
    [environment] = stages.setup.environments
    assert environment.search_rows == rows
    assert len(stages.blocks[0].block.pool) + len(stages.blocks[0].block.test) == (
        rows or rows_of_block(environment.dataset)
    )


def test_what_a_search_knows_of_a_part_of_the_rows_is_no_prior_for_the_selection() -> None:
    sizes = {"budget": 20, "loops": 3, "n_trials": 6, "select_among": 3, "select_blocks": 3, "report_blocks": 5}
    for rows, is_known in ((600, False), (None, True)):
        run = altune.tune("digits", SPACE, search_rows=rows, ablation=False, **sizes)  # type: ignore[arg-type]
        assert run.confirmation is not None
        assert all((candidate.posterior is not None) == is_known for candidate in run.confirmation.candidates)
