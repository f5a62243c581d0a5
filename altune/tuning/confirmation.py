"""Confirmation: select among the best recipes on fresh blocks, then report the one selected on held-back rows.

The value that the search saw is biased upwards (the winner's curse), and so, a little, is the value that selected.
Neither is ever shown as the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from altune.curve import LearningCurve, Objective
from altune.data.blocks import Block
from altune.recipe import Recipe
from altune.tuning.player import Outcome, Player, Task, whole
from altune.tuning.search import TrialRecord


@dataclass(frozen=True, eq=False)
class Played:
    """A recipe and its learning curves, one for each block."""

    recipe: Recipe
    curves: tuple[LearningCurve, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back."""
        return {"recipe": self.recipe.to_dict(), "curves": [curve.to_dict() for curve in self.curves]}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Played:
        """Read back what :meth:`to_dict` wrote."""
        curves = tuple(LearningCurve.from_dict(curve) for curve in plain["curves"])
        return cls(Recipe.from_dict(plain["recipe"]), curves)


@dataclass(frozen=True, eq=False)
class Candidate:
    """One of the best recipes of the search, played on the select blocks."""

    trial: int
    search_value: float
    played: Played


@dataclass(frozen=True, eq=False)
class Confirmation:
    """What was confirmed.

    Attributes
    ----------
    candidates : the best recipes of the search on the select blocks, best of the search first.
    selected : position of the one whose mean on the select blocks is highest.
    recipe : the selected recipe on the report blocks.
    baselines : each baseline on the report blocks, by name.
    matched : each baseline with the selected recipe's own start and loop sizes, on the report blocks.
    n_train, n_test : rows of a report block's pool and test set.
    """

    candidates: tuple[Candidate, ...]
    selected: int
    recipe: Played
    baselines: Mapping[str, Played]
    matched: Mapping[str, Played]
    n_train: int
    n_test: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back."""
        return {
            "candidates": [
                {"trial": one.trial, "search_value": one.search_value, "played": one.played.to_dict()}
                for one in self.candidates
            ],
            "selected": self.selected,
            "recipe": self.recipe.to_dict(),
            "baselines": {name: played.to_dict() for name, played in self.baselines.items()},
            "matched": {name: played.to_dict() for name, played in self.matched.items()},
            "n_train": self.n_train,
            "n_test": self.n_test,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Confirmation:
        """Read back what :meth:`to_dict` wrote."""
        return cls(
            candidates=tuple(
                Candidate(one["trial"], one["search_value"], Played.from_dict(one["played"]))
                for one in plain["candidates"]
            ),
            selected=plain["selected"],
            recipe=Played.from_dict(plain["recipe"]),
            baselines={name: Played.from_dict(played) for name, played in plain["baselines"].items()},
            matched={name: Played.from_dict(played) for name, played in plain["matched"].items()},
            n_train=plain["n_train"],
            n_test=plain["n_test"],
        )


def best_recipes(records: Sequence[TrialRecord], most: int) -> list[TrialRecord]:
    """Return the best trials of different recipes, best first; earlier trials first among equals."""
    ranked = sorted(
        (record for record in records if record.value is not None and record.recipe is not None),
        key=lambda record: (-float(record.value or 0.0), record.number),
    )
    found: dict[str, TrialRecord] = {}
    for record in ranked:
        if record.recipe is not None:
            found.setdefault(record.recipe.digest(), record)
    return list(found.values())[:most]


def matched_baseline(baseline: Recipe, recipe: Recipe) -> Recipe:
    """Return a baseline with the recipe's own start and loop sizes: what is left is worth of the selection itself."""
    return baseline.replace(initial_sample=recipe.initial_sample, loop_size=recipe.loop_size)


def confirm(
    player: Player,
    best: Sequence[TrialRecord],
    baselines: Mapping[str, Recipe],
    *,
    select: Sequence[Block],
    report: Sequence[Block],
    objective: Objective,
    on_done: Callable[[int, Outcome], None] = lambda index, outcome: None,
) -> Confirmation:
    """Select among the best recipes, and report the one selected beside the baselines.

    Parameters
    ----------
    player : plays trajectories.
    best : trials whose recipes compete, one or more.
    baselines : recipes by name.
    select, report : blocks that the search never scored.
    objective : what is maximised.
    on_done : called once for each trajectory.

    Raises
    ------
    WorkError
        If a trajectory fails.
    """
    recipes = [record.recipe for record in best if record.recipe is not None]
    played = _play_each(player, recipes, select, on_done)
    candidates = tuple(
        Candidate(record.number, float(record.value or 0.0), one) for record, one in zip(best, played, strict=True)
    )
    means = [np.mean([objective(curve) for curve in one.curves]) for one in played]
    selected = int(np.argmax(means))
    winner = recipes[selected]
    matched = {name: matched_baseline(baseline, winner) for name, baseline in baselines.items()}
    reported = _play_each(player, [winner, *baselines.values(), *matched.values()], report, on_done)
    size = 1 + len(baselines)
    return Confirmation(
        candidates=candidates,
        selected=selected,
        recipe=reported[0],
        baselines=dict(zip(baselines, reported[1:size], strict=True)),
        matched=dict(zip(matched, reported[size:], strict=True)),
        n_train=len(report[0].pool),
        n_test=len(report[0].test),
    )


def trajectories_to_confirm(candidates: int, baselines: int, select: int, report: int) -> int:
    """Return how many trajectories :func:`confirm` asks for."""
    return candidates * select + (1 + 2 * baselines) * report


def _play_each(
    player: Player,
    recipes: Sequence[Recipe],
    blocks: Sequence[Block],
    on_done: Callable[[int, Outcome], None],
) -> list[Played]:
    tasks = [Task(recipe, block) for recipe in recipes for block in blocks]
    curves = whole(player.play(tasks, on_done))
    size = len(blocks)
    return [Played(recipe, tuple(curves[index * size : (index + 1) * size])) for index, recipe in enumerate(recipes)]
