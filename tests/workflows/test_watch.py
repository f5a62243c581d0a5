"""Watching a run: nothing is written, a torn line is normal, a lost database is waited for."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import altune
from altune.analysis.progress import SILENCE
from altune.cli import main
from altune.core.errors import RequestError, StorageError
from altune.recipes.space import SearchSpace
from altune.report.texts.watch import watch_text
from altune.tuning.storage import JOURNAL, LOCK, ownership
from altune.workflows.watch import WatchedRun
from tests.helpers.postgres import Postgres
from tests.helpers.processes import PATIENCE

SPACE = {"initial_sample": {"method": "random", "size": {"low": 5, "high": 20}}, "query_strategy": ["random", "margin"]}
SIZES: dict[str, Any] = {"budget": 40, "loops": 4, "n_blocks": 2, "sampler": "random"}
SIZES |= {"select_among": 2, "select_blocks": 2, "report_blocks": 2}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    altune.tune("iris", SearchSpace.from_dict(SPACE), **SIZES, n_trials=18, out=folder)
    return folder


@pytest.fixture
def half(finished: Path, tmp_path: Path) -> Path:
    """A run that was cut off in the middle of its tenth trial: no confirmation, no page, a torn last line."""
    folder = tmp_path / "half"
    folder.mkdir()
    lines = (finished / JOURNAL).read_bytes().splitlines(keepends=True)
    trials = [place for place, line in enumerate(lines) if b'"op_code":4' in line]
    (folder / JOURNAL).write_bytes(b"".join(lines[: trials[9]]) + lines[trials[9]][:40])
    return folder


def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object
) -> tuple[Any, str, str]:
    monkeypatch.setattr(sys, "argv", ["altune", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return (ended.value.code, *capsys.readouterr())


def said(folder: Path) -> str:
    watched = WatchedRun(folder)
    progress = watched.progress()
    return watch_text(progress, watched.importance(progress, anew=True))


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in [folder, *folder.rglob("*")]}


OWNER = """
import json, os, signal, sys
import altune

def pause(study, trial):
    if trial.number == 2:
        os.kill(os.getpid(), signal.SIGSTOP)

