"""What is tuning worth beyond the recipe that altune recommends without any label?

    python benchmarks/tuning_or_recommending.py                     # 36 data sets, 3 seeds, 40 trials: some hours
    python benchmarks/tuning_or_recommending.py --quick             # 2 data sets, 1 seed, 6 trials: a minute or two
    python benchmarks/tuning_or_recommending.py --data digits car --seeds 5 --model random_forest

Each data set is tuned in ``standard`` with its portfolio, which for a built-in data set is made without its family.
What ``altune tune`` hands out is compared with the recommended recipe, block by block, on the rows that were held back,
which nothing was scored on before. Where the recommended recipe itself is handed out the difference is zero. Each seed
holds back other rows.

A finished run is a line in ``--out``; an interrupted command resumes there. Intervals of means are of 95 %, by a
bootstrap over families of data sets and then over the blocks of each.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from lib.data_sets import at_most, spread, studied
from lib.lines import Line, lines_of
from lib.output import give
from lib.over_data import mean_of, per_data, pooled, shown

import altune
from altune.core.errors import AltuneError
from altune.recipes.recipe import RECOMMENDED

DATA = tuple(info.name for info in spread(studied(), 36))
OUT = Path("runs/tuning_or_recommending.jsonl")
WANTED, LEAST = 0.012, -0.01
"""The mean difference that tuning should reach, and the one that no data set should be below."""

Task = tuple[str, str, int, int, int]
"""Data set, model, seed, trials, rows."""


def tuned(task: Task, report_blocks: int) -> Line:
    """Return the line of one run."""
    name, model, seed, n_trials, rows = task
    data = at_most(altune.load_dataset(name), rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = altune.tune(
            data, model=model, seed=seed, n_trials=n_trials, report_blocks=report_blocks, ablation=False, progress=False
        )
    findings, confirmation = run.findings, run.confirmation
    assert findings is not None
    assert confirmation is not None
    objective, references = findings.objective, confirmation.baselines["random_sampling"].curves
    recipe, recommended = (
        objective.each(played.curves, references)
        for played in (confirmation.recipe, confirmation.baselines[RECOMMENDED])
    )
    difference = findings.against[RECOMMENDED].difference
    return {
        "task": list(task),
        "classes": data.n_classes,
        "family": altune.data.family_of(name) or name,
        "budget": findings.budget,
        "chosen": findings.chosen or "a trial",
        "differences": (recipe - recommended).tolist(),
        "interval": [difference.low, difference.high],
        "recommended": float(recommended.mean()),
        "without": list(run.record.header["portfolio"]["without"]),
    }


def task_of(line: Line) -> Task:
    """Return the task of a line."""
    name, model, seed, n_trials, rows = line["task"]
    return name, model, seed, n_trials, rows


def summary(lines: Sequence[Line]) -> dict[str, Any]:
    """Return the table and the means of finished runs."""
    rows = per_data(lines)
    groups = {"all": rows, "K = 2": [row for row in rows if row["classes"] == 2]}
    groups["K > 2"] = [row for row in rows if row["classes"] > 2]
    means = {name: mean_of(group) for name, group in groups.items() if group}
    low = means["all"]["low"]
    return {
        "data": rows,
        "means": means,
        "handed_out_recommended": float(np.mean([line["chosen"] == RECOMMENDED for line in lines])),
        "mean_reached": means["all"]["mean"] >= WANTED and low is not None and low > 0,
        "none_below": min(row["mean"] for row in rows) >= LEAST,
    }


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    print("tuned recipe less the recommended one, on held-back rows\n")
    print(shown(result["data"]))
    print()
    for name, mean in result["means"].items():
        print(f"{name}: {pooled(mean)}")
    print(f"\nthe recommended recipe was handed out in {result['handed_out_recommended']:.0%} of the runs")
    print(f"mean of {WANTED:+.3f} or more, with an interval above zero: {'yes' if result['mean_reached'] else 'no'}")
    print(f"on no data set below {LEAST}: {'yes' if result['none_below'] else 'no'}")


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=list(DATA), metavar="NAME")
    parser.add_argument("--model", default="logistic_regression", metavar="NAME")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each data set, each with other rows held back")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--report-blocks", type=int, default=20)
    parser.add_argument("--rows", type=int, default=3000, help="larger data sets are reduced to a part of this size")
    parser.add_argument("--quick", action="store_true", help="2 data sets, 1 seed, 6 trials, 5 report blocks")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help="where finished runs are stored")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    if options.quick:
        vars(options).update(data=["iris", "breast_cancer"], seeds=1, trials=6, report_blocks=5, rows=400)
    if min(options.seeds, options.trials, options.jobs) < 1 or options.report_blocks < 2:
        parser.error("--seeds, --trials and --jobs must be at least 1, --report-blocks at least 2")
    tasks = [
        (name, options.model, seed, options.trials, options.rows)
        for seed in range(options.seeds)
        for name in options.data
    ]
    try:
        lines = lines_of(tasks, partial(tuned, report_blocks=options.report_blocks), task_of, options.out, options.jobs)
    except AltuneError as error:
        print(f"tuning_or_recommending: {error}", file=sys.stderr)
        return 2
    result = summary(lines)
    give(result, options.out.with_suffix(".json"), options.json, partial(show, result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
