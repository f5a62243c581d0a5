"""Is the importance of knobs right where recipes have unequal numbers of blocks? Searches by merit, replayed on a grid.

    python benchmarks/full_grid.py --grids svm forest few many --blocks 24     # once: the truth
    python benchmarks/importance_by_merit.py                                  # some minutes: the table
    python benchmarks/importance_by_merit.py --repetitions 2 --grids few      # a first look

altune's own search with TPE, with blocks by merit (up to 12 of the grid, others in each repetition) and on 5 fixed
blocks, each until it has as many plays. The truth is exact: Shapley effects of the knobs over all recipes, of the mean
over all blocks of the grid. ``error`` is the mean absolute error of the shares, ``rank`` Spearman's correlation with
the exact ones, ``inside`` how often the 95 % interval holds the exact share, and ``width`` how wide it is. The last
column is the difference of the errors over the same repetitions, with its standard error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from full_grid import FOLDER, Grid, load_grid
from lib.grids import GRIDS
from lib.output import give
from lib.search_policies import POLICIES, TODAY
from lib.search_replay import search
from lib.search_worlds import Deal, StoredPlayer, World
from numpy.typing import NDArray
from scipy.stats import spearmanr

from altune.analysis.importance.knob_importance import knob_importance
from altune.analysis.importance.variance import exact_shares
from altune.core.errors import AltuneError
from altune.simulation.environment import Environment
from altune.tuning.merit import MOST_BLOCKS

Array = NDArray[np.float64]

DEFAULT = ("svm", "forest", "few", "many")
OUT = Path("runs/importance_by_merit.json")
WANTED = 0.93
"""Share of the intervals that should hold the truth."""
FIXED_BLOCKS = 5
MERIT = "by merit"


def repetition(
    grid: Grid, environment: Environment, truth: Array, seed: int, plays: Sequence[int]
) -> list[dict[str, Any]]:
    """Return one line for each policy and number of plays: how far the shares are from the truth.

    Parameters
    ----------
    grid : the grid that is searched, by altune's own search with TPE.
    environment : the environment of the grid.
    truth : the exact shares of its knobs.
    seed : seed of the blocks and of the search.
    plays : after how many plays the importance is computed; more than there are on fixed blocks are left out.
    """
    plays = [count for count in plays if count <= FIXED_BLOCKS * len(grid.params)]
    baselines = [grid.recipe(0), grid.recipe(len(grid.params) - 1)]
    blocks = environment.blocks("search", grid.n_blocks)
    order = np.random.default_rng([seed, 7]).permutation(grid.n_blocks)[:MOST_BLOCKS]
    deal = Deal([blocks[number] for number in order], (), ())
    world = World(grid.name, grid.space, environment, StoredPlayer(grid), baselines, lambda seed: deal)
    lines = []
    for policy in (TODAY, MERIT):
        found = search(world, deal, POLICIES[policy], seed, max(plays))
        for count in plays:
            result = knob_importance(found.first(count).trials, grid.space, seed=seed)
            knobs = [result[knob] for knob in grid.space.decisions]
            shares = np.array([knob.share for knob in knobs])
            lines.append(
                {
                    "grid": grid.name,
                    "plays": count,
                    "policy": policy,
                    "seed": seed,
                    "shares": shares.tolist(),
                    "error": float(np.abs(shares - truth).mean()),
                    "rank": float(spearmanr(shares, truth).statistic),
                    "inside": [bool(knob.low <= exact <= knob.high) for knob, exact in zip(knobs, truth, strict=True)],
                    "width": [knob.high - knob.low for knob in knobs],
                    "r2": result.r2,
                    "recipes": result.n_trials,
                }
            )
    return lines


def summary(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row for each grid, number of plays and policy, and one for all grids.

    ``worse`` is by how much the error is larger than on fixed blocks, a mean over the same searches, and
    ``worse_error`` its standard error.
    """
    rows: list[dict[str, Any]] = []
    grids = list(dict.fromkeys(line["grid"] for line in lines))
    for names in ([name] for name in grids) if len(grids) < 2 else (*([name] for name in grids), grids):
        for plays in dict.fromkeys(line["plays"] for line in lines):
            some = [line for line in lines if line["grid"] in names and line["plays"] == plays]
            fixed, merit = ([line for line in some if line["policy"] == policy] for policy in (TODAY, MERIT))
            gaps = [ours["error"] - theirs["error"] for ours, theirs in zip(merit, fixed, strict=True)]
            for policy, chosen in ((TODAY, fixed), (MERIT, merit)):
                row = {"grid": names[0] if len(names) == 1 else "all", "plays": plays, "policy": policy}
                row |= {name: _mean(chosen, name) for name in ("recipes", "rank", "error", "inside", "width", "r2")}
                rows.append(row)
            rows[-1]["worse"] = float(np.mean(gaps))
            rows[-1]["worse_error"] = float(np.std(gaps, ddof=1) / np.sqrt(len(gaps))) if len(gaps) > 1 else 0.0
    return rows


