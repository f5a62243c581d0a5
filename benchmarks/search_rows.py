"""Does the order of recipes survive if a search plays on a part of large data? Recipes on fewer rows and on all rows.

    python benchmarks/search_rows.py                         # all cases, about half an hour; a second call continues
    python benchmarks/search_rows.py --cases shuttle         # one of them
    python benchmarks/search_rows.py --quick                 # a first look, 2 minutes

Recipes are drawn at random from the search space `standard` and played on the first search blocks of a data set, with
all rows and with each number of rows. Of these blocks, 5 choose as a search does (`n_blocks=5`), and the others, always
with all rows, say what a recipe is worth. That is repeated for 200 draws of the 5 blocks.

**rank** is Spearman's correlation of the values that choose with the worth, **regret** the worth of the best recipe
less that of the chosen one, **of 5** less that of the best of the five chosen ones, among which a confirmation selects
on all rows. With all rows, too, the correlation is below 1 and the regret above 0, since 5 blocks are noisy; a `+` or
`-` marks the difference from all rows. Intervals are of 95 % over resampled recipes. **bias** is how far the part moves
a recipe against the others beyond the noise between blocks (a standard deviation), to be compared with **spread**, the
standard deviation between recipes. **seconds** are processor seconds of one trajectory, with what trajectories of one
block share, on a further block. Curves are stored in ``--out``, so that a call that was stopped continues.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from altune.core.types import Array
from altune.data.blocks import Block
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment, make_environment
from altune.simulation.execution.items import WorkItem, curves_or_raise
from altune.simulation.execution.player import Player
from altune.simulation.store import TrajectoryStore
from altune.tuning.prepared_space import prepare_space
from altune.tuning.settings import Settings
from altune.tuning.study_setup import StudySetup
from altune.workflows.probe import drawn_recipes

OUT = Path("runs/search_rows")
CHOOSING = 5
"""Blocks that choose, as many as a search has by default."""
CANDIDATES = 5
"""Recipes among which a confirmation selects by default."""
DRAWS, RESAMPLES = 200, 400
METRICS = ("accuracy", "balanced_accuracy")


@dataclass(frozen=True)
class Case:
    """Recipes on one data set.

    Attributes
    ----------
    data : name of the data set.
    rows : numbers of rows of a search block to compare with all rows.
    recipes, blocks : number of recipes and of blocks.
    model : name of the model.
    budget, loops : number of labels and of loops; None for the default.
    """

    data: str
    rows: tuple[int, ...]
    recipes: int = 30
    blocks: int = 10
    model: str = "logistic_regression"
    budget: int | None = None
    loops: int | None = None


SIZES = (1250, 2500, 5000, 10000)
CASES = {
    "shuttle": Case("shuttle", SIZES),
    "kr_vs_k": Case("kr_vs_k", SIZES),
    "boosted trees": Case("shuttle", SIZES[2:], recipes=16, model="hist_gradient_boosting", loops=6),
    "200 labels": Case("kr_vs_k", (5334, 10000), budget=200),
}
"""Case by name: a rare class, 18 classes, a model that is slow to predict, 20 pool rows for a label."""
QUICK = {"sylva": Case("sylva", (1250, 5000), recipes=10, blocks=7)}


@dataclass(frozen=True)
class Line:
    """One number of rows of a case beside all rows; what has an interval is (estimate, low, high).

    Attributes
    ----------
    case, metric : what was played, and what scored it.
    rows, pool : rows of a block and of its pool.
    seconds, seconds_all : mean seconds of a trajectory with these rows and with all.
    bias, spread : standard deviation of what the part does to a recipe, and of the worth of recipes.
    rank, rank_all, rank_difference : rank correlation with the worth, that of all rows, and the difference.
    regret, regret_all, regret_difference : regret of the chosen recipe, of that chosen with all rows, the difference.
    of_five, of_five_all, of_five_difference : the same of the best of the five chosen recipes.
    """

    case: str
    metric: str
    rows: int
    pool: int
    seconds: float
    seconds_all: float
    bias: float
    spread: float
    rank: tuple[float, float, float]
    rank_all: tuple[float, float, float]
    rank_difference: tuple[float, float, float]
    regret: tuple[float, float, float]
    regret_all: tuple[float, float, float]
    regret_difference: tuple[float, float, float]
    of_five: tuple[float, float, float]
    of_five_all: tuple[float, float, float]
    of_five_difference: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Played:
    """What was played with one number of rows: curves by recipe and block, pool rows, and seconds of a trajectory."""

    curves: list[list[LearningCurve]]
    pool: int
    seconds: float


def play(case: Case, out: Path) -> tuple[dict[int, Played], Environment]:
    """Return what was played by number of rows, 0 for all, and the environment."""
    environment = make_environment(case.data, budget=case.budget, loops=case.loops, also=[METRICS[1]])
    setup = StudySetup([environment], prepare_space("standard", [environment], case.model), Settings())
    recipes = drawn_recipes(setup, case.recipes)
    played: dict[int, Played] = {}
    with Player(store=TrajectoryStore(out)) as player:
        for rows in (*case.rows, 0):
            part = replace(environment, search_rows=rows or None)
            *blocks, last = part.blocks("search", case.blocks + 1)
            by_block = [curves_or_raise(player.play(_items(recipes, block, part))) for block in blocks]
            began = time.process_time()
            with Player() as timed:
                curves_or_raise(timed.play(_items(recipes, last, part)))
            seconds = (time.process_time() - began) / len(recipes)
            played[rows] = Played([list(row) for row in zip(*by_block, strict=True)], len(last.pool), seconds)
    return played, environment


def _items(recipes: Sequence[Recipe], block: Block, environment: Environment) -> list[WorkItem]:
    return [WorkItem(recipe, block, environment) for recipe in recipes]


def compare(part: Array, whole: Array) -> dict[str, Array]:
    """Return how a part of the rows and all rows choose, the means over draws of the choosing blocks.

    Parameters
    ----------
    part, whole : values of each recipe on each block, ``(n_recipes, n_blocks)``, more being better.

    Returns
    -------
    dict
        ``rank``, ``regret`` and ``of_five`` of the part and, ending in ``_all``, of all rows: the value for all
        recipes, then those of resampled recipes, ``(1 + RESAMPLES,)``.
    """
    rng = np.random.default_rng(0)
    n_recipes, n_blocks = whole.shape
    choosing = [rng.permutation(n_blocks)[:CHOOSING] for _ in range(DRAWS)]
    others = [np.setdiff1d(np.arange(n_blocks), chosen) for chosen in choosing]
    sides = {"": np.stack([part[:, chosen].mean(axis=1) for chosen in choosing])}
    sides["_all"] = np.stack([whole[:, chosen].mean(axis=1) for chosen in choosing])
    worth = np.stack([whole[:, other].mean(axis=1) for other in others])
    samples = [np.arange(n_recipes), *(rng.integers(n_recipes, size=n_recipes) for _ in range(RESAMPLES))]
    numbers: dict[str, list[float]] = {f"{name}{side}": [] for name in ("rank", "regret", "of_five") for side in sides}
    for sample in samples:
        # A recipe that was drawn twice is one recipe; without this, five candidates would be fewer.
        different = np.unique(sample)
        most = worth[:, different].max(axis=1)
        for side, values in sides.items():
            order = np.argsort(-values[:, different], axis=1)
            chosen = np.take_along_axis(worth[:, different], order[:, :CANDIDATES], axis=1)
            numbers[f"rank{side}"].append(float(np.mean(rank_correlations(values[:, sample], worth[:, sample]))))
            numbers[f"regret{side}"].append(float(np.mean(most - chosen[:, 0])))
            numbers[f"of_five{side}"].append(float(np.mean(most - chosen.max(axis=1))))
    return {name: np.array(values) for name, values in numbers.items()}


def rank_correlations(a: Array, b: Array) -> Array:
    """Return Spearman's correlation of each row of two arrays; 0 where all values of a row are equal.

    >>> rank_correlations(np.array([[1.0, 2.0, 3.0]]), np.array([[0.1, 0.5, 0.2]])).round(3).tolist()
    [0.5]
    """
    x, y = (rankdata(side, axis=1) - (side.shape[1] + 1) / 2 for side in (a, b))
    scale = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return np.asarray((x * y).sum(axis=1) / np.where(scale > 0, scale, 1))


def bias_and_spread(part: Array, whole: Array) -> tuple[float, float]:
    """Return how far the part moves recipes against each other, and how far recipes differ.

    Both are standard deviations over recipes, without the noise of blocks. The part's blocks and the whole ones of the
    same number are paired.
    """
    numbers = []
    for values in (part - whole, whole):
        centred = values - values.mean(axis=0)
        n_recipes, n_blocks = values.shape
        means = centred.mean(axis=1)
        noise = np.sum((centred - means[:, None]) ** 2) / ((n_recipes - 1) * (n_blocks - 1))
        numbers.append(float(np.sqrt(max(0.0, np.sum(means**2) / (n_recipes - 1) - noise / n_blocks))))
    return numbers[0], numbers[1]


def lines_of(name: str, case: Case, out: Path) -> list[Line]:
    """Play a case and return its lines."""
    played, environment = play(case, out)
    lines = []
    for metric in METRICS:
        objective = environment.scenario.model_copy(update={"metric": metric}).make_objective()
        values = {rows: np.array([objective.each(row) for row in those.curves]) for rows, those in played.items()}
        for rows in case.rows:
            numbers = compare(values[rows], values[0])
            intervals: dict[str, tuple[float, float, float]] = {}
            for measure in ("rank", "regret", "of_five"):
                part, whole = numbers[measure], numbers[f"{measure}_all"]
                intervals[measure] = _with_interval(part)
                intervals[f"{measure}_all"] = _with_interval(whole)
                intervals[f"{measure}_difference"] = _with_interval(part - whole)
            bias, spread = bias_and_spread(values[rows], values[0])
            seconds = played[rows].seconds, played[0].seconds
            lines.append(Line(name, metric, rows, played[rows].pool, *seconds, bias, spread, **intervals))
    return lines


def _with_interval(values: Array) -> tuple[float, float, float]:
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return float(values[0]), float(low), float(high)


def show(lines: Sequence[Line]) -> None:
    """Print a table for each case and metric."""
    heads = {"rows": 8, "pool": 8, "seconds": 9, "times": 7, "rank": 20, "": 22, "regret": 26, "of 5": 26, "bias": 8}
    for case, metric in dict.fromkeys((line.case, line.metric) for line in lines):
        of_case = [line for line in lines if (line.case, line.metric) == (case, metric)]
        first = of_case[0]
        print(
            f"\n{case}, {metric}: spread {first.spread:.4f}; with all rows {first.seconds_all:.2f} s, rank "
            f"{_text(first.rank_all, 2)}, regret {_text(first.regret_all, 4)}, of 5 {_text(first.of_five_all, 4)}"
        )
        print("".join(f"{name:>{width}}" for name, width in heads.items()))
        for line in of_case:
            print(
                f"{line.rows:>8,}{line.pool:>8,}{line.seconds:>9.2f}{line.seconds_all / line.seconds:>7.1f}"
                f"{_text(line.rank, 2):>20}{_text(line.rank_difference, 2, '+'):>22}"
                f"{_text(line.regret_difference, 4, '+'):>26}{_text(line.of_five_difference, 4, '+'):>26}"
                f"{line.bias:>8.4f}",
                flush=True,
            )


def _text(interval: tuple[float, float, float], digits: int, sign: str = "") -> str:
    mean, low, high = (f"{value:{sign}.{digits}f}" for value in interval)
    return f"{mean} [{low}, {high}]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="one small case")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FOLDER", help="where curves are stored")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    cases: Mapping[str, Case] = QUICK if given.quick else {name: CASES[name] for name in given.cases}
    lines = []
    for name, case in cases.items():
        of_case = lines_of(name, case, given.out)
        lines += of_case
        if not given.json:
            show(of_case)
    if given.json:
        print(json.dumps([asdict(line) for line in lines]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
