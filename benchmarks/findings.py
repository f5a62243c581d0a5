"""Does the simulator show what is known of active learning? Each published finding, measured on real data.

    python benchmarks/findings.py                       # 30 blocks on 5 data sets, all cores
    python benchmarks/findings.py --blocks 5            # a first look

Each finding is a paired difference on the same blocks, with a 95 % interval that is corrected for splits sharing rows
(Nadeau & Bengio 2003) on each data set, and a plain one over all blocks of all data sets together.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import joblib
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import altune
from altune.curve import LearningCurve
from altune.data.blocks import make_blocks
from altune.knobs.query_strategy.base import QueryStrategy
from altune.pool import Pool, Rows
from altune.scenario import Scenario
from altune.simulation import Arena, make_arena, play
from altune.statistics import PairedDifference, paired_difference

DATA = ("digits", "breast_cancer", "wine", "phishing", "image_segments")
BUDGETS = {"wine": 60}
BUDGET = 120
FIRST = 20
EARLY = 0.4


class PeekingOracle(QueryStrategy):
    """Greedy with open eyes: of 12 random batches and margin's own, the one after which the test score is best.

    It sees true labels and test rows, so it is no strategy but a yardstick; it stands here and nowhere else.
    """

    source: ClassVar[str] = "Huang et al., ALPBench / Lu & Lin, re-benchmark: the beam search oracle, made greedy"
    method: Literal["peeking_oracle"] = "peeking_oracle"
    arena: ClassVar[Arena | None] = None

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> Rows:
        """Return the batch that would help most."""
        arena = type(self).arena
        if arena is None or pool.learner is None:
            raise RuntimeError("the oracle was not shown the arena")
        margin = altune.Recipe().query_strategy.select(pool, size, rng)
        batches = [margin, *(rng.choice(pool.candidates, size=len(margin), replace=False) for _ in range(12))]

        def score(batch: Rows) -> float:
            rows = np.sort(np.concatenate([pool.labelled, batch]))
            model = pool.learner.fit(arena.X_pool[rows], arena.y_pool[rows], arena.n_classes, 0)
            return float(np.mean(model.predict(arena.X_test) == arena.y_test))

        return batches[int(np.argmax([score(batch) for batch in batches]))]


def recipes(budget: int) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Return what is played: (recipe, changes of the scenario) by name."""
    first = {"initial_sample": {"method": "random", "size": FIRST}, "loop_size": {"method": "constant", "size": 5}}
    unlimited = {"loops": "unlimited"}
    rbf = {"method": "svm_rbf"}

    def margin(**changes: Any) -> dict[str, Any]:
        return {**first, "query_strategy": {"method": "margin"}, **changes}

    def strategy(name: str) -> dict[str, Any]:
        return {**first, "query_strategy": {"method": name}}

    asked_by = {"method": "margin", "query_model": {"method": "logistic_regression"}}
    return {
        **{name: (strategy(name), unlimited) for name in ("random", "margin", "least_confidence", "entropy")},
        "typiclust": (strategy("typiclust"), unlimited),
        "smart_start": (margin(initial_sample={"method": "kmeans", "size": FIRST}), unlimited),
        "large_loops": (margin(loop_size={"method": "constant", "size": 20}), unlimited),
        "warm": (margin(retrain={"method": "warm_start"}), unlimited),
        "noise_10": (margin(), {**unlimited, "annotators": [{"error": 0.1}]}),
        "noise_20": (margin(), {**unlimited, "annotators": [{"error": 0.2}]}),
        "oracle": ({**first, "query_strategy": PeekingOracle()}, unlimited),
        "rbf": (margin(model=rbf), unlimited),
        "rbf_asked_by_linear": (margin(model=rbf, query_strategy=asked_by), unlimited),
    }


def play_block(name: str, number: int) -> dict[str, Any]:
    """Play every recipe on one block of one data set."""
    with threadpool_limits(limits=1):
        data = altune.load_dataset(name)
        block = make_blocks(data, "search", number + 1, 0)[number]
        arena = make_arena(data, block, 0)
        PeekingOracle.arena = arena
        budget = BUDGETS.get(name, BUDGET)
        curves = {}
        for recipe, (parts, changes) in recipes(budget).items():
            scenario = Scenario.from_dict({"budget": budget, **changes}).resolve(data, len(block.pool))
            curves[recipe] = play(altune.Recipe(**parts), arena, scenario)
    return {"curves": curves, "sizes": (len(block.pool), len(block.test)), "budget": budget}


def area(curve: LearningCurve, low: float, high: float) -> float:
    """Return the mean of the score in hand from ``low`` to ``high`` labels."""
    counts = np.arange(round(low), round(high) + 1)
    return float(curve.at(counts, "accuracy").mean())


