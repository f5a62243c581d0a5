"""What finished runs give to a comparison: their confirmed recipe, or their stored confirmation whole."""

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
from altune.simulation.scenario import Scenario
from altune.tuning.confirmation import Confirmation, Played
from altune.tuning.judging import REFERENCE

_NOT_PLAYED = ("also", "risk", "constraints", "target_score", "objective")
"""Fields of a scenario that change neither curves nor what is measured; the first objective is looked at by itself."""


@dataclass(frozen=True, eq=False)
class StoredRun:
    """A confirmed run as it takes part.

    Attributes
    ----------
    name : in the comparison.
    where : the whole path of its folder, or its place among the runs where it has none.
    run : the run.
    """

    name: str
    where: str
    run: Run

    @property
    def environments(self) -> dict[str, Mapping[str, Any]]:
        """What its study says of each data set, by name."""
        return {one["data"]["name"]: one for one in self.run.record.header["environments"]}


def recipe_of_run(name: str, source: str | Path | Run, environments: Sequence[Environment]) -> tuple[Recipe, str]:
    """Return the confirmed recipe of a run, and what a reader must know of where it came from.

    Parameters
    ----------
    name : of the recipe in the comparison.
    source : the run or its folder.
    environments : in which it is to be played now.
    """
    run = source if isinstance(source, Run) else Run.open(source)
    stored = {one["data"]["name"]: one for one in run.record.header["environments"]}
    took = "the recipe that was confirmed" if run.confirmation is not None else "not confirmed: the best of the search"
    seen = [environment.dataset.name for environment in environments if environment.dataset.name in stored]
    fields = {
        field: None
        for environment in environments
        if environment.dataset.name in stored
        for field in _differing(stored[environment.dataset.name]["scenario"], environment.scenario.to_dict())
    }
    other = f"; its scenario there had another {', '.join(fields)}" if fields else ""
    unseen = [environment.dataset.name for environment in environments if environment.dataset.name not in stored]
    new = f"; {', '.join(unseen)} it never saw" if unseen and seen else ""
    return run.best_recipe, f"{name}: {took} on {', '.join(stored)}{other}{new}"


def stored_contests(
    sources: Sequence[str | Path | Run], target_score: float | None
) -> tuple[dict[str, Recipe], tuple[Contest, ...], tuple[str, ...]]:
    """Return the recipes, every number of each shared data set, and notes; see :func:`altune.compare_runs`.

    Raises
    ------
    RequestError
        Naming what the runs do not share.
    """
    if len(sources) < 2:
        raise RequestError(f"a comparison of runs needs two or more, not {len(sources)}")
    runs = _opened(sources)
    shared = [name for name in runs[0].environments if all(name in one.environments for one in runs)]
    if not shared:
        said = "; ".join(f"{one.name} has {', '.join(one.environments)}" for one in runs)
        raise RequestError(f"the runs share no data set: {said}; give `altune compare DATA` their folders to play anew")
    for other in runs[1:]:
        _require_same(runs[0], other, shared)
    notes = [
        f"{one.name}: {', '.join(rest)} is left out, which not all runs have"
        for one in runs
        if (rest := [name for name in one.environments if name not in shared])
    ]
    contests = []
    recipes: dict[str, Recipe] = {}
    for data in shared:
        played = _played(runs, data)
        blocks = min(len(one.curves) for one in played.values())
        longest = max(len(one.curves) for one in played.values())
        if blocks < longest:
            notes.append(f"{data}: the first {blocks} blocks, which all runs have, of up to {longest}")
        recipes = {name: one.recipe for name, one in played.items()}
        contests.append(_contest(runs[0], data, played, blocks, target_score))
    return recipes, tuple(contests), tuple(notes)


def _opened(sources: Sequence[str | Path | Run]) -> list[StoredRun]:
    """Return the runs by their folders' names, the whole path where two share one, the place of one in memory."""
    found: dict[str, StoredRun] = {}
    for number, source in enumerate(sources, start=1):
        run = source if isinstance(source, Run) else Run.open(source)
        where = f"run {number}" if run.folder is None else str(run.folder.resolve())
        if run.confirmation is None:
            raise RequestError(f"{where}: the run is not confirmed, so there is nothing to compare; confirm it first")
        if any(where == one.where or run is one.run for one in found.values()):
            raise RequestError(f"the run {where} stands there twice; give each of them once")
        short = Path(where).name
        name = where if short in found else short
        found[name] = StoredRun(name, where, run)
    return list(found.values())


def _require_same(first: StoredRun, other: StoredRun, shared: Sequence[str]) -> None:
    """Refuse runs whose report blocks are not the same, or are not scored alike."""
    problems = []
    seeds = [one.run.record.settings["seed"] for one in (first, other)]
    if seeds[0] != seeds[1]:
        problems.append(
            f"the seed is {seeds[0]} in {first.name} and {seeds[1]} in {other.name}, so their blocks differ"
        )
    for data in shared:
        mine, theirs = first.environments[data], other.environments[data]
        if mine["data"]["fingerprint"] != theirs["data"]["fingerprint"]:
            problems.append(f"the rows of {data} are others")
        if mine["blocks"] != theirs["blocks"]:
            problems.append(f"the explicit blocks of {data} are others")
        problems += [
            f"the scenario's {field} is {mine['scenario'].get(field)} in {first.name} and "
            f"{theirs['scenario'].get(field)} in {other.name}"
            for field in _differing(mine["scenario"], theirs["scenario"])
        ]
    if problems:
        raise RequestError(
            f"{first.name} and {other.name} cannot be compared by what they stored: "
            f"{'; '.join(dict.fromkeys(problems))}; `altune compare DATA` plays their recipes anew on the same blocks"
        )


def _differing(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Return the fields of two scenarios in which curves or what is measured differ."""
    fields = [name for name in theirs if name not in _NOT_PLAYED and mine.get(name) != theirs[name]]
    scenarios = [Scenario.from_dict(dict(one)) for one in (mine, theirs)]
    objectives = [one.objective_names[0] for one in scenarios]
    return fields + (["objective"] if objectives[0] != objectives[1] else [])


def _played(runs: Sequence[StoredRun], data: str) -> dict[str, Played]:
    """Return the confirmed recipe of each run, then each baseline once, with their curves on the report blocks."""
    confirmations = {one.name: one.run.confirmations[data] for one in runs}
    found = {name: one.recipe for name, one in confirmations.items()}
    seen: set[str] = set()
    for run, confirmation in confirmations.items():
        for name, played in confirmation.baselines.items():
            if played.recipe.digest() not in seen:
                seen.add(played.recipe.digest())
                found[name if name not in found else f"{name} of {run}"] = played
    return found


def _contest(
    first: StoredRun, data: str, played: Mapping[str, Played], blocks: int, target_score: float | None
) -> Contest:
    scenario: Scenario = first.run.record.scenarios[data]
    if target_score is not None:
        scenario = scenario.model_copy(update={"target_score": target_score})
    confirmation: Confirmation = first.run.confirmations[data]
    curves = {name: one.curves[:blocks] for name, one in played.items()}
    return Contest(
        data=data,
        curves=curves,
        objective=scenario.make_objective(),
        budget=scenario.labels,
        n_train=confirmation.n_train,
        n_test=confirmation.n_test,
        yardstick=REFERENCE,
        references=confirmation.baselines[REFERENCE].curves[:blocks],
    )
