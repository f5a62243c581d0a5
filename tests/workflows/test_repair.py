"""Whatever a kill leaves behind is mended, nothing that was finished is lost, and the run goes on to the same end."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState

from altune.cli import main
from altune.core.errors import RequestError
from altune.recipes.space import SearchSpace
from altune.tuning.storage import JOURNAL, LOCK, read_study
from altune.workflows.open_run import open_run
from altune.workflows.repair import repair
from altune.workflows.tune import tune

SPACE = {
    "initial_sample": {"method": "random", "size": {"choices": [4, 8]}},
    "query_strategy": ["margin", "entropy", "random"],
}
SIZES = {"budget": 30, "loops": 3, "n_trials": 6, "n_blocks": 2, "batch": 2}
CONFIRM = {"select_among": 2, "select_blocks": 2, "report_blocks": 2}


def played(out, **changes):
    return tune("iris", SearchSpace.from_dict(SPACE), out=out, **{**SIZES, **CONFIRM, **changes})


def without_times(run):
    plain = run.to_dict()
    return json.dumps({key: value for key, value in plain.items() if key not in ("seconds", "run")}, sort_keys=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return played(tmp_path_factory.mktemp("repair") / "undisturbed")


@pytest.fixture
def folder(undisturbed, tmp_path):
    """Return a copy of a finished run, to be damaged."""
    return Path(shutil.copytree(undisturbed.folder, tmp_path / "run"))


def lines_of(folder):
    return (folder / JOURNAL).read_bytes().splitlines(keepends=True)


def first_trial(lines):
    """Return the place of the first trial's line, behind what the study was begun with."""
    return next(place for place, line in enumerate(lines) if json.loads(line)["op_code"] == 4)


def whole_trials(data):
    """Return the finished trials whose line is whole, read without any of altune's code."""
    operations = [json.loads(line) for line in data.split(b"\n")[:-1]]
    return [one["params"] for one in operations if one["op_code"] == 4]


def stored_trials(folder):
    journal = [json.loads(line) for line in lines_of(folder)]
    return [one["params"] for one in journal if one["op_code"] == 4]


def done(found):
    return [one.done for one in found.problems]


# nothing, and nothing twice --------------------------------------------------------------------------------------


def test_a_sound_run_is_left_alone(folder):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != LOCK}
    found = repair(folder)
    assert (found.problems, found.lines) == ((), [f"{folder}: nothing is wrong"])
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != LOCK} == before


def damage_everything(folder):
    with (folder / JOURNAL).open("ab") as journal:
        journal.write(b'{"op_code": 4, "torn')
    (folder / f"{JOURNAL}.lock").symlink_to(folder / JOURNAL)
    (folder / ".report.html.part").write_text("<html")
    kept = sorted((folder / "trajectories").glob("*/*.json"))[0]
    kept.write_text(kept.read_text()[:99])
    kept.with_suffix(".77.part").write_text("{")
    (folder / "blocks" / "x").mkdir(parents=True)
    (folder / "recipe.yaml").unlink()
    (folder / "report.html").unlink()
    return kept


def test_everything_is_said_by_a_dry_run_done_once_and_then_gone(folder, undisturbed):
    torn = damage_everything(folder)
    before = sorted(folder.rglob("*"))
    said = repair(folder, dry_run=True)
    assert sorted(folder.rglob("*")) == before
    assert torn.exists()
    found = repair(folder)
    assert found.problems == said.problems
    assert done(found) == ["removed", "cut by 20 bytes", "removed", "removed", "removed", "written again"]
    assert [line for line in said.lines if "would be" in line] == said.lines
    assert not torn.exists()
    assert not list(folder.rglob("*.part"))
    assert not (folder / "blocks").exists()
    assert (folder / "recipe.yaml").read_bytes() == (undisturbed.folder / "recipe.yaml").read_bytes()
    assert without_times(open_run(folder)) == without_times(undisturbed)
    assert repair(folder).problems == ()


def test_what_is_no_run_is_not_made_one(tmp_path):
    with pytest.raises(RequestError, match="no run here"):
        repair(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / JOURNAL).write_bytes(b"dear diary\nhalf a li")
    with pytest.raises(RequestError, match="not the journal of a study"):
        repair(tmp_path)
    assert (tmp_path / JOURNAL).read_bytes() == b"dear diary\nhalf a li"


