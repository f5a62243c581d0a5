"""How many runs are stale, by the method of the first sample?

    python benchmarks/stale_starts.py                   # 30 blocks on 8 data sets, all cores

A run is stale that has realised less than a quarter of its own eventual gain by a quarter of the budget. The worst
tenth is the mean area of the worst tenth of the blocks, beside the mean area of all.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

import numpy as np

import altune
from altune.analysis.comparison.stale_starts import stale_share
from altune.simulation.objectives.risk import Risk

DATA = ("digits", "breast_cancer", "wine", "phishing", "image_segments", "satimage", "page_blocks", "german_credit")
STARTS = ("random", "kmeans", "kmeans_pp", "kcenter", "typiclust")
BUDGETS = {"wine": 60}


def main(argv: Sequence[str] | None = None) -> int:
    """Print the share of stale runs, the mean area and the worst tenth, by start and data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=30)
    parser.add_argument("--budget", type=int, default=120)
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--starts", nargs="+", default=list(STARTS))
    parser.add_argument("--data", nargs="+", default=list(DATA))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    rows = []
    for name in options.data:
        budget = BUDGETS.get(name, options.budget)
        recipes = {start: altune.Recipe(initial_sample={"method": start}) for start in options.starts}
        played = altune.compare(recipes, name, n_blocks=options.blocks, n_jobs=options.jobs, budget=budget)
        for start, one in played.simulations.items():
            stale = stale_share(one.curves, "accuracy", budget)
            worst = Risk("cvar", 0.1)(one.values, "maximize")
            rows.append({"data": name, "start": start, "stale": stale, "mean": one.mean, "worst_tenth": worst})
    if options.json:
        print(json.dumps(rows, indent=2))
        return 0
    print(f"{'data':16}{'start':12}{'stale':>8}{'mean area':>12}{'worst tenth':>13}")
    for row in rows:
        shown = f"{row['stale']:8.1%}{row['mean']:12.4f}{row['worst_tenth']:13.4f}"
        print(f"{row['data']:16}{row['start']:12}{shown}")
    for start in options.starts:
        mean = np.mean([row["stale"] for row in rows if row["start"] == start])
        print(f"{'mean':16}{start:12}{mean:8.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
