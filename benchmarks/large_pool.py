"""Does every query strategy and first sample bear a large pool? Seconds and memory of one choice of 50 rows.

    python benchmarks/large_pool.py                          # 100,000 rows of 50 features, some minutes
    python benchmarks/large_pool.py --only bait typiclust    # some of them
    python benchmarks/large_pool.py --rows 20000             # a smaller pool

Each method runs in a process of its own. Exit code 1 where one fails, takes longer than ``--limit`` seconds or needs
more than ``--memory`` GiB beside the pool. Linux and macOS.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

import altune.knobs
from altune.core.metadata import Metadata
from altune.core.pool import Pool
from altune.core.registry import methods, parse_method
from altune.core.types import RowNumbers, TrainingSet
from altune.knobs.initial_sample.base import InitialSample
from altune.knobs.query_strategy.base import QueryStrategy
from altune.models import LogisticRegressionModel

KNOBS = ("initial_sample", "query_strategy")
CLASSES, CLUSTERS_PER_CLASS, LABELLED = 10, 3, 200
START_SECONDS = 300.0
"""How long a process may take to start and build the pool; it is no part of what is measured."""


@dataclass(frozen=True)
class Shape:
    """What the pool is like, and how many rows are asked for."""

    rows: int
    features: int
    size: int


@dataclass(frozen=True)
class Line:
    """One line of the table; ``problem`` is empty where the method passes.

    ``first`` is the first choice, with all that is built once for a pool; ``again`` the second, both in seconds.
    ``gibibytes`` is how far the process grew.
    """

    knob: str
    method: str
    first: float | None
    again: float | None
    gibibytes: float | None
    problem: str = ""


def make_classes(rows: int, features: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], RowNumbers]:
    """Return rows around a few centres for each class, half of the features noise, and their class codes."""
    informative = max(1, features // 2)
    codes = rng.integers(CLASSES, size=rows)
    centres = rng.normal(scale=1.5, size=(CLASSES, CLUSTERS_PER_CLASS, informative))
    X = rng.normal(size=(rows, features))
    X[:, :informative] += centres[codes, rng.integers(CLUSTERS_PER_CLASS, size=rows)]
    return X, codes.astype(np.intp)


def make_pool(shape: Shape, knob: str) -> tuple[Pool, RowNumbers]:
    """Return the pool as a method of the knob meets it, and the true codes of its rows."""
    rng = np.random.default_rng(0)
    X, y = make_classes(shape.rows, shape.features, rng)
    pool = Pool(X, CLASSES, budget=100 * shape.size)
    if knob == "initial_sample":
        return pool, y
    labelled = np.sort(rng.permutation(shape.rows)[:LABELLED])
    pool.close(labelled)
    pool.set_labels(labelled, y[labelled])
    pool.labels_bought, pool.loop = len(labelled), 1
    pool.learner = LogisticRegressionModel()
    pool.model = pool.learner.fit(TrainingSet(X[labelled], pool.labels, CLASSES), 0)
    pool.metadata = Metadata(X, pool.candidates, pool.model)
    return pool, y


def choose(knob: str, name: str, pool: Pool, truth: RowNumbers, size: int, seed: int) -> str:
    """Let a method choose, and return what is wrong with its choice; nothing where it is right."""
    method, rng = parse_method(knob, name), np.random.default_rng(seed)
    if isinstance(method, InitialSample):
        rows = method.select_knowing(pool, size, rng, truth)
    elif isinstance(method, QueryStrategy):
        rows = method.select(pool, size, rng)
    else:
        raise TypeError(f"{name} of {knob} chooses no rows")
    wrong = len(rows) != size or len(np.unique(rows)) != size or not np.isin(rows, pool.candidates).all()
    return f"did not choose {size} distinct candidates" if wrong else ""


def peak_gibibytes() -> float:
    """Return the most memory that this process has held so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def measure(knob: str, name: str, shape: Shape, listener: Connection | None = None) -> Line:
    """Return how long two choices take here, and how far memory grows; ``listener`` is notified when they start."""
    pool, truth = make_pool(shape, knob)
    before, seconds, problem = peak_gibibytes(), [], ""
    if listener is not None:
        listener.send(None)
    for seed in range(2):
        start = time.perf_counter()
        try:
            problem = problem or choose(knob, name, pool, truth, shape.size, seed)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}".splitlines()[0]
        seconds.append(time.perf_counter() - start)
        if listener is not None:
            listener.send(seconds[-1])
        if pool.model is not None and pool.metadata is not None:  # as the next loop has it, this one an earlier one
            pool.metadata = Metadata(pool.X, pool.candidates, pool.model, pool.metadata.as_history())
    return Line(knob, name, seconds[0], seconds[1], peak_gibibytes() - before, problem)


