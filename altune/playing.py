"""simulate(): recipes played on fresh blocks, without a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from altune.curve import LearningCurve
from altune.data import Dataset
from altune.data.blocks import Block
from altune.errors import RequestError
from altune.models import as_model
from altune.objectives import Objective
from altune.recipe import Recipe, load_recipe
from altune.scenario import Scenario
from altune.statistics import Interval, mean_interval
from altune.tuning.crew import processes
from altune.tuning.player import Player, Task, whole
from altune.tuning.workers import Outcome
from altune.world import World, make_world

if TYPE_CHECKING:
    import pandas as pd

AnyRecipe = Recipe | str | Path | Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Simulation:
    """One recipe played on several blocks.

    Attributes
    ----------
    recipe : what was played.
    curves : one learning curve for each block.
    blocks : the blocks.
    objective : what is measured.
    overlap : test rows over pool rows, by which intervals are corrected.
    references : random sampling's curves on the same blocks, where the objective is measured against them.
    """

    recipe: Recipe
    curves: tuple[LearningCurve, ...]
    blocks: tuple[Block, ...]
    objective: Objective
    overlap: float
    references: tuple[LearningCurve, ...] | None = None

    @property
    def values(self) -> NDArray[np.float64]:
        """The objective on each block, ``(n_blocks,)``."""
        return self.objective.each(self.curves, self.references)

    @property
    def mean(self) -> float:
        """Mean objective over the blocks."""
        return float(self.values.mean())

    @property
    def interval(self) -> Interval:
        """Mean objective with its 95 % interval."""
        return mean_interval(self.values, overlap=self.overlap)

    @property
    def aulc(self) -> float:
        """Mean area under the learning curve over ``[0, budget]``, whatever the objective."""
        area = Objective("aulc", self.objective.metric, self.objective.over, self.objective.end)
        return float(np.mean([area(curve) for curve in self.curves]))

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each point of each block's curve."""
        import pandas as pd

        frames = [
            curve.to_frame().assign(block=block.number) for block, curve in zip(self.blocks, self.curves, strict=True)
        ]
        return pd.concat(frames, ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        metric = self.objective.metric
        blocks = []
        for block, curve, value in zip(self.blocks, self.curves, self.values, strict=True):
            blocks.append(
                {
                    "seed": block.number,
                    "labels": curve.labels.tolist(),
                    "scores": curve.scores[metric].tolist(),
                    "metrics": {name: scores.tolist() for name, scores in curve.scores.items()},
                    "rows": curve.rows.tolist(),
                    "stopped": curve.stopped,
                    "value": float(value),
                }
            )
        interval = self.interval.to_dict()
        return {
            "objective": self.objective.name,
            "metric": metric,
            "mean": self.mean,
            "low": interval["low"],
            "high": interval["high"],
            "blocks": blocks,
        }


def simulate(
    recipe: AnyRecipe,
    data: Dataset | str | Path,
    *,
    seeds: int = 10,
    seed: int = 0,
    target: str | None = None,
    model: Any = None,
    scenario: Scenario | None = None,
    blocks: Any = None,
    n_jobs: int = 1,
    on_done: Any = None,
    **overrides: Any,
) -> Simulation:
    """Play one recipe on fresh blocks and return its learning curves.

    Parameters
    ----------
    recipe : a recipe, the name of a built-in one, a YAML file, or a mapping.
    data : a data set, the name of a built-in one, or a file.
    seeds : number of blocks.
    seed : the study's seed, from which the blocks are drawn.
    target : the label column of a table.
    model : takes the place of the recipe's model.
    scenario : the world; ``overrides`` (``budget``, ``loops``, ``metric``, ``objective``, …) replace its fields.
    blocks : explicit blocks, see :func:`altune.data.blocks.read_blocks`.
    n_jobs : processes; −1 for one on each core. It changes no result.

    Examples
    --------
    >>> simulate("random_sampling", "iris", budget=30, seeds=2).values.shape
    (2,)
    """
    world = make_world(data, target=target, scenario=scenario, seed=seed, blocks=blocks, **overrides)
    return play_recipes({"recipe": recipe}, [world], seeds, model=model, n_jobs=n_jobs, on_done=on_done)[0]["recipe"]


def play_recipes(
    recipes: Mapping[str, AnyRecipe],
    worlds: Sequence[World],
    seeds: int,
    *,
    model: Any = None,
    n_jobs: int = 1,
    on_done: Any = None,
) -> list[dict[str, Simulation]]:
    """Play recipes on the same fresh blocks of each world; return each recipe's simulation, for each world.

    Parameters
    ----------
    recipes : by name.
    worlds : data sets with their scenarios.
    seeds : number of blocks of each.
    model : takes the place of every recipe's model.
    n_jobs : processes.
    on_done : called once for each trajectory.
    """
    if seeds < 1:
        raise RequestError(f"seeds must be 1 or more, not {seeds}")
    loaded = {name: load_recipe(recipe) for name, recipe in recipes.items()}
    extra = [load_recipe("random_sampling")] if worlds[0].objective.needs_reference else []
    if model is not None:
        fixed = as_model(model)
        loaded = {name: recipe.replace(model=fixed) for name, recipe in loaded.items()}
        extra = [recipe.replace(model=fixed) for recipe in extra]
    for world in worlds:
        where = f" on {world.dataset.name}" if len(worlds) > 1 else ""
        for name, recipe in loaded.items():
            world.require(recipe, f"the recipe {name!r}{where}")
    blocks = [fresh_blocks(world, seeds) for world in worlds]
    tasks = [
        Task(recipe, block, world)
        for world, own in zip(worlds, blocks, strict=True)
        for recipe in [*loaded.values(), *extra]
        for block in own
    ]

    def told(index: int, outcome: Outcome) -> None:
        if on_done is not None:
            on_done()

    with Player(jobs=processes(n_jobs)) as player:
        curves = iter(whole(player.play(tasks, told)))
    found = []
    for world, own in zip(worlds, blocks, strict=True):
        played = [tuple(next(curves) for _ in own) for _ in range(len(loaded) + len(extra))]
        overlap = len(own[0].test) / len(own[0].pool)
        references = played[-1] if extra else None
        found.append(
            {
                name: Simulation(recipe, played[index], tuple(own), world.objective, overlap, references)
                for index, (name, recipe) in enumerate(loaded.items())
            }
        )
    return found


def fresh_blocks(world: World, count: int) -> Sequence[Block]:
    """Return report blocks, which no search of the same seed has scored; of explicit ones, the given ones."""
    if world.explicit:
        return world.explicit.get("report") or world.explicit["search"]
    return world.blocks("report", count)