space, sizes = altune.SearchSpace.from_dict(json.loads(sys.argv[1])), json.loads(sys.argv[2])
altune.tune("digits", space, **sizes, n_trials=12, out=sys.argv[3], callbacks=[pause])
"""


@pytest.mark.slow
def test_a_run_in_progress_is_followed_to_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    tune = [sys.executable, "-c", OWNER, json.dumps(SPACE), json.dumps(SIZES), str(folder)]
    with subprocess.Popen(tune, env=environment, stdout=subprocess.DEVNULL) as owner:
        # It pauses by itself after a trial until the watcher has seen it, however busy the machine is.
        assert os.WIFSTOPPED(os.waitpid(owner.pid, os.WUNTRACED)[1])
        watch = [sys.executable, "-m", "altune", "watch", str(folder), "--every", "0.3"]
        with subprocess.Popen(watch, env=environment, stdout=subprocess.PIPE, text=True) as watcher:
            assert watcher.stdout is not None
            first = watcher.stdout.readline()
            owner.send_signal(signal.SIGCONT)
            seen = first + watcher.stdout.read()
        assert owner.wait(PATIENCE) == 0, "a watcher must not disturb a run"
    assert watcher.returncode == 0
    blocks = seen.split(f"digits: {folder}\n")[1:]
    assert len(blocks) > 1
    assert not blocks[0].startswith("ended"), "it must have been seen on its way"
    assert "ended [########################] 12 of 12 trials" in blocks[-1]
    assert altune.open_run(folder).sentences[0].split(":")[0] in " ".join(blocks[-1].split())


def test_nothing_is_written_and_no_lock_is_taken(finished: Path, half: Path) -> None:
    for folder in (finished, half):
        before = state_of(folder)
        said(folder)
        assert state_of(folder) == before


def test_a_torn_last_line_is_normal_and_what_follows_is_read(finished: Path, half: Path) -> None:
    watched = WatchedRun(half)
    progress = watched.progress()
    assert (progress.finished, progress.wanted, progress.stage) == (9, 18, "searching")
    whole = (finished / JOURNAL).read_bytes()
    with (half / JOURNAL).open("ab") as file:
        file.write(whole[(half / JOURNAL).stat().st_size :])
    later = watched.progress()
    assert (later.finished, later.ended) == (18, "confirmed")


def test_what_is_shown_is_what_the_run_says(finished: Path) -> None:
    run, text = altune.open_run(finished), said(finished)
    assert f"best so far: trial {run.best_trial.number} with {run.best_trial.value:.4f}" in text
    assert "biased upwards" in text
    assert f"random sampling {run.record.baseline_values()['random_sampling']:.4f}" in text
    found = run.importance()
    assert f"R² {found.r2:.2f}" in text
    assert [one.knob in text for one in found.knobs] == [True, True]
    assert "    17  " in text, "the last trial"
    assert "    12  " not in text, "an earlier one"


@pytest.fixture(scope="module")
def by_merit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search of 20 trials by merit, cut off after its first 12 trials and the plays again of their batches."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    sizes = SIZES | {"n_blocks": None}
    altune.tune("iris", SearchSpace.from_dict(SPACE), **sizes, n_trials=20, portfolio=0, out=folder)
    lines = (folder / JOURNAL).read_bytes().splitlines(keepends=True)
    ended = [place for place, line in enumerate(lines) if b'"op_code":4' in line]
    (folder / JOURNAL).write_bytes(b"".join(lines[: ended[4 + 6 + 6]]))
    for name in ("report.html", LOCK):
        (folder / name).unlink(missing_ok=True)
    return folder


def test_a_search_by_merit_shows_plays_recipes_and_candidates(by_merit: Path) -> None:
    progress, text = WatchedRun(by_merit).progress(), said(by_merit)
    record = progress.run.record
    assert (progress.finished, record.n_played, progress.plays_left) == (12, 16, 8 + 2 * 2)
    assert f"  16 plays of 12 recipes, {progress.candidates} still " in text
    assert (progress.recipes, progress.candidates) == (12, record.standing().candidates)
    planned = record.plan["trajectories"]
    assert progress.trajectories == (planned["baselines"] + 16, sum(planned.values()))
    plain = progress.to_dict()
    assert (plain["plays"], plain["recipes"], plain["candidates"]) == (16, 12, progress.candidates)
    last = text.split("last trials:\n")[1].splitlines()
    assert last[0].split() == ["trial", "value", "blocks", "state", "how"]
    assert [int(line.split()[2]) for line in last[1:6]] == [len(trial.values) for trial in progress.trials[-5:]]
    assert max(len(trial.values) for trial in progress.trials) > 1


def unsealed_lines(text: str) -> str:
    """Return the lines of a journal without their checksums, as another program writes them."""
    return re.sub(r',"checksum":"[0-9a-f]{16}"}', "}", text)


def test_time_left_counts_the_plays_again(by_merit: Path) -> None:
    journal = by_merit / JOURNAL
    whole = journal.read_text("utf-8")
    seconds = iter(range(16))

    def finished_at(match: re.Match[str]) -> str:
        return f'"datetime_complete":"2030-01-01T00:00:{next(seconds):02d}.000000"'

    # One play a second: 16 plays were played, and 12 are left.
    journal.write_text(unsealed_lines(re.sub(r'"datetime_complete":"20[^"]*"', finished_at, whole)))
    progress = WatchedRun(by_merit).progress()
    seconds_each_play, seconds_left = progress.seconds_each_play, progress.seconds_left
    journal.write_text(whole)
    assert seconds_each_play == pytest.approx(1.0, rel=0.1)
    assert seconds_left == pytest.approx(12, rel=0.1)


def test_a_search_that_has_all_of_its_simulations_is_over(by_merit: Path, tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_bytes((by_merit / JOURNAL).read_bytes())
    progress = WatchedRun(tmp_path).progress()
    assert (progress.stage, progress.plays_left) == ("searching", 12)
    progress.run.study.set_user_attr("simulations", 16)
    progress = WatchedRun(tmp_path).progress()
    assert (progress.stage, progress.plays_left) == ("confirming", 0)


def test_few_trials_say_nothing_of_knobs(half: Path) -> None:
    text = said(half)
    assert "different recipes; 9 were played so far" in text
    assert "noise floor" not in text


def test_knobs_are_asked_again_only_when_enough_recipes_came(finished: Path) -> None:
    watched = WatchedRun(finished)
    progress = watched.progress()
    first = watched.importance(progress)
    assert watched.importance(progress, anew=True) is first
    assert not isinstance(first, str)
    assert first.n_trials + first.repeated == 18


def ended_process() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_a_run_without_a_process_is_shown_as_such_with_how_far_it_came(half: Path) -> None:
    (half / LOCK).write_text(f"{ended_process()} {os.uname().nodename}\n")
    text = said(half)
    assert "No process is working on this run. It stopped in the search after 9 of 18 trials" in text
    assert f"altune.tune or the command with this folder:\n  {half}" in text, "this one was started from Python"
    (half / LOCK).write_text(f"{os.getpid()} {os.uname().nodename}\n")
    assert "No process" not in said(half)
    (half / LOCK).write_text("")
    assert WatchedRun(half).progress().idle, "its owner has signed off, although its process may live on"


def test_an_owner_on_another_machine_counts_as_gone_after_a_long_silence(half: Path) -> None:
    (half / LOCK).write_text("1 elsewhere\n")
    progress = WatchedRun(half).progress()
    assert (progress.at_work, progress.idle) == (None, False)
    earlier = time.time() - SILENCE - 60
    for path in [half, *half.rglob("*")]:
        os.utime(path, (earlier, earlier))
    assert not WatchedRun(half).progress().idle, "its last trial was stored a moment ago"
    journal = (half / JOURNAL).read_text("utf-8")
    earlier_text = re.sub(r'"datetime_complete":"20\d\d', '"datetime_complete":"2020', journal)
    (half / JOURNAL).write_text(unsealed_lines(earlier_text))
    os.utime(half / JOURNAL, (earlier, earlier))
    os.utime(half, (earlier, earlier))
    assert WatchedRun(half).progress().idle


def test_an_owner_signs_the_folder_while_it_works_and_not_longer(tmp_path: Path) -> None:
    with ownership(tmp_path):
        assert (tmp_path / LOCK).read_text() == f"{os.getpid()} {os.uname().nodename}\n"
    assert (tmp_path / LOCK).read_text() == ""
    with pytest.raises(KeyError), ownership(tmp_path):
        raise KeyError
    assert (tmp_path / LOCK).read_text() == ""


def test_trajectories_of_the_whole_run_are_those_that_are_stored(finished: Path, half: Path) -> None:
    progress = WatchedRun(finished).progress()
    planned = progress.run.record.plan["trajectories"]
    assert progress.trajectories == (sum(planned.values()),) * 2
    begun = WatchedRun(half).progress()
    assert begun.trajectories == (planned["baselines"] + 9 * 2, sum(planned.values()))
    assert f"{begun.trajectories[0]} of {begun.trajectories[1]} trajectories of the whole run" in said(half)


@pytest.mark.parametrize(("stop", "where"), [("confirmation", "before the confirmation"), ("examined", "its page")])
def test_a_run_that_is_stopped_after_its_search_is_unfinished(
    finished: Path, tmp_path: Path, stop: str, where: str
) -> None:
    lines = (finished / JOURNAL).read_bytes().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if f'"user_attr":{{"{stop}"'.encode() in line)
    (tmp_path / JOURNAL).write_bytes(b"".join(lines[:first]))
    (tmp_path / LOCK).write_text("")
    progress = WatchedRun(tmp_path).progress()
    assert (progress.idle, progress.ended) == (True, "")
    assert f"It stopped {where}" in said(tmp_path) or where in " ".join(said(tmp_path).split())


@pytest.mark.slow
def test_watching_ends_with_a_status_when_the_run_is_killed_and_names_the_command(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = [sys.executable, "-m", "altune"]
    sizes = ["--budget", "100", "--space", "quick", "--trials", "500", "--jobs", "1", "--no-confirm"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    tune = ["tune", "digits", *sizes, "-q", "--out", str(folder)]
    with subprocess.Popen([*words, *tune], env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL) as owner:
        end = time.monotonic() + PATIENCE
        while not (folder / JOURNAL).is_file() or b'"op_code":4' not in (folder / JOURNAL).read_bytes():
            assert time.monotonic() < end, "the first trial did not end"
            time.sleep(0.05)
        watch = [*words, "watch", str(folder), "--every", "0.2"]
        with subprocess.Popen(watch, env=environment, stdout=subprocess.PIPE, text=True) as watcher:
            assert watcher.stdout is not None
            assert watcher.stdout.readline() == f"digits: {folder}\n"
            owner.kill()
            give_up = threading.Timer(PATIENCE, watcher.kill)
            give_up.start()
            seen = watcher.stdout.read()
            give_up.cancel()
    assert watcher.returncode == 1
    last = " ".join(seen.split(f"digits: {folder}\n")[-1].split())
    assert re.search(r"It stopped in the search after \d+ of 500 trials and \d+ of 764 trajectories\.", last)
    assert seen.endswith(f"run the same command in {tmp_path}:\n  altune {' '.join(tune)}\n\n")


def test_a_page_written_after_the_study_ends_a_run_without_a_confirmation(half: Path) -> None:
    (half / "report.html").write_text("")
    progress = WatchedRun(half).progress()
    assert progress.ended == "ended with 9 trials"
    assert "To resume it" in said(half)
    later = (half / "report.html").stat().st_mtime_ns + 1
    os.utime(half / JOURNAL, ns=(later, later))
    assert WatchedRun(half).progress().ended == ""


def test_wrong_requests_are_one_line(
    tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, problem in (
        ([tmp_path / "none"], "no run here"),
        ([finished, "--every", "0"], "--every takes a time above 0"),
        ([finished, "--every", "soon"], "--every takes a time"),
    ):
        code, out, err = command(monkeypatch, capsys, "watch", *words)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert problem in err
    empty = tmp_path / "empty"
    empty.mkdir()
    header = (finished / JOURNAL).read_bytes().splitlines(keepends=True)[0]
    (empty / JOURNAL).write_bytes(header)
    with pytest.raises(RequestError, match="has not started yet"):
        WatchedRun(empty)


def test_a_look_at_once_and_as_json(
    half: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = command(monkeypatch, capsys, "watch", half, "--once")
    assert code == 0
    assert "9 of 18 trials" in out
    code, out, _ = command(monkeypatch, capsys, "watch", half, "--json")
    plain = json.loads(out)
    assert (plain["finished"], plain["wanted"], plain["trials"]) == (9, 18, {"complete": 9})
    assert "unknown" in plain["importance"]


def test_a_file_gets_no_control_sequences_even_where_colours_are_forced(
    finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    code, out, err = command(monkeypatch, capsys, "watch", finished)
    assert (code, err) == (0, "")
    assert "18 of 18 trials" in out
    assert "\x1b" not in out


def test_a_journal_that_goes_away_may_be_tried_again(half: Path, tmp_path: Path) -> None:
    watched = WatchedRun(half)
    shutil.move(half / JOURNAL, tmp_path / "aside")
    with pytest.raises(StorageError, match="deleted or replaced the journal"):
        watched.progress()
    shutil.move(tmp_path / "aside", half / JOURNAL)
    assert watched.progress().finished == 9


@pytest.mark.slow
def test_a_database_that_goes_away_is_waited_for(
    server: Postgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, folder = server.create_database("watched"), tmp_path / "run"
    settings = {name: value for name, value in SIZES.items() if name != "sampler"}
    altune.tune("iris", SearchSpace.from_dict(SPACE), **settings, n_trials=6, confirm=False, storage=url, out=folder)
    lines: list[str] = []

    class Told(altune.tuning.observer.Silent):
        def say(self, line: str) -> None:
            lines.append(line)
            server.start()

    watched = WatchedRun(folder, Told())
    before = watched.progress()
    assert (before.finished, before.wanted, before.ended) == (6, 6, "finished, not confirmed")
    assert before.workers[0].finished == 6
    server.stop()
    assert watched.progress().finished == 6
    assert "does not answer" in lines[0]
    assert "answers again" in lines[-1]
