"""Does altune reproduce a published result? Lu and Lin's re-benchmark on WDBC (arXiv 2306.08954).

Support vector machine with a radial kernel, margin sampling one row at a time from 20 labels until the pool of 341
rows is empty. The protocol is played through ``altune.simulate`` alone, on blocks that are given as row numbers.

    python benchmarks/published_wdbc.py                              # seeds 0, 1, 2 against their published areas
    python benchmarks/published_wdbc.py --blocks 150                  # and the published mean
    python benchmarks/published_wdbc.py --strategy random --blocks 30

Exit code 0 where everything agrees, 1 where not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import altune

if TYPE_CHECKING:
    from altune.simulation.result import Simulation

ROWS, POOL_ROWS, FIRST_ROWS, PUBLISHED_SEEDS = 569, 341, 20, 150
SEED_TOLERANCE = 2e-4
STANDARD_ERRORS = 3.0
PUBLISHED_AREAS = {"margin": (0.97213, 0.97495, 0.97090), "random": ()}
PUBLISHED_MEANS = {"margin": 0.9654, "random": 0.9539}


@dataclass(frozen=True)
class Line:
    """One number beside its published value; ``agrees`` is None where nothing was published."""

    what: str
    published: float | None
    altune: float
    tolerance: float | None

    @property
    def agrees(self) -> bool | None:
        """Whether the two are within the tolerance."""
        if self.published is None or self.tolerance is None:
            return None
        return abs(self.altune - self.published) <= self.tolerance


def protocol_block(seed: int) -> dict[str, NDArray[np.intp]]:
    """Return pool, test and first labelled rows of one seed of the protocol.

    The pool stays in the order of the split, which is the order of the labelled rows in each training set there:
    libsvm's answer depends on it in the fifth digit.
    """
    rows = np.arange(ROWS)
    np.random.default_rng(seed).shuffle(rows)
    pool, test = rows[:POOL_ROWS], rows[POOL_ROWS:]
    first = pool.copy()
    np.random.default_rng(seed).shuffle(first)
    return {"pool": pool, "test": test, "initial": first[:FIRST_ROWS]}


def protocol_recipe(strategy: str) -> dict[str, Any]:
    """Return the protocol's recipe with one query strategy; the first rows are fixed by the blocks."""
    return {
        "model": {"method": "svm_rbf", "C": 1.0, "gamma": "auto"},
        "query_strategy": {"method": strategy},
        "loop_size": {"method": "constant", "size": 1},
        "retrain": {"method": "reset"},
    }


def published_area(accuracy: ArrayLike) -> float:
    """Return the area as its authors define it: the first point dropped, divided by the number of points left."""
    kept = np.asarray(accuracy, dtype=np.float64)[1:]
    return float(np.trapezoid(kept) / len(kept))


def play(strategy: str, seeds: int, jobs: int = 1, budget: int = POOL_ROWS) -> Simulation:
    """Play the protocol on its seeds 0, 1, …; a budget below the pool's rows ends it early."""
    return altune.simulate(
        protocol_recipe(strategy),
        "breast_cancer",
        budget=budget,
        loops="unlimited",
        splits=[protocol_block(seed) for seed in range(seeds)],
        n_jobs=jobs,
    )


def compare_areas(strategy: str, areas: Sequence[float]) -> list[Line]:
    """Return each seed's area and their mean beside the published ones."""
    known = PUBLISHED_AREAS[strategy]
    lines = [
        Line(f"seed {seed}", known[seed], area, SEED_TOLERANCE)
        if seed < len(known)
        else Line(f"seed {seed}", None, area, None)
        for seed, area in enumerate(areas)
    ]
    if len(areas) > max(1, len(known)):
        mean, published = float(np.mean(areas)), PUBLISHED_MEANS[strategy]
        lines.append(Line(f"mean of {len(areas)}", published, mean, mean_tolerance(strategy, areas)))
    return lines


def mean_tolerance(strategy: str, areas: Sequence[float]) -> float:
    """Return how far a mean over fewer seeds, or over other random draws, may lie from the published one.

    Margin sampling repeats the published seeds, so that only those left out can make a difference; random
    sampling draws anew.
    """
    missing = 1 / len(areas) - 1 / PUBLISHED_SEEDS
    variance = max(0.0, missing) if strategy == "margin" else 1 / len(areas) + 1 / PUBLISHED_SEEDS
    return SEED_TOLERANCE + STANDARD_ERRORS * float(np.std(areas, ddof=1)) * float(np.sqrt(variance))


def table(lines: Sequence[Line]) -> str:
    """Return the lines as text."""
    rows = [f"{'':<12}{'published':>10}{'altune':>10}{'difference':>12}{'tolerance':>11}  agrees"]
    for line in lines:
        if line.published is None or line.tolerance is None:
            rows.append(f"{line.what:<12}{'':>10}{line.altune:>10.5f}")
            continue
        difference = line.altune - line.published
        verdict = "yes" if line.agrees else "NO"
        rows.append(
            f"{line.what:<12}{line.published:>10.5f}{line.altune:>10.5f}{difference:>+12.5f}"
            f"{line.tolerance:>11.5f}  {verdict}"
        )
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 where everything agrees, 1 where not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--strategy", choices=sorted(PUBLISHED_MEANS), default="margin")
    parser.add_argument("--seeds", type=int, help="seeds 0 to N−1 (3 for margin, 30 for random)")
    parser.add_argument("--jobs", type=int, default=1, help="processes; −1 for one on each core")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    seeds = given.seeds if given.seeds is not None else len(PUBLISHED_AREAS[given.strategy]) or 30
    if not 1 <= seeds <= 10_000:
        parser.error(f"--seeds must be 1 to 10000, not {seeds}")
    simulation = play(given.strategy, seeds, given.jobs)
    areas = [published_area(curve.scores["accuracy"]) for curve in simulation.curves]
    lines = compare_areas(given.strategy, areas)
    if given.json:
        print(json.dumps({"strategy": given.strategy, "lines": [asdict(x) | {"agrees": x.agrees} for x in lines]}))
    else:
        print(f"WDBC, {given.strategy}, area under the accuracy of {len(simulation.curves[0])} models")
        print(table(lines))
        if len(areas) > 1:
            print(f"standard deviation over seeds {np.std(areas, ddof=1):.4f}; published for margin .0099")
    return 1 if any(line.agrees is False for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
