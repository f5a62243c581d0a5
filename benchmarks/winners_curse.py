"""Is the confirmed value as high as the recipe is, or higher by luck?

    python benchmarks/winners_curse.py              # 108 small searches: five minutes of processor time
    python benchmarks/winners_curse.py --quick      # 6 searches

Of many recipes on a few blocks, the best one is so partly by luck (the winner's curse). The confirmation therefore
selects on fresh blocks, and reports on further ones, scored on rows that the search never used. Here small searches of
``altune.tune`` are followed by a replay of the confirmed recipe on 100 further blocks with the same held-back rows
(``altune.simulate``), so that the confirmed value differs from the replay by the luck of its blocks alone. The other
lines, of the same recipe, are what a search without a confirmation would report: its mean on the blocks that selected
it, its value in the search, and its mean on the search blocks. They are of other rows, so their intervals are wider.

Exit code 1 where the 95 % interval of the mean difference is not inside of ±.003. Finished searches are lines of
``--out``; an interrupted command resumes there. Delete the file after changes to altune.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lib.lines import Line, lines_of
from threadpoolctl import threadpool_limits

import altune
from altune.numerics.statistics import LEAST_BLOCKS, mean_interval

DATA = ("iris", "wine", "breast_cancer")
BUDGET, LOOPS = 40, 6
WITHIN = 0.003
KINDS = {
    "confirmed": "confirmed value",
    "selected": "mean on the blocks that selected it",
    "search": "value in the search",
    "raw": "mean on its search blocks",
}
OUT = Path("runs/winners_curse.jsonl")

Task = tuple[str, int, int, int]
"""Data set, seed, trials, and blocks of the replay."""


def one_search(task: Task) -> Line:
    """Search, confirm, and replay the confirmed recipe."""
    data, seed, trials, replays = task
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = altune.tune(data, budget=BUDGET, loops=LOOPS, n_trials=trials, seed=seed, ablation=False, progress=False)
        confirmation = run.confirmation
        assert confirmation is not None
        recipe, objective = confirmation.recipe, run.objective
        replay = altune.simulate(
            recipe.recipe, data, scenario=run.scenario, n_blocks=replays, seed=seed, progress=False
        )
    candidate = confirmation.candidates[confirmation.selected]
    searched = [trial.values for trial in run.trials if trial.number == candidate.trial]
    return {
        "data": data,
        "seed": seed,
        "trials": trials,
        "replays": replays,
        "confirmed": float(np.mean([objective(curve, curve) for curve in recipe.curves])),
        "selected": float(np.mean(candidate.values)),
        "search": None if candidate.trial is None else candidate.search_value,
        "raw": float(np.mean(searched[0])) if searched else None,
        "replay": float(replay.values.mean()),
    }


def task_of(line: Line) -> Task:
    """Return the task of a line."""
    return line["data"], line["seed"], line["trials"], line["replays"]


def summary(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return one row for each kind of value: how much higher it is than the replay, over all searches.

    Where a baseline was selected, the search has no value of it.
    """
    rows = []
    for kind, words in KINDS.items():
        differences = [line[kind] - line["replay"] for line in lines if line[kind] is not None]
        if differences:
            rows.append({"kind": kind, "words": words} | mean_interval(differences).to_dict())
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=list(DATA), metavar="NAME")
    parser.add_argument("--searches", type=int, default=108, help="of all data sets together")
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--replays", type=int, default=100, help="blocks of a replay")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="6 searches of 8 trials, 20 blocks of a replay")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help="where finished searches are stored")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    if options.quick:
        options.searches, options.trials, options.replays = 6, 8, 20
    if options.searches < LEAST_BLOCKS:
        parser.error(f"--searches must be at least {LEAST_BLOCKS}")
    n_sets = len(options.data)
    tasks = [
        (options.data[index % n_sets], index // n_sets, options.trials, options.replays)
        for index in range(options.searches)
    ]
    lines = lines_of(tasks, one_search, task_of, options.out, options.jobs)
    rows = summary(lines)
    if options.json:
        print(json.dumps({"searches": len(lines), "rows": rows}, indent=2))
    else:
        print(f"{len(lines)} searches of {options.trials} trials; less the mean of {options.replays} fresh blocks:")
        for row in rows:
            print(f"  {row['words']:<38}{row['mean']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}]")
    return 0 if rows[0]["low"] > -WITHIN and rows[0]["high"] < WITHIN else 1


if __name__ == "__main__":
    sys.exit(main())
