"""Problems in which searches are compared: stored grids, made grids, and one space that is really played."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from full_grid import Grid, curve_of, load_grid
from numpy.typing import NDArray

from altune.data.blocks import Block
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment, make_environment
from altune.simulation.execution.items import Outcome, WorkItem
from altune.simulation.execution.player import OnDone, Player
from altune.simulation.trajectory import PAUSED
from altune.tuning.evaluation import Plays
from lib.grids import GRIDS
from lib.made_grids import NOISE, made_environment, made_grid

Array = NDArray[np.float64]

SEARCH, SELECT, REPORT = 12, 10, 30
"""Blocks to search on at most, to select on, and to report on where they are played."""
PLAYED = "played"
PLAYED_SPACE = SearchSpace.from_dict(
    {
        "model": {"method": "naive_bayes", "var_smoothing": {"low": 1e-9, "high": 1.0, "log": True}},
        "initial_sample": [
            {"method": method, "size": {"low": 3, "high": 24, "log": True}} for method in ("random", "kmeans")
        ],
        "loop_size": ["constant", {"method": "geometric", "growth": {"low": 0.6, "high": 2.0}}],
        "query_strategy": [
            "random",
            "margin",
            {"method": "density_weighted", "beta": {"low": 0.1, "high": 5.0, "log": True}},
            {"method": "epsilon_mix", "epsilon": {"low": 0.05, "high": 0.8}},
        ],
    }
)
MANY_SEEDS = 60
"""Repetitions that have blocks of their own in the played problem."""


@dataclass(frozen=True, eq=False)
class Deal:
    """The blocks of one repetition, all of them different.

    Attributes
    ----------
    search, select, report : to search on, to select on, and to tell what the selected recipe is worth.
    """

    search: Sequence[Block]
    select: Sequence[Block]
    report: Sequence[Block]


class StoredPlayer:
    """Plays work items by reading a grid, as :class:`altune.simulation.execution.player.Player` does by simulating.

    Parameters
    ----------
    grid : the truth.
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._place = {grid.recipe(index).digest(): index for index in range(len(grid.params))}

    def begin(self, items: Sequence[WorkItem]) -> None:
        """Leave it: reading takes no time that could be used."""

    def play(self, items: Sequence[WorkItem], on_done: OnDone = lambda index, outcome: None) -> list[Outcome]:
        """Return the curves of all items, those that pause cut off there."""
        outcomes: list[Outcome] = []
        for index, item in enumerate(items):
            outcomes.append(self._played(item))
            on_done(index, outcomes[-1])
        return outcomes

    def _played(self, item: WorkItem) -> LearningCurve:
        whole = curve_of(self._grid, self._place[item.recipe.digest()], item.block.number)
        points = len(whole) if item.until is None else 1 + int((whole.labels < item.until).sum())
        return whole if points >= len(whole) else whole.first(points, PAUSED)


class CountedPlayer:
    """Counts what another player is asked for, no recipe on a block twice.

    Parameters
    ----------
    player : plays the items.

    Attributes
    ----------
    work : trajectories played so far, parts by their share of the labels.
    by_recipe : the same by the digest of the recipe; whoever reads it may empty it.
    """

    def __init__(self, player: Plays) -> None:
        self._player = player
        self._reached: dict[tuple[str, int], float] = {}
        self.work = 0.0
        self.by_recipe: Counter[str] = Counter()

    def begin(self, items: Sequence[WorkItem]) -> None:
        """Leave it: what is begun is not counted yet."""

    def play(self, items: Sequence[WorkItem], on_done: OnDone = lambda index, outcome: None) -> list[Outcome]:
        """Play the items, and count each before ``on_done`` is called with it."""

        def count(index: int, outcome: Outcome) -> None:
            item = items[index]
            recipe = item.recipe.digest()
            paused = isinstance(outcome, LearningCurve) and outcome.stopped == PAUSED
            share = float(outcome.labels[-1]) / item.environment.scenario.labels if paused else 1.0
            more = max(0.0, share - self._reached.get((recipe, item.block.number), 0.0))
            if more:
                self._reached[recipe, item.block.number] = share
                self.by_recipe[recipe] += more
                self.work += more
            on_done(index, outcome)

        return self._player.play(items, count)


@dataclass(frozen=True, eq=False)
class Problem:
    """A space, where its recipes can be played, and how the blocks of a repetition are dealt.

    Attributes
    ----------
    name : name of the problem.
    space : the space that is searched.
    environment : in which the recipes are played.
    player : plays them.
    baselines : recipes that others are compared with, random sampling first.
    deal : the blocks of a repetition, by its seed.
    best : the best recipe's value on each report block of a deal; None where it is not known.
    """

    name: str
    space: SearchSpace
    environment: Environment
    player: Plays
    baselines: Sequence[Recipe]
    deal: Callable[[int], Deal]
    best: Callable[[Deal], Array] | None = None


@cache
def problem(name: str, folder: Path) -> Problem:
    """Return a problem by its name.

    Parameters
    ----------
    name : one of :data:`ALL_PROBLEMS`.
    folder : where ``full_grid.py`` stored its grids.

    Raises
    ------
    RequestError
        If the grid is not there.
    """
    if name == PLAYED:
        return played_problem()
    if name in NOISE:
        return grid_problem(made_grid(name), made_environment())
    return grid_problem(load_grid(folder, name), GRIDS[name].environment())


def grid_problem(grid: Grid, environment: Environment) -> Problem:
    """Return the problem of a grid: each repetition shuffles its blocks."""
    blocks = environment.blocks("search", grid.n_blocks)
    winner = grid.values[int(grid.values.mean(axis=1).argmax())]

    def deal(seed: int) -> Deal:
        order = np.random.default_rng([seed, 11]).permutation(grid.n_blocks)
        return Deal(*(_chosen(blocks, numbers) for numbers in np.split(order, [SEARCH, SEARCH + SELECT])))

    return Problem(
        grid.name,
        grid.space,
        environment,
        StoredPlayer(grid),
        [grid.recipe(index) for index in _baselines(grid)],
        deal,
        lambda dealt: winner[[block.number for block in dealt.report]],
    )


def played_problem() -> Problem:
    """Return a continuous space on iris: each repetition searches and selects on blocks of its own."""
    environment = make_environment("iris", budget=30, loops=4, seed=0)
    each = SEARCH + SELECT
    blocks = environment.blocks("search", REPORT + each * MANY_SEEDS)

    def deal(seed: int) -> Deal:
        start = REPORT + each * (seed % MANY_SEEDS)
        return Deal(blocks[start : start + SEARCH], blocks[start + SEARCH : start + each], blocks[:REPORT])

    return Problem(PLAYED, PLAYED_SPACE, environment, Player(), list(PLAYED_SPACE.baseline_recipes().values()), deal)


def _baselines(grid: Grid) -> list[int]:
    """Return the first recipe of the grid that draws rows at random, and the first that takes them by margin."""
    strategies = [params["query_strategy"] for params in grid.params]
    return [strategies.index(name) for name in ("random", "margin") if name in strategies]


def _chosen(blocks: Sequence[Block], numbers: NDArray[np.intp]) -> list[Block]:
    return [blocks[int(number)] for number in numbers]


PROBLEMS = ("image_segments", "digits", "svm", "many", *NOISE, PLAYED)
"""The usual problems."""
ALL_PROBLEMS = (*GRIDS, *NOISE, PLAYED)
