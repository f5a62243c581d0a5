"""Standard output in any encoding, full or closed; names of files that are no UTF-8."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ALTUNE = [sys.executable, "-m", "altune"]
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")


def altune(*words: str | bytes, **options: Any) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **options.pop("environment", {})}
    kept: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run([*ALTUNE, *words], env=environment, check=False, **kept)


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-16"])
def test_results_are_written_in_any_encoding(encoding: str) -> None:
    plain = altune("knobs", environment={"PYTHONIOENCODING": encoding})
    assert (plain.returncode, plain.stderr) == (0, b"")
    assert "margin" in plain.stdout.decode(encoding)
    as_json = altune("knobs", "--json", environment={"PYTHONIOENCODING": encoding})
    right = json.loads(altune("knobs", "--json", environment={"PYTHONIOENCODING": "utf-8"}).stdout)
    assert json.loads(as_json.stdout.decode(encoding)) == right


@pytest.mark.slow
@needs_full
@pytest.mark.parametrize("words", [["spaces"], ["knobs", "--json"], ["--version"], ["tune", "--help"]], ids=" ".join)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_behind_standard_output_is_one_line(words: list[str], unbuffered: str) -> None:
    with FULL.open("wb") as full:
        done = altune(*words, stdout=full, environment={"PYTHONUNBUFFERED": unbuffered})
    assert done.returncode == 1
    assert done.stderr == b"altune: standard output cannot be written: No space left on device\n"


@needs_full
def test_what_cannot_be_written_to_standard_error_changes_no_result() -> None:
    with FULL.open("wb") as full:
        done = altune("simulate", "iris", "--recipe", "vanilla", "--blocks", "1", "--budget", "30", stderr=full)
    assert done.returncode == 0
    assert b"accuracy" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="closes streams as a shell of POSIX does")
def test_streams_that_are_closed() -> None:
    command = f"'{sys.executable}' -m altune"
    run = ["sh", "-c"]
    closed = subprocess.run([*run, f"{command} spaces >&-"], capture_output=True, text=True, check=False)
    assert closed.returncode == 1
    assert closed.stderr.startswith("altune: standard output is closed; ")
    assert closed.stderr.count("\n") == 1
    for rest in ("2>&-", "<&-", "2>&- <&-"):
        done = subprocess.run([*run, f"{command} spaces {rest}"], capture_output=True, text=True, check=False)
        assert done.returncode == 0
        assert "standard" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="a pipe without a reader is another error on Windows")
def test_a_reader_that_has_gone_is_no_error_to_speak_of() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = altune("knobs", stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
@pytest.mark.parametrize("name", [b"caf\xe9", "na\u00efve \U0001f600".encode(), b"two\nlines", b"n" * 240])
def test_files_and_folders_may_have_any_name(tmp_path: Path, name: bytes) -> None:
    rows = "".join(f"{i % 7},{i % 3},{'ab'[i % 2]}\n" for i in range(80))
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name + b".csv")).write_text(f"x,z,label\n{rows}")
    sizes = "--space quick --trials 1 --blocks 1 --budget 20 --select-among 1 --select-blocks 1 --report-blocks 2"
    words = ["tune", name + b".csv", *sizes.split(), "--no-ablation", "--jobs", "1", "--json", "--out", name + b".run"]
    done = altune(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert os.fsencode(printed["run"]) == name + b".run"
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name + b".run"))
    for file in ("report.html", "curves.csv", "recipe.yaml", "scenario.yaml"):
        (folder / file).read_text("utf-8")
    again = altune("report", name + b".run", "--json", cwd=tmp_path)
    assert json.loads(again.stdout)["answer"] == printed["answer"]


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_methods_print_is_never_on_standard_output(tmp_path: Path, jobs: str) -> None:
    """An object of JSON is all that is there, whatever a method, a program that it starts and its module print."""
    metadata = tmp_path / "talkative-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: talkative\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[altune.methods]\ntalkative = talkative:Talkative\n")
    (tmp_path / "talkative.py").write_text(TALKATIVE)
    (tmp_path / "recipe.yaml").write_text("query_strategy: talkative\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = ["simulate", "iris", "--recipe", str(tmp_path / "recipe.yaml"), "--budget", "20", "--blocks", "2"]
    done = altune(*words, "--jobs", jobs, "--json", environment={"PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["objective"] == "aulc"
    lines = set(done.stderr.decode().splitlines())
    assert {
        "plugin 'talkative': imported",
        "query_strategy 'talkative': printed",
        "below Python",
        "by a program",
    } <= lines


TALKATIVE = """
import os
import subprocess
from typing import Literal

from altune.knobs import QueryStrategy

print("imported")


class Talkative(QueryStrategy):
    \"""Prints.\"""

    method: Literal["talkative"] = "talkative"

    def select(self, pool, size, rng):
        print("printed")
        os.write(1, b"below Python\\n")
        subprocess.run(["echo", "by a program"], check=True)
        return pool.candidates[:size]
"""
