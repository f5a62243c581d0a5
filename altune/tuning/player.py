"""Plays many (recipe, block) pairs at once, on one process or on several, with one thread for each.

What was finished is read back from the store of trajectories, so a run that was killed replays nothing. The results
do not depend on the number of processes: each trajectory draws from its own block's streams alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import tempfile
import threading
import time
import traceback
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from altune.curve import LearningCurve
from altune.data import Dataset
from altune.data.blocks import Block
from altune.errors import RequestError, StorageError, WorkError
from altune.pool import Features
from altune.simulation import Arena, TrajectoryStore, make_arena, play, trajectory_key

if TYPE_CHECKING:
    from altune.recipe import Recipe
    from altune.scenario import Scenario

ARENAS_KEPT = 32
STORAGE = "storage"


@dataclass(frozen=True, eq=False)
class Task:
    """One recipe to be played on one block."""

    recipe: Recipe
    block: Block


@dataclass(frozen=True)
class Failure:
    """A trajectory that could not be played: one line, and the traceback for the record."""

    reason: str
    details: str = field(repr=False, default="")


Outcome = LearningCurve | Failure


class Player:
    """Plays tasks; use it as a context manager, so that worker processes end with it.

    Parameters
    ----------
    dataset, scenario : the world; the scenario must be resolved.
    seed : the study's seed.
    store : where finished trajectories are kept, None to keep none.
    jobs : worker processes, 1 to play in this one.
    scratch : folder for the arrays that workers map into memory, emptied at both ends; by default a temporary one,
        which outlives a kill.
    """

    def __init__(
        self,
        dataset: Dataset,
        scenario: Scenario,
        seed: int,
        *,
        store: TrajectoryStore | None = None,
        jobs: int = 1,
        scratch: Path | None = None,
    ) -> None:
        self.dataset = dataset
        self.scenario = scenario
        self.seed = seed
        self.store = store
        self.jobs = jobs
        self.simulated = 0
        self._open = contextlib.ExitStack()
        self._parallel: joblib.Parallel | None = None
        # Keyed by the block's identity; the block stands in the value so that its id cannot be given away.
        self._arenas: OrderedDict[int, Arena] = OrderedDict()
        self._folders: dict[int, tuple[Block, Path]] = {}
        self._scratch = scratch

    def __enter__(self) -> Player:
        if self.jobs == 1:
            self._open.enter_context(threadpool_limits(limits=1))
        else:
            if self._scratch is None:
                self._scratch = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="altune-")))
            else:
                shutil.rmtree(self._scratch, ignore_errors=True)
                self._open.callback(shutil.rmtree, self._scratch, ignore_errors=True)
                # Workers outlive a player and know arenas by their path, so no path may ever mean two blocks.
                self._scratch.mkdir(parents=True, exist_ok=True)
                self._scratch = Path(tempfile.mkdtemp(dir=self._scratch))
            self._open.enter_context(joblib.parallel_config(backend="loky", inner_max_num_threads=1))
            self._parallel = self._open.enter_context(
                joblib.Parallel(n_jobs=self.jobs, return_as="generator_unordered", batch_size=1)
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and self.jobs > 1:
            _stop_workers()
        with contextlib.suppress(Exception) if kind is not None else contextlib.nullcontext():
            self._open.close()

    def play(
        self, tasks: Sequence[Task], on_done: Callable[[int, Outcome], None] = lambda index, outcome: None
    ) -> list[Outcome]:
        """Play all tasks and return their outcomes in order; equal tasks are played once.

        Parameters
        ----------
        tasks : what to play.
        on_done : called with the task's index and its outcome as soon as it is known, in any order.

        Raises
        ------
        StorageError
            If finished trajectories cannot be written.
        """
        keys = [self._key(task) for task in tasks]
        outcomes: dict[str, Outcome] = {}
        waiting: dict[str, Task] = {}
        for key, task in zip(keys, tasks, strict=True):
            stored = self.store.load(key) if self.store is not None and key not in outcomes else None
            if stored is not None:
                outcomes[key] = stored
            elif key not in outcomes:
                waiting[key] = task
        for index, key in enumerate(keys):
            if key in outcomes:
                on_done(index, outcomes[key])
        for key, outcome in self._run(waiting):
            if isinstance(outcome, Failure) and outcome.details == STORAGE:
                raise StorageError(outcome.reason)
            outcomes[key] = outcome
            self.simulated += 1
            for index, other in enumerate(keys):
                if other == key:
                    on_done(index, outcome)
        return [outcomes[key] for key in keys]

    def curves(
        self,
        recipe: Recipe,
        blocks: Sequence[Block],
        on_done: Callable[[int, Outcome], None] = lambda index, outcome: None,
    ) -> list[LearningCurve]:
        """Play one recipe on blocks.

        Raises
        ------
        WorkError
            If a trajectory fails.
        """
        return whole(self.play([Task(recipe, block) for block in blocks], on_done))

    def _run(self, waiting: dict[str, Task]) -> Iterator[tuple[str, Outcome]]:
        if self._parallel is None:
            for key, task in waiting.items():
                yield key, _attempt(task.recipe, self._arena(task.block), self.scenario, self.store, key)
            return
        calls = [
            joblib.delayed(_work)(task.recipe, str(self._folder(task.block)), self.scenario, self.store, key)
            for key, task in waiting.items()
        ]
        if calls:
            yield from self._parallel(calls)

    def _key(self, task: Task) -> str:
        return trajectory_key(
            task.recipe, task.block, self.scenario, self.dataset.fingerprint, self.dataset.name, self.seed
        )

    def _arena(self, block: Block) -> Arena:
        if id(block) not in self._arenas:
            self._arenas[id(block)] = make_arena(self.dataset, block, self.seed, self.scenario.scaling)
            if len(self._arenas) > ARENAS_KEPT:
                self._arenas.popitem(last=False)
        return self._arenas[id(block)]

    def _folder(self, block: Block) -> Path:
        """Return the folder that holds a block's arena for the workers, writing it the first time."""
        if self._scratch is None:
            raise RuntimeError("the player is not open")
        if id(block) not in self._folders:
            folder = self._scratch / str(len(self._folders))
            save_arena(make_arena(self.dataset, block, self.seed, self.scenario.scaling), folder)
            self._folders[id(block)] = (block, folder)
        return self._folders[id(block)][1]


