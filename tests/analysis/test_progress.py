"""The progress of a run: its pace, and whether any process works on it."""

from __future__ import annotations

import pytest

from altune.analysis.progress import SILENCE, SILENT_TRIALS, no_process_works, pace
from altune.tuning.database import WorkerSeen


def test_the_pace_leaves_pauses_out() -> None:
    batches = [10.0 * batch + 0.01 * place for batch in range(12) for place in range(4)]
    paused = [time if time < 60 else time + 50_000 for time in batches]
    assert pace(batches) == pytest.approx(2.5, rel=0.15)
    assert pace(paused) == pytest.approx(2.5, rel=0.2)
    assert pace([3.0]) is None


def worker(silent: float) -> WorkerSeen:
    return WorkerSeen("a", "there", 7, silent, (3,), 2)


@pytest.mark.parametrize(
    ("at_work", "workers", "silent", "seconds_each", "expected"),
    [
        (True, [], 1e9, 1.0, False),  # a slow trajectory of a living owner is no silence
        (False, [], 0.0, 1.0, True),
        (False, [worker(30.0)], 1e9, 1.0, False),  # workers continue without the owner
        (False, [worker(300.0), worker(200.0)], 0.0, 1.0, True),
        (None, [], SILENCE - 1, None, False),
        (None, [], SILENCE + 1, None, True),
        (None, [], SILENCE + 1, SILENCE, False),  # a trial takes as long
        (None, [], SILENT_TRIALS * SILENCE + 1, SILENCE, True),
        (None, [worker(300.0)], SILENCE + 1, None, True),
    ],
)
def test_no_process_works_if_neither_the_owner_nor_a_worker_gives_a_sign_of_life(
    at_work: bool | None, workers: list[WorkerSeen], silent: float, seconds_each: float | None, expected: bool
) -> None:
    assert no_process_works(at_work, workers, 120.0, lambda: silent, seconds_each) is expected
