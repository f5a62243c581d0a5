"""Confirmation: select among the best recipes on fresh blocks, then report the one selected on held-back rows.

The value that the search saw is biased upwards (the winner's curse), and so, a little, is the value that selected.
Neither is ever shown as the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from altune.data.blocks import Block
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment
from altune.simulation.execution.items import Outcome, WorkItem, curves_or_raise
from altune.simulation.execution.player import Player
from altune.simulation.objectives import Direction, Objective
from altune.tuning.judging import REFERENCE, Judge, Place
from altune.tuning.preference import Preference
from altune.tuning.trials import TrialRecord


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
    """One of the best recipes of the search, played on the select blocks.

    Attributes
    ----------
    trial : its number.
    search_value : first objective in the search.
    played : its curves on the select blocks.
    values : first objective on each of them.
    """

    trial: int
    search_value: float
    played: Played
    values: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Confirmation:
    """What was confirmed.

    Attributes
    ----------
    candidates : the best recipes of the search on the select blocks, best of the search first.
    selected : position of the one that is best on the select blocks.
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
                {
                    "trial": one.trial,
                    "search_value": one.search_value,
                    "played": one.played.to_dict(),
                    "values": list(one.values),
                }
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
                Candidate(one["trial"], one["search_value"], Played.from_dict(one["played"]), tuple(one["values"]))
                for one in plain["candidates"]
            ),
            selected=plain["selected"],
            recipe=Played.from_dict(plain["recipe"]),
            baselines={name: Played.from_dict(played) for name, played in plain["baselines"].items()},
            matched={name: Played.from_dict(played) for name, played in plain["matched"].items()},
            n_train=plain["n_train"],
            n_test=plain["n_test"],
        )


@dataclass(frozen=True, eq=False)
class ConfirmationBlocks:
    """The fresh blocks of one data set.

    Attributes
    ----------
    environment : the data set and its scenario.
    select, report : blocks that the search never scored.
    """

    environment: Environment
    select: Sequence[Block]
    report: Sequence[Block]


def best_recipes(
    records: Sequence[TrialRecord],
    most: int,
    objectives: Sequence[Objective],
    preference: Preference | None = None,
    values: Mapping[int, float] | None = None,
) -> list[TrialRecord]:
    """Return the best trials of different recipes, best first; earlier trials first among equals.

    Trials that break a constraint come last, by how much they break it.

    Parameters
    ----------
    records : trials of a search.
    most : how many are wanted.
    objectives : the study's.
    preference : how one is picked of several objectives; by default the first objective decides, then the next.
    values : what takes the place of the first objective, by trial number.
    """
    ranked = [record for record in records if record.value is not None and record.recipe is not None]
    names = [objective.name for objective in objectives]
    rule = preference if preference is not None else Preference.usual(names)
    found: dict[str, TrialRecord] = {}
    for group in (
        [record for record in ranked if record.feasible],
        sorted((record for record in ranked if not record.feasible), key=lambda one: max(one.broken.values())),
    ):
        if group and group[0].feasible:
            table = np.array([record.objectives for record in group], dtype=np.float64)
            if values is not None:
                table[:, 0] = [values[record.number] for record in group]
            directions: list[Direction] = [objective.direction for objective in objectives]
            if values is not None:
                directions[0] = "maximize"
            group = [group[place] for place in rule.order(table, names, directions)]
        for record in group:
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
    parts: Sequence[ConfirmationBlocks],
    *,
    preference: Preference | None = None,
    on_done: Callable[[int, Outcome], None] = lambda index, outcome: None,
) -> list[Confirmation]:
    """Select among the best recipes, and report the one selected beside the baselines, on each data set.

    Parameters
    ----------
    player : plays trajectories.
    best : trials whose recipes compete, one or more.
    baselines : recipes by name, random sampling among them.
    parts : the fresh blocks, for each data set.
    preference : how one is picked of several objectives.
    on_done : called once for each trajectory.

    Raises
    ------
    WorkError
        If a trajectory fails.
    """
    recipes = [record.recipe for record in best if record.recipe is not None]
    candidates, selected = _select(player, best, recipes, baselines[REFERENCE], parts, preference, on_done)
    winner = recipes[selected]
    matched = {name: matched_baseline(baseline, winner) for name, baseline in baselines.items()}
    confirmations = []
    for part, own in zip(parts, candidates, strict=True):
        everyone = [winner, *baselines.values(), *matched.values()]
        reported = _play_each(player, everyone, part.environment, part.report, on_done)
        size = 1 + len(baselines)
        confirmations.append(
            Confirmation(
                candidates=tuple(own),
                selected=selected,
                recipe=reported[0],
                baselines=dict(zip(baselines, reported[1:size], strict=True)),
                matched=dict(zip(matched, reported[size:], strict=True)),
                n_train=len(part.report[0].pool),
                n_test=len(part.report[0].test),
            )
        )
    return confirmations


def trajectories_to_confirm(candidates: int, baselines: int, parts: Sequence[ConfirmationBlocks]) -> int:
    """Return how many trajectories :func:`confirm` asks for."""
    return sum(
        (candidates + _needs_references(parts)) * len(part.select) + (1 + 2 * baselines) * len(part.report)
        for part in parts
    )


def _select(
    player: Player,
    best: Sequence[TrialRecord],
    recipes: Sequence[Recipe],
    reference: Recipe,
    parts: Sequence[ConfirmationBlocks],
    preference: Preference | None,
    on_done: Callable[[int, Outcome], None],
) -> tuple[list[list[Candidate]], int]:
    """Return the candidates on each data set, and which of them is selected over all."""
    extra = [reference] if _needs_references(parts) else []
    played = [_play_each(player, [*recipes, *extra], part.environment, part.select, on_done) for part in parts]
    places = [Place(part.environment, block, data) for data, part in enumerate(parts) for block in part.select]
    # Where no reference is needed, any curve stands in for it and is not looked at.
    references = [curve for one in played for curve in one[len(recipes) if extra else 0].curves]
    judge = Judge(places, references, len(places))
    records = []
    candidates: list[list[Candidate]] = [[] for _ in parts]
    for number, trial in enumerate(best):
        curves = [curve for one in played for curve in one[number].curves]
        on_places, start = judge.on_places(curves), 0
        for data, one in enumerate(played):
            end = start + len(one[number].curves)
            own = tuple(on_places[start:end].tolist())
            candidates[data].append(Candidate(trial.number, float(trial.value or 0.0), one[number], own))
            start = end
        objectives, broken = judge.values(curves), judge.constraints(curves)
        records.append(replace(trial, number=number, value=objectives[0], objectives=objectives, broken=broken))
    selected = best_recipes(records, 1, judge.objectives, preference)[0].number
    return candidates, selected


def _needs_references(parts: Sequence[ConfirmationBlocks]) -> bool:
    scenario = parts[0].environment.scenario
    bounds = [scenario.make_objective(bound.name) for bound in scenario.make_constraints()]
    return len(parts) > 1 or any(one.needs_reference for one in (*scenario.make_objectives(), *bounds))


def _play_each(
    player: Player,
    recipes: Sequence[Recipe],
    environment: Environment,
    blocks: Sequence[Block],
    on_done: Callable[[int, Outcome], None],
) -> list[Played]:
    tasks = [WorkItem(recipe, block, environment) for recipe in recipes for block in blocks]
    curves = curves_or_raise(player.play(tasks, on_done))
    size = len(blocks)
    return [Played(recipe, tuple(curves[index * size : (index + 1) * size])) for index, recipe in enumerate(recipes)]
