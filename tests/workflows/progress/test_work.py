"""The count of the work and the time left, with a clock of the test's own."""

from __future__ import annotations

import pytest

from altune.workflows.progress.work import FEWEST, RECENT, WorkCount


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def work(clock: Clock) -> WorkCount:
    work = WorkCount(clock)
    work.plan({"baselines": 10, "search": 100, "confirmation": 50})
    work.stage("baselines", 10)
    return work


def play(work: WorkCount, clock: Clock, count: int, seconds: float) -> None:
    for _ in range(count):
        clock.now += seconds
        work.played()


def test_time_left_is_that_of_all_stages_at_the_pace_so_far(work: WorkCount, clock: Clock) -> None:
    play(work, clock, FEWEST - 1, 2.0)
    assert work.seconds_left is None
    play(work, clock, 10 - FEWEST + 1, 2.0)
    assert (work.done, work.total) == (10, 160)
    assert work.seconds_left == pytest.approx(2.0 * 150)


def test_trajectories_that_are_read_back_are_done_and_do_not_change_the_pace(work: WorkCount, clock: Clock) -> None:
    for _ in range(4):
        clock.now += 50.0  # reading a large store takes time before the first simulation
        work.played(simulated=False)
    play(work, clock, 6, 2.0)
    work.stage("search", 100)
    for _ in range(40):
        work.played(simulated=False)
    assert (work.done, work.total) == (50, 160)
    assert work.seconds_left == pytest.approx(2.0 * 110)


def test_the_pace_is_that_of_the_last_trajectories(work: WorkCount, clock: Clock) -> None:
    play(work, clock, 10, 0.1)
    work.stage("search", 2 * RECENT)
    play(work, clock, RECENT, 3.0)
    assert work.seconds_left == pytest.approx(3.0 * (RECENT + 50))


def test_a_trajectory_that_takes_longer_than_all_before_slows_the_pace_before_it_has_ended(
    work: WorkCount, clock: Clock
) -> None:
    play(work, clock, 9, 1.0)
    before = work.seconds_left
    clock.now += 91.0
    assert before == pytest.approx(151.0)
    assert work.seconds_left == pytest.approx(10.0 * 151)


def test_a_stage_that_ends_early_or_is_left_out_leaves_the_total(work: WorkCount, clock: Clock) -> None:
    play(work, clock, 10, 1.0)
    work.stage("search", 100)
    work.search(0, 100)
    play(work, clock, 20, 1.0)
    work.search(20, 60)
    assert work.total == 10 + 80 + 50
    work.stage("confirmation", 30)
    assert (work.done, work.total) == (30, 10 + 20 + 30)


def test_a_resumed_search_and_other_workers(work: WorkCount, clock: Clock) -> None:
    work.stage("search", 100)
    work.search(40, 60)
    assert (work.done, work.seconds_left) == (40, None), "they were stored before"
    clock.now += 20.0
    work.search(50, 50)
    assert work.seconds_left == pytest.approx(2.0 * (50 + 50)), "ten trajectories of others took 20 seconds"
