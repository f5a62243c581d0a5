"""Plays many (recipe, block) pairs at once, on one process or on several, with one thread for each.

What was finished is read back from the store of trajectories, so a run that was killed replays nothing. The results
do not depend on the number of processes: each trajectory draws from its own block's streams alone.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from altune.core.errors import StorageError, WorkError
from altune.data.blocks import Block
from altune.knobs.stopping import RecordedRules, Stopping, noted_by, notes_of, stopping_point
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.backends import Backend, Local, WorkerPool
from altune.simulation.execution.processes import stop_workers
from altune.simulation.execution.shared_arrays import save_block
from altune.simulation.execution.worker import (
    BLOCKS_KEPT,
    STORAGE,
    Failure,
    Outcome,
    WorkItem,
    forget_blocks,
    play_safely,
    run_remote,
    work,
)
from altune.simulation.prepared import PreparedBlock, prepare_block
from altune.simulation.store import TrajectoryStore, trajectory_key

if TYPE_CHECKING:
    from altune.recipes.recipe import Recipe
    from altune.simulation.environment import Environment


CURVES_KEPT = 10_000


@dataclass(frozen=True, eq=False)
class Task:
    """One recipe to be played on one block of an environment.

    Attributes
    ----------
    recipe, block, environment : what is played where.
    until : label count at which to pause: the curve ends with the first model that has so many; None for the end.
    limit : most seconds it may take, None without a limit.
    examined : whether to note more of each loop (:mod:`altune.simulation.probes`).
    """

    recipe: Recipe
    block: Block
    environment: Environment
    until: float | None = None
    limit: float | None = None
    examined: bool = False


class Durations:
    """How long trajectories take, by what mostly decides it: data, model and query strategy."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, ...], float] = {}

    def see(self, task: Task, outcome: Outcome) -> None:
        """Take note of a trajectory that was played."""
        if isinstance(outcome, LearningCurve):
            parts = (outcome.fit_seconds, outcome.query_seconds, outcome.evaluation_seconds)
            self._seconds[_kind(task)] = float(sum(part.sum() for part in parts))

    def expected(self, task: Task) -> float:
        """Return the seconds of the last one of its kind; one of a new kind is taken for the longest."""
        return self._seconds.get(_kind(task), max(self._seconds.values(), default=0.0))


