"""Confirmation: select among the best recipes and the baselines on fresh blocks, then report on held-back rows.

What is selected is the recipe of the run, decided before any report block is played. The value that the search saw is
biased upwards (the winner's curse), and so, to a smaller degree, is the value on which the recipe was selected. Neither
is ever shown as the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from altune.core.errors import WorkError
from altune.data.blocks import Block
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment
from altune.simulation.execution.items import Failure, Outcome, WorkItem, curves_or_raise
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
    """One of the best recipes of the search, or a baseline, on the select blocks of a data set.

    Attributes
    ----------
    trial : number of its trial, None for a baseline.
    search_value : first objective in the search.
    played : the recipe with its curves on the select blocks.
    values : first objective on each of these blocks.
    baseline : name of the baseline, empty for a trial.
    """

    trial: int | None
    search_value: float
    played: Played
    values: tuple[float, ...] = ()
    baseline: str = ""

    @property
    def name(self) -> str:
        """The baseline's name, or that of the trial."""
        return self.baseline or f"trial {self.trial}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back."""
        return {
            "trial": self.trial,
            "search_value": self.search_value,
            "played": self.played.to_dict(),
            "values": list(self.values),
            "baseline": self.baseline,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Candidate:
        """Read back what :meth:`to_dict` wrote, in this version or an earlier one."""
        played, baseline = Played.from_dict(plain["played"]), plain.get("baseline", "")
        return cls(plain["trial"], plain["search_value"], played, tuple(plain["values"]), baseline)


@dataclass(frozen=True, eq=False)
class Confirmation:
    """Confirmation on one data set.

    Attributes
    ----------
    candidates : best recipes of the search on the select blocks, best of the search first, then the baselines.
    selected : index of the candidate that is best on the select blocks of all data sets.
    recipe : selected recipe on the report blocks.
    baselines : each baseline on the report blocks, by name.
    matched : each baseline with the sizes of start and loops of the selected recipe, on the report blocks.
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
    """Return a baseline with the sizes of start and loops of a recipe; it keeps how its first rows are chosen."""
    return baseline.replace(
        initial_sample=recipe.initial_sample.sized_alike(baseline.initial_sample), loop_size=recipe.loop_size
    )


def confirm(
    player: Player,
    best: Sequence[TrialRecord],
    baselines: Mapping[str, Recipe],
    blocks: Sequence[ConfirmationBlocks],
    *,
    searched: Mapping[str, float] | None = None,
    preference: Preference | None = None,
    on_done: OnDone = lambda index, outcome: None,
    say: Callable[[str], None] = lambda line: None,
) -> list[Confirmation]:
    """Select among the best recipes and the baselines, and report the selected one beside them on each data set.

    Parameters
    ----------
    player : plays work items.
    best : trials whose recipes compete, one or more.
    baselines : recipes of the baselines by name, random sampling among them.
    blocks : fresh blocks of each data set.
    searched : first objective of each baseline on the search blocks.
    preference : how to choose among several objectives.
    on_done : called once for each trajectory.
    say : receives a line for each recipe that fails on a select block, which leaves it out.

    Raises
    ------
    WorkError
        If all recipes fail on a select block, or one of those that are reported on a report block.
    """
    entries = [*_tried(best), *_baseline_entries(baselines, searched or {})]
    outcomes = [_outcomes(player, [entry.recipe for entry in entries], data_set, on_done) for data_set in blocks]
    playable = _playable(entries, outcomes, say)
    candidates, selected = _select(
        [entries[index] for index in playable],
        [
            [Played(entries[index].recipe, tuple(curves_or_raise(by_recipe[index]))) for index in playable]
            for by_recipe in outcomes
        ],
        blocks,
        preference,
    )
    winner = entries[playable[selected]].recipe
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
        (n_candidates + n_baselines) * len(data_set.select) + (1 + 2 * n_baselines) * len(data_set.report)
        for data_set in blocks
    )


@dataclass(frozen=True, eq=False)
class _Entry:
    """A recipe that competes on the select blocks, and where it comes from."""

    recipe: Recipe
    trial: int | None
    search_value: float
    baseline: str = ""


def _tried(best: Sequence[TrialRecord]) -> list[_Entry]:
    return [_Entry(trial.recipe, trial.number, float(trial.value or 0.0)) for trial in best if trial.recipe is not None]


def _baseline_entries(baselines: Mapping[str, Recipe], searched: Mapping[str, float]) -> list[_Entry]:
    return [_Entry(recipe, None, searched.get(name, 0.0), name) for name, recipe in baselines.items()]


def _outcomes(
    player: Player, recipes: Sequence[Recipe], data_set: ConfirmationBlocks, on_done: OnDone
) -> list[list[Outcome]]:
    """Return the outcomes of each recipe on the select blocks of a data set."""
    items = [WorkItem(recipe, block, data_set.environment) for recipe in recipes for block in data_set.select]
    outcomes, size = player.play(items, on_done), len(data_set.select)
    return [outcomes[index * size : (index + 1) * size] for index in range(len(recipes))]


def _playable(
    entries: Sequence[_Entry], outcomes: Sequence[Sequence[Sequence[Outcome]]], say: Callable[[str], None]
) -> list[int]:
    """Return the positions of the recipes that do not fail on any select block."""
    failures = [
        [outcome for by_recipe in outcomes for outcome in by_recipe[index] if isinstance(outcome, Failure)]
        for index in range(len(entries))
    ]
    playable = [index for index, failed in enumerate(failures) if not failed]
    if not playable:
        raise WorkError(failures[0][0].reason)
    for entry, failed in zip(entries, failures, strict=True):
        if failed:
            name = entry.baseline or f"trial {entry.trial}"
            say(f"{name} fails on a block that selects, so it is left out: {failed[0].reason}")
    return playable


def _select(
    entries: Sequence[_Entry],
    played: Sequence[Sequence[Played]],
    blocks: Sequence[ConfirmationBlocks],
    preference: Preference | None,
) -> tuple[list[list[Candidate]], int]:
    """Return the candidates on each data set, and the index of the one selected over all data sets.

    Parameters
    ----------
    entries : the recipes that compete.
    played : each of them on the select blocks of each data set.
    blocks : fresh blocks of each data set.
    preference : how to choose among several objectives.
    """
    scenarios = [data_set.environment.scenario for data_set in blocks]
    order = SearchBlocks(tuple(len(data_set.select) for data_set in blocks))
    random = next((index for index, entry in enumerate(entries) if entry.baseline == REFERENCE), None)
    if random is None and needs_references(scenarios[0], len(scenarios)):
        raise WorkError("random sampling, against which values are measured, fails on a block that selects")
    # Without a need of references any curves do for them, as they are not used.
    random = random or 0
    judge = Judge(scenarios, order, order.join([by_recipe[random].curves for by_recipe in played]))
    records = []
    candidates: list[list[Candidate]] = [[] for _ in blocks]
    for index, entry in enumerate(entries):
        curves = order.join([by_recipe[index].curves for by_recipe in played])
        for data, values in enumerate(order.split(judge.block_values(curves).tolist())):
            candidates[data].append(
                Candidate(entry.trial, entry.search_value, played[data][index], tuple(values), entry.baseline)
            )
        objectives, violations = judge.values(curves), judge.constraints(curves)
        records.append(
            TrialRecord(
                number=index,
                state="complete",
                value=objectives[0],
                params={},
                values=(),
                recipe=entry.recipe,
                objectives=objectives,
                violations=violations,
            )
        )
    return candidates, best_recipes(records, 1, judge.objectives, preference)[0].number


def _play_each(
    player: Player, recipes: Sequence[Recipe], environment: Environment, blocks: Sequence[Block], on_done: OnDone
) -> list[Played]:
    items = [WorkItem(recipe, block, environment) for recipe in recipes for block in blocks]
    curves = curves_or_raise(player.play(items, on_done))
    size = len(blocks)
    return [Played(recipe, tuple(curves[index * size : (index + 1) * size])) for index, recipe in enumerate(recipes)]
