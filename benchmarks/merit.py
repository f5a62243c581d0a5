"""How many simulations does a search need, by how it spends them on recipes and blocks?

    python benchmarks/full_grid.py --grids image_segments digits svm many --blocks 28     # once: the truth
    python benchmarks/merit.py                                  # 30 repetitions of 7 problems; an hour
    python benchmarks/merit.py --quick                          # 3 repetitions in the two problems that are made
    python benchmarks/merit.py --problems digits --policies "5 blocks" "rungs 0.3" --repetitions 5

Search, evaluator, sampler and confirmation are altune's own. Four problems are grids that ``full_grid.py`` stored, two
are made of known effects (``lib/made_grids.py``), and in one, a continuous space, recipes are really played. A
repetition deals the blocks of its problem: 12 to search on at most, 10 to select among the best five recipes as
``altune tune`` does, and others that tell what the selected recipe is worth. **Regret** is what the best recipe of the
problem is worth there, less that (of the played problem, the best recipe that was ever confirmed). It is taken after
60, 100, 200 and 300 trajectories of the search, none counted twice; a part that ends at a rung counts by its share of
the labels.

Each finished search is a line in ``--out``; an interrupted command resumes there. Delete the file after changes to
altune's search. Intervals are of 95 % over the repetitions in these problems.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import optuna
from full_grid import FOLDER
from lib.lines import Line, lines_of
from lib.search_policies import POLICIES, USUAL
from lib.search_problems import ALL_PROBLEMS, PROBLEMS, problem
from lib.search_replay import confirmed, search
from lib.search_tables import show, summary
from threadpoolctl import threadpool_limits

from altune.core.errors import AltuneError

COUNTS = (60, 100, 200, 300)
OUT = Path("runs/merit.jsonl")
QUICK = {"problems": ["made", "noisy"], "repetitions": 3, "counts": [60, 100]}

Task = tuple[str, str, int, tuple[int, ...]]
"""Problem, policy, seed, and trajectories after which the search is judged."""


def repetition(task: Task, folder: Path) -> Line:
    """Return the line of one search."""
    name, policy, seed, counts = task
    place = problem(name, folder)
    deal = place.deal(seed)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = search(place, deal, POLICIES[policy], seed, max(counts))
        stands = [found.first(count) for count in counts]
        results = [confirmed(place, deal, stand) for stand in stands]
    return {
        "problem": name,
        "policy": policy,
        "seed": seed,
        "counts": list(counts),
        "trials": [len(stand.trials) for stand in stands],
        "value": [result.value for result in results],
        "regret": [result.regret for result in results],
        "selecting": [result.selecting for result in results],
    }


def task_of(line: Line) -> Task:
    """Return the task of a line."""
    return line["problem"], line["policy"], line["seed"], tuple(line["counts"])


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grid", type=Path, default=FOLDER, metavar="FOLDER", help="where full_grid.py stored grids")
    parser.add_argument("--problems", nargs="+", choices=ALL_PROBLEMS, default=list(PROBLEMS), metavar="NAME")
    parser.add_argument("--policies", nargs="+", choices=POLICIES, default=list(USUAL), metavar="NAME")
    parser.add_argument("--repetitions", type=int, default=30)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--counts", nargs="+", type=int, default=list(COUNTS), help="trajectories of the search")
    parser.add_argument("--quick", action="store_true", help="3 repetitions in two problems, 60 and 100 trajectories")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help="where finished searches are stored")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    if options.quick:
        vars(options).update(QUICK)
    if options.repetitions < 1 or options.jobs < 1 or min(options.counts) < 5:
        parser.error("--repetitions and --jobs must be at least 1, --counts at least 5")
    seeds = range(options.first_seed, options.first_seed + options.repetitions)
    counts = tuple(options.counts)
    tasks = [(name, policy, seed, counts) for seed in seeds for name in options.problems for policy in options.policies]
    play = partial(repetition, folder=options.grid)
    try:
        told = summary(lines_of(tasks, play, task_of, options.out, options.jobs))
    except AltuneError as error:
        print(f"merit: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(told, indent=2))
    else:
        show(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
