"""The commands on a run's page work when they are pasted, whatever the run was made of."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris

import altune as package
from altune import Run
from altune.cli import main
from altune.recipes.space import SearchSpace
from altune.report.pages.run.commands import commands_of
from altune.tuning.record import SOURCES

SPACE = SearchSpace.from_dict({"query_strategy": ["margin", "entropy"]})
SIZES: dict[str, Any] = {"n_trials": 2, "n_blocks": 1, "select_among": 1, "select_blocks": 1, "report_blocks": 2}
SCENARIO: dict[str, Any] = {
    **{"budget": 24, "loops": 3, "metric": "balanced_accuracy", "objective": "net_value", "value": 100.0},
    **{"price_per_label": 0.5, "price_per_loop": 2.0},
}
FEW = ["--blocks", "2", "--jobs", "1", "--json"]
Played = Callable[[str], dict[str, Any]]


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Played:
    """Run a command of a page in this process, in another folder than the run's; return its JSON."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def play(command: str) -> dict[str, Any]:
        monkeypatch.chdir(elsewhere)
        monkeypatch.setattr(sys, "argv", [*shlex.split(command), *FEW])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert (ended.value.code, err) == (0, ""), command
        result: dict[str, Any] = json.loads(out)
        return result

    return play


def table(path: Path) -> Path:
    """Write the iris data with a label column of an awkward name; the suffix is the format."""
    frame = load_iris(as_frame=True).frame.rename(columns={"target": "which 'kind'?"})
    frame["which 'kind'?"] = np.array(["a", "b", "c"])[frame["which 'kind'?"]]
    path.parent.mkdir(parents=True)
    {".csv": lambda: frame.to_csv(path, index=False), ".parquet": lambda: frame.to_parquet(path)}[path.suffix]()
    return path


def tune(data: Any, out: Path | None, **given: Any) -> Run:
    return package.tune(data, given.pop("space", SPACE), **{**SIZES, "ablation": False, **given}, out=out)


def shell(run: Run) -> dict[str, str]:
    return {what: command for what, command in commands_of(run) if command.startswith("altune ")}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_commands_for_a_file_name_file_target_scenario_seed_and_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, played: Played, suffix: str
) -> None:
    table(tmp_path / "my data" / f"it's mine{suffix}")
    monkeypatch.chdir(tmp_path)
    given: dict[str, Any] = {"target": "which 'kind'?", "model": "naive_bayes", "seed": 3}
    run = tune(f"my data/it's mine{suffix}", Path("my runs/a=b"), **given, **SCENARIO)
    assert list(shell(run)) == ["Play it on other blocks", "Compare it with the baselines on other blocks"]
    simulate, compare = shell(run).values()
    given = {"target": "which 'kind'?", "seed": 3, "n_blocks": 2, "scenario": run.scenario}
    file = f"my data/it's mine{suffix}"
    recipes = {"a=b": run.best_recipe, "random_sampling": run.baselines["random_sampling"].recipe}
    by_hand = {name: package.simulate(recipe, file, **given).interval.mean for name, recipe in recipes.items()}
    assert played(simulate)["mean"] == pytest.approx(by_hand["a=b"])
    compared = played(compare)
    assert (compared["objective"], compared["metric"]) == ("net_value", "balanced_accuracy")
    assert set(compared["recipes"]) == {*recipes, "margin", "vanilla", "recommended"}
    for name, mean in by_hand.items():
        assert compared["recipes"][name]["mean"] == pytest.approx(mean), "the baselines have the run's model"


def test_lines_of_python_work_when_pasted(tmp_path: Path) -> None:
    path = table(tmp_path / "my data" / "mine.csv")
    run = tune(path, tmp_path / "run", target="which 'kind'?", budget=24, loops=3)
    what, code = commands_of(run)[-1]
    assert what == "Use it in Python"
    variables: dict[str, Any] = {}
    exec(code.replace("altune.simulate", "played = altune.simulate"), variables)
    assert variables["played"].recipe == run.best_recipe
    assert [block.number for block in variables["played"].blocks] == list(range(10))


def test_explicit_blocks_stay_explicit(tmp_path: Path, played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    splits = [{"pool": list(range(0, 150, 2)), "test": list(range(1, 150, 2))}]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my splits.json").write_text(json.dumps(splits))
    words = ["altune", "tune", "iris", "--splits", "my splits.json", "--budget", "24", "--loops", "3", "--no-ablation"]
    monkeypatch.setattr(sys, "argv", [*words, "--trials", "2", "--no-confirm", "--out", "run", "-q", "--jobs", "1"])
    with pytest.raises(SystemExit):
        main()
    run = package.open_run("run")
    command = shell(run)["Play it on the same blocks with other random streams"]
    assert f"--splits '{tmp_path / 'my splits.json'}'" in command
    monkeypatch.setattr(sys, "argv", [*shlex.split(command), "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    in_memory = tune("iris", tmp_path / "other", splits=splits, budget=24, loops=3, confirm=False)
    assert not shell(in_memory), "the command line cannot name blocks made in Python"


def test_several_data_sets_have_commands_of_their_own(tmp_path: Path, played: Played) -> None:
    run = tune(["iris", "wine"], tmp_path / "run", budget=24, loops=3)
    assert list(shell(run)) == [
        f"{what} on other blocks of {name}"
        for name in ("iris", "wine")
        for what in ("Play it", "Compare it with the baselines")
    ]
    for name in ("iris", "wine"):
        assert f"{name}.scenario.yaml" in shell(run)[f"Play it on other blocks of {name}"]
    assert played(shell(run)["Play it on other blocks of wine"])["mean"] > 0


def test_a_model_that_the_baselines_do_not_share_leaves_the_comparison_out(tmp_path: Path) -> None:
    space = SearchSpace.from_dict({"query_strategy": ["margin"], "model": [{"method": "svm_rbf", "C": 10.0}]})
    run = tune("iris", tmp_path / "run", space=space, budget=24, loops=3, n_trials=1)
    assert list(shell(run)) == ["Play it on other blocks"]


def test_what_was_made_in_python_has_lines_of_python_only(tmp_path: Path) -> None:
    X, y = load_iris(return_X_y=True)
    run = tune(package.Dataset(X, y, name="iris"), tmp_path / "run", budget=24, loops=3)
    [(what, code)] = commands_of(run)
    assert what == "Use it in Python (data is the data set iris)"
    exec(code, {"data": package.Dataset(X, y, name="iris")})


def test_a_run_of_an_earlier_version_names_built_in_data_only(tmp_path: Path) -> None:
    run = tune("iris", tmp_path / "run", budget=24, loops=3)
    run.study.set_user_attr(SOURCES, None)
    assert run.record.sources is None
    assert shell(run)["Play it on other blocks"].startswith("altune simulate iris --recipe ")


@pytest.mark.slow
def test_a_command_works_in_a_shell(tmp_path: Path) -> None:
    path = table(tmp_path / "my data" / "it's $mine.csv")
    run = tune(path, tmp_path / "my run", target="which 'kind'?", budget=24, loops=3)
    for command in shell(run).values():
        pasted = command.replace("altune", f"{shlex.quote(sys.executable)} -m altune", 1)
        done = subprocess.run(f"{pasted} {shlex.join(FEW)}", shell=True, capture_output=True, text=True, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["objective"] == "aulc"