@dataclass(frozen=True)
class Finding:
    """A published finding as a difference: ``a`` minus ``b``, measured somewhere on the curve."""

    text: str
    a: str
    b: str
    where: Literal["all", "early", "late", "end"]
    expected: Literal["above", "zero"]
    only: Callable[[int], bool] = lambda n_classes: True

    def measure(self, played: Sequence[dict[str, Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the values of ``a`` and ``b`` on each block."""
        values: list[tuple[float, float]] = []
        for one in played:
            budget = one["budget"]
            turn = FIRST + EARLY * (budget - FIRST)
            parts = {"all": (FIRST, budget), "early": (FIRST, turn), "late": (turn, budget), "end": (budget, budget)}
            low, high = parts[self.where]
            values.append(tuple(area(one["curves"][name], low, high) for name in (self.a, self.b)))  # type: ignore[arg-type]
        return np.array([a for a, _ in values]), np.array([b for _, b in values])


FINDINGS = (
    Finding("margin is ahead of random", "margin", "random", "all", "above"),
    Finding("margin = least confidence for 2 classes", "margin", "least_confidence", "all", "zero", lambda k: k == 2),
    Finding("margin = entropy for 2 classes", "margin", "entropy", "all", "zero", lambda k: k == 2),
    Finding("entropy is behind margin early, many classes", "margin", "entropy", "early", "above", lambda k: k >= 7),
    Finding("entropy catches up late, many classes", "margin", "entropy", "end", "zero", lambda k: k >= 7),
    Finding("TypiClust is ahead of random early", "typiclust", "random", "early", "above"),
    Finding("TypiClust and random are about even late", "typiclust", "random", "end", "zero"),
    Finding("a smart start moves the early curve", "smart_start", "margin", "early", "above"),
    Finding("a smart start does not move the end", "smart_start", "margin", "end", "zero"),
    Finding("smaller loops are better, slightly", "margin", "large_loops", "all", "above"),
    Finding("warm start on all = reset for a convex model", "warm", "margin", "all", "zero"),
    Finding("10 % label noise lowers the curve", "margin", "noise_10", "all", "above"),
    Finding("20 % label noise lowers it further", "noise_10", "noise_20", "all", "above"),
    Finding("a peeking oracle lies above margin", "oracle", "margin", "all", "above"),
    Finding("query model = task model is best", "rbf", "rbf_asked_by_linear", "all", "above"),
)
EVEN = 0.01
"""A difference this small counts as none where none is expected."""


def verdict(finding: Finding, difference: PairedDifference) -> str:
    """Return whether a difference agrees with a finding."""
    if finding.expected == "zero":
        if abs(difference.mean) <= EVEN:
            return "agrees"
        return "disagrees" if difference.low > 0 or difference.high < 0 else "unclear"
    if difference.low > 0:
        return "agrees"
    return "disagrees" if difference.high < 0 else "agrees in sign" if difference.mean > 0 else "unclear"


def main(argv: Sequence[str] | None = None) -> int:
    """Print each finding, on each data set and over all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--data", nargs="+", default=list(DATA))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    tasks = [(name, number) for name in options.data for number in range(options.blocks)]
    played = joblib.Parallel(n_jobs=options.jobs)(joblib.delayed(play_block)(*task) for task in tasks)
    by_data = {name: [one for task, one in zip(tasks, played, strict=True) if task[0] == name] for name in options.data}
    rows = []
    for finding in FINDINGS:
        pooled: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        for name, some in by_data.items():
            if not finding.only(altune.load_dataset(name).n_classes):
                continue
            a, b = finding.measure(some)
            pooled.append((a, b))
            n_train, n_test = some[0]["sizes"]
            rows.append(row(finding, name, paired_difference(a, b, n_train=n_train, n_test=n_test)))
        if pooled:
            a, b = (np.concatenate([pair[side] for pair in pooled]) for side in (0, 1))
            rows.append(row(finding, f"all {len(pooled)}", paired_difference(a, b, n_train=1, n_test=0)))
    if options.json:
        print(json.dumps(rows, indent=2))
        return 0
    last = ""
    for one in rows:
        if one["finding"] != last:
            last = one["finding"]
            print(f"\n{last}  ({one['what']})")
        print(
            f"  {one['data']:16}{one['mean']:+.4f}  [{one['low']:+.4f}, {one['high']:+.4f}]"
            f"  {one['blocks']:4} blocks  {one['verdict']}"
        )
    return 0


def row(finding: Finding, data: str, difference: PairedDifference) -> dict[str, Any]:
    """Return one line of the table."""
    what = f"{finding.a} - {finding.b}, {finding.where}, expected {'> 0' if finding.expected == 'above' else '= 0'}"
    numbers = {"mean": difference.mean, "low": difference.low, "high": difference.high, "blocks": difference.blocks}
    return {"finding": finding.text, "what": what, "data": data, **numbers, "verdict": verdict(finding, difference)}


if __name__ == "__main__":
    sys.exit(main())
