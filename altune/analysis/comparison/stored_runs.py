"""Runs in a comparison: their confirmed recipe, or their whole stored confirmation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altune.analysis.comparison.contest import Contest
from altune.analysis.run import Run
from altune.core.errors import RequestError
from altune.recipes.recipe import Recipe
from altune.simulation.environment import Environment
from altune.simulation.scenario import Scenario, all_fields
from altune.tuning.confirmation import Confirmation
from altune.tuning.header import data_changes
from altune.tuning.judging import REFERENCE
from altune.tuning.played import Played

_NOT_PLAYED = ("also", "risk", "constraints", "target_score", "objective")
"""Fields of a scenario that change neither curves nor what is measured; the first objective is checked separately."""


@dataclass(frozen=True, eq=False)
class StoredRun:
    """A confirmed run in a comparison.

    Attributes
    ----------
    name : name in the comparison.
    where : path of its folder; its number among the runs if it is in memory.
    run : the run.
    """

    name: str
    where: str
    run: Run

    @property
    def environments(self) -> dict[str, Mapping[str, Any]]:
        """The stored header of each data set, by name."""
        return {header["data"]["name"]: header for header in self.run.record.header["environments"]}


def origin_of_run(name: str, run: Run, environments: Sequence[Environment]) -> str:
    """Return a note on where the recipe of a run comes from.

    Parameters
    ----------
    name : name of the recipe in the comparison.
    run : the run.
    environments : the environments in which the recipe will be played.
    """
    stored = {header["data"]["name"]: header for header in run.record.header["environments"]}
    kind = "confirmed" if run.confirmation is not None else "not confirmed, the best of the search"
    seen = [environment.dataset.name for environment in environments if environment.dataset.name in stored]
    fields = {
        field: None
        for environment in environments
        if environment.dataset.name in stored
        for field in _differing(stored[environment.dataset.name]["scenario"], environment.scenario.to_dict())
    }
    other = f"; its scenario had another {', '.join(fields)}" if fields else ""
    unseen = [environment.dataset.name for environment in environments if environment.dataset.name not in stored]
    new = f"; not searched on {', '.join(unseen)}" if unseen and seen else ""
    held = _held_back_note(run, environments[0].seed) if seen else ""
    return f"{name}: {kind} on {', '.join(stored)}{other}{new}{held}"


def _held_back_note(run: Run, seed: int) -> str:
    """Return what playing the recipe again on the run's own data can tell, by the seed."""
    if int(run.record.settings["seed"]) == seed:
        return (
            "; pools of their own, scored on the rows that its search held back: this checks the luck of its report "
            "blocks, not that of these rows"
        )
    return "; with another seed than its search, other rows are held back, on which its search may have been scored"


def stored_contests(
    sources: Sequence[str | Path | Run], target_score: float | None
) -> tuple[dict[str, Recipe], tuple[Contest, ...], tuple[str, ...]]:
    """Return the recipes, all numbers of each shared data set, and notes; see :func:`altune.compare_runs`.

    Raises
    ------
    RequestError
        If the runs cannot be compared; the message says what differs.
    """
    if len(sources) < 2:
        raise RequestError(f"a comparison of runs needs two or more, got {len(sources)}")
    runs = _opened(sources)
    shared = [name for name in runs[0].environments if all(name in run.environments for run in runs)]
    if not shared:
        listed = "; ".join(f"{run.name} has {', '.join(run.environments)}" for run in runs)
        raise RequestError(
            f"the runs share no data set: {listed}; `altune compare DATA` with their folders plays their recipes"
        )
    for other in runs[1:]:
        _require_same(runs[0], other, shared)
    notes = [
        f"{run.name}: {', '.join(rest)} is left out, since not all runs have it"
        for run in runs
        if (rest := [name for name in run.environments if name not in shared])
    ]
    contests = []
    recipes: dict[str, Recipe] = {}
    for data in shared:
        recipes_played = _played(runs, data)
        fewest = min(len(played.curves) for played in recipes_played.values())
        most = max(len(played.curves) for played in recipes_played.values())
        if fewest < most:
            notes.append(f"{data}: the first {fewest} blocks, which all runs have, of up to {most}")
        recipes = {name: played.recipe for name, played in recipes_played.items()}
        contests.append(_contest(runs[0], data, recipes_played, fewest, target_score))
    return recipes, tuple(contests), tuple(notes)


