"""The recipes of a search and their values, from which importance is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import WorkError
from altune.numerics.mixed_model import fit_mixed_model
from altune.recipes.space.domains import canonical

Array = NDArray[np.float64]

FEWEST = 5
MOST = 600
"""Largest number of recipes: the work of the surrogate grows with their cube."""
LEFT_OUT = ("failed", "forbidden")
UNFINISHED = ("running", "waiting")


class ObservedTrial(Protocol):
    """What importance reads of a trial, such as :class:`altune.tuning.trials.TrialRecord`."""

    @property
    def params(self) -> Mapping[str, Any]:
        """Optuna's parameters by path."""

    @property
    def value(self) -> float | None:
        """Mean objective over blocks, None if the trial failed."""

    @property
    def values(self) -> Sequence[float]:
        """Objective on each block that was played: the first ones, or those at its ``positions`` if it has any."""


@dataclass(frozen=True)
class Observation:
    """One recipe and its value, where there is no trial.

    Attributes
    ----------
    params : Optuna's parameters by path.
    value : mean objective over blocks; None if the recipe could not be played.
    values : the objective on each block; empty if it is not known.
    positions : number of the block of each value; empty if they are the first ones.
    """

    params: Mapping[str, Any]
    value: float | None
    values: Sequence[float] = ()
    positions: Sequence[int] = ()


@dataclass(frozen=True, eq=False)
class Observed:
    """The recipes of a search.

    Attributes
    ----------
    params : Optuna's parameters of each recipe, ``n`` of them.
    y : mean objective of each recipe over its blocks, corrected for the effects of the blocks, ``(n,)``.
    deviations : of the corrected objective on each block from ``y``, ``(n, n_blocks)``, 0 if a recipe was not played
        on a block.
    played : whether each recipe was played on each block, ``(n, n_blocks)``.
    noise : variance of a recipe's noise relative to a recipe played on the median number of blocks, ``(n,)``.
    left_out : number of trials that failed or were forbidden.
    repeated : number of trials that drew a recipe again.
    aside : number of recipes that are not used, because there are more than :data:`MOST`.
    """

    params: tuple[Mapping[str, Any], ...]
    y: Array
    deviations: Array
    played: NDArray[np.bool_]
    noise: Array
    left_out: int
    repeated: int
    aside: int = 0

    def __len__(self) -> int:
        return len(self.y)

    @property
    def n_blocks(self) -> int:
        """Number of blocks, 0 if only means are known."""
        return int(self.deviations.shape[1])


@dataclass
class _Group:
    """A recipe with its different values, each a mapping from the position of a block to the value there."""

    params: Mapping[str, Any]
    rows: list[dict[int, float]] = field(default_factory=list)


def observe(trials: Iterable[ObservedTrial], seed: int = 0) -> Observed:
    """Return the recipes of trials.

    A trial that failed or was forbidden has no value and is left out. A recipe that a racing search dropped counts
    with the blocks it was played on, compared with the others on those blocks, and with more noise. A recipe drawn
    again with the same values counts once; with other values it is averaged. Of more than :data:`MOST` recipes, half
    are the first ones of the search, which vary most, and half are drawn at random.

    Parameters
    ----------
    trials : the trials in the order of their numbers.
    seed : seed of the random half.

    Raises
    ------
    WorkError
        If there are fewer than five recipes, or all have the same value.
    """
    groups, left_out, repeated = _grouped(trials)
    if len(groups) < FEWEST:
        raise WorkError(f"importance needs at least {FEWEST} different recipes with a value, got {len(groups)}")
    kept = _not_too_many(groups, seed)
    observed = replace(_tabled(kept, left_out, repeated), aside=len(groups) - len(kept))
    if np.ptp(observed.y) <= 1e-12 * max(1.0, float(np.abs(observed.y).max())):
        raise WorkError("all recipes have the same value, so there is nothing to explain")
    return observed


def _not_too_many(groups: Sequence[_Group], seed: int) -> Sequence[_Group]:
    if len(groups) <= MOST:
        return groups
    first = MOST // 2
    drawn = np.random.default_rng([seed, 5]).choice(len(groups) - first, size=MOST - first, replace=False)
    return [*groups[:first], *(groups[first + index] for index in np.sort(drawn))]


def different_recipes(trials: Iterable[ObservedTrial]) -> int:
    """Return the number of different recipes that have a value."""
    return len(_grouped(trials)[0])


def _grouped(trials: Iterable[ObservedTrial]) -> tuple[list[_Group], int, int]:
    """Return the recipes with their values, the number of trials left out, and of trials that repeat a recipe."""
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
        row = dict(zip(getattr(trial, "positions", ()) or range(len(values)), values, strict=True))
        if row not in group.rows:
            group.rows.append(row)
    return list(groups.values()), left_out, repeated


def _tabled(groups: Sequence[_Group], left_out: int, repeated: int) -> Observed:
    blocks = 1 + max(position for group in groups for row in group.rows for position in row)
    table = np.full((len(groups), blocks), np.nan)
    plays = np.zeros(len(groups))
    for row_number, group in enumerate(groups):
        longest = max(len(row) for row in group.rows)
        rows = [row for row in group.rows if len(row) == longest]
        table[row_number, list(rows[0])] = np.mean([list(row.values()) for row in rows], axis=0)
        plays[row_number] = longest * len(rows)
    # Blocks on which nothing was played are left out.
    table = np.ascontiguousarray(table[:, np.isfinite(table).any(axis=0)])
    played = np.isfinite(table)
    block_means = table.mean(axis=0) if played.all() else fit_mixed_model(table).block_effects
    relative = table - block_means
    centred = np.nanmean(relative, axis=1)
    deviations = np.where(played, relative - centred[:, None], 0.0)
    return Observed(
        params=tuple(group.params for group in groups),
        y=centred + block_means.mean(),
        deviations=deviations if table.shape[1] > 1 else np.zeros((len(groups), 0)),
        played=played,
        noise=np.median(plays) / plays,
        left_out=left_out,
        repeated=repeated,
    )
