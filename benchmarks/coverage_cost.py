"""What do margin_cover and learned_ranker cost beside margin?

    python benchmarks/coverage_cost.py                           # two minutes
    python benchmarks/coverage_cost.py --rows 1000 10000 --repeats 5

All costs are ratios of one run. What is compared is timed in turn, on one thread, in processor seconds, and the ratio
is the median over the turns, so that other work on the machine disturbs both sides alike.

Trajectories are those of altune's defaults on digits with logistic regression (200 labels, 20 loops), and take over no
model of an earlier one. *Later of a block* are those that find the neighbour graph of their block, which all recipes
share; they are judged. *First of a block* also makes the graph. Large pools have 50 features, 10 classes and 200
labelled rows, and 50 rows are chosen, as in ``large_pool.py``.

Exit code 1 where a ratio is above its bound.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from large_pool import Shape, make_pool
from lib.output import give
from threadpoolctl import threadpool_limits

import altune
from altune.core.pool import FeatureCache, Pool
from altune.core.registry import methods, parse_method
from altune.core.types import Array
from altune.knobs.initial_sample import InitialSample
from altune.knobs.pool_coverage import pool_neighbour_graph
from altune.knobs.query_strategy.base import QueryStrategy
from altune.loop.prefix_cache import PrefixCache
from altune.simulation.environment import make_environment
from altune.simulation.prepared import prepare_block
from altune.simulation.trajectory import play

ROWS = (1_000, 3_000, 10_000, 30_000, 100_000)
FEATURES, CHOSEN, STARTED, NEIGHBOURS = 50, 50, 50, 20
MOST_TRAJECTORY, MOST_QUERY, MOST_GRAPH, STEEPEST = 1.3, 5.0, 3.0, 2.0
"""Bounds: a trajectory of margin_cover and a query of learned_ranker beside margin's, the graph of the largest pool
beside a k-means start there, and the growth of the seconds for each time that the rows grow."""
STRATEGIES = {name: {"method": name} for name in ("margin", "margin_cover")} | {
    "learned_ranker": {"method": "learned_ranker", "trust": "always"}
}
"""Strategies whose trajectories are timed; of learned_ranker the table itself, whatever its evidence says."""
OUT = Path("runs/coverage_cost.json")
clock = time.process_time


@dataclass(frozen=True)
class Ratio:
    """One cost beside another.

    Attributes
    ----------
    what : what is compared.
    seconds, beside : processor seconds of both, medians.
    ratio : median of the ratios.
    most : the bound; None where there is none.
    """

    what: str
    seconds: float
    beside: float
    ratio: float
    most: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the ratio is within its bound."""
        return self.most is None or self.ratio <= self.most