# the journal -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@settings(max_examples=40)
@given(st.floats(0, 1))
def test_cut_anywhere_it_keeps_just_the_trials_whose_line_was_whole(undisturbed, tmp_path_factory, share):
    data = (undisturbed.folder / JOURNAL).read_bytes()
    kept = data[: int(share * len(data))]
    folder = tmp_path_factory.mktemp("cut")
    (folder / JOURNAL).write_bytes(kept)
    found = repair(folder)
    assert stored_trials(folder) == whole_trials(kept)
    torn = len(kept) - (kept.rfind(b"\n") + 1)
    assert [one.done for one in found.problems if one.where == str(folder / JOURNAL)] == [
        f"cut by {torn} bytes"
    ] * bool(torn)
    repair(folder)
    assert b"".join(lines_of(folder)) == kept[: len(kept) - torn]


def test_cut_repaired_and_gone_on_with_it_ends_as_one_never_disturbed(undisturbed, folder):
    lines = lines_of(folder)
    first = first_trial(lines)
    (folder / JOURNAL).write_bytes(b"".join(lines[: first + 3]) + lines[first + 3][:500])
    for name in ("recipe.yaml", "report.html", "curves.csv"):
        (folder / name).unlink()
    repair(folder)
    assert 0 < len(stored_trials(folder)) < SIZES["n_trials"]
    assert without_times(played(folder)) == without_times(undisturbed)


def test_damaged_lines_in_the_middle_are_moved_aside_with_all_behind_them(undisturbed, folder, monkeypatch):
    lines = lines_of(folder)
    second = first_trial(lines) + 1
    lines[second] = b"\0" * 80 + b"\r\xff\n"
    lines[second + 2] = b"[]\n"
    (folder / JOURNAL).write_bytes(b"".join(lines))
    with pytest.raises(RequestError, match=f"line {second + 1} cannot be read; `altune repair {folder}` repairs"):
        open_run(folder)
    with pytest.raises(RequestError, match="altune repair"):
        played(folder)
    (mended,) = repair(folder).problems
    assert mended.what == f"lines {second + 1} and {second + 3} are damaged"
    assert f"cut before line {second + 1}" in mended.done
    assert "with 3 trials" in mended.done
    assert lines_of(folder) == lines[:second]
    assert (folder / f"{JOURNAL}.torn").read_bytes() == b"".join(lines[second:])
    from altune.simulation.execution import worker as workers

    monkeypatch.setattr(workers, "Trajectory", None)  # the trials behind it come back from their trajectories
    assert without_times(played(folder)) == without_times(undisturbed)


def test_what_was_moved_aside_before_is_never_written_over(folder):
    for _ in range(2):
        lines = lines_of(folder)
        (folder / JOURNAL).write_bytes(b"".join(lines[:-1]) + b"{}\n")
        repair(folder)
    assert sorted(path.name for path in folder.glob("*.torn*")) == [f"{JOURNAL}.torn", f"{JOURNAL}.torn-2"]


def test_trials_that_another_program_began_are_taken_out(undisturbed, folder):
    lines = lines_of(folder)
    fourth = first_trial(lines) + 3
    (folder / JOURNAL).write_bytes(b"".join(lines[:fourth]))
    study = read_study(folder)
    asked = study.ask()
    asked.set_user_attr("who", "me")
    study.enqueue_trial({"x": 1})
    with (folder / JOURNAL).open("ab") as file:
        file.writelines(lines[fourth : fourth + 2])
    (mended,) = repair(folder).problems
    assert mended.what == "trials 3 and 4, started by another program, never finished"
    assert lines_of(folder) == lines[: fourth + 2]
    assert b'"who"' in (folder / f"{JOURNAL}.torn").read_bytes()
    assert all(trial.state == TrialState.COMPLETE for trial in read_study(folder).trials)
    assert without_times(played(folder)) == without_times(undisturbed)


