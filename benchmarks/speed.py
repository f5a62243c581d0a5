"""How long does one trajectory take in altune, in scikit-activeml, and by hand? The same rows, models and picks.

    python benchmarks/speed.py --only digits                 # one data set of digits, images, table, text
    python benchmarks/speed.py --only digits --quick         # one repetition, few trajectories of a block
    python benchmarks/speed.py --only digits --strategies margin badge --models logistic_regression
    python benchmarks/speed.py --out speed.json              # everything

A pool of 60 % of the rows, 20 rows first, then 20 loops of 20. In each repetition the contestants play in turn on one
thread; seconds are the processor's, medians over the repetitions, and ratios are medians of the repetitions' own.
Needs the extras ``skactiveml`` and ``datasets``. Exit code 1 where picks that must be the same are not.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from lib.speed_contestants import NEEDS_SCORES, OWN_RULES, STRATEGIES, TheirLoop, play_bare, same_picks
from lib.speed_data import DATA, Part
from profile_trajectory import PARTS, Stopwatch, watching
from threadpoolctl import threadpool_limits

from altune.core.pool import FeatureCache
from altune.core.types import RowNumbers
from altune.loop.prefix_cache import PrefixCache
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import make_environment
from altune.simulation.prepared import PreparedBlock, prepare_block
from altune.simulation.scenario import Scenario
from altune.simulation.trajectory import play

POOL_SHARE, FIRST_ROWS, LOOPS, LOOP_ROWS = 0.6, 20, 20, 20
QUICK_TRAJECTORIES = 5


@dataclass(frozen=True)
class Line:
    """One line of the table; seconds are the processor's, ``wall`` holds the same by the wall clock.

    ``cold`` charges altune with everything that a block shares, ``block`` is the mean over the trajectories of one
    block, ``floor`` the same fits, predictions and scores by hand. ``picks`` says in how many loops of how many the
    picks are the same, and is empty where rows are drawn by chance.
    """

    data: str
    model: str
    strategy: str
    floor: float
    cold: float
    block: float | None
    theirs: float | None
    wall: dict[str, float]
    times: float | None
    to_floor: float
    outside: float
    megabytes: float | None
    their_megabytes: float | None
    picks: str
    agrees: bool = True
    problem: str = ""


@dataclass(frozen=True)
class Stage:
    """A recipe on one block, with the first labelled rows given."""

    recipe: Recipe
    scenario: Scenario
    prepared: PreparedBlock

    def play(self, shared: FeatureCache | None = None, first: RowNumbers | None = None) -> LearningCurve:
        """Play the trajectory; without ``shared``, as the first one of its block; ``first`` are other first rows.

        No model is taken over from another trajectory.
        """
        block = self.prepared.block if first is None else replace(self.prepared.block, initial=first)
        prepared = replace(
            self.prepared, block=block, shared=shared or FeatureCache(), hidden=FeatureCache(), prefixes=PrefixCache()
        )
        return play(self.recipe, prepared, self.scenario)

    def other_first_rows(self, count: int) -> list[RowNumbers]:
        """Return the first labelled rows of a number of trajectories."""
        rng = np.random.default_rng(1)
        return [rng.choice(self.prepared.block.pool, FIRST_ROWS, replace=False) for _ in range(count)]


def make_stages(part: Part, model: str, strategies: Sequence[str], loops: int) -> dict[str, Stage]:
    """Return a stage for each strategy, all on the same block."""
    dataset = part.load()
    order = np.random.default_rng(0).permutation(dataset.n_rows)
    pool, test = np.split(order, [round(POOL_SHARE * dataset.n_rows)])
    first = np.concatenate([pool[np.flatnonzero(dataset.y[pool] == code)[:1]] for code in range(dataset.n_classes)])
    first = np.concatenate([first, np.setdiff1d(pool, first)[: FIRST_ROWS - len(first)]])
    blocks = [{"pool": pool, "test": test, "initial": first}]
    environment = make_environment(dataset, budget=FIRST_ROWS + loops * LOOP_ROWS, loops=loops, splits=blocks)
    prepared = prepare_block(dataset, environment.explicit["search"][0], seed=0)
    stages = {}
    for strategy in strategies:
        recipe = Recipe.from_dict(
            {
                "query_strategy": {"method": strategy},
                "loop_size": {"method": "constant", "size": LOOP_ROWS},
                "model": {"method": model, **part.models[model]},
            }
        )
        environment.require(recipe)
        stages[strategy] = Stage(recipe, environment.scenario, prepared)
    return stages


def clocked(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the seconds of the processor and of the wall clock that a piece of work takes."""
    wall, used = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - used, time.perf_counter() - wall


