"""Lines of a journal that another program changed: every reader names the line, and repair finds and repairs it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from altune.core.errors import RequestError
from altune.recipes.space import SearchSpace
from altune.tuning.storage import JOURNAL
from altune.workflows.open_run import open_run
from altune.workflows.repair import repair
from altune.workflows.tune import tune

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("record") / "run"
    space = SearchSpace.from_dict({"query_strategy": ["margin", "random"]})
    sizes = {"budget": 20, "loops": 2, "n_trials": 2, "n_blocks": 1, "batch": 2}
    tune("iris", space, out=folder, confirm=False, **sizes)
    return folder


def misspelt(name: str, *inside: str) -> Change:
    def change(plain: dict[str, Any]) -> None:
        for key in inside:
            plain = plain[key]
        plain[f"{name}x"] = plain.pop(name)

    return change


def of_type(value: Any, *inside: str) -> Change:
    def change(plain: dict[str, Any]) -> None:
        for key in inside[:-1]:
            plain = plain[key]
        plain[inside[-1]] = value

    return change


def is_header(plain: dict[str, Any]) -> bool:
    return "altune" in plain.get("user_attr", {})


def is_trial(plain: dict[str, Any]) -> bool:
    return plain["op_code"] == 4


def is_baselines(plain: dict[str, Any]) -> bool:
    return "baselines" in plain.get("user_attr", {})


def read(folder: Path) -> None:
    run = open_run(folder)
    run.to_dict()
    run.curves()


@pytest.mark.parametrize(
    ("which", "change"),
    [
        (is_trial, misspelt("op_code")),
        (is_trial, misspelt("study_id")),
        (is_trial, misspelt("distributions")),
        (is_trial, of_type(["x"], "distributions")),
        (is_trial, of_type(3, "user_attrs", "curves")),
        (is_trial, of_type([{}], "user_attrs", "curves")),
        (is_trial, of_type(3, "user_attrs", "values")),
        (is_header, misspelt("environments", "user_attr", "altune")),
        (is_header, misspelt("settings", "user_attr", "altune")),
        (is_header, of_type([3], "user_attr", "altune", "environments")),
        (is_baselines, of_type({"random_sampling": {}}, "user_attr", "baselines")),
        (is_baselines, of_type(3, "user_attr", "baselines")),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_repaired(
    played: Path, tmp_path: Path, which: Callable[[dict[str, Any]], bool], change: Change
) -> None:
    folder = Path(shutil.copytree(played, tmp_path / "run"))
    lines = (folder / JOURNAL).read_text().splitlines()
    number = next(number for number, line in enumerate(lines) if which(json.loads(line)))
    plain = json.loads(lines[number])
    del plain["checksum"]
    change(plain)
    lines[number] = json.dumps(plain)
    (folder / JOURNAL).write_text("\n".join(lines) + "\n")
    with pytest.raises(RequestError, match=rf"study\.journal: line {number + 1} .*altune repair") as caught:
        read(folder)
    assert "\n" not in str(caught.value)
    found = repair(folder)
    assert [problem.what for problem in found.problems] == [f"line {number + 1} is damaged"]
    assert repair(folder).problems == ()
