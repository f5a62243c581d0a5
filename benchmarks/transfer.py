"""What is a recipe that was tuned on one table worth on related tables that no trial saw?

    python benchmarks/transfer.py              # 15 groups of related tables, 40 trials each
    python benchmarks/transfer.py --quick      # 2 groups, 6 trials: about a minute

Each group of ``lib/related.py`` has a table to tune on (home) and one or two that differ from it as the tables of two
places, groups or ages do (away). ``altune.tune`` searches at home, in the space that it has by default and with its
portfolio, and confirms the recipe at home and away on report blocks of their own (``confirm_on``). For each group the
gain over each baseline is printed at home and away with 95 % intervals, then the mean over groups with a bootstrap
interval that resamples the groups, for two classes and for more apart. The last lines are the gain at home minus the
gain away of the same group: what is lost on the way.

A table at home carries the name of the built-in data set that it is cut from, so that the portfolio was made without
that family. Finished groups are lines of ``--lines``; an interrupted command resumes there. Delete the file after
changes to altune.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from lib.data_sets import part_of
from lib.lines import Line, lines_of
from lib.output import give
from lib.related import RelatedTables, related_pairs
from threadpoolctl import threadpool_limits

import altune
from altune.analysis.run import Run
from altune.data import Dataset, family_of, list_datasets
from altune.numerics.statistics import PairedDifference

TRIALS = 40
SEED = 0
RESAMPLES = 10_000
LINES, OUT = Path("runs/transfer.jsonl"), Path("runs/transfer.json")
ITSELF: dict[str, float | None] = {"difference": 0.0, "low": 0.0, "high": 0.0}
"""The recipe minus a baseline that is the recipe itself."""

Task = tuple[str, int, int, int | None]
"""Name of the group, seed, trials, and report blocks."""


class Mean(NamedTuple):
    """A mean over groups with the ends of its 95 % interval; None for a single group."""

    mean: float
    low: float | None
    high: float | None


def one_group(task: Task, **sizes: Any) -> Line:
    """Tune at home, and confirm at home and away; ``sizes`` are further arguments of ``altune.tune``."""
    name, seed, trials, report_blocks = task
    (group,) = [each for each in related_pairs() if each.name == name]
    began = time.perf_counter()
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = altune.tune(
            [named_by_family(data, group.family) for data in group.home],
            confirm_on=list(group.away),
            n_trials=trials,
            report_blocks=report_blocks,
            seed=seed,
            ablation=False,
            progress=False,
            **sizes,
        )
    return line_of(run, group) | {
        "seed": seed,
        "trials": trials,
        "report_blocks": report_blocks,
        "seconds": time.perf_counter() - began,
    }


def named_by_family(data: Dataset, family: str) -> Dataset:
    """Return a table with the name of a built-in data set of its family, for which portfolios leave the family out."""
    if family_of(data.name) is not None:
        return data
    name = next(info.name for info in list_datasets() if family_of(info.name) == family)
    return part_of(data, np.arange(data.n_rows), name)


def line_of(run: Run, group: RelatedTables) -> Line:
    """Return what is stored of a group: the recipe minus each baseline, at home and on all tables away together."""
    transfer, findings = run.transfer, run.findings
    assert transfer is not None
    assert findings is not None
    sides = {"home": transfer.differences(transfer.home), "away": transfer.differences(transfer.away)}
    gains = {
        side: {name: gain_of(known[name]) if name in known else ITSELF for name in findings.against}
        for side, known in sides.items()
    }
    return {
        "group": group.name,
        "classes": group.home[0].n_classes,
        "home_data": [data.name for data in group.home],
        "away_data": [data.name for data in group.away],
        "chosen": findings.chosen,
        "recipe": run.best_recipe.to_dict(),
        **gains,
    }


def gain_of(difference: PairedDifference) -> dict[str, float | None]:
    """Return a difference with its 95 % interval; below 5 report blocks there is none."""
    ends = {"low": difference.low, "high": difference.high} if difference.known else {"low": None, "high": None}
    return {"difference": difference.mean, **ends}


def task_of(line: Line) -> Task:
    """Return the task of a line."""
    return line["group"], line["seed"], line["trials"], line["report_blocks"]


def mean_over_groups(values: Sequence[float], seed: int = 0) -> Mean:
    """Return a mean with the percentiles of the means of resampled groups.

    >>> mean_over_groups([0.5, 0.5, 0.5])
    Mean(mean=0.5, low=0.5, high=0.5)
    """
    x = np.asarray(values, dtype=np.float64)
    if len(x) < 2:
        return Mean(float(x.mean()), None, None)
    drawn = np.random.default_rng(seed).integers(len(x), size=(RESAMPLES, len(x)))
    low, high = np.quantile(x[drawn].mean(axis=1), [0.025, 0.975])
    return Mean(float(x.mean()), float(low), float(high))


def summary(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return one row for each kind of groups, side and baseline: the mean gain over groups."""
    kinds: dict[str, Callable[[Line], bool]] = {
        "all": lambda line: True,
        "two classes": lambda line: line["classes"] == 2,
        "three classes and more": lambda line: line["classes"] > 2,
    }
    rows = []
    for kind, is_of in kinds.items():
        of_kind = [line for line in lines if is_of(line)]
        for side, values in _sides(of_kind).items():
            for baseline, gains in values.items():
                mean = mean_over_groups(gains)
                rows.append({"groups": kind, "n": len(gains), "side": side, "baseline": baseline} | mean._asdict())
    return rows