def peak_megabytes(work: Callable[[], Any]) -> float:
    """Return the most memory that Python and NumPy hold at a time for a piece of work, beside what was there."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def share_outside(stage: Stage) -> float:
    """Return the share of a cold trajectory outside the estimator and the scorer."""
    stopwatch = Stopwatch()
    with watching(stage.recipe.model, stopwatch):
        total, _ = clocked(stage.play)
    return 1.0 - sum(stopwatch.seconds[part] for part in PARTS) / total


def measure(part: Part, strategy: str, stage: Stage, repeats: int, trajectories: int, memory: bool) -> Line:
    """Play all contestants in turn and return their line."""
    curve = stage.play()
    theirs, problem = TheirLoop(strategy, stage.recipe.model, stage.prepared, len(curve.labels)), ""
    try:
        theirs.play()
    except Exception as error:
        problem = f"scikit-activeml: {type(error).__name__}: {error}".splitlines()[0][:100]
    works: dict[str, Callable[[], Any]] = {
        "floor": lambda: play_bare(stage.recipe.model, stage.prepared, curve, strategy in NEEDS_SCORES),
        "cold": stage.play,
    }
    if not problem:
        works["theirs"] = theirs.play
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            seconds[name].append(clocked(work))
    processor = {name: np.array(values)[:, 0] for name, values in seconds.items()}
    wall = {name: float(np.median(np.array(values)[:, 1])) for name, values in seconds.items()}
    block = None
    if trajectories:
        shared, starts = FeatureCache(), stage.other_first_rows(trajectories)
        used, wall["block"] = (
            value / trajectories for value in clocked(lambda: [stage.play(shared, first) for first in starts])
        )
        block = used
    same, total = (0, 0) if problem else same_picks(strategy, stage.recipe.model, stage.prepared, curve)
    return Line(
        part.name,
        stage.recipe.model.method,
        strategy,
        floor=float(np.median(processor["floor"])),
        cold=float(np.median(processor["cold"])),
        block=block,
        theirs=None if problem else float(np.median(processor["theirs"])),
        wall=wall,
        times=None if problem else float(np.median(processor["theirs"] / processor["cold"])),
        to_floor=float(np.median(processor["cold"] / processor["floor"])),
        outside=share_outside(stage),
        megabytes=peak_megabytes(stage.play) if memory else None,
        their_megabytes=peak_megabytes(theirs.play) if memory and not problem else None,
        picks=f"{same}/{total}" if total else "",
        agrees=same == total or strategy in OWN_RULES,
        problem=problem,
    )


HEAD = (
    f"{'data':<8}{'model':<24}{'strategy':<18}{'floor':>8}{'altune':>8}{'block':>8}{'theirs':>8}"
    f"{'times':>7}{'/floor':>8}{'outside':>9}{'MiB':>7}{'theirs':>8}  same picks"
)


def row(line: Line) -> str:
    """Return one line as text."""

    def cell(value: float | None, width: int, form: str) -> str:
        return f"{'':>{width}}" if value is None else f"{value:>{width}{form}}"

    return (
        f"{line.data:<8}{line.model:<24}{line.strategy:<18}{line.floor:>8.3f}{line.cold:>8.3f}"
        f"{cell(line.block, 8, '.3f')}{cell(line.theirs, 8, '.3f')}{cell(line.times, 7, '.2f')}{line.to_floor:>8.3f}"
        f"{line.outside:>9.1%}{cell(line.megabytes, 7, '.0f')}{cell(line.their_megabytes, 8, '.0f')}"
        f"  {line.picks}{'' if line.agrees else ' DIFFER'}{line.problem and '  ' + line.problem}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 1 where picks differ that must not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--only", nargs="+", choices=list(DATA), default=list(DATA), metavar="DATA", help="data sets")
    parser.add_argument("--models", nargs="+", default=[], help="models, of those that a data set is played with")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=[], metavar="STRATEGY")
    parser.add_argument("--repeats", type=int, default=5, help="repetitions (5)")
    parser.add_argument("--trajectories", type=int, help="trajectories of one block, 0 for none (50 on digits, else 5)")
    parser.add_argument("--loops", type=int, default=LOOPS, help="loops of 20 rows (20)")
    parser.add_argument("--quick", action="store_true", help="one repetition, 5 trajectories of a block, no memory")
    parser.add_argument("--out", type=Path, help="file for all numbers as JSON")
    given = parser.parse_args(arguments)
    if given.repeats < 1 or given.loops < 1:
        parser.error("--repeats and --loops must be 1 or more")
    print(HEAD, flush=True)
    lines = []
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for part in (DATA[name] for name in given.only):
            for model in (name for name in part.models if not given.models or name in given.models):
                usual = part.strategies if model == "logistic_regression" else ("random", "margin")
                chosen = [name for name in usual if not given.strategies or name in given.strategies]
                count = part.trajectories if given.trajectories is None else given.trajectories
                count = min(count, QUICK_TRAJECTORIES) if given.quick else count
                for strategy, stage in make_stages(part, model, chosen, given.loops).items():
                    repeats = 1 if given.quick else given.repeats
                    of_block = count if model == "logistic_regression" else 0
                    lines.append(measure(part, strategy, stage, repeats, of_block, not given.quick))
                    print(row(lines[-1]), flush=True)
    if given.out:
        given.out.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n", "utf-8")
    return 0 if all(line.agrees for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
