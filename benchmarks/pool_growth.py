"""How do time and memory of a loop grow with the pool? A search space's alternatives, from 1,000 rows to 1,000,000.

    python benchmarks/pool_growth.py                            # the space large_pool; several minutes
    python benchmarks/pool_growth.py --rows 1000 10000 100000   # smaller pools
    python benchmarks/pool_growth.py --only margin kmeans       # some alternatives

Each alternative of ``initial_sample`` and ``query_strategy`` is played (eight loops of 20 rows, logistic regression) in
a process of its own on rows of 50 features of float32. Seconds of a query are the median of those after the first,
which also makes what is built once for a pool. Exit code 1 where one fails, needs more than ``--memory`` GiB above the
data, or grows from the pool before to the largest one ``--steepest`` times as much as one plain pass over the same rows
does (a product with as many columns as there are classes, and its exponential), which is linear but for the caches.
Linux, macOS.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from large_pool import CLASSES, CLUSTERS_PER_CLASS, KNOBS, peak_gibibytes
from numpy.typing import NDArray

from altune.core.types import RowNumbers
from altune.data import Dataset
from altune.recipes.space import SearchSpace
from altune.workflows.simulate import simulate

SIZES = (1_000, 10_000, 100_000, 1_000_000)
CHUNK = 10_000
LOOP_ROWS, LOOPS, PASSES = 20, 8, 5
LEAST_SECONDS = 0.01
"""Times below this in the smaller pool are mostly overhead and are not judged."""
STEEPEST = 2.0
"""A linear cost grows as a pass over the rows does, within what one run scatters; a quadratic one ten times as much."""


@dataclass(frozen=True)
class Played:
    """What one alternative took on one pool.

    Seconds of the first sample, of a later query, and of one plain pass over the rows; GiB of memory.
    """

    knob: str
    method: str
    rows: int
    start: float | None = None
    query: float | None = None
    gibibytes: float | None = None
    plain: float | None = None
    problem: str = ""

    @property
    def seconds(self) -> float | None:
        """Seconds of the knob's own work."""
        return self.start if self.knob == "initial_sample" else self.query


def make_rows(rows: int, features: int) -> tuple[NDArray[np.float32], RowNumbers]:
    """Return rows of float32 around a few centres for each class, made in chunks to leave no memory behind."""
    rng = np.random.default_rng(0)
    informative = max(1, features // 2)
    centres = rng.normal(scale=1.5, size=(CLASSES, CLUSTERS_PER_CLASS, informative))
    codes = rng.integers(CLASSES, size=rows)
    X = np.empty((rows, features), dtype=np.float32)
    for start in range(0, rows, CHUNK):
        part = slice(start, min(start + CHUNK, rows))
        X[part] = rng.normal(size=X[part].shape)
        X[part, :informative] += centres[codes[part], rng.integers(CLUSTERS_PER_CLASS, size=len(codes[part]))]
    return X, codes.astype(np.intp)


def alternatives(space: str) -> list[tuple[str, dict[str, Any]]]:
    """Return knob and method of each alternative of the knobs that look at the pool, ranges closed at their ends."""
    plain = SearchSpace.load(space).to_dict()
    return [(knob, closed(one)) for knob in KNOBS for one in plain.get(knob, [])]


def closed(value: Any) -> Any:
    """Close what is open: a range at its upper end, choices at the last one, alternatives at the first.

    >>> closed({"method": "probcover", "subpool": {"choices": [1000, 5000]}})
    {'method': 'probcover', 'subpool': 5000}
    """
    if isinstance(value, Mapping):
        if "high" in value:
            return value["high"]
        if "choices" in value:
            return value["choices"][-1]
        return {name: closed(part) for name, part in value.items()}
    return closed(value[0]) if isinstance(value, list) else value


def play_one(knob: str, method: Mapping[str, Any], rows: int, features: int) -> Played:
    """Return what an alternative takes in this process."""
    X, y = make_rows(rows, features)
    before = peak_gibibytes()
    recipe: dict[str, Any] = {
        "initial_sample": {"method": "random", "size": LOOP_ROWS},
        "loop_size": {"method": "constant", "size": LOOP_ROWS},
        knob: dict(method),
    }
    if knob == "initial_sample":
        recipe[knob]["size"] = LOOP_ROWS
    name = str(method["method"])
    try:
        data = Dataset(X, y, name="growth")
        played = simulate(recipe, data, n_blocks=1, budget=LOOP_ROWS * (LOOPS + 1), loops=LOOPS)
    except Exception as error:
        return Played(knob, name, rows, problem=f"{type(error).__name__}: {error}".splitlines()[0])
    seconds, memory = played.curves[0].query_seconds, peak_gibibytes() - before
    return Played(knob, name, rows, float(seconds[0]), float(np.median(seconds[2:])), memory, seconds_of_a_pass(X))


def seconds_of_a_pass(X: NDArray[np.float32]) -> float:
    """Return the seconds of a product of the rows with one column for each class, and its exponential."""
    columns = np.zeros((X.shape[1], CLASSES), dtype=X.dtype)
    taken = []
    for _ in range(PASSES):
        start = time.perf_counter()
        np.exp(X @ columns)
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def _work(knob: str, method: Mapping[str, Any], rows: int, features: int, told: Connection) -> None:
    told.send(play_one(knob, method, rows, features))


def play_apart(knob: str, method: Mapping[str, Any], rows: int, features: int) -> Played:
    """Return the same from a process of its own, whose memory is all its own."""
    context: Any = multiprocessing.get_context("spawn")
    ours, told = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(knob, method, rows, features, told))
    process.start()
    told.close()
    try:
        found: Played = ours.recv()
        return found
    except EOFError:
        return Played(knob, str(method["method"]), rows, problem="its process died: out of memory?")
    finally:
        process.join()