def in_turn(calls: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, Array]:
    """Return the seconds that each call reports, ``(repeats,)``; all are called in turn, once before for nothing."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for repeat in range(repeats + 1):
        for name, call in calls.items():
            taken = call()
            if repeat:
                seconds[name].append(taken)
    return {name: np.array(values) for name, values in seconds.items()}


def timed(call: Callable[[], object]) -> float:
    """Return the processor seconds of a call."""
    began = clock()
    call()
    return clock() - began


def ratio(what: str, seconds: Array, beside: Array, most: float | None = None) -> Ratio:
    """Return the ratio of two costs that were timed in turn."""
    return Ratio(what, float(np.median(seconds)), float(np.median(beside)), float(np.median(seconds / beside)), most)


def trajectory_ratios(repeats: int) -> list[Ratio]:
    """Return the ratios of trajectories and of their queries on digits."""
    environment = make_environment("digits")
    prepared = prepare_block(environment.dataset, environment.blocks("search", 1)[0], environment.seed)
    known = [name for name in STRATEGIES if name in methods("query_strategy")]
    recipes = {name: altune.Recipe(query_strategy=STRATEGIES[name]) for name in known}
    queries: dict[str, list[float]] = {name: [] for name in known}

    def trajectory(name: str, fresh: bool) -> float:
        shared = FeatureCache() if fresh else prepared.shared
        block = replace(prepared, shared=shared, prefixes=PrefixCache())
        began = clock()
        curve = play(recipes[name], block, environment.scenario)
        taken = clock() - began
        if not fresh:
            queries[name].append(float(curve.query_seconds[1:].sum()))
        return taken

    first = in_turn({name: lambda name=name: trajectory(name, True) for name in known}, repeats)
    later = in_turn({name: lambda name=name: trajectory(name, False) for name in known}, repeats)
    ratios = []
    for name in known[1:]:
        bound = MOST_TRAJECTORY if name == "margin_cover" else None
        ratios += [
            ratio(f"trajectory of {name} / margin, later of a block", later[name], later["margin"], bound),
            ratio(f"trajectory of {name} / margin, first of a block", first[name], first["margin"]),
            ratio(
                f"queries of {name} / margin, later",
                np.array(queries[name][1:]),
                np.array(queries["margin"][1:]),
                MOST_QUERY if name == "learned_ranker" else None,
            ),
        ]
    return ratios


def choice(pool: Pool, name: str, size: int) -> Callable[[], object]:
    """Return a call that lets a query strategy choose rows of a pool, with the metadata it has already."""
    strategy = parse_method("query_strategy", name)
    if not isinstance(strategy, QueryStrategy):
        raise TypeError(f"{name} chooses no rows")
    return lambda: strategy.select(pool, size, np.random.default_rng(0))


def pool_seconds(rows: int, repeats: int) -> dict[str, Array]:
    """Return the seconds of the graph, a query of both strategies, and a k-means start on a pool of this size."""
    pool, _ = make_pool(Shape(rows, FEATURES, CHOSEN), "query_strategy")
    start = parse_method("initial_sample", "kmeans")
    empty = Pool(pool.X, pool.n_classes, budget=pool.budget)

    def graph() -> object:
        pool.shared = FeatureCache()
        return pool_neighbour_graph(pool, NEIGHBOURS)

    def kmeans() -> object:
        empty.shared, empty.memory = FeatureCache(), FeatureCache()
        if not isinstance(start, InitialSample):
            raise TypeError("kmeans is no initial sample")
        return start.select(empty, STARTED, np.random.default_rng(0))

    calls = {
        "graph": graph,
        "kmeans": kmeans,
        "margin_cover": choice(pool, "margin_cover", CHOSEN),
        "margin": choice(pool, "margin", CHOSEN),
    }
    return in_turn({name: lambda call=call: timed(call) for name, call in calls.items()}, repeats)


def pool_ratios(sizes: Sequence[int], repeats: int) -> tuple[list[dict[str, Any]], list[Ratio]]:
    """Return the seconds in each pool, and the ratios that are judged: growth, and the graph beside k-means."""
    seconds = {rows: pool_seconds(rows, repeats) for rows in sizes}
    lines = [
        {"rows": rows, **{name: float(np.median(taken)) for name, taken in seconds[rows].items()}} for rows in sizes
    ]
    largest = sizes[-1]
    start = f"graph / k-means start of {STARTED} rows, {largest:,} rows"
    ratios = [ratio(start, seconds[largest]["graph"], seconds[largest]["kmeans"], MOST_GRAPH)]
    for smaller, larger in pairwise(lines):
        ratios.append(growth("margin_cover", smaller, larger))
    if len(lines) > 1:
        ratios.append(growth("graph", lines[0], lines[-1]))
    return lines, ratios


def growth(name: str, smaller: Mapping[str, Any], larger: Mapping[str, Any]) -> Ratio:
    """Return how much the seconds grow for each time that the rows do."""
    grown = larger[name] / smaller[name] / (larger["rows"] / smaller["rows"])
    words = f"growth of {name} / growth of the rows, {smaller['rows']:,} to {larger['rows']:,}"
    return Ratio(words, larger[name], smaller[name], grown, STEEPEST)


def show(lines: Sequence[Mapping[str, Any]], ratios: Sequence[Ratio]) -> None:
    """Print the tables."""
    print("| rows | " + " | ".join(name for name in lines[0] if name != "rows") + " |")
    print("|" + "---|" * len(lines[0]))
    for line in lines:
        cells = " | ".join(f"{value:.4f}" for name, value in line.items() if name != "rows")
        print(f"| {line['rows']:,} | {cells} |")
    print("\n| | seconds | beside | ratio | at most |\n|---|---|---|---|---|")
    for one in ratios:
        bound = "" if one.most is None else f"{one.most:g}" + ("" if one.holds else " MISSED")
        print(f"| {one.what} | {one.seconds:.4f} | {one.beside:.4f} | {one.ratio:.2f} | {bound} |")


def main(argv: Sequence[str] | None = None) -> int:
    """Print the ratios; 0 where all are within their bounds, 1 where not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS), help="rows of each pool")
    parser.add_argument("--repeats", type=int, default=15, help="turns of a trajectory; a pool has a third of them")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help="where the numbers are written")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    if options.repeats < 3 or min(options.rows) < 500:
        parser.error("--repeats must be at least 3, --rows at least 500")
    with threadpool_limits(limits=1):
        ratios = trajectory_ratios(options.repeats)
        lines, of_pools = pool_ratios(sorted(set(options.rows)), options.repeats // 3)
    ratios += of_pools
    result = {"pools": lines, "ratios": [asdict(one) | {"holds": one.holds} for one in ratios]}
    give(result, options.out, options.json, lambda: show(lines, ratios))
    return 0 if all(one.holds for one in ratios) else 1


if __name__ == "__main__":
    sys.exit(main())