def _sides(lines: Sequence[Line]) -> dict[str, dict[str, list[float]]]:
    """Return the gains of each group over each baseline at home, away, and the first minus the second."""
    names = [name for name in lines[0]["home"] if all(name in line["home"] for line in lines)] if lines else []
    gains = {
        side: {name: [float(line[side][name]["difference"]) for line in lines] for name in names}
        for side in ("home", "away")
    }
    lost = {name: (np.array(gains["home"][name]) - np.array(gains["away"][name])).tolist() for name in gains["home"]}
    return {**gains, "home minus away": lost}


def show(lines: Sequence[Line], rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the table of the groups and that of the means."""
    for line in lines:
        away = ", ".join(line["away_data"])
        print(f"{line['group']} ({line['classes']} classes), away: {away}; {line['chosen'] or 'a trial'} was selected")
        for name in line["home"]:
            sides = [f"{side} {_interval(line[side][name], 'difference')}" for side in ("home", "away")]
            print(f"  over {name:<18}{'   '.join(sides)}")
    print("\nmean over groups, with intervals of resampled groups")
    for row in rows:
        label = f"{row['groups']} ({row['n']}), {row['side']}, over {row['baseline']}"
        print(f"  {label:<68}{_interval(row, 'mean')}")


def _interval(row: Mapping[str, Any], mean: str) -> str:
    ends = "" if row["low"] is None else f" [{row['low']:+.4f}, {row['high']:+.4f}]"
    return f"{row[mean]:+.4f}{ends}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables."""
    names = [group.name for group in related_pairs()]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", nargs="+", default=names, choices=names, metavar="NAME")
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--report-blocks", type=int, default=None, help="by default as many as narrow the intervals")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--jobs", type=int, default=1, help="groups that are played at a time")
    parser.add_argument("--quick", action="store_true", help="2 groups, 6 trials, 5 report blocks")
    parser.add_argument("--lines", type=Path, default=LINES, metavar="FILE", help="where finished groups are stored")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help="where the result is written")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    if options.quick:
        options.groups, options.trials, options.report_blocks = ["vowel", "pima"], 6, 5
    tasks = [(name, options.seed, options.trials, options.report_blocks) for name in options.groups]
    lines = lines_of(tasks, one_group, task_of, options.lines, options.jobs)
    rows = summary(lines)
    give({"groups": lines, "means": rows}, options.out, options.json, lambda: show(lines, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