def _work(knob: str, name: str, shape: Shape, listener: Connection) -> None:
    listener.send(measure(knob, name, shape, listener))


def measure_apart(knob: str, name: str, shape: Shape, limit: float) -> Line:
    """Return a method's line from a process of its own, which is ended where a choice takes too long."""
    apart = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context: Any = multiprocessing.get_context(apart)
    if apart == "forkserver":
        context.set_forkserver_preload(["altune.knobs", "altune.models"])
    ours, listener = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(knob, name, shape, listener))
    process.start()
    listener.close()
    heard: list[float] = []
    try:
        for wait in (START_SECONDS, limit, limit, START_SECONDS):
            if not ours.poll(wait):
                return Line(knob, name, *_two(heard), None, f"over {wait:g} s")
            message = ours.recv()
            if isinstance(message, Line):
                return message
            if message is not None:
                heard.append(message)
    except EOFError:
        return Line(knob, name, *_two(heard), None, "its process died: out of memory?")
    finally:
        process.terminate()
        process.join()
    raise RuntimeError(f"{name} ended without a result")


def _two(heard: Sequence[float]) -> tuple[float | None, float | None]:
    return (heard[0] if heard else None), (heard[1] if len(heard) > 1 else None)


def judge(line: Line, limit: float, memory: float) -> Line:
    """Return the line with its problem, if it has one."""
    slow = max((seconds for seconds in (line.first, line.again) if seconds is not None), default=0.0)
    if line.problem:
        return line
    problem = f"over {limit:g} s" if slow > limit else ""
    if line.gibibytes is not None and line.gibibytes > memory:
        problem = f"over {memory:g} GiB"
    return Line(line.knob, line.method, line.first, line.again, line.gibibytes, problem)


def own_methods(only: Sequence[str]) -> list[tuple[str, str]]:
    """Return knob and name of the methods that altune ships, or of those asked for."""
    found = [
        (knob, name)
        for knob in KNOBS
        for name, cls in sorted(methods(knob).items())
        if cls.__module__.startswith(altune.knobs.__name__)
    ]
    return [one for one in found if not only or one[1] in only]


def row(line: Line) -> str:
    """Return one line as text."""
    cells = [f"{value:>10.2f}" if value is not None else f"{'':>10}" for value in (line.first, line.again)]
    grown = f"{line.gibibytes:>9.2f}" if line.gibibytes is not None else f"{'':>9}"
    return f"{line.knob:<16}{line.method:<24}{cells[0]}{cells[1]}{grown}  {line.problem or 'passes'}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 where every method passes, 1 where not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--size", type=int, default=50, help="rows of one choice")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds that one choice may take")
    parser.add_argument("--memory", type=float, default=4.0, help="GiB that it may need beside the pool")
    parser.add_argument("--only", nargs="+", default=[], metavar="METHOD")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    if given.rows < LABELLED + given.size or given.features < 1 or given.size < 1:
        parser.error(f"--rows must be at least {LABELLED} + --size, --features and --size at least 1")
    chosen = own_methods(given.only)
    unknown = set(given.only) - {name for _, name in chosen}
    if unknown:
        parser.error(f"no method {sorted(unknown)[0]!r} of {' or '.join(KNOBS)}")
    shape = Shape(given.rows, given.features, given.size)
    if not given.json:
        print(
            f"{given.size} rows of {given.rows:,} x {given.features}, {CLASSES} classes; seconds, GiB beside the pool"
        )
        print(f"{'knob':<16}{'method':<24}{'first':>10}{'again':>10}{'memory':>9}", flush=True)
    lines = []
    for knob, name in chosen:
        lines.append(judge(measure_apart(knob, name, shape, given.limit), given.limit, given.memory))
        if not given.json:
            print(row(lines[-1]), flush=True)
    if given.json:
        print(json.dumps({"shape": asdict(shape), "lines": [asdict(line) for line in lines]}))
    return 1 if any(line.problem for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
