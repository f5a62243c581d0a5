"""A run continues with the space it stored if a space that altune ships has changed since."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

import altune
from altune.cli import main
from altune.core.errors import RequestError
from altune.recipes.space import SearchSpace
from altune.recipes.space.shipped import spaces_folder
from altune.tuning.observer import Silent
from altune.workflows.open_run import open_run

SIZES = {"budget": 20, "loops": 3, "n_blocks": 1, "sampler": "random", "confirm": False}


class Heard(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in place of that of the shipped spaces, with the same files."""
    folder = tmp_path / "shipped"
    shutil.copytree(spaces_folder(), folder)
    monkeypatch.setattr("altune.recipes.space.shipped.spaces_folder", lambda: folder)
    return folder


def change(folder: Path) -> None:
    file = folder / "quick.yaml"
    text = file.read_text()
    file.write_text(text.replace("revision: 3", "revision: 4").replace("[0.05, 0.1, 0.2]", "[0.05, 0.3]"))


def tuned(out: Path, trials: int, heard: Heard, **more: object) -> altune.Run:
    return altune.tune("iris", **{"space": "quick", **SIZES, **more}, n_trials=trials, out=out, observer=heard)


def test_the_same_command_continues_with_the_stored_space_and_says_so(shipped: Path, tmp_path: Path) -> None:
    tuned(tmp_path / "run", 3, Heard())
    change(shipped)
    heard = Heard()
    run = tuned(tmp_path / "run", 8, heard)
    assert len(run.trials) == 8
    assert (
        f"{tmp_path / 'run'}: the search space quick has changed since this run was started (revision 3 in the run, 4 "
        "now); the run continues with the space that it stored"
    ) in heard.lines
    shares = {trial.recipe.initial_sample.share for trial in run.trials if trial.recipe is not None}
    assert shares <= {0.05, 0.1, 0.2}
    assert open_run(tmp_path / "run").record.space.revision == 3
    uninterrupted = altune.tune("iris", run.record.space, **SIZES, n_trials=8)
    assert [trial.params for trial in run.trials] == [trial.params for trial in uninterrupted.trials]


def test_a_changed_request_is_refused_as_before(shipped: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    space = SearchSpace.load("quick").set_values(["loop_size=constant"])
    tuned(out, 2, Heard(), space=space)
    change(shipped)
    heard = Heard()
    again = SearchSpace.load("quick").set_values(["loop_size=constant"])
    assert len(tuned(out, 3, heard, space=again).trials) == 3
    assert any("has changed since" in line for line in heard.lines)
    for other in ("quick", SearchSpace.load("quick").set_values(["query_strategy=margin"])):
        with pytest.raises(RequestError, match="holds a run with another request"):
            tuned(out, 4, Heard(), space=other)


def test_a_file_that_includes_a_shipped_space_continues_and_a_changed_file_does_not(
    shipped: Path, tmp_path: Path
) -> None:
    mine, out = tmp_path / "mine.yaml", tmp_path / "run"
    mine.write_text("include: quick\nquery_strategy: [margin, random]\n")
    tuned(out, 2, Heard(), space=mine)
    change(shipped)
    heard = Heard()
    assert len(tuned(out, 3, heard, space=mine).trials) == 3
    assert any("the search space mine has changed since" in line for line in heard.lines)
    mine.write_text("include: quick\nquery_strategy: [margin, badge]\n")
    with pytest.raises(RequestError, match="query_strategy has badge, which the run does not have"):
        tuned(out, 4, Heard(), space=mine)


def test_without_a_folder_the_command_line_finds_the_run_that_it_began(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    def run(command: str) -> int:
        monkeypatch.setattr(sys, "argv", ["altune", *command.split()])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    command = "tune iris --space quick --budget 20 --loops 3 --blocks 1 --sampler random --no-confirm --jobs 1 --trials"
    assert run(f"{command} 2") == 0
    change(shipped)
    assert run(f"{command} 3 --dry-run") == 0
    planned = " ".join(capsys.readouterr().out.split())
    assert "note: the search space quick has changed since this run was started (revision 3 in the run, 4" in planned
    assert run(f"{command} 3") == 0
    assert "continues with the space" in " ".join(capsys.readouterr().err.split())
    [folder] = (tmp_path / "runs").iterdir()
    assert len(open_run(folder).trials) == 3
    assert run(f"{command} 2".replace("--budget 20", "--budget 21")) == 0
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_a_run_from_before_equal_strategies_were_left_out_keeps_its_choices(tmp_path: Path) -> None:
    from altune.tuning.header import HEADER, space_to_resume, stored_space
    from altune.tuning.study_setup import StudySetup
    from altune.workflows.tune import make_environments

    space = SearchSpace.from_dict({"query_strategy": ["margin", "entropy", "random"]})
    run = altune.tune("breast_cancer", space, **SIZES, n_trials=2)
    header = {**run.study.user_attrs[HEADER]}
    assert stored_space(header).merges
    del header["narrowing"], header["origin"]
    resumed = space_to_resume(header, space)
    assert resumed is not None
    assert not resumed.merges
    environments = make_environments("breast_cancer", budget=20)
    for given, left in ((space, 2), (resumed, 3)):
        setup = StudySetup(environments, given, altune.Settings())
        assert len(setup.space.decisions["query_strategy"].labels) == left
