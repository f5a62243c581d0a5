"""Does the order of recipes survive if a search plays on a part of large data? Recipes on fewer rows and on all rows.

    python benchmarks/search_rows.py                         # all cases, about half an hour; a second call continues
    python benchmarks/search_rows.py --cases shuttle         # one of them
    python benchmarks/search_rows.py --quick                 # a first look, 2 minutes

Recipes are drawn at random from the search space `standard` and played on the first search blocks of a data set, with
all rows and with each number of rows. Of these blocks, 5 choose as a search does (`n_blocks=5`), and the others, always
with all rows, say what a recipe is worth. That is repeated for 200 draws of the 5 blocks.

**rank** is Spearman's correlation of the values that choose with the worth, **regret** the worth of the best recipe
less that of the chosen one. With all rows, too, the correlation is below 1 and the regret above 0, since 5 blocks are
noisy; **difference** is what the part adds. Intervals are of 95 % over resampled recipes. **bias** is how far the part
moves a recipe against the others beyond the noise between blocks (a standard deviation), to be compared with
**spread**, the standard deviation between recipes. **seconds** are those of one trajectory, with what trajectories of
one block share. Curves are stored in ``--out``, so that a call that was stopped continues.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from altune.core.types import Array
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
    budget : number of labels; None for the default.
    """

    data: str
    rows: tuple[int, ...]
    recipes: int = 30
    blocks: int = 10
    model: str = "logistic_regression"
    budget: int | None = None


SIZES = (1250, 2500, 5000, 10000)
CASES = {
    "shuttle": Case("shuttle", SIZES),
    "kr_vs_k": Case("kr_vs_k", SIZES),
    "sylva": Case("sylva", SIZES[:3]),
    "boosted trees": Case("shuttle", SIZES[2:3], recipes=6, blocks=7, model="hist_gradient_boosting"),
    "500 labels": Case("shuttle", SIZES[:3], recipes=12, blocks=8, budget=500),
}
"""Case by name: a rare class, 18 classes, many features, a model that is slow to predict, many labels."""
QUICK = {"sylva": Case("sylva", (1250, 5000), recipes=10, blocks=7)}


@dataclass(frozen=True)
class Line:
    """One number of rows of a case beside all rows; what has an interval is (estimate, low, high).

    Attributes
    ----------
    case, metric : what was played, and what scored it.
    rows, pool : rows of a block and of its pool.
    seconds, seconds_all : mean seconds of a trajectory with these rows and with all.
    rank, rank_difference : rank correlation with the worth, and that less the one of all rows.
    regret, regret_all, regret_difference : regret of the chosen recipe, of that chosen with all rows, the difference.
    bias, spread : standard deviation of what the part does to a recipe, and of the worth of recipes.
    """

    case: str
    metric: str
    rows: int
    pool: int
    seconds: float
    seconds_all: float
    rank: tuple[float, float, float]
    rank_difference: tuple[float, float, float]
    regret: tuple[float, float, float]
    regret_all: tuple[float, float, float]
    regret_difference: tuple[float, float, float]
    bias: float
    spread: float


def play(case: Case, out: Path | None) -> tuple[dict[int, list[list[LearningCurve]]], dict[int, int], Environment]:
    """Return curves by number of rows, recipe and block, the pool rows likewise, and the environment."""
    environment = make_environment(case.data, budget=case.budget, also=[METRICS[1]])
    setup = StudySetup([environment], prepare_space("standard", [environment], case.model), Settings())
    recipes = drawn_recipes(setup, case.recipes)
    curves: dict[int, list[list[LearningCurve]]] = {}
    pools: dict[int, int] = {}
    with Player(store=None if out is None else TrajectoryStore(out)) as player:
        for rows in (*case.rows, 0):
            part = replace(environment, search_rows=rows or None)
            blocks = part.blocks("search", case.blocks)
            played = [
                curves_or_raise(player.play([WorkItem(recipe, block, part) for recipe in recipes])) for block in blocks
            ]
            curves[rows] = [list(by_block) for by_block in zip(*played, strict=True)]
            pools[rows] = len(blocks[0].pool)
    return curves, pools, environment