def _mean(lines: Sequence[dict[str, Any]], name: str) -> float:
    return float(np.mean([np.mean(line[name]) for line in lines]))


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Print the table."""
    heads = f"{'recipes':>9}{'rank':>7}{'error':>8}{'inside':>8}{'width':>7}{'R²':>7}"
    print(f"\n{'grid':<10}{'plays':>6}  {'policy':<10}{heads}  error less that on fixed blocks")
    for row in rows:
        numbers = f"{row['recipes']:>9.0f}{row['rank']:>7.2f}{row['error']:>8.4f}{row['inside']:>8.3f}"
        numbers += f"{row['width']:>7.2f}{row['r2']:>7.2f}"
        worse = f"  {row['worse']:+.4f} ± {row['worse_error']:.4f}" if "worse" in row else ""
        print(f"{row['grid']:<10}{row['plays']:>6}  {row['policy']:<10}{numbers}{worse}")


def holds(rows: Sequence[dict[str, Any]]) -> bool:
    """Return whether by merit, over all grids, the intervals hold the truth and the error is no larger.

    An error is larger if it is so by more than two standard errors of the difference.
    """
    merit = [row for row in rows if row["policy"] == MERIT]
    merit = [row for row in merit if row["grid"] == "all"] or merit
    return all(row["inside"] >= WANTED and row["worse"] <= 2 * row["worse_error"] for row in merit)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; 0 where the intervals hold and the error is no larger than on fixed blocks, 1 where not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grid", type=Path, default=FOLDER, metavar="FOLDER", help="where full_grid.py stored it")
    parser.add_argument("--grids", nargs="+", choices=GRIDS, default=list(DEFAULT), metavar="NAME")
    parser.add_argument("--plays", type=int, nargs="+", default=[100, 300], help="plays of a search")
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help="where all lines go as JSON")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    if min(options.repetitions, *options.plays) < 1:
        parser.error("--repetitions and --plays must be at least 1")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    truths: dict[str, Any] = {}
    lines: list[dict[str, Any]] = []
    try:
        for name in options.grids:
            grid, environment = load_grid(options.grid, name), GRIDS[name].environment()
            knobs = list(grid.space.decisions)
            truth = exact_shares(grid.params, grid.values.mean(axis=1), grid.weights, knobs).share
            truths[name] = dict(zip(knobs, truth.tolist(), strict=True))
            for seed in range(options.first_seed, options.first_seed + options.repetitions):
                lines += repetition(grid, environment, truth, seed, options.plays)
                print(f"{name}: seed {seed}", file=sys.stderr, flush=True)
    except AltuneError as error:
        print(f"importance_by_merit: {error}", file=sys.stderr)
        return 2
    rows = summary(lines)
    result = {"truth": truths, "rows": rows, "lines": lines}
    give(result, options.out, options.json, lambda: show(rows))
    return 0 if holds(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