# owners, living and dead -----------------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from optuna.storages.journal import JournalFileSymlinkLock
from altune.tuning.storage import JOURNAL, ownership
folder = Path(sys.argv[1])
with ownership(folder):
    JournalFileSymlinkLock(str(folder / JOURNAL)).acquire()
    (folder / JOURNAL).open("ab").write(b'{"op_code":4,"half')
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_living_owner_is_named_and_what_a_killed_one_left_is_mended(folder, undisturbed):
    owner = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(RequestError, match=f"in use: another process, process {owner.pid}, is working"):
            repair(folder)
        assert (folder / f"{JOURNAL}.lock").is_symlink()
    finally:
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        owner.stdout.close()
    assert done(repair(folder)) == ["removed", "cut by 18 bytes"]
    assert not (folder / f"{JOURNAL}.lock").is_symlink()
    began = time.monotonic()
    assert without_times(played(folder)) == without_times(undisturbed)
    assert time.monotonic() - began < 30, "Optuna waits half a minute for a lock that is left"


# the command -----------------------------------------------------------------------------------------------------


def run_command(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["altune", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code, *capsys.readouterr()


def test_the_command_says_one_line_for_each_thing(folder, monkeypatch, capsys):
    assert run_command(monkeypatch, capsys, "repair", str(folder)) == (0, f"{folder}: nothing is wrong\n", "")
    (folder / "blocks").mkdir()
    code, out, _ = run_command(monkeypatch, capsys, "repair", str(folder), "--dry-run", "--json")
    assert (code, json.loads(out)["problems"][0]["where"]) == (0, str(folder / "blocks"))
    code, out, _ = run_command(monkeypatch, capsys, "repair", str(folder))
    assert (code, len(out.splitlines())) == (0, 1)
    assert run_command(monkeypatch, capsys, "repair")[0] == 2


# a shared study --------------------------------------------------------------------------------------------------


def test_trials_of_silent_workers_go_back_into_the_queue(server, monkeypatch, capsys):
    from altune.tuning.database import TrialQueue, Worker, connect, open_shared_study
    from altune.workflows.repair import repair_queue

    url = server.create_database("repaired")
    storage = connect(url)
    open_shared_study(storage, "shared")
    queue = TrialQueue(storage, "shared", grace=1.0, most_attempts=2)
    queue.queue_trials(3)
    dead, alive = Worker(), Worker()
    assert queue.claim(dead).number == 0
    assert queue.finish(queue.claim(alive), [0.5])
    assert repair_queue(queue).problems == ()
    time.sleep(1.2)
    said = repair_queue(queue, dry_run=True)
    assert (done(said), queue.counts().running) == (["put back into the queue"], 1)
    found = repair_queue(queue)
    assert re.fullmatch(rf"trial 0 is played by worker {dead.identifier} .*, silent for \d+ s", found.problems[0].what)
    assert f"worker {alive.identifier} (process {os.getpid()}" in "\n".join(found.notes)
    assert (queue.counts().waiting, queue.counts().complete) == (2, 1)
    assert queue.claim(Worker()).number == 0
    time.sleep(1.2)
    assert done(repair_queue(queue)) == ["failed: started 2 times"]
    code, out, _ = run_command(monkeypatch, capsys, "repair", "--storage", url, "--study", "shared")
    assert (code, "1 waiting, 1 complete, 1 failed" in out, out.splitlines()[-1][-16:]) == (0, True, "nothing is wrong")
    assert run_command(monkeypatch, capsys, "repair", "--storage", url, "--study", "other")[0] == 2


def test_repair_says_nothing_but_its_own_lines(folder):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "altune", "repair", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(str(folder))


def test_what_a_link_leads_to_outside_of_the_folder_is_left_alone(folder, tmp_path):
    theirs = tmp_path / "theirs"
    shutil.move(folder / "trajectories", theirs)
    kept = sorted(theirs.glob("*/*.json"))[0]
    kept.write_text("damaged")
    kept.with_suffix(".7.part").write_text("{")
    (folder / "trajectories").symlink_to(theirs)
    (folder / "blocks").symlink_to(theirs)
    before = sorted(theirs.rglob("*"))
    assert repair(folder).problems == ()
    assert sorted(theirs.rglob("*")) == before
    (tmp_path / "link").symlink_to(folder)
    (folder / ".report.html.part").write_text("<html")
    assert done(repair(tmp_path / "link")) == ["removed"]