def _opened(sources: Sequence[str | Path | Run]) -> list[StoredRun]:
    """Return the runs, named by their folder, its path if two have the same name, or their number if in memory."""
    runs: dict[str, StoredRun] = {}
    for number, source in enumerate(sources, start=1):
        run = source if isinstance(source, Run) else Run.open(source)
        where = f"run {number}" if run.folder is None else str(run.folder.resolve())
        if run.confirmation is None:
            raise RequestError(f"{where}: the run is not confirmed, so there is nothing to compare; confirm it first")
        if any(where == other.where or run is other.run for other in runs.values()):
            raise RequestError(f"the run {where} is given twice; give each run once")
        short = Path(where).name
        name = where if short in runs else short
        runs[name] = StoredRun(name, where, run)
    return list(runs.values())


def _require_same(first: StoredRun, other: StoredRun, shared: Sequence[str]) -> None:
    """Raise an error if the report blocks of two runs differ, or are not scored in the same way."""
    problems = []
    seeds = [stored.run.record.settings["seed"] for stored in (first, other)]
    if seeds[0] != seeds[1]:
        problems.append(
            f"the seed is {seeds[0]} in {first.name} and {seeds[1]} in {other.name}, so their blocks differ"
        )
    for data in shared:
        mine, theirs = first.environments[data], other.environments[data]
        problems += data_changes(mine["data"], theirs["data"])
        if mine["blocks"] != theirs["blocks"]:
            problems.append(f"the explicit blocks of {data} differ")
        here, there = all_fields(mine["scenario"]), all_fields(theirs["scenario"])
        problems += [
            f"the scenario's {field} is {here.get(field)} in {first.name} and {there.get(field)} in {other.name}"
            for field in _differing(here, there)
        ]
    if problems:
        raise RequestError(
            f"the stored results of {first.name} and {other.name} cannot be compared: "
            f"{'; '.join(dict.fromkeys(problems))}; `altune compare DATA` plays their recipes on the same blocks"
        )


def _differing(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Return the fields that differ between two scenarios and change curves or what is measured."""
    here, there = all_fields(mine), all_fields(theirs)
    fields = [
        name for name in dict.fromkeys([*here, *there]) if name not in _NOT_PLAYED and here.get(name) != there.get(name)
    ]
    first, second = (Scenario.from_dict(dict(plain)).objective_names[0] for plain in (mine, theirs))
    return fields + (["objective"] if first != second else [])


def _played(runs: Sequence[StoredRun], data: str) -> dict[str, Played]:
    """Return the confirmed recipe of each run and each different baseline, with their curves on the report blocks."""
    confirmations = {stored.name: stored.run.confirmations[data] for stored in runs}
    recipes = {name: confirmation.recipe for name, confirmation in confirmations.items()}
    seen: set[str] = set()
    for run, confirmation in confirmations.items():
        for name, played in confirmation.baselines.items():
            if played.recipe.digest() not in seen:
                seen.add(played.recipe.digest())
                recipes[name if name not in recipes else f"{name} of {run}"] = played
    return recipes


def _contest(
    first: StoredRun, data: str, recipes: Mapping[str, Played], blocks: int, target_score: float | None
) -> Contest:
    scenario: Scenario = first.run.record.scenarios[data]
    if target_score is not None:
        scenario = scenario.model_copy(update={"target_score": target_score})
    confirmation: Confirmation = first.run.confirmations[data]
    curves = {name: played.curves[:blocks] for name, played in recipes.items()}
    return Contest(
        data=data,
        curves=curves,
        objective=scenario.make_objective(),
        budget=scenario.labels,
        n_train=confirmation.n_train,
        n_test=confirmation.n_test,
        yardstick=REFERENCE,
        references=confirmation.baselines[REFERENCE].curves[:blocks],
        encoding=first.run.record.encodings.get(data),
    )
