"""What is every recipe of a small space worth? All curves on many blocks, stored once: the truth for other benchmarks.

    python benchmarks/full_grid.py                                  # digits and image_segments, 20 blocks each
    python benchmarks/full_grid.py --grids svm forest few many --blocks 24
    python benchmarks/full_grid.py --grids digits --blocks 10 --jobs 2 --out runs/full_grid

The grids are those of ``lib/grids.py``. A block is written whole or not at all, so an interrupted command resumes where
it stopped, and more blocks can be added later.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from lib.grids import GRIDS, SEED, GridPlan
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from altune.core.errors import AltuneError, RequestError
from altune.core.files import write_text
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.recipes.space.domains import Choices
from altune.recipes.space.tree import Decision
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment
from altune.simulation.prepared import prepare_block
from altune.simulation.trajectory import play

FOLDER = Path("runs/full_grid")
DEFAULT = ("digits", "image_segments")
GRID_FILE = "grid.json"

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grid:
    """Every recipe of a space on every block of one data set.

    Attributes
    ----------
    name : name of the grid.
    space : the space whose recipes these are.
    params : Optuna's parameters of each recipe, ``n_recipes`` of them.
    weights : the chance of each recipe under the space's own draws, ``(n_recipes,)``, summing to 1.
    values : the objective, ``(n_recipes, n_blocks)``.
    labels : labels bought at each point of a curve, ``(n_recipes, n_blocks, n_points)``; −1 beyond a curve's end.
    scores : accuracy at each point, of the same shape; NaN beyond a curve's end.
    prior : accuracy before the first model on each block, ``(n_blocks,)``.
    n_pool, n_test : rows of a block.
    budget : labels.
    """

    name: str
    space: SearchSpace
    params: list[dict[str, Any]]
    weights: Array
    values: Array
    labels: NDArray[np.int32]
    scores: NDArray[np.float32]
    prior: Array
    n_pool: int
    n_test: int
    budget: int

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return int(self.values.shape[1])

    def recipe(self, index: int) -> Recipe:
        """Return one recipe."""
        return self.space.recipe_at(self.params[index])

    def index(self) -> dict[frozenset[tuple[str, Any]], int]:
        """Return the place of each recipe by its parameters."""
        return {frozenset(params.items()): place for place, params in enumerate(self.params)}


def chance(space: SearchSpace, params: Mapping[str, Any]) -> float:
    """Return how likely the space's own draws give a recipe: each alternative and each choice alike."""
    return prod(1 / _options(space, path) for path in params)


def _options(space: SearchSpace, path: str) -> int:
    knob = path.split(".")[0]
    node = space.decisions[knob].find(path, knob)
    if isinstance(node, Decision):
        return len(node.alternatives)
    if isinstance(node, Choices):
        return len(node.values)
    raise RequestError(f"{path}: a grid needs choices, not a range")


def open_folder(folder: Path, plan: GridPlan, environment: Environment, params: list[dict[str, Any]]) -> None:
    """Begin a grid's folder, or make sure that it was begun with the same recipes in the same environment.

    Raises
    ------
    RequestError
        If it holds another grid.
    """
    block = environment.blocks("search", 1)[0]
    plain = {
        "data": environment.dataset.name,
        "fingerprint": environment.dataset.fingerprint,
        "budget": plan.budget,
        "loops": plan.loops,
        "seed": SEED,
        "space": plan.space,
        "params": params,
        "n_pool": len(block.pool),
        "n_test": len(block.test),
    }
    path = folder / GRID_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(plain))
    elif json.loads(path.read_text("utf-8")) != json.loads(json.dumps(plain)):
        raise RequestError(f"{folder} holds another grid; give another --out")


