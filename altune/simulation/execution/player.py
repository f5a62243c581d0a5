"""Play many work items, in this process or in several, each on one thread.

With one job, items are played in this process, except where that could not be survived: an item with a time limit,
which compiled code may not keep, and a recipe that has ended a process before are played in a worker.

Finished trajectories are read back from the store, so a resumed run simulates nothing twice. Results do not depend on
the number of processes: each trajectory draws from the random streams of its own block alone.
"""

from __future__ import annotations

import contextlib
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from altune.core.errors import AltuneWarning
from altune.core.identity import forget
from altune.core.threads import one_thread
from altune.data.blocks import Block
from altune.knobs.stopping import Stopping
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.attempts import Attempts, played_here
from altune.simulation.execution.backends import Backend, Local, WorkerPool
from altune.simulation.execution.items import Failure, Outcome, PackedItem, WorkItem, curves_or_raise
from altune.simulation.execution.prepared_blocks import PreparedBlocks
from altune.simulation.execution.processes import Call, CannotSend, Ended, LocalPool, pickled
from altune.simulation.execution.room import require_room
from altune.simulation.execution.shared_stopping import SharedStopping
from altune.simulation.execution.worker import forget_blocks, over_time, play_safely, run_remote, work
from altune.simulation.store import TrajectoryStore

if TYPE_CHECKING:
    from altune.data.description import Encoding
    from altune.recipes.recipe import Recipe
    from altune.simulation.environment import Environment

CURVES_KEPT = 10_000
ATTEMPTS = "attempts"
UNSENDABLE = "a recipe that needs a process of its own is played in this one, because it cannot be sent to another"
OnDone = Callable[[int, Outcome], None]


