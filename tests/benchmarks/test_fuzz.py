"""Some 2,000 inputs of the fuzzer end in a result or in one line, and what it calls wrong is seen as such."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.benchmark_scripts import FOLDER, load

play, targets, cases = load("lib.fuzz_play"), load("lib.fuzz_targets"), load("lib.fuzz_case")


@pytest.mark.parametrize(
    "target", [name for name in targets.TARGETS if name != "run"]
)  # each takes a tenth of a second
def test_inputs_end_in_a_result_or_in_one_line(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    targets.TARGETS[target].prepare(monkeypatch.setattr)
    wrong: list[str] = []

    def see(number: int, outcome: str, detail: str) -> None:
        if outcome in play.WRONG:
            wrong.append(f"{target} {number}: {outcome}: {detail}")

    counts = play.play_many(target, range(100), 0, tmp_path, see)
    assert wrong == []
    assert counts["accepted"]
    assert counts["one line"]


def test_a_case_depends_on_target_seed_and_number_alone() -> None:
    for target in ("recipe", "parquet", "npz", "xlsx"):
        assert play.make_case(target, 3, 7).words == play.make_case(target, 3, 7).words
    assert play.make_case("csv", 3, 7) == play.make_case("csv", 3, 7) != play.make_case("csv", 3, 8)


def endless() -> None:
    while True:
        pass


def raise_(error: BaseException) -> Any:
    raise error


@pytest.mark.parametrize(
    ("what", "outcome"),
    [
        (lambda: None, "accepted"),
        (lambda: raise_(cases.RefusedError("a line")), "one line"),
        (lambda: raise_(cases.RefusedError(" ")), "traceback"),
        (lambda: raise_(KeyError("x")), "traceback"),
        (lambda: raise_(MemoryError()), "memory"),
        (lambda: raise_(cases.RefusedError("Unable to allocate 7 GiB")), "memory"),
        (endless, "hang"),
    ],
)
def test_what_comes_is_judged(what: Any, outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "CPU_SECONDS", 0.2)
    assert play.judge(what)[0] == outcome


def test_a_finding_is_played_again(tmp_path: Path) -> None:
    case = cases.Case({"data.csv": b"size,label\n1,a\n2\xff,b\n"}, options={"drop": ("size",), "target": "label"})
    outcome, detail = play.play_case("csv", case, tmp_path / "play")
    record = play.record_of("csv", case, outcome, detail)
    (tmp_path / "found.json").write_text(json.dumps(record), "utf-8")
    assert play.read_record(tmp_path / "found.json") == ("csv", case)
    assert record["text"]["data.csv"].startswith("size,label")


@pytest.mark.slow
def test_the_script_counts_in_processes_with_limits_and_resumes(tmp_path: Path) -> None:
    def run(cases: int) -> str:
        words = [sys.executable, str(FOLDER / "fuzz.py"), "--targets", "splits", "--out", str(tmp_path)]
        done = subprocess.run([*words, "--cases", str(cases)], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[2]

    first, second = run(40), run(60)
    assert first.startswith("| splits | 40 |")
    assert second.startswith("| splits | 60 |")
    assert json.loads((tmp_path / "counts-0.json").read_text())["splits"]["next"] == 60