def play_block(environment: Environment, number: int, recipes: Sequence[Recipe], jobs: int, folder: Path) -> None:
    """Play every recipe on one block and write the curves."""
    shares = [recipes[first::jobs] for first in range(jobs)]
    played = joblib.Parallel(n_jobs=jobs)(joblib.delayed(play_recipes)(environment, number, some) for some in shares)
    curves: list[LearningCurve] = [played[place % jobs][place // jobs] for place in range(len(recipes))]
    objective = environment.objective
    path = folder / block_file(number)
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        np.savez_compressed(
            file,
            values=np.array([objective(curve) for curve in curves]),
            prior=np.array(curves[0].prior["accuracy"]),
            labels=padded([curve.labels for curve in curves], -1).astype(np.int32),
            scores=padded([curve.scores["accuracy"] for curve in curves], np.nan).astype(np.float32),
        )
    os.replace(partial, path)


def play_recipes(environment: Environment, number: int, recipes: Sequence[Recipe]) -> list[LearningCurve]:
    """Play some recipes on one block, on one thread."""
    prepared = prepare_block(
        environment.dataset, environment.blocks("search", number + 1)[number], SEED, environment.scenario.scaling
    )
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [play(recipe, prepared, environment.scenario) for recipe in recipes]


def block_file(number: int) -> str:
    """Return the name of a block's file."""
    return f"block_{number:03d}.npz"


def padded(rows: Sequence[NDArray[Any]], fill: float) -> Array:
    """Return rows of several lengths as one array, ``(n_rows, longest)``."""
    result = np.full((len(rows), max(len(row) for row in rows)), fill, dtype=np.float64)
    for place, row in enumerate(rows):
        result[place, : len(row)] = row
    return result


def load_grid(folder: str | Path, name: str, blocks: int | None = None) -> Grid:
    """Read what this command stored.

    Parameters
    ----------
    folder : the command's ``--out``.
    name : name of the grid.
    blocks : how many blocks to read, the first ones; by default all that are there.

    Raises
    ------
    RequestError
        If they are not there.
    """
    home = Path(folder) / name
    path = home / GRID_FILE
    stored = sorted(home.glob("block_*.npz"))
    if not path.exists() or len(stored) < (blocks or 1):
        wanted = f"{blocks or 1} blocks of {name}"
        raise RequestError(f"{home} does not hold {wanted}; run: python benchmarks/full_grid.py --grids {name}")
    plain = json.loads(path.read_text("utf-8"))
    parts = [dict(np.load(file)) for file in stored[:blocks]]
    points = max(part["labels"].shape[1] for part in parts)
    space = SearchSpace.from_dict(plain["space"])
    return Grid(
        name=name,
        space=space,
        params=plain["params"],
        weights=np.array([chance(space, params) for params in plain["params"]]),
        values=np.stack([part["values"] for part in parts], axis=1),
        labels=np.stack([_widened(part["labels"], points, -1) for part in parts], axis=1),
        scores=np.stack([_widened(part["scores"], points, np.nan) for part in parts], axis=1),
        prior=np.array([float(part["prior"]) for part in parts]),
        n_pool=plain["n_pool"],
        n_test=plain["n_test"],
        budget=plain["budget"],
    )


def _widened(rows: NDArray[Any], points: int, fill: float) -> NDArray[Any]:
    return np.pad(rows, ((0, 0), (0, points - rows.shape[1])), constant_values=fill)


def curve_of(grid: Grid, recipe: int, block: int) -> LearningCurve:
    """Return a stored curve; what was not stored (rows, seconds, facts) is zero or empty."""
    there = grid.labels[recipe, block] >= 0
    labels = grid.labels[recipe, block][there].astype(np.int64)
    nothing = np.zeros(len(labels))
    return LearningCurve(
        labels=labels,
        used=labels,
        cost=labels.astype(np.float64),
        scores={"accuracy": grid.scores[recipe, block][there].astype(np.float64)},
        prior={"accuracy": float(grid.prior[block])},
        loop_rows=np.diff(labels, prepend=0),
        fit_seconds=nothing,
        query_seconds=nothing,
        evaluation_seconds=nothing,
        notes=({},) * len(labels),
        rows=np.zeros(0, dtype=np.int64),
        stopped="budget",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Play what is missing; one block of each grid in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grids", nargs="+", choices=GRIDS, default=list(DEFAULT), metavar="NAME")
    parser.add_argument("--blocks", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="FOLDER")
    options = parser.parse_args(argv)
    if options.blocks < 1 or options.jobs < 1:
        parser.error("--blocks and --jobs must be at least 1")
    try:
        opened = {name: begin(name, options.out / name) for name in options.grids}
        for number in range(options.blocks):
            for name, (environment, recipes) in opened.items():
                folder = options.out / name
                if (folder / block_file(number)).exists():
                    continue
                began = time.monotonic()
                play_block(environment, number, recipes, options.jobs, folder)
                took = time.monotonic() - began
                print(f"{name}: block {number + 1} of {options.blocks}, {took:.0f} s", file=sys.stderr, flush=True)
    except AltuneError as error:
        print(f"full_grid: {error}", file=sys.stderr)
        return 2
    for name, (_, recipes) in opened.items():
        print(f"{options.out / name}: {len(recipes)} recipes x {options.blocks} blocks")
    return 0


def begin(name: str, folder: Path) -> tuple[Environment, list[Recipe]]:
    """Return the environment and the recipes of a grid, with its folder opened."""
    plan = GRIDS[name]
    environment, space = plan.environment(), plan.search_space()
    params = list(space.grid())
    open_folder(folder, plan, environment, params)
    return environment, [space.recipe_at(recipe) for recipe in params]


if __name__ == "__main__":
    sys.exit(main())