class Durations:
    """Expected duration of trajectories, by what decides it most: data set, model and query strategy."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, ...], float] = {}

    def see(self, item: WorkItem, outcome: Outcome) -> None:
        """Take note of a trajectory that was played."""
        if isinstance(outcome, LearningCurve):
            parts = (outcome.fit_seconds, outcome.query_seconds, outcome.evaluation_seconds)
            self._seconds[_kind(item)] = float(sum(part.sum() for part in parts))

    def expected(self, item: WorkItem) -> float:
        """Return the seconds of the last trajectory of this kind; an unknown kind counts as the longest known."""
        return self._seconds.get(_kind(item), max(self._seconds.values(), default=0.0))


class Player:
    """Plays work items. Use it as a context manager, which ends its worker processes.

    Parameters
    ----------
    store : where finished trajectories are saved; None keeps the latest ones in memory.
    jobs : number of worker processes; 1 plays in this process.
    scratch : folder for the arrays that workers map into memory. It is emptied when the player is opened and when it
        is closed. By default a temporary folder, which is left behind if the process is killed.
    backend : where the worker processes run; by default on this machine.
    rules : stopping rules that are recorded together in one trajectory, so that recipes which differ only in these
        rules are simulated once; empty to simulate each recipe by itself.

    Attributes
    ----------
    simulated : number of items that were simulated, including those that paused.
    read_back : number of items that were read back from the store.
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
        self._stopping = SharedStopping(rules)
        self._attempts = Attempts(None if store is None else store.folder / ATTEMPTS)
        self._open = contextlib.ExitStack()
        self._pool: LocalPool | None = None
        self._cluster: WorkerPool | None = None
        self._blocks = PreparedBlocks(scratch)
        self._curves: OrderedDict[str, LearningCurve] = OrderedDict()
        self._durations = Durations()
        self._begun: set[str] = set()
        self._warned: set[str] = set()
        self._fitting: list[Environment] = []

    def __enter__(self) -> Player:
        forget()
        self._open.enter_context(self._attempts)
        self._blocks.remove_left()
        if not isinstance(self._backend, Local):
            self._cluster = self._open.enter_context(self._backend.open())
        else:
            self._open.enter_context(one_thread())
            if self.jobs > 1:
                self._workers()
        return self

    def _workers(self) -> LocalPool:
        if self._pool is None:
            self._blocks.open_folder(self._open)
            self._pool = self._open.enter_context(LocalPool(self.jobs, self._attempts))
        return self._pool

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        forget_blocks()
        # An error that is on its way out must not be replaced by one of closing.
        with contextlib.suppress(Exception) if kind is not None else contextlib.nullcontext():
            self._open.__exit__(kind, error, trace)
            if self.store is not None and self.simulated:
                self.store.prune()

    def begin(self, items: Sequence[WorkItem]) -> None:
        """Start the first of these items on idle workers, while this process does something else.

        Parameters
        ----------
        items : items that the next call of :meth:`play` must contain.
        """
        if self._pool is None or self.jobs == 1:
            return
        for item in map(self._stopping.shared, items):
            if item.key in self._begun or self._stored(item.key) is not None:
                continue
            if not self._pool.begin(work, self._call(item)):
                return
            self._begun.add(item.key)

    def play(self, items: Sequence[WorkItem], on_done: OnDone = lambda index, outcome: None) -> list[Outcome]:
        """Play work items and return their outcomes in the same order. Equal items are played once.

        Parameters
        ----------
        items : what to play.
        on_done : called with the index of an item and its outcome as soon as it is known, in any order; stored
            outcomes come first.

        Raises
        ------
        DataError
            If the simulations of an environment cannot fit into memory.
        StorageError
            If a finished trajectory cannot be written.
        """
        self._require_room(items)
        played = [self._stopping.shared(item) for item in items]
        indices: dict[str, list[int]] = {}
        for index, item in enumerate(played):
            indices.setdefault(item.key, []).append(index)
        outcomes: dict[int, Outcome] = {}

        def report(key: str, outcome: Outcome) -> None:
            for index in indices[key]:
                outcomes[index] = self._stopping.cut(outcome, items[index], played[index])
                on_done(index, outcomes[index])

        waiting: dict[str, WorkItem] = {}
        for key, places in indices.items():
            # A worker that was given this item by `begin` may have saved its curve by now. The outcome is on its way,
            # so reading it back as well would report it twice.
            stored = None if key in self._begun else self._stored(key)
            if stored is None:
                waiting[key] = played[places[0]]
            else:
                self.read_back += 1
                report(key, stored)
        for key, outcome in self._simulate(waiting):
            self._keep(waiting[key], outcome)
            self._durations.see(waiting[key], outcome)
            self.simulated += 1
            report(key, outcome)
        return [outcomes[index] for index in range(len(items))]

    def curves(
        self,
        recipe: Recipe,
        blocks: Sequence[Block],
        environment: Environment,
        on_done: OnDone = lambda index, outcome: None,
    ) -> list[LearningCurve]:
        """Play one recipe on several blocks and return its learning curves.

        Raises
        ------
        WorkError
            If a trajectory fails.
        """
        return curves_or_raise(self.play([WorkItem(recipe, block, environment) for block in blocks], on_done))

    def encoding(self, item: WorkItem) -> Encoding | None:
        """Return how the columns became numbers on the block of an item, which :meth:`play` has encoded already."""
        return self._blocks.encoding(item)

    def _require_room(self, items: Sequence[WorkItem]) -> None:
        """Check once for each environment whether its simulations fit into the memory of this machine."""
        if not isinstance(self._backend, Local):
            return
        for environment in {id(item.environment): item.environment for item in items}.values():
            if not any(environment is other for other in self._fitting):
                require_room([item for item in items if item.environment is environment], self.jobs)
                self._fitting.append(environment)

    def _simulate(self, waiting: dict[str, WorkItem]) -> Iterator[tuple[str, Outcome]]:
        # Longest first: a long trajectory that starts last would leave all other processes idle.
        items = sorted(waiting.values(), key=lambda item: -self._durations.expected(item))
        if self._cluster is not None:
            # A worker that shares no disk with this process returns the curve, and `_keep` saves it here.
            yield from self._cluster.run(
                run_remote,
                [(item.packed(None), item.environment.dataset, item.block, item.environment.seed) for item in items],
            )
            return
        for item in items:
            if item.attempt:
                self._attempts.suspect(item.play)
        if self.jobs > 1:
            yield from self._in_workers(items)
            return
        for item in waiting.values():
            # Asked anew for each item, because the one before it may have failed.
            if self._is_played_here(item):
                with played_here(self._attempts, item.play):
                    outcome = play_safely(item.packed(self.store), self._blocks.in_memory(item))
                yield item.key, outcome
            else:
                yield from self._in_workers([item])

    def _is_played_here(self, item: WorkItem) -> bool:
        """Return whether an item is played in this process, where there is one job."""
        if item.limit is None and self._attempts.may_play_here(item.play):
            return True
        try:
            pickled(work, (item.packed(self.store),))
        except CannotSend as error:
            if UNSENDABLE not in self._warned:
                self._warned.add(UNSENDABLE)
                warnings.warn(f"{UNSENDABLE}: {error.__cause__}", AltuneWarning, stacklevel=2)
            return not self._attempts.refusal(item.play)
        return False

    def _in_workers(self, items: Sequence[WorkItem]) -> Iterator[tuple[str, Outcome]]:
        calls = [self._call(item) for item in items if item.key not in self._begun]
        self._begun.clear()
        for result in self._workers().run(work, calls):
            yield (result.call.arguments[0].key, _failure(result)) if isinstance(result, Ended) else result

    def in_worker(self, function: Callable[..., Any], item: WorkItem, *more: Any) -> Any:
        """Call a function with an item as it travels, the folder of its block and more; return its result.

        A :class:`Failure` takes its place if the worker has ended.

        Raises
        ------
        CannotSend
            If the call cannot be sent to a worker.
        Exception
            Whatever the function raises.
        """
        call = self._call(item, *more)
        (result,) = self._workers().run(function, [call])
        return _failure(result) if isinstance(result, Ended) else result

    def _call(self, item: WorkItem, *more: Any) -> Call:
        self._workers()
        arguments = item.packed(self.store), str(self._blocks.in_files(item)), *more
        return Call(arguments, item.play, item.limit)

    def _stored(self, key: str) -> LearningCurve | None:
        if self.store is None:
            return self._curves.get(key)
        curve = self.store.load(key)
        for kind, what in (
            ("outdated", f"trajectories made with {self.store.outdated} are"),
            ("damaged", f"a trajectory that has changed since it was stored ({self.store.damaged}) is"),
        ):
            if getattr(self.store, kind) and kind not in self._warned:
                self._warned.add(kind)
                warnings.warn(f"{self.store.folder}: {what} simulated again", AltuneWarning, stacklevel=2)
        return curve

    def _keep(self, item: WorkItem, outcome: Outcome) -> None:
        """Keep a finished trajectory, unless the worker that played it has saved it already."""
        if item.until is not None or isinstance(outcome, Failure):
            return
        if self.store is None:
            self._curves[item.key] = outcome
            if len(self._curves) > CURVES_KEPT:
                self._curves.popitem(last=False)
        elif self._cluster is not None:
            self.store.save(item.key, outcome)


def _kind(item: WorkItem) -> tuple[str, ...]:
    recipe = item.recipe
    return item.environment.dataset.name, recipe.model.method, recipe.query_strategy.method


def _failure(ended: Ended) -> Failure:
    item: PackedItem = ended.call.arguments[0]
    reason = ended.reason or f"{over_time(item.limit)}; it did not stop, so its process was ended"
    return Failure(reason, attempt=item.attempt)
