"""Strategies played on the search blocks of one data set after another, with a cache of finished trajectories."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from altune.core.types import Array
from altune.data import load_dataset
from altune.simulation.environment import make_environment
from altune.simulation.execution.items import Failure, WorkItem
from altune.simulation.execution.player import Player
from altune.simulation.store import TrajectoryStore
from lib.data_sets import at_most
from lib.strategy_recipes import Place, RecipeOf


@dataclass(frozen=True)
class Played:
    """Strategies on the same blocks of one data set.

    Attributes
    ----------
    place : the data set.
    areas : area under the curve of each strategy on each block, ``(n_blocks,)``.
    failures : one line for each strategy that failed; the others have areas.
    """

    place: Place
    areas: Mapping[str, Array]
    failures: tuple[str, ...] = ()


def play_all(
    places: Sequence[Place], recipes: Mapping[str, RecipeOf], model: str, n_blocks: int, folder: Path, jobs: int
) -> list[Played]:
    """Play strategies on every data set, and print progress on standard error.

    Parameters
    ----------
    places : the data sets.
    recipes : how each strategy is played.
    model : name of the model.
    n_blocks : number of search blocks of each data set.
    folder : where finished trajectories are stored; those that are there are not played again.
    jobs : number of processes. It does not affect results.
    """
    store, began, results, simulated_sets = TrajectoryStore(folder), time.monotonic(), [], 0
    for done, place in enumerate(places, 1):
        played, simulated = play_one(place, recipes, model, n_blocks, store, jobs)
        results.append(played)
        if not simulated:
            began = time.monotonic() if not simulated_sets else began
            continue
        simulated_sets += 1
        left = (time.monotonic() - began) / simulated_sets * (len(places) - done)
        line = f"{model}, {place.data}: {simulated} trajectories played; {done} of {len(places)} data sets"
        print(f"{line}, about {left / 60:.0f} min left", file=sys.stderr, flush=True)
    return results


def play_one(
    place: Place, recipes: Mapping[str, RecipeOf], model: str, n_blocks: int, store: TrajectoryStore, jobs: int
) -> tuple[Played, int]:
    """Return the areas on one data set, and how many trajectories were simulated for it."""
    environment = make_environment(at_most(load_dataset(place.data), place.most_rows), seed=place.seed)
    blocks = environment.blocks("search", n_blocks)
    items = [
        WorkItem(recipe(place, number, model), block, environment)
        for recipe in recipes.values()
        for number, block in enumerate(blocks)
    ]
    with Player(store=store, jobs=jobs) as player:
        outcomes = iter(player.play(items))
    areas, failures = {}, []
    for name in recipes:
        curves = [next(outcomes) for _ in blocks]
        if failed := [curve for curve in curves if isinstance(curve, Failure)]:
            failures.append(f"{place.data}, {model}, {name}: {failed[0].reason}")
        else:
            areas[name] = environment.objective.each([curve for curve in curves if not isinstance(curve, Failure)])
    return Played(place, areas, tuple(failures)), player.simulated
