"""What has ended a process is counted over restarts; what only ended with its owner is not condemned."""

import subprocess
import sys

import pytest

from altune.simulation.execution.attempts import MOST_LOST, Attempts, Play

PLAY, SAME_RECIPE, OTHER = Play("1" * 32, "a" * 32), Play("2" * 32, "a" * 32), Play("3" * 32, "b" * 32)
OWNER = f"""
import os, signal, sys
from pathlib import Path
from altune.simulation.execution.attempts import Attempts, Play
with Attempts(Path(sys.argv[1])) as attempts:
    play = {PLAY!r}
    if sys.argv[2] == "as it should":
        where = "here" if attempts.may_play_here(play) else "alone" if attempts.wants_alone(play) else "apart"
    else:
        where = sys.argv[2]
    attempts.begin(play, where, slot=2)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(folder, where, times):
    """Kill owners while they play something."""
    for _ in range(times):
        subprocess.run([sys.executable, "-c", OWNER, str(folder), where], check=False)


@pytest.mark.parametrize(
    ("where", "times", "here", "alone", "given_up"),
    [
        ("here", 1, False, True, False),
        ("here", 2, False, True, True),  # only where it cannot be sent to another process
        ("apart", 1, False, False, False),
        ("apart", 6, False, True, False),  # others were played beside it, which may be to blame
        ("alone", 3, False, True, False),
        ("alone", MOST_LOST, False, True, True),
        ("as it should", 4, False, True, False),
        ("as it should", 5, False, True, True),
    ],
)
def test_owners_that_were_killed_are_counted_by_what_they_played(tmp_path, where, times, here, alone, given_up):
    killed(tmp_path, where, times)
    with Attempts(tmp_path) as attempts:
        assert attempts.may_play_here(PLAY) is here
        assert attempts.wants_alone(PLAY) is alone
        assert bool(attempts.refusal(PLAY)) is given_up
        assert not attempts.may_play_here(SAME_RECIPE)
        assert not attempts.wants_alone(SAME_RECIPE)
        assert bool(attempts.refusal(SAME_RECIPE)) is given_up
        assert attempts.may_play_here(OTHER)
        attempts.forget(PLAY)
        assert attempts.may_play_here(PLAY)
        assert attempts.refusal(PLAY) == ""
    assert not tmp_path.exists()


def test_what_was_given_up_has_one_attempt_again_after_an_end_in_good_order(tmp_path):
    for _ in range(2):
        with Attempts(tmp_path) as attempts:
            assert attempts.refusal(PLAY) == ""
            while not attempts.refusal(PLAY):
                attempts.died(PLAY, -9)
            assert "signal 9 (SIGKILL), perhaps because memory ran out" in attempts.refusal(PLAY)
            assert "on another block" in attempts.refusal(SAME_RECIPE)
            assert attempts.refusal(OTHER) == ""


def test_what_others_play_in_the_same_folder_is_left_alone(tmp_path):
    with Attempts(tmp_path) as one:
        one.begin(PLAY, "here")
        with Attempts(tmp_path) as other:
            assert other.may_play_here(PLAY)
        one.end()
    assert not tmp_path.exists()


def test_damaged_files_and_a_folder_that_cannot_be_written_do_not_matter(tmp_path):
    (tmp_path / f"{PLAY.key}.json").write_text('{"recipe": ')
    (tmp_path / "host.1.0.playing").write_bytes(b"\xff\x00 x")
    with Attempts(tmp_path) as attempts:
        assert attempts.may_play_here(PLAY)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with Attempts(blocked / "attempts") as attempts:
        attempts.begin(PLAY, "here")
        attempts.died(PLAY, 3)
        assert attempts.wants_alone(PLAY)
