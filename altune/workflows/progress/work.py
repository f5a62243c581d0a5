"""How much of the work is done, of how much, and how long the rest will take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

RECENT = 100
"""Number of trajectories, the last simulated ones, from which the pace is computed: stages differ in their pace."""
FEWEST = 5
"""Number of simulated trajectories that a pace needs; the first ones wait for processes to start."""


@dataclass
class _Stage:
    """Trajectories of a stage: how many are done, and how many there will be at most."""

    done: int
    total: int


class WorkCount:
    """Trajectories of a whole run, over all of its stages, and the time left.

    Trajectories that were read back from the store count as done. The pace counts simulated ones alone, so trajectories
    that took no time do not spoil it.

    Parameters
    ----------
    clock : returns the time in seconds.

    Attributes
    ----------
    current : name of the stage in progress; empty before the first.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.current = ""
        self._clock = clock
        self._stages: dict[str, _Stage] = {}
        self._simulated = 0
        self._seen = False
        self._moments: deque[tuple[float, int]] = deque([(clock(), 0)])

    @property
    def done(self) -> int:
        """Number of trajectories that were played or read back."""
        return sum(stage.done for stage in self._stages.values())

    @property
    def total(self) -> int:
        """Largest number of trajectories of all stages, as far as is known by now."""
        return sum(stage.total for stage in self._stages.values())

    @property
    def seconds_left(self) -> float | None:
        """Seconds until everything is done at the current pace, None before there is one."""
        if self._simulated < FEWEST:
            return None
        (first, before), (last, simulated) = self._moments[0], self._moments[-1]
        pace = (last - first) / max(1, simulated - before)
        # A trajectory that takes longer than all others slows the pace down before it has ended.
        pace = max(pace, (self._clock() - first) / (simulated - before + 1))
        return pace * max(0, self.total - self.done)

    def plan(self, trajectories: Mapping[str, int]) -> None:
        """Take note of the largest number of trajectories of each stage, in their order."""
        self._stages = {name: _Stage(0, total) for name, total in trajectories.items()}
        self._moments[0] = (self._clock(), 0)

    def stage(self, name: str, trajectories: int, done: int = 0) -> None:
        """Start a stage. What earlier stages have not played will not be played any more."""
        names = list(self._stages)
        for earlier in names[: names.index(name)] if name in names else names:
            self._stages[earlier].total = self._stages[earlier].done
        self.current, self._seen = name, False
        # A new mapping: a display may be reading the old one in a thread of its own.
        self._stages = self._stages | {name: _Stage(done, trajectories)}

    def played(self, simulated: bool = True) -> None:
        """Count one more trajectory of the current stage."""
        stage = self._stages[self.current]
        stage.done += 1
        stage.total = max(stage.total, stage.done)
        self._add(int(simulated))

    def search(self, played: int, left: int) -> None:
        """Take note of how much of a search is done and left.

        Trajectories that :meth:`played` has not counted are those of other workers, except at the start of the stage,
        where they are those that were stored before.
        """
        stage = self._stages[self.current]
        others = played - stage.done
        stage.done, stage.total = played, played + left
        self._add(others if self._seen else 0)
        self._seen = True

    def _add(self, simulated: int) -> None:
        if simulated <= 0:
            if not self._simulated:
                self._moments[0] = (self._clock(), 0)
            return
        self._simulated += simulated
        self._moments.append((self._clock(), self._simulated))
        while len(self._moments) > 2 and self._simulated - self._moments[1][1] >= RECENT:
            self._moments.popleft()
