"""Confirmation: select among the best recipes on fresh blocks, then report the selected one on held-back rows.

The value that the search saw is biased upwards (the winner's curse), and so, to a smaller degree, is the value on which
the recipe was selected. Neither is ever shown as the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from altune.data.blocks import Block
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment
from altune.simulation.execution.items import WorkItem, curves_or_raise
from altune.simulation.execution.player import OnDone, Player
from altune.tuning.judging import REFERENCE, Judge, needs_references
from altune.tuning.preference import Preference
from altune.tuning.ranking import best_recipes
from altune.tuning.search_blocks import SearchBlocks
from altune.tuning.trials import TrialRecord


@dataclass(frozen=True, eq=False)
class Played:
    """A recipe with its learning curves, one for each block."""

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
    """One of the best recipes of the search on the select blocks of a data set.

    Attributes
    ----------
    trial : number of its trial.
    search_value : first objective in the search.
    played : the recipe with its curves on the select blocks.
    values : first objective on each of these blocks.
    """

    trial: int
    search_value: float
    played: Played
    values: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back."""
        return {
            "trial": self.trial,
            "search_value": self.search_value,
            "played": self.played.to_dict(),
            "values": list(self.values),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Candidate:
        """Read back what :meth:`to_dict` wrote."""
        played = Played.from_dict(plain["played"])
        return cls(plain["trial"], plain["search_value"], played, tuple(plain["values"]))


@dataclass(frozen=True, eq=False)
class Confirmation:
    """Confirmation on one data set.

    Attributes
    ----------
    candidates : best recipes of the search on the select blocks, best of the search first.
    selected : index of the candidate that is best on the select blocks of all data sets.
    recipe : selected recipe on the report blocks.
    baselines : each baseline on the report blocks, by name.
    matched : each baseline with the initial sample and the loop sizes of the selected recipe, on the report blocks.
    n_train, n_test : number of rows in the pool and the test set of a report block.
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
            "candidates": [candidate.to_dict() for candidate in self.candidates],
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
            candidates=tuple(Candidate.from_dict(candidate) for candidate in plain["candidates"]),
            selected=plain["selected"],
            recipe=Played.from_dict(plain["recipe"]),
            baselines={name: Played.from_dict(played) for name, played in plain["baselines"].items()},
            matched={name: Played.from_dict(played) for name, played in plain["matched"].items()},
            n_train=plain["n_train"],
            n_test=plain["n_test"],
        )


@dataclass(frozen=True, eq=False)
class ConfirmationBlocks:
    """Fresh blocks of one data set, on which the search scored nothing.

    Attributes
    ----------
    environment : data set and scenario.
    select, report : blocks to select on and to report on.
    """

    environment: Environment
    select: Sequence[Block]
    report: Sequence[Block]


def matched_baseline(baseline: Recipe, recipe: Recipe) -> Recipe:
    """Return a baseline with the initial sample and the loop sizes of a recipe."""
    return baseline.replace(initial_sample=recipe.initial_sample, loop_size=recipe.loop_size)


def confirm(
    player: Player,
    best: Sequence[TrialRecord],
    baselines: Mapping[str, Recipe],
    blocks: Sequence[ConfirmationBlocks],
    *,
    preference: Preference | None = None,
    on_done: OnDone = lambda index, outcome: None,
) -> list[Confirmation]:
    """Select among the best recipes, and report the selected one and the baselines on each data set.

    Parameters
    ----------
    player : plays work items.
    best : trials whose recipes compete, one or more.
    baselines : recipes of the baselines by name, random sampling among them.
    blocks : fresh blocks of each data set.
    preference : how to choose among several objectives.
    on_done : called once for each trajectory.

    Raises
    ------
    WorkError
        If a trajectory fails.
    """
    recipes = [trial.recipe for trial in best if trial.recipe is not None]
    candidates, selected = _select(player, best, recipes, baselines[REFERENCE], blocks, preference, on_done)
    winner = recipes[selected]
    matched = {name: matched_baseline(baseline, winner) for name, baseline in baselines.items()}
    end = 1 + len(baselines)
    confirmations = []
    for data_set, own_candidates in zip(blocks, candidates, strict=True):
        reported = _play_each(
            player, [winner, *baselines.values(), *matched.values()], data_set.environment, data_set.report, on_done
        )
        confirmations.append(
            Confirmation(
                candidates=tuple(own_candidates),
                selected=selected,
                recipe=reported[0],
                baselines=dict(zip(baselines, reported[1:end], strict=True)),
                matched=dict(zip(matched, reported[end:], strict=True)),
                n_train=len(data_set.report[0].pool),
                n_test=len(data_set.report[0].test),
            )
        )
    return confirmations


def trajectories_to_confirm(n_candidates: int, n_baselines: int, blocks: Sequence[ConfirmationBlocks]) -> int:
    """Return the number of trajectories that :func:`confirm` plays."""
    return sum(
        (n_candidates + needs_references(data_set.environment.scenario, len(blocks))) * len(data_set.select)
        + (1 + 2 * n_baselines) * len(data_set.report)
        for data_set in blocks
    )


def _select(
    player: Player,
    best: Sequence[TrialRecord],
    recipes: Sequence[Recipe],
    reference: Recipe,
    blocks: Sequence[ConfirmationBlocks],
    preference: Preference | None,
    on_done: OnDone,
) -> tuple[list[list[Candidate]], int]:
    """Return the candidates on each data set, and the index of the one selected over all data sets."""
    scenarios = [data_set.environment.scenario for data_set in blocks]
    with_reference = needs_references(scenarios[0], len(scenarios))
    to_play = [*recipes, reference] if with_reference else recipes
    played = [_play_each(player, to_play, data_set.environment, data_set.select, on_done) for data_set in blocks]
    order = SearchBlocks(tuple(len(data_set.select) for data_set in blocks))
    # Without a need of references any curves do for them, as they are not used.
    references = order.join([by_recipe[-1].curves for by_recipe in played])
    judge = Judge(scenarios, order, references)
    records = []
    candidates: list[list[Candidate]] = [[] for _ in blocks]
    for index, trial in enumerate(best):
        curves = order.join([by_recipe[index].curves for by_recipe in played])
        for data, values in enumerate(order.split(judge.block_values(curves).tolist())):
            candidate = Candidate(trial.number, float(trial.value or 0.0), played[data][index], tuple(values))
            candidates[data].append(candidate)
        objectives, violations = judge.values(curves), judge.constraints(curves)
        records.append(replace(trial, number=index, value=objectives[0], objectives=objectives, violations=violations))
    return candidates, best_recipes(records, 1, judge.objectives, preference)[0].number


def _play_each(
    player: Player, recipes: Sequence[Recipe], environment: Environment, blocks: Sequence[Block], on_done: OnDone
) -> list[Played]:
    items = [WorkItem(recipe, block, environment) for recipe in recipes for block in blocks]
    curves = curves_or_raise(player.play(items, on_done))
    size = len(blocks)
    return [Played(recipe, tuple(curves[index * size : (index + 1) * size])) for index, recipe in enumerate(recipes)]
