"""Rankings of trials, and how far two of them agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr

from altune.simulation.objectives import Direction, Objective
from altune.simulation.scenario import Scenario
from altune.tuning.judging import Judge
from altune.tuning.preference import Preference, pareto_front

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RankedValues:
    """What decides a trial's place."""

    number: int
    objectives: tuple[float, ...]
    broken: Mapping[str, float]

    @property
    def feasible(self) -> bool:
        """Whether every constraint is kept."""
        return all(by <= 0 for by in self.broken.values())

    @property
    def key(self) -> tuple[Any, ...]:
        """What trials of one place have in common."""
        return (self.objectives, tuple(max(0.0, by) for by in self.broken.values()))


@dataclass(frozen=True, eq=False)
class Side:
    """The run as it was, or under the changes: its scenarios, and what turns curves into values."""

    scenarios: Mapping[str, Scenario]
    judge: Judge
    preference: Preference

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What is bettered, the first deciding."""
        return self.judge.objectives

    def order(self, entries: Sequence[RankedValues], on_places: Mapping[int, Array]) -> list[RankedValues]:
        """Return trials, the preferred first; those that break a constraint come last, by how much they do."""
        kept = [one for one in entries if one.feasible]
        broken = sorted((one for one in entries if not one.feasible), key=lambda one: max(one.broken.values()))
        if not kept:
            return broken
        table = np.array([one.objectives for one in kept], dtype=np.float64)
        directions: list[Direction] = list(self.judge.directions)
        if self.judge.several and self.judge.across == "ranks":
            shares = self.judge.ranked(on_places)
            table[:, 0], directions[0] = [shares[one.number] for one in kept], "maximize"
        names = [objective.name for objective in self.objectives]
        return [kept[place] for place in self.preference.order(table, names, directions)] + broken

    def front(self, entries: Sequence[RankedValues]) -> tuple[int, ...]:
        """Return the numbers of the trials that keep every constraint and that no other betters in all objectives."""
        kept = [one for one in entries if one.feasible]
        if not kept:
            return ()
        places = pareto_front(np.array([one.objectives for one in kept]), self.judge.directions)
        return tuple(kept[place].number for place in places)


def correlations(before: Sequence[RankedValues], now: Sequence[RankedValues]) -> tuple[float | None, float | None]:
    """Return Spearman's ρ and Kendall's τ-b of two rankings of trials, over those that stand in both.

    Trials of equal values share a rank, so that the order of their numbers counts for nothing.
    """
    both = {one.number for one in now}
    old, new = _shared_ranks([one for one in before if one.number in both]), _shared_ranks(now)
    pairs = np.array([[old[number], new[number]] for number in sorted(both)]).T
    if any(len(np.unique(side)) < 2 for side in pairs):
        return None, None
    return float(spearmanr(*pairs).statistic), float(kendalltau(*pairs).statistic)


def _shared_ranks(ordered: Sequence[RankedValues]) -> dict[int, float]:
    places: dict[tuple[Any, ...], list[int]] = {}
    for place, one in enumerate(ordered):
        places.setdefault(one.key, []).append(place + 1)
    return {one.number: float(np.mean(places[one.key])) for one in ordered}
