"""Is a search of 8 trials that begins with the portfolio as good as one of 40 trials without it?

    python benchmarks/portfolio.py                        # 12 data sets, 3 seeds: some hours
    python benchmarks/portfolio.py --quick                # 2 data sets, 1 seed, 3 trials against 6: a minute or two
    python benchmarks/portfolio.py --data digits car --few 4 --many 60

Each data set is tuned in ``standard`` twice with the same seed: with ``--few`` trials, the first of which come from the
portfolio that was made without the family of the data set, and with ``--many`` trials and no portfolio. What each of
the two hands out is confirmed on the same fresh blocks and held-back rows, and compared block by block. Both select
among the baselines as well, so how often a baseline was handed out is shown beside.

A finished pair of runs is a line in ``--out``; an interrupted command resumes there. Intervals of means are of 95 %, by
a bootstrap over families of data sets and then over seeds and blocks.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lib.data_sets import at_most, spread, studied
from lib.lines import Line, lines_of
from lib.output import give
from lib.over_data import mean_of, per_data, pooled, shown

import altune
from altune.analysis.paired import compared
from altune.core.errors import AltuneError
from altune.tuning.settings import USUAL_PORTFOLIO

DATA = tuple(info.name for info in spread(studied(), 12))
OUT = Path("runs/portfolio.jsonl")

Task = tuple[str, str, int, int, int, int]
"""Data set, model, seed, trials with the portfolio, trials without it, rows."""


def paired(task: Task, report_blocks: int) -> Line:
    """Return the line of a pair of runs."""
    name, model, seed, few, many, rows = task
    data = at_most(altune.load_dataset(name), rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        begun, without = (
            altune.tune(
                data,
                model=model,
                seed=seed,
                n_trials=n_trials,
                portfolio=portfolio,
                report_blocks=report_blocks,
                ablation=False,
                progress=False,
            )
            for n_trials, portfolio in ((few, USUAL_PORTFOLIO), (many, 0))
        )
    confirmed = [run.confirmation for run in (begun, without)]
    objective, references = begun.objective, confirmed[0].baselines["random_sampling"].curves
    curves = [confirmation.recipe.curves for confirmation in confirmed]
    first, second = (objective.each(played, references) for played in curves)
    overlap = confirmed[0].n_test / confirmed[0].n_train
    [difference] = compared(objective, [(curves[0], curves[1])], overlap=overlap, references=references)
    return {
        "task": list(task),
        "classes": data.n_classes,
        "family": altune.data.family_of(name) or name,
        "chosen": " / ".join(run.findings.chosen or "a trial" for run in (begun, without)),
        "differences": (first - second).tolist(),
        "interval": [difference.low, difference.high],
        "without": list(begun.record.header["portfolio"]["without"]),
    }


def task_of(line: Line) -> Task:
    """Return the task of a line."""
    name, model, seed, few, many, rows = line["task"]
    return name, model, seed, few, many, rows


def summary(lines: Sequence[Line]) -> dict[str, Any]:
    """Return the table and the mean of finished pairs."""
    rows = per_data(lines)
    groups = {"all": rows, "K = 2": [row for row in rows if row["classes"] == 2]}
    groups["K > 2"] = [row for row in rows if row["classes"] > 2]
    means = {name: mean_of(group) for name, group in groups.items() if group}
    return {"data": rows, "means": means, "as_good": means["all"]["mean"] >= 0}


def show(result: dict[str, Any], few: int, many: int) -> None:
    """Print the tables."""
    print(f"{few} trials with the portfolio less {many} without it, on held-back rows\n")
    print(shown(result["data"]))
    print()
    for name, mean in result["means"].items():
        print(f"{name}: {pooled(mean)}")
    print(f"\nat least as good on average: {'yes' if result['as_good'] else 'no'}")


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=list(DATA), metavar="NAME")
    parser.add_argument("--model", default="logistic_regression", metavar="NAME")
    parser.add_argument("--seeds", type=int, default=3, help="pairs for each data set, each with other rows held back")
    parser.add_argument("--few", type=int, default=8, help="trials with the portfolio")
    parser.add_argument("--many", type=int, default=40, help="trials without it")
    parser.add_argument("--report-blocks", type=int, default=20)
    parser.add_argument("--rows", type=int, default=3000, help="larger data sets are reduced to a part of this size")
    parser.add_argument("--quick", action="store_true", help="2 data sets, 1 seed, 3 and 6 trials, 5 report blocks")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help="where finished pairs are stored")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    if options.quick:
        vars(options).update(data=["iris", "breast_cancer"], seeds=1, few=3, many=6, report_blocks=5, rows=400)
    if min(options.seeds, options.few, options.many, options.jobs) < 1 or options.report_blocks < 2:
        parser.error("--seeds, --few, --many and --jobs must be at least 1, --report-blocks at least 2")
    tasks = [
        (name, options.model, seed, options.few, options.many, options.rows)
        for seed in range(options.seeds)
        for name in options.data
    ]
    play = partial(paired, report_blocks=options.report_blocks)
    try:
        result = summary(lines_of(tasks, play, task_of, options.out, options.jobs))
    except AltuneError as error:
        print(f"portfolio: {error}", file=sys.stderr)
        return 2
    give(result, options.out.with_suffix(".json"), options.json, partial(show, result, options.few, options.many))
    return 0


if __name__ == "__main__":
    sys.exit(main())
