"""The candidates of a confirmation: the best recipes of the search and the baselines on the select blocks.

All of them are played on all select blocks, or, where the search says how good each is, block by block until one is
clearly ahead (:mod:`altune.tuning.selection`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from altune.core.errors import WorkError
from altune.recipes.recipe import Recipe
from altune.simulation.execution.items import Failure, Outcome, WorkItem, curves_or_raise
from altune.simulation.execution.player import OnDone, Player
from altune.tuning.judging import REFERENCE, Judge, needs_references
from altune.tuning.played import ConfirmationBlocks, Played
from altune.tuning.preference import Preference
from altune.tuning.ranking import best_recipes
from altune.tuning.search_blocks import SearchBlocks
from altune.tuning.selection import Posterior, Prior, Selector
from altune.tuning.trials import TrialRecord


@dataclass(frozen=True, eq=False)
class Candidate:
    """One of the best recipes of the search, or a baseline, on the select blocks of a data set.

    Attributes
    ----------
    trial : number of its trial, None for a baseline.
    search_value : first objective in the search.
    played : the recipe with its curves on the first select blocks: on all of them, unless it was clearly behind, or
        ahead of all others, before.
    values : first objective on each of these blocks.
    baseline : name of the baseline, empty for a trial.
    posterior : what is known of its value from the search and these blocks together, if it was selected by that.
    """

    trial: int | None
    search_value: float
    played: Played
    values: tuple[float, ...] = ()
    baseline: str = ""
    posterior: Posterior | None = None

    @property
    def name(self) -> str:
        """The baseline's name, or that of the trial."""
        return self.baseline or f"trial {self.trial}"

    def summary(self) -> dict[str, Any]:
        """Return what it was selected by, without its curves, as plain JSON values."""
        return {
            "name": self.name,
            "search_value": self.search_value,
            "values": list(self.values),
            "posterior": None if self.posterior is None else self.posterior.to_dict(),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back."""
        return {
            "trial": self.trial,
            "search_value": self.search_value,
            "played": self.played.to_dict(),
            "values": list(self.values),
            "baseline": self.baseline,
            "posterior": None if self.posterior is None else self.posterior.to_dict(),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Candidate:
        """Read back what :meth:`to_dict` wrote, in this version or an earlier one."""
        played, baseline = Played.from_dict(plain["played"]), plain.get("baseline", "")
        posterior = Posterior.from_dict(plain.get("posterior"))
        return cls(plain["trial"], plain["search_value"], played, tuple(plain["values"]), baseline, posterior)


@dataclass(frozen=True, eq=False)
class _Entry:
    """A recipe that competes on the select blocks, and where it comes from."""

    recipe: Recipe
    trial: int | None
    search_value: float
    baseline: str = ""


def select_candidates(
    player: Player,
    best: Sequence[TrialRecord],
    baselines: Mapping[str, Recipe],
    blocks: Sequence[ConfirmationBlocks],
    searched: Mapping[str, float],
    preference: Preference | None,
    prior: Prior | None,
    on_done: OnDone,
    say: Callable[[str], None],
) -> tuple[list[list[Candidate]], int]:
    """Play recipes on select blocks; return the candidates on each data set and the index of the one selected over all.

    The parameters are those of :func:`altune.tuning.confirmation.confirm`.
    """
    entries = [
        _Entry(trial.recipe, trial.number, float(trial.value or 0.0)) for trial in best if trial.recipe is not None
    ]
    entries += [_Entry(recipe, None, searched.get(name, 0.0), name) for name, recipe in baselines.items()]
    if prior is None:
        return _select_on_all(player, entries, blocks, preference, on_done, say)
    return _select_from_prior(player, entries, blocks[0], prior, on_done, say)


def _select_on_all(
    player: Player,
    entries: Sequence[_Entry],
    blocks: Sequence[ConfirmationBlocks],
    preference: Preference | None,
    on_done: OnDone,
    say: Callable[[str], None],
) -> tuple[list[list[Candidate]], int]:
    """Play all recipes on all select blocks; return the candidates on each data set and the index of the best one."""
    outcomes = [_outcomes(player, [entry.recipe for entry in entries], data_set, on_done) for data_set in blocks]
    failures: dict[int, Failure] = {}
    for by_recipe in outcomes:
        for index, on_blocks in enumerate(by_recipe):
            for outcome in on_blocks:
                if isinstance(outcome, Failure):
                    failures.setdefault(index, outcome)
    if len(failures) == len(entries):
        raise WorkError(failures[0].reason)
    _say_failures(entries, failures, say)
    playable = [index for index in range(len(entries)) if index not in failures]
    return _select(
        [entries[index] for index in playable],
        [
            [Played(entries[index].recipe, tuple(curves_or_raise(by_recipe[index]))) for index in playable]
            for by_recipe in outcomes
        ],
        blocks,
        preference,
    )


def _select_from_prior(
    player: Player,
    entries: Sequence[_Entry],
    data_set: ConfirmationBlocks,
    prior: Prior,
    on_done: OnDone,
    say: Callable[[str], None],
) -> tuple[list[list[Candidate]], int]:
    """Play recipes until one is clearly ahead; return the candidates on the data set and the index of that one."""
    environment, objective = data_set.environment, data_set.environment.objective
    names = [entry.baseline if entry.trial is None else entry.trial for entry in entries]
    selection = Selector(
        player,
        [entry.recipe for entry in entries],
        environment,
        data_set.select,
        np.array([[prior.means[name] for name in names], [prior.variances[name] for name in names]]),
        prior.noise,
        names.index(REFERENCE) if objective.needs_reference else None,
        on_done,
    ).select()
    _say_failures(entries, selection.failures, say)
    references = selection.curves[names.index(REFERENCE)] if objective.needs_reference else None
    playable = [index for index in range(len(entries)) if index not in selection.failures]
    candidates = []
    for index in playable:
        entry, curves = entries[index], selection.curves[index]
        values = objective.each(curves, None if references is None else references[: len(curves)])
        candidates.append(
            Candidate(
                entry.trial,
                entry.search_value,
                Played(entry.recipe, curves),
                tuple(values.tolist()),
                entry.baseline,
                selection.posteriors[index],
            )
        )
    return [candidates], playable.index(selection.best)


def _outcomes(
    player: Player, recipes: Sequence[Recipe], data_set: ConfirmationBlocks, on_done: OnDone
) -> list[list[Outcome]]:
    """Return the outcomes of each recipe on the select blocks of a data set."""
    items = [WorkItem(recipe, block, data_set.environment) for recipe in recipes for block in data_set.select]
    outcomes, size = player.play(items, on_done), len(data_set.select)
    return [outcomes[index * size : (index + 1) * size] for index in range(len(recipes))]


def _say_failures(entries: Sequence[_Entry], failures: Mapping[int, Failure], say: Callable[[str], None]) -> None:
    for index, failure in sorted(failures.items()):
        name = entries[index].baseline or f"trial {entries[index].trial}"
        say(f"{name} fails on a block that selects, so it is left out: {failure.reason}")


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