class Player:
    """Plays tasks; use it as a context manager, so that worker processes end with it.

    Parameters
    ----------
    store : where finished trajectories are kept; None to keep the latest in memory.
    jobs : worker processes, 1 to play in this one.
    scratch : folder for the arrays that workers map into memory, emptied at both ends; by default a temporary one,
        which outlives a kill.
    backend : where the worker processes are; by default on this machine.
    rules : stopping rules whose notes are taken in every trajectory that stops by one of them, so that recipes which
        differ in that alone are played once (replay); empty to play each by itself.

    Attributes
    ----------
    simulated : trajectories that were played, pauses aside.
    read_back : trajectories that were found in the store.
    """

    def __init__(
        self,
        *,
        store: TrajectoryStore | None = None,
        jobs: int = 1,
        scratch: Path | None = None,
        backend: Backend | None = None,
        rules: Sequence[Stopping] = (),
    ) -> None:
        self.store = store
        self.jobs = jobs
        self.simulated = 0
        self.read_back = 0
        self._backend = backend if backend is not None else Local(jobs)
        self._rules = tuple(dict.fromkeys(noted_by(rule) for rule in rules))
        self._open = contextlib.ExitStack()
        self._workers: WorkerPool | None = None
        # Keyed by the block's identity; the block stands in the value so that its id cannot be given away.
        self._prepared_blocks: OrderedDict[int, tuple[Block, PreparedBlock]] = OrderedDict()
        self._folders: dict[int, tuple[Block, Path]] = {}
        self._scratch = scratch
        self._kept: OrderedDict[str, LearningCurve] = OrderedDict()
        self._durations = Durations()
        self._begun: set[str] = set()
        self._warned = False

    def __enter__(self) -> Player:
        if self._backend.shares_disk:
            self._open.enter_context(threadpool_limits(limits=1))
            if self.jobs == 1:
                return self
            self._make_scratch()
        self._workers = self._open.enter_context(self._backend.open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and self.jobs > 1 and self._backend.shares_disk:
            stop_workers()
        forget_blocks()
        if self.store is not None and self.simulated:
            self.store.prune()
        with contextlib.suppress(Exception) if kind is not None else contextlib.nullcontext():
            self._open.close()

    def begin(self, tasks: Sequence[Task]) -> None:
        """Let workers that have nothing to do play the first of some tasks meanwhile.

        Parameters
        ----------
        tasks : which the next call of :meth:`play` must hold.
        """
        if self._workers is None or not self._backend.shares_disk:
            return
        for task in map(self._shared, tasks):
            key = _key(task)
            if key in self._begun or self._stored(key) is not None:
                continue
            if not self._workers.begin(work, self._local_call(key, task)):
                return
            self._begun.add(key)

    def play(
        self, tasks: Sequence[Task], on_done: Callable[[int, Outcome], None] = lambda index, outcome: None
    ) -> list[Outcome]:
        """Play all tasks and return their outcomes in order; equal tasks are played once.

        Parameters
        ----------
        tasks : what to play.
        on_done : called with the task's index and its outcome as soon as it is known, in any order; what was kept
            comes first.

        Raises
        ------
        StorageError
            If finished trajectories cannot be written.
        """
        played = [self._shared(task) for task in tasks]
        wanted: dict[str, list[int]] = {}
        for index, task in enumerate(played):
            wanted.setdefault(_key(task), []).append(index)
        outcomes: dict[int, Outcome] = {}

        def tell(key: str, outcome: Outcome) -> None:
            for index in wanted[key]:
                outcomes[index] = self._own(outcome, tasks[index], played[index])
                on_done(index, outcomes[index])

        waiting: dict[str, Task] = {}
        for key, indices in wanted.items():
            # A worker that began early may have kept its curve already.
            stored = None if key in self._begun else self._stored(key)
            if stored is None:
                waiting[key] = played[indices[0]]
            else:
                self.read_back += 1
                tell(key, stored)
        for key, outcome in self._run(waiting):
            if isinstance(outcome, Failure) and outcome.details == STORAGE:
                raise StorageError(outcome.reason)
            self._keep(key, outcome, waiting[key])
            self._durations.see(waiting[key], outcome)
            self.simulated += 1
            tell(key, outcome)
        return [outcomes[index] for index in range(len(tasks))]

    def curves(
        self,
        recipe: Recipe,
        blocks: Sequence[Block],
        environment: Environment,
        on_done: Callable[[int, Outcome], None] = lambda index, outcome: None,
    ) -> list[LearningCurve]:
        """Play one recipe on blocks.

        Raises
        ------
        WorkError
            If a trajectory fails.
        """
        return curves_or_raise(self.play([Task(recipe, block, environment) for block in blocks], on_done))

    # stopping by replay ---------------------------------------------------------------------------------------

    def _shared(self, task: Task) -> Task:
        """Return the task whose trajectory serves this one as well."""
        rule = task.recipe.stopping
        if not self._rules or rule.held_out_rows or (rule.method != "budget" and noted_by(rule) not in self._rules):
            return task
        return replace(task, recipe=task.recipe.replace(stopping=RecordedRules(rules=self._rules)))

    def _own(self, outcome: Outcome, task: Task, played: Task) -> Outcome:
        """Return a task's own curve, cut out of the one that was played for it."""
        if isinstance(outcome, Failure):
            return outcome
        if played is not task:
            outcome = _cut(outcome, task.recipe.stopping, self._rules)
        return outcome if task.until is None else _paused_at(outcome, task.until)

    # where it is played ---------------------------------------------------------------------------------------

    def _run(self, waiting: dict[str, Task]) -> Iterator[tuple[str, Outcome]]:
        if self._workers is not None:
            # Longest first, so that at the end no process waits long for the last one.
            waiting = dict(sorted(waiting.items(), key=lambda one: -self._durations.expected(one[1])))
        if self._workers is None:
            for key, task in waiting.items():
                yield key, play_safely(self._order(key, task), self._prepared(task))
        elif self._backend.shares_disk:
            calls = [self._local_call(key, task) for key, task in waiting.items() if key not in self._begun]
            self._begun.clear()
            yield from self._workers.run(work, calls)
        else:
            yield from self._workers.run(
                run_remote,
                [
                    (self._order(key, task), task.environment.dataset, task.block, task.environment.seed)
                    for key, task in waiting.items()
                ],
            )

    def _local_call(self, key: str, task: Task) -> tuple[WorkItem, str]:
        return self._order(key, task), str(self._folder(task))

    def _order(self, key: str, task: Task) -> WorkItem:
        # Whoever shares no disk with this process hands the curve back, and it is kept here.
        store = self.store if self._backend.shares_disk else None
        return WorkItem(key, task.recipe, task.environment.scenario, task.until, task.limit, store, task.examined)

    def _stored(self, key: str) -> LearningCurve | None:
        if self.store is None:
            return self._kept.get(key)
        curve = self.store.load(key)
        if self.store.outdated and not self._warned:
            self._warned = True
            warnings.warn(
                f"{self.store.folder}: trajectories made with {self.store.outdated} are simulated again", stacklevel=2
            )
        return curve

    def _keep(self, key: str, outcome: Outcome, task: Task) -> None:
        if task.until is not None or isinstance(outcome, Failure):
            return
        if self.store is None:
            self._kept[key] = outcome
            if len(self._kept) > CURVES_KEPT:
                self._kept.popitem(last=False)
        elif not self._backend.shares_disk:
            self.store.save(key, outcome)

    def _prepared(self, task: Task) -> PreparedBlock:
        name = id(task.block)
        if name not in self._prepared_blocks:
            self._prepared_blocks[name] = (task.block, _made(task))
            if len(self._prepared_blocks) > BLOCKS_KEPT:
                self._prepared_blocks.popitem(last=False)
        return self._prepared_blocks[name][1]

    def _folder(self, task: Task) -> Path:
        """Return the folder that holds a block's prepared for the workers, writing it the first time."""
        if self._scratch is None:
            raise RuntimeError("the player is not open")
        if id(task.block) not in self._folders:
            folder = self._scratch / str(len(self._folders))
            save_block(_made(task), folder)
            self._folders[id(task.block)] = (task.block, folder)
        return self._folders[id(task.block)][1]

    def _make_scratch(self) -> None:
        if self._scratch is None:
            self._scratch = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="altune-")))
            return
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._open.callback(shutil.rmtree, self._scratch, ignore_errors=True)
        # Workers outlive a player and know prepared_blocks by their path, so no path may ever mean two blocks.
        self._scratch.mkdir(parents=True, exist_ok=True)
        self._scratch = Path(tempfile.mkdtemp(dir=self._scratch))


