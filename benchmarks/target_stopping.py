"""How often does the stopping rule `target` stop a run whose model is below the target?

    python benchmarks/target_stopping.py                                   # 300 runs on two data sets: about 3 minutes
    python benchmarks/target_stopping.py --data breast_cancer --runs 50    # a first look

A run draws a pool, buys held-out rows, and labels 20 loops by margin with logistic regression; every model predicts the
held-out rows and all rows outside of the pool, whose accuracy counts as the true one. The rule is then replayed on what
it would have noted. For each target and number of held-out rows, the table has the share of the runs that stop, the
share that stop while the true accuracy is below the target (per run), and the same among those that stop (per stop).
`each loop` is Wilson's bound at the same confidence without regard to repeated looks.
"""

from __future__ import annotations

import argparse
import json
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from altune.core.registry import parse_method
from altune.core.streams import Streams
from altune.data import load_dataset
from altune.knobs.stopping import StopView
from altune.loop.loop import ActiveLearningLoop
from altune.recipes.recipe import Recipe

LOOPS = 20
HELD_OUT = (30, 60, 100)
CONFIDENCE = 0.9
PLANS: dict[str, tuple[int, int, tuple[float, ...]]] = {
    "breast_cancer": (280, 110, (0.9, 0.93, 0.95, 0.97)),
    "digits": (700, 300, (0.85, 0.9, 0.93, 0.95)),
}
"""Rows of the pool, labels beside the held-out ones, and targets."""


class Played(NamedTuple):
    """One run: which held-out rows each model has right ``(n_models, n_held_out)``, and its true accuracy."""

    right: NDArray[np.bool_]
    accuracy: NDArray[np.float64]


def play(name: str, seed: int) -> Played:
    """Play one run."""
    pool_rows, labels, _ = PLANS[name]
    data = load_dataset(name)
    order = np.random.default_rng(seed).permutation(data.n_rows)
    pool, rest = order[:pool_rows], order[pool_rows:]
    mean, spread = data.X[pool].mean(axis=0), data.X[pool].std(axis=0)
    X = (data.X - mean) / np.where(spread > 0, spread, 1.0)
    # With this number of looks the rule does not stop; it buys the held-out rows.
    rule = {"method": "target", "holdout": max(HELD_OUT), "looks": 10_000}
    loop = ActiveLearningLoop(
        Recipe(query_strategy="margin", stopping=rule),
        X[pool],
        data.n_classes,
        budget=labels + max(HELD_OUT),
        loops=LOOPS,
        streams=Streams(seed, name, "search", seed),
    )
    right, accuracy = [], []
    while not loop.done:
        loop.tell(data.y[pool][loop.ask().rows])
        if loop.model is not None:
            held_out = np.random.default_rng(seed).permutation(loop.pool.held_out)
            right.append(loop.model.predict(X[pool][held_out]) == data.y[pool][held_out])
            accuracy.append(np.mean(loop.model.predict(X[rest]) == data.y[rest]))
    return Played(np.array(right), np.array(accuracy))


def stop_of(right: NDArray[np.bool_], score: float, rule: str) -> int | None:
    """Return the model after which a run stops, None if it never does; the last model ends the run anyway."""
    hits, n = right[:-1].sum(axis=1), right.shape[1]
    if rule == "each loop":
        fires = wilson_low(hits, n) >= score
        return int(np.argmax(fires)) if fires.any() else None
    target = parse_method("stopping", {"method": "target", "score": score, "holdout": n, "confidence": CONFIDENCE})
    zeros, notes = np.zeros(n, dtype=np.intp), []
    for model, of_model in enumerate(right[:-1]):
        view = StopView((), zeros, (~of_model).astype(np.intp), 0, 2, np.random.default_rng(0))
        notes.append(target.note(view))
        if target.fires(notes):
            return model
    return None


def wilson_low(hits: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """Return Wilson's one-sided lower bound of a share of hits."""
    z, share = norm.ppf(CONFIDENCE), hits / n
    spread = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low: NDArray[np.float64] = (share + z * z / (2 * n) - spread) / (1 + z * z / n)
    return low


def shares(runs: list[Played], score: float, n: int, rule: str) -> dict[str, Any]:
    """Return how many runs stop, and how many of them below the target."""
    stops = [stop_of(run.right[:, :n], score, rule) for run in runs]
    below = sum(stop is not None and run.accuracy[stop] < score for stop, run in zip(stops, runs, strict=True))
    stopped = sum(stop is not None for stop in stops)
    return {
        "target": score,
        "held out": n,
        "rule": rule,
        "stop": stopped / len(runs),
        "below per run": below / len(runs),
        "below per stop": below / stopped if stopped else None,
    }


def main() -> None:
    """Print one table for each data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=PLANS, default=list(PLANS), help="data sets")
    parser.add_argument("--runs", type=int, default=300, help="runs on each data set")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    tables = {}
    for name in arguments.data:
        runs = [play(name, seed) for seed in range(arguments.runs)]
        rules = ("each loop", "target")
        tables[name] = [shares(runs, score, n, rule) for score in PLANS[name][2] for n in HELD_OUT for rule in rules]
    if arguments.json:
        print(json.dumps(tables))
        return
    for name, rows in tables.items():
        print(f"{name}\ntarget  held out  rule       stop  below per run  below per stop")
        for row in rows:
            of_stops = "     -" if row["below per stop"] is None else f"{row['below per stop']:6.2f}"
            print(
                f"{row['target']:6.2f}  {row['held out']:8d}  {row['rule']:9s}  {row['stop']:4.2f}  "
                f"{row['below per run']:13.3f}  {of_stops:>14s}"
            )


if __name__ == "__main__":
    main()
