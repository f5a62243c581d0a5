"""What the trials of a search say, one line for each recipe: the values that importance is explained from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import WorkError
from altune.recipes.space.domains import canonical

Array = NDArray[np.float64]

FEWEST = 5
MOST = 600
"""Recipes that are explained: the surrogate's work grows with their cube."""
LEFT_OUT = ("failed", "forbidden")
UNFINISHED = ("running", "waiting")


class ObservedTrial(Protocol):
    """What is read of a trial; :class:`altune.tuning.search.TrialRecord` has it."""

    @property
    def params(self) -> Mapping[str, Any]:
        """Optuna's parameters by path."""

    @property
    def value(self) -> float | None:
        """Mean objective over blocks, None where the trial failed."""

    @property
    def values(self) -> Sequence[float]:
        """Objective on each block."""


@dataclass(frozen=True)
class Observation:
    """One recipe and what it reached; a trial made by hand.

    Attributes
    ----------
    params : Optuna's parameters by path.
    value : the objective, mean over blocks; None where the recipe could not be played.
    values : the objective on each block, where it is known.
    """

    params: Mapping[str, Any]
    value: float | None
    values: Sequence[float] = ()


@dataclass(frozen=True, eq=False)
class Observed:
    """The recipes of a search.

    Attributes
    ----------
    params : Optuna's parameters of each recipe, ``n`` of them.
    y : objective of each, block effects taken out where a recipe met only some of the blocks, ``(n,)``.
    deviations : on each block from ``y``, ``(n, n_blocks)``, 0 where a recipe met no such block; block means are 0.
    noise : variance of a recipe's noise relative to one that met all blocks once, ``(n,)``.
    left_out : trials that failed or were forbidden.
    repeated : trials that drew a recipe again that was already there.
    aside : recipes that were played and laid aside, because there are more than :data:`MOST`.
    """

    params: tuple[Mapping[str, Any], ...]
    y: Array
    deviations: Array
    noise: Array
    left_out: int
    repeated: int
    aside: int = 0

    def __len__(self) -> int:
        return len(self.y)

    @property
    def n_blocks(self) -> int:
        """Blocks on which the recipes were played, 0 where only means are known."""
        return int(self.deviations.shape[1])


@dataclass
class _Group:
    params: Mapping[str, Any]
    rows: list[tuple[float, ...]] = field(default_factory=list)


def observe(trials: Iterable[ObservedTrial], seed: int = 0) -> Observed:
    """Gather the recipes that trials played.

    A trial that failed or was forbidden has no value and is left out. A recipe that a racing search dropped counts
    with the blocks it met, compared with the others on those blocks, and with more noise. A recipe drawn again on the
    same blocks says nothing new and counts once; a repetition with other values is averaged. Of more than
    :data:`MOST` recipes the first half is that of the search, which spreads widest, and the others are drawn.

    Parameters
    ----------
    trials : what was played, in the order of numbers.
    seed : of what is drawn of very many recipes.

    Raises
    ------
    WorkError
        If fewer than five recipes are left, or all have one value.
    """
    groups, left_out, repeated = _grouped(trials)
    if len(groups) < FEWEST:
        raise WorkError(f"importance needs at least {FEWEST} different recipes that were played, got {len(groups)}")
    kept = _not_too_many(groups, seed)
    observed = replace(_tabled(kept, left_out, repeated), aside=len(groups) - len(kept))
    if np.ptp(observed.y) <= 1e-12 * max(1.0, float(np.abs(observed.y).max())):
        raise WorkError("every recipe reached the same value, so there is nothing to explain")
    return observed


def _not_too_many(groups: Sequence[_Group], seed: int) -> Sequence[_Group]:
    if len(groups) <= MOST:
        return groups
    first = MOST // 2
    drawn = np.random.default_rng([seed, 5]).choice(len(groups) - first, size=MOST - first, replace=False)
    return [*groups[:first], *(groups[first + place] for place in np.sort(drawn))]


def different_recipes(trials: Iterable[ObservedTrial]) -> int:
    """Return how many different recipes trials played."""
    return len(_grouped(trials)[0])


def _grouped(trials: Iterable[ObservedTrial]) -> tuple[list[_Group], int, int]:
    """Return the recipes with what they reached, and how many trials were left out and how many repeated one."""
    groups: dict[str, _Group] = {}
    left_out = repeated = 0
    for trial in trials:
        state = getattr(trial, "state", "complete")
        if state in UNFINISHED:
            continue
        values = tuple(float(value) for value in trial.values) or (() if trial.value is None else (float(trial.value),))
        if state in LEFT_OUT or not values or not np.isfinite(values).all():
            left_out += 1
            continue
        group = groups.setdefault(canonical(dict(trial.params)), _Group(dict(trial.params)))
        repeated += bool(group.rows)
        if values not in group.rows:
            group.rows.append(values)
    return list(groups.values()), left_out, repeated


def _tabled(groups: Sequence[_Group], left_out: int, repeated: int) -> Observed:
    blocks = max(len(row) for group in groups for row in group.rows)
    table = np.full((len(groups), blocks), np.nan)
    counts = np.zeros(len(groups))
    for place, group in enumerate(groups):
        longest = max(len(row) for row in group.rows)
        rows = [row for row in group.rows if len(row) == longest]
        table[place, :longest] = np.mean(rows, axis=0)
        counts[place] = longest * len(rows)
    whole = np.isfinite(table).all(axis=1)
    block_means = table[whole].mean(axis=0)
    relative = table - block_means
    centred = np.nanmean(relative, axis=1)
    deviations = np.where(np.isfinite(relative), relative - centred[:, None], 0.0)
    return Observed(
        params=tuple(group.params for group in groups),
        y=centred + block_means.mean(),
        deviations=deviations if blocks > 1 else np.zeros((len(groups), 0)),
        noise=blocks / counts,
        left_out=left_out,
        repeated=repeated,
    )
