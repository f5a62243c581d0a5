"""Preferences: how to choose among trials with several objectives; and the Pareto front."""

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
    """One clause of a preference: keep the trials that are best in an objective, or close to the best.

    Attributes
    ----------
    objective : name of the objective.
    within : distance from the best within which trials count as equal; 0 keeps the best only.
    """

    objective: str
    within: float = 0.0


@dataclass(frozen=True)
class Preference:
    """A rule that chooses one trial of a Pareto front, clause by clause.

    Parameters
    ----------
    steps : the clauses. Each keeps some of the trials that the one before has kept.

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
        """Read a preference such as ``score within 0.01, then fewest labels``.

        Parameters
        ----------
        text : clauses joined by ``, then``; each ``NAME within NUMBER``, ``fewest NAME``, ``best NAME`` or ``NAME``.
            ``score`` is the first objective.
        names : names of the study's objectives, in order.

        Raises
        ------
        RequestError
            If a clause cannot be read, or names no objective of the study.
        """
        return cls(tuple(_read_step(clause.strip(), names) for clause in re.split(r",\s*(?:then\s+)?", text.strip())))

    @classmethod
    def usual(cls, names: Sequence[str]) -> Preference:
        """Return the default preference: the best in the first objective, then in the next."""
        return cls(tuple(PreferenceStep(name) for name in names))

    def order(self, values: Array, names: Sequence[str], directions: Sequence[Direction]) -> list[int]:
        """Return the indices of all trials in the order of the preference.

        The rule chooses one trial. The next ones are found by applying it to the rest again.

        Parameters
        ----------
        values : objectives of each trial, ``(n_trials, n_objectives)``.
        names, directions : name and direction of each objective.
        """
        if not any(step.within for step in self.steps):
            signs = [1.0 if direction == "maximize" else -1.0 for direction in directions]
            columns = [list(names).index(step.objective) for step in self.steps]
            keys = [-signs[column] * values[:, column] for column in reversed(columns)]
            return [int(index) for index in np.lexsort(keys)]
        left = list(range(len(values)))
        ordered = []
        while left:
            kept = left
            for step in self.steps:
                kept = self._kept(kept, step, values, names, directions)
            ordered.append(kept[0])
            left.remove(kept[0])
        return ordered

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
        signed = sign * values[left, column]
        close = signed >= signed.max() - step.within
        if not step.within:
            return [index for index, is_close in zip(left, close, strict=True) if is_close]
        # All within the distance are equal. Sorting them chooses the best one if no later clause decides.
        positions = sorted(np.flatnonzero(close).tolist(), key=lambda position: (-signed[position], position))
        return [left[position] for position in positions]


def pareto_front(values: Array, directions: Sequence[Direction]) -> list[int]:
    """Return the indices of the trials on the Pareto front, in their order.

    No other trial is as good in every objective and better in one.

    >>> pareto_front(np.array([[0.9, 200.0], [0.8, 100.0], [0.7, 150.0]]), ("maximize", "minimize"))
    [0, 1]
    """
    signs = np.array([1.0 if direction == "maximize" else -1.0 for direction in directions])
    signed = values * signs
    front = []
    for index, trial in enumerate(signed):
        dominates = np.all(signed >= trial, axis=1) & np.any(signed > trial, axis=1)
        if not dominates.any():
            front.append(index)
    return front


def pareto_trials(trials: Sequence[TrialRecord], directions: Sequence[Direction]) -> list[TrialRecord]:
    """Return the Pareto front of the complete trials that keep every constraint."""
    feasible = [trial for trial in trials if trial.objectives and trial.feasible]
    if not feasible:
        return []
    values = np.array([trial.objectives for trial in feasible])
    return [feasible[index] for index in pareto_front(values, directions)]


def _best_of(name: str) -> str:
    return f"the {'best' if KINDS[name].direction == 'maximize' else 'fewest'} {name}"


def _read_step(text: str, names: Sequence[str]) -> PreferenceStep:
    within = re.fullmatch(r"(\w+)\s+within\s+((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)", text)
    first = re.fullmatch(r"(?:(fewest|least|lowest|most|highest|best)\s+)?(\w+)", text)
    if within:
        return PreferenceStep(_named(within.group(1), names), float(within.group(2)))
    if first is None:
        raise RequestError(
            f"--prefer: {text!r} is not understood; write for example 'score within 0.01, then fewest labels', where "
            f"each name is an objective of the study: {', '.join(names)}"
        )
    name = _named(first.group(2), names)
    wanted = {**FEWEST, **MOST}.get(first.group(1) or "best", "")
    if wanted and wanted != KINDS[name].direction:
        raise RequestError(
            f"--prefer: {text!r} asks for the worse end of {name}, whose direction is {KINDS[name].direction}"
        )
    return PreferenceStep(name)


def _named(name: str, names: Sequence[str]) -> str:
    if name == "score":
        return names[0]
    if name not in names:
        raise RequestError(f"--prefer: {name!r} is no objective of the study; {did_you_mean(name, names)}")
    return name
