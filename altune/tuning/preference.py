"""Which trial is best: by one objective, or by a rule over several; and the Pareto front."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import RequestError, did_you_mean
from altune.simulation.objectives import KINDS, Direction
from altune.tuning.trials import TrialRecord

Array = NDArray[np.float64]
FEWEST = {"fewest": "minimize", "least": "minimize", "lowest": "minimize"}
MOST = {"most": "maximize", "highest": "maximize", "best": ""}


@dataclass(frozen=True)
class PreferenceStep:
    """One clause: the best of an objective, or all that come within a distance of it.

    Attributes
    ----------
    objective : its name.
    within : how far from the best still counts as equal, 0 for the best alone.
    """

    objective: str
    within: float = 0.0


@dataclass(frozen=True)
class Preference:
    """How one trial is picked of a Pareto front, clause by clause.

    Parameters
    ----------
    steps : each leaves of those that the one before left the best, or those within a distance of it.

    Examples
    --------
    >>> Preference.parse("score within 0.01, then fewest labels", ("aulc", "labels")).steps
    (PreferenceStep(objective='aulc', within=0.01), PreferenceStep(objective='labels', within=0.0))
    """

    steps: tuple[PreferenceStep, ...]

    def __str__(self) -> str:
        return ", then ".join(
            f"{step.objective} within {step.within:g} of the best" if step.within else _best_of(step.objective)
            for step in self.steps
        )

    @classmethod
    def parse(cls, text: str, names: Sequence[str]) -> Preference:
        """Read ``NAME within DISTANCE, then fewest NAME``; ``score`` is the first objective.

        Parameters
        ----------
        text : clauses joined by ``, then``; each ``NAME within NUMBER``, ``fewest NAME``, ``best NAME`` or ``NAME``.
        names : the study's objectives, in order.

        Raises
        ------
        RequestError
            If a clause is not understood, or names no objective of the study.
        """
        return cls(tuple(_read_step(part.strip(), names) for part in re.split(r",\s*(?:then\s+)?", text.strip())))

    @classmethod
    def usual(cls, names: Sequence[str]) -> Preference:
        """Return what holds where nobody said anything: the best of the first objective, then of the next."""
        return cls(tuple(PreferenceStep(name) for name in names))

    def order(self, values: Array, names: Sequence[str], directions: Sequence[Direction]) -> list[int]:
        """Return positions of all trials, the preferred first.

        The pick is taken out and the rule asked again of the rest, so that the next best come in their order.

        Parameters
        ----------
        values : objectives of each trial, ``(n_trials, n_objectives)``.
        names, directions : the study's objectives.
        """
        if not any(step.within for step in self.steps):
            signs = [1.0 if direction == "maximize" else -1.0 for direction in directions]
            columns = [list(names).index(step.objective) for step in self.steps]
            keys = [-signs[column] * values[:, column] for column in reversed(columns)]
            return [int(place) for place in np.lexsort(keys)]
        left = list(range(len(values)))
        found = []
        while left:
            kept = left
            for step in self.steps:
                kept = self._kept(kept, step, values, names, directions)
            found.append(kept[0])
            left.remove(kept[0])
        return found

    def _kept(
        self,
        left: list[int],
        step: PreferenceStep,
        values: Array,
        names: Sequence[str],
        directions: Sequence[Direction],
    ) -> list[int]:
        column = list(names).index(step.objective)
        sign = 1.0 if directions[column] == "maximize" else -1.0
        own = sign * values[left, column]
        close = own >= own.max() - step.within
        if not step.within:
            return [place for place, good in zip(left, close, strict=True) if good]
        # Within the distance all are equal; should nothing else decide, the best of them is taken.
        ranked = sorted(np.flatnonzero(close).tolist(), key=lambda place: (-own[place], place))
        return [left[place] for place in ranked]


def pareto_front(values: Array, directions: Sequence[Direction]) -> list[int]:
    """Return the positions of trials that no other betters in every objective, in their order.

    >>> pareto_front(np.array([[0.9, 200.0], [0.8, 100.0], [0.7, 150.0]]), ("maximize", "minimize"))
    [0, 1]
    """
    signs = np.array([1.0 if direction == "maximize" else -1.0 for direction in directions])
    own = values * signs
    front = []
    for place, one in enumerate(own):
        better = np.all(own >= one, axis=1) & np.any(own > one, axis=1)
        if not better.any():
            front.append(place)
    return front


def pareto_trials(trials: Sequence[TrialRecord], directions: Sequence[Direction]) -> list[TrialRecord]:
    """Return the complete trials that keep every constraint and that no other such trial betters in all objectives."""
    kept = [trial for trial in trials if trial.objectives and trial.feasible]
    if not kept:
        return []
    return [kept[place] for place in pareto_front(np.array([trial.objectives for trial in kept]), directions)]


def _best_of(name: str) -> str:
    return f"the {'best' if KINDS[name].direction == 'maximize' else 'fewest'} {name}"


def _read_step(text: str, names: Sequence[str]) -> PreferenceStep:
    within = re.fullmatch(r"(\w+)\s+within\s+([.\d]+(?:[eE][-+]?\d+)?)", text)
    first = re.fullmatch(r"(?:(fewest|least|lowest|most|highest|best)\s+)?(\w+)", text)
    if within:
        return PreferenceStep(_named(within.group(1), names), float(within.group(2)))
    if first is None:
        raise RequestError(
            f"--prefer: {text!r} is not understood; write 'score within 0.01, then fewest labels', where each name is "
            f"an objective of the study: {', '.join(names)}"
        )
    name = _named(first.group(2), names)
    wanted = {**FEWEST, **MOST}.get(first.group(1) or "best", "")
    if wanted and wanted != KINDS[name].direction:
        raise RequestError(f"--prefer: {text!r} wants the worse end of {name}, which is to {KINDS[name].direction}")
    return PreferenceStep(name)


def _named(name: str, names: Sequence[str]) -> str:
    if name == "score":
        return names[0]
    if name not in names:
        raise RequestError(f"--prefer: {name!r} is no objective of the study; {did_you_mean(name, names)}")
    return name