def curves_or_raise(outcomes: Sequence[Outcome]) -> list[LearningCurve]:
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


def _kind(task: Task) -> tuple[str, ...]:
    recipe = task.recipe
    return task.environment.dataset.name, recipe.model.method, recipe.query_strategy.method


def _made(task: Task) -> PreparedBlock:
    return prepare_block(task.environment.dataset, task.block, task.environment.seed, task.environment.scenario.scaling)


def _key(task: Task) -> str:
    environment = task.environment
    dataset = environment.dataset
    return trajectory_key(
        task.recipe,
        task.block,
        environment.scenario,
        dataset.fingerprint,
        dataset.name,
        environment.seed,
        examined=task.examined,
    )


def _cut(curve: LearningCurve, rule: Stopping, rules: Sequence[Stopping]) -> LearningCurve:
    """Return the part of a full curve that a rule lets happen."""
    if rule.method == "budget":
        return curve
    notes = notes_of(curve.notes, rules.index(noted_by(rule)))
    # At the last point the budget ends the run whatever a rule says.
    point = stopping_point(rule, notes[:-1])
    return curve if point is None else curve.first(point + 1, rule.method)


def _paused_at(curve: LearningCurve, until: float) -> LearningCurve:
    """Return a curve up to its first model of so many labels."""
    points = 1 + int((curve.labels < until).sum())
    return curve if points >= len(curve) else curve.first(points, "paused")