def growth(smaller: Played, larger: Played) -> float | None:
    """Return how much the seconds grow for each time that those of a plain pass do; None where they are too few."""
    if None in (smaller.seconds, larger.seconds, smaller.plain, larger.plain) or smaller.seconds < LEAST_SECONDS:
        return None
    return (larger.seconds / smaller.seconds) / (larger.plain / smaller.plain)


def problem_of(played: Sequence[Played], memory: float, steepest: float) -> str:
    """Return what is wrong with an alternative, from the smallest pool to the largest; nothing where it is right."""
    for one in played:
        if one.problem:
            return one.problem
        if one.gibibytes is not None and one.gibibytes > memory:
            return f"over {memory:g} GiB"
    if len(played) > 1:
        smaller, larger = played[-2:]
        steeper = growth(smaller, larger)
        if steeper is not None and steeper > steepest:
            return f"grows {steeper:.1f} times as much as a pass over the rows"
    return ""


def row(played: Sequence[Played], problem: str) -> str:
    """Return the line of one alternative as text: seconds in each pool, and memory in the largest."""
    cells = "".join(f"{'':>12}" if one.seconds is None else f"{one.seconds:>12.4f}" for one in played)
    memory = played[-1].gibibytes
    grown = f"{'':>8}" if memory is None else f"{memory:>8.2f}"
    steeper = growth(*played[-2:]) if len(played) > 1 else None
    beside = f"{'':>8}" if steeper is None else f"{steeper:>8.2f}"
    return f"{played[0].knob:<16}{played[0].method:<20}{cells}{grown}{beside}  {problem or 'passes'}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 where every alternative passes, 1 where not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--space", default="large_pool", help="search space (large_pool)")
    parser.add_argument("--rows", type=int, nargs="+", default=list(SIZES), help="rows of each pool's data set")
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--memory", type=float, default=2.0, help="GiB above the data (2)")
    parser.add_argument(
        "--steepest", type=float, default=STEEPEST, help=f"growth beside that of a pass over the rows ({STEEPEST:g})"
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="METHOD")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    sizes = sorted(given.rows)
    if sizes[0] < 10 * CLASSES * LOOP_ROWS // 4 or given.features < 1:
        parser.error(f"--rows must be {10 * CLASSES * LOOP_ROWS // 4} or more, --features 1 or more")
    chosen = [(knob, one) for knob, one in alternatives(given.space) if not given.only or one["method"] in given.only]
    if not chosen:
        parser.error(f"the space {given.space} has none of {', '.join(given.only)}")
    if not given.json:
        heads = "".join(f"{size:>12,}" for size in sizes)
        print(f"{'seconds of a choice':<36}{heads}{'GiB':>8}{'growth':>8}", flush=True)
    lines, failed = [], False
    for knob, method in chosen:
        played = [play_apart(knob, method, size, given.features) for size in sizes]
        problem = problem_of(played, given.memory, given.steepest)
        failed = failed or bool(problem)
        lines += [asdict(one) for one in played]
        if not given.json:
            print(row(played, problem), flush=True)
    if given.json:
        print(json.dumps({"features": given.features, "lines": lines}))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
