"""What runs in a worker process: one trajectory at a time, on one thread, that pauses and goes on when asked to."""

from __future__ import annotations

import contextlib
import signal
import threading
import traceback
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from altune.core.errors import StorageError
from altune.core.threads import on_one_thread
from altune.data import Dataset
from altune.data.blocks import Block
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.shared_arrays import load_block
from altune.simulation.prepared import PreparedBlock, prepare_block
from altune.simulation.store import TrajectoryStore
from altune.simulation.trajectory import Trajectory

if TYPE_CHECKING:
    from altune.recipes.recipe import Recipe
    from altune.simulation.scenario import Scenario

BLOCKS_KEPT = 32
PAUSED_KEPT = 64
STORAGE = "storage"
OVER_TIME = "over the time limit"


@dataclass(frozen=True)
class Failure:
    """A trajectory that could not be played: one line, and the traceback for the record."""

    reason: str
    details: str = field(repr=False, default="")


Outcome = LearningCurve | Failure


@dataclass(frozen=True, eq=False)
class WorkItem:
    """What is to be played, beside the block: it travels to the worker.

    Attributes
    ----------
    key : the hash of all that the whole trajectory depends on.
    recipe, scenario : what is played in which environment.
    until : label count at which it pauses, None for the end.
    limit : most seconds it may take, None without a limit.
    store : where a finished trajectory is kept by whoever played it, None to keep none.
    examined : whether to note more of each loop.
    """

    key: str
    recipe: Recipe
    scenario: Scenario
    until: float | None = None
    limit: float | None = None
    store: TrajectoryStore | None = None
    examined: bool = False


class TimeLimitReached(Exception):
    """A trajectory took longer than it may."""


_paused: OrderedDict[str, Trajectory] = OrderedDict()


def play_safely(order: WorkItem, prepared: PreparedBlock) -> Outcome:
    """Play a trajectory, or as far as was asked, and return its curve; what fails is returned as a failure.

    Raises
    ------
    StorageError
        If a finished trajectory cannot be kept.
    """
    try:
        with warnings.catch_warnings(), _time_limit(order.limit):
            warnings.simplefilter("ignore")
            trajectory = _paused.pop(order.key, None) or Trajectory(
                order.recipe, prepared, order.scenario, examined=order.examined
            )
            trajectory.advance(float("inf") if order.until is None else order.until)
            curve = trajectory.curve()
    except TimeLimitReached:
        return Failure(f"{OVER_TIME} of {order.limit:g} s on one block")
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"
        return Failure(reason, traceback.format_exc())
    if not trajectory.done:
        _paused[order.key] = trajectory
        if len(_paused) > PAUSED_KEPT:
            _paused.popitem(last=False)
    elif order.store is not None:
        order.store.save(order.key, curve)
    return curve


@contextlib.contextmanager
def _time_limit(seconds: float | None) -> Iterator[None]:
    """Raise in the middle of whatever Python code runs when time is up; a single call of compiled code ends first."""
    if seconds is None or threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeLimitReached

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


_worker_arenas: OrderedDict[str, PreparedBlock] = OrderedDict()


def work(order: WorkItem, folder: str) -> tuple[str, Outcome]:
    """Play one order in a worker process of this machine, on a block that lies in a folder."""
    try:
        return order.key, play_safely(order, _kept(folder, lambda: load_block(Path(folder))))
    except StorageError as error:
        return order.key, Failure(str(error), STORAGE)


@on_one_thread
def run_remote(order: WorkItem, dataset: Dataset, block: Block, seed: int) -> tuple[str, Outcome]:
    """Play one order in a worker process of any machine, which gets the data and makes the block ready itself."""
    name = f"{dataset.fingerprint} {dataset.name} {block.digest()} {seed} {order.scenario.scaling}"
    prepared = _kept(name, lambda: prepare_block(dataset, block, seed, order.scenario.scaling))
    return order.key, play_safely(order, prepared)


def forget_blocks() -> None:
    """Let go of the blocks that this process has played on, and of the files behind them."""
    _worker_arenas.clear()


def _kept(name: str, make: Callable[[], PreparedBlock]) -> PreparedBlock:
    if name not in _worker_arenas:
        _worker_arenas[name] = make()
        if len(_worker_arenas) > BLOCKS_KEPT:
            _worker_arenas.popitem(last=False)
    return _worker_arenas[name]