def compare(part: Array, whole: Array) -> dict[str, Array]:
    """Return rank and regret with a part of the rows and with all, the means over draws of the choosing blocks.

    Parameters
    ----------
    part, whole : values of each recipe on each block, ``(n_recipes, n_blocks)``, more being better.

    Returns
    -------
    dict
        ``rank``, ``rank_all``, ``regret`` and ``regret_all``: the value for all recipes, then those of resampled
        recipes, ``(1 + RESAMPLES,)``.
    """
    rng = np.random.default_rng(0)
    n_recipes, n_blocks = whole.shape
    choosing = [rng.permutation(n_blocks)[:CHOOSING] for _ in range(DRAWS)]
    others = [np.setdiff1d(np.arange(n_blocks), chosen) for chosen in choosing]
    sides = {"": np.stack([part[:, chosen].mean(axis=1) for chosen in choosing])}
    sides["_all"] = np.stack([whole[:, chosen].mean(axis=1) for chosen in choosing])
    worth = np.stack([whole[:, other].mean(axis=1) for other in others])
    samples = [np.arange(n_recipes), *(rng.integers(n_recipes, size=n_recipes) for _ in range(RESAMPLES))]
    numbers: dict[str, list[float]] = {f"{name}{side}": [] for name in ("rank", "regret") for side in sides}
    for sample in samples:
        true = worth[:, sample]
        for side, values in sides.items():
            seen = values[:, sample]
            best = np.argmax(seen, axis=1)
            numbers[f"rank{side}"].append(float(np.mean(rank_correlations(seen, true))))
            numbers[f"regret{side}"].append(float(np.mean(true.max(axis=1) - true[np.arange(len(true)), best])))
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

    Both are standard deviations over recipes, without the noise of blocks. The part's blocks and the whole ones of the same number are paired.
    """
    numbers = []
    for values in (part - whole, whole):
        centred = values - values.mean(axis=0)
        n_recipes, n_blocks = values.shape
        means = centred.mean(axis=1)
        noise = np.sum((centred - means[:, None]) ** 2) / ((n_recipes - 1) * (n_blocks - 1))
        numbers.append(float(np.sqrt(max(0.0, np.sum(means**2) / (n_recipes - 1) - noise / n_blocks))))
    return numbers[0], numbers[1]


def lines_of(name: str, case: Case, out: Path | None) -> list[Line]:
    """Play a case and return its lines."""
    curves, pools, environment = play(case, out)
    seconds = {
        rows: float(np.mean([_seconds(curve) for row in table for curve in row])) for rows, table in curves.items()
    }
    lines = []
    for metric in METRICS:
        objective = environment.scenario.model_copy(update={"metric": metric}).make_objective()
        values = {rows: np.array([objective.each(row) for row in table]) for rows, table in curves.items()}
        for rows in case.rows:
            numbers = compare(values[rows], values[0])
            lines.append(
                Line(
                    name,
                    metric,
                    rows,
                    pools[rows],
                    seconds[rows],
                    seconds[0],
                    _with_interval(numbers["rank"]),
                    _with_interval(numbers["rank"] - numbers["rank_all"]),
                    _with_interval(numbers["regret"]),
                    _with_interval(numbers["regret_all"]),
                    _with_interval(numbers["regret"] - numbers["regret_all"]),
                    *bias_and_spread(values[rows], values[0]),
                )
            )
    return lines


def _seconds(curve: LearningCurve) -> float:
    return float(curve.fit_seconds.sum() + curve.query_seconds.sum() + curve.evaluation_seconds.sum())


def _with_interval(values: Array) -> tuple[float, float, float]:
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return float(values[0]), float(low), float(high)


def show(lines: Sequence[Line]) -> None:
    """Print a table for each case and metric."""
    for case, metric in dict.fromkeys((line.case, line.metric) for line in lines):
        of_case = [line for line in lines if (line.case, line.metric) == (case, metric)]
        first = of_case[0]
        print(f"\n{case}, {metric}: spread {first.spread:.4f}, regret with all rows {_text(first.regret_all, 4)}")
        heads = {"rows": 8, "pool": 8, "seconds": 9, "times": 7, "rank": 20, "difference": 24, "regret difference": 30}
        print("".join(f"{name:>{width}}" for name, width in {**heads, "bias": 8}.items()))
        for line in of_case:
            print(
                f"{line.rows:>8,}{line.pool:>8,}{line.seconds:>9.2f}{line.seconds_all / line.seconds:>7.1f}"
                f"{_text(line.rank, 2):>20}{_text(line.rank_difference, 2, '+'):>24}"
                f"{_text(line.regret_difference, 4, '+'):>30}{line.bias:>8.4f}",
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