def processes(n_jobs: int) -> int:
    """Return the number of processes meant by ``n_jobs``: −1 is one on each core that this process may use."""
    if n_jobs == 0 or n_jobs < -1:
        raise RequestError(f"jobs must be 1 or more, or -1 for all cores, not {n_jobs}")
    return int(joblib.cpu_count()) if n_jobs == -1 else n_jobs


def whole(outcomes: Sequence[Outcome]) -> list[LearningCurve]:
    """Return the curves of outcomes that must all have worked.

    Raises
    ------
    WorkError
        With the first failure's reason.
    """
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            raise WorkError(outcome.reason)
    return [outcome for outcome in outcomes if isinstance(outcome, LearningCurve)]


def save_arena(arena: Arena, folder: Path) -> None:
    """Write an arena's arrays, so that workers map them into memory instead of receiving copies."""
    folder.mkdir(parents=True)
    features: dict[str, Features] = {"X_pool": arena.X_pool, "X_test": arena.X_test}
    for name, X in features.items():
        shape = np.array([X.shape[0], X.shape[1]])
        if sparse.issparse(X):
            for part in ("data", "indices", "indptr"):
                np.save(folder / f"{name}.{part}.npy", getattr(X, part))
            np.save(folder / f"{name}.shape.npy", shape)
        else:
            np.save(folder / f"{name}.npy", X)
    np.save(folder / "y_pool.npy", arena.y_pool)
    np.save(folder / "y_test.npy", arena.y_test)
    # Plain small values travel as JSON; nothing is pickled into a file.
    block, streams = arena.block, arena.streams
    np.save(folder / "pool.npy", block.pool)
    np.save(folder / "test.npy", block.test)
    if block.initial is not None:
        np.save(folder / "initial.npy", block.initial)
    facts: dict[str, Any] = {"part": block.part, "number": block.number, "n_classes": arena.n_classes}
    facts |= {"seed": streams.seed, "data": streams.data, "feature_names": arena.feature_names}
    (folder / "facts.json").write_text(json.dumps(facts), "utf-8")


def load_arena(folder: Path) -> Arena:
    """Read what :func:`save_arena` wrote; the features stay on disk until they are touched."""
    facts = json.loads((folder / "facts.json").read_text("utf-8"))
    initial = folder / "initial.npy"
    block = Block(
        part=facts["part"],
        number=facts["number"],
        pool=np.load(folder / "pool.npy"),
        test=np.load(folder / "test.npy"),
        initial=np.load(initial) if initial.exists() else None,
    )
    return Arena(
        block=block,
        X_pool=_load_features(folder, "X_pool"),
        X_test=_load_features(folder, "X_test"),
        y_pool=np.load(folder / "y_pool.npy"),
        y_test=np.load(folder / "y_test.npy"),
        n_classes=facts["n_classes"],
        streams=block.streams(facts["seed"], facts["data"]),
        feature_names=None if facts["feature_names"] is None else tuple(facts["feature_names"]),
    )


def _load_features(folder: Path, name: str) -> Features:
    if (folder / f"{name}.npy").exists():
        return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r"))
    data, indices, indptr = (np.load(folder / f"{name}.{part}.npy") for part in ("data", "indices", "indptr"))
    return sparse.csr_matrix((data, indices, indptr), shape=tuple(np.load(folder / f"{name}.shape.npy")))


def _attempt(recipe: Recipe, arena: Arena, scenario: Scenario, store: TrajectoryStore | None, key: str) -> Outcome:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            curve = play(recipe, arena, scenario)
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"
        return Failure(reason, traceback.format_exc())
    if store is not None:
        store.save(key, curve)
    return curve


_worker_arenas: OrderedDict[str, Arena] = OrderedDict()
_worker_ready = False


def _work(
    recipe: Recipe, folder: str, scenario: Scenario, store: TrajectoryStore | None, key: str
) -> tuple[str, Outcome]:
    """Play one task in a worker process."""
    global _worker_ready
    if not _worker_ready:
        # Ctrl-C reaches the whole process group; only the owner decides what it means.
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        threadpool_limits(limits=1)
        threading.Thread(target=_end_with_owner, args=(os.getppid(),), daemon=True).start()
        _worker_ready = True
    if folder not in _worker_arenas:
        _worker_arenas[folder] = load_arena(Path(folder))
        if len(_worker_arenas) > ARENAS_KEPT:
            _worker_arenas.popitem(last=False)
    try:
        return key, _attempt(recipe, _worker_arenas[folder], scenario, store, key)
    except StorageError as error:
        return key, Failure(str(error), STORAGE)


def _end_with_owner(owner: int) -> None:
    """End this worker soon after its owner was killed, instead of waiting for tasks that never come."""
    while os.getppid() == owner:
        time.sleep(1.0)
    os._exit(1)


def _stop_workers() -> None:
    """End worker processes at once; what they were playing is played again the next time."""
    from joblib.externals.loky import get_reusable_executor

    with contextlib.suppress(Exception):
        get_reusable_executor().shutdown(wait=True, kill_workers=True)
