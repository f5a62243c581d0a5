"""What do racing, rungs and further blocks for leaders save, and what do they cost? Searches replayed on a full grid.

    python benchmarks/full_grid.py                                  # once: the truth
    python benchmarks/spending.py                                   # 20 repetitions: the tables
    python benchmarks/spending.py --repetitions 3 --data digits     # a first look

The search, the evaluator and the samplers are altune's own; only trajectories are read from the grid. A repetition
shuffles the grid's 20 blocks: some are searched on, some are for leaders, some select among the best five recipes as
`altune tune` does, and those left say what the selected recipe is worth. **Regret** is what the best recipe of the
grid is worth there, less that. Work counts a whole trajectory as 1 and a part by its share of the labels; `anew` is the
work where a trajectory that paused at a rung starts from its beginning again, as it does in another process.

`difference` is regret less that of plain search with as many trials; `equal work` is regret less that of plain search
after as much work, for which the policy continues with more trials, or ends after fewer. Intervals are of 95 % over
repetitions. `best dropped` is how often the truly best recipe that was drawn is dropped, `again` the share of
trajectories asked for that were read back because the recipe had been drawn before.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from full_grid import DEFAULT, FOLDER, load_grid
from lib.grids import GRIDS
from lib.stored_search import BATCH, Layout, Stage

from altune.core.errors import AltuneError, RequestError
from altune.numerics.statistics import mean_interval
from altune.recipes.space import SearchSpace
from altune.simulation.environment import make_environment
from altune.simulation.execution.player import Player
from altune.simulation.store import TrajectoryStore
from altune.tuning.observer import Silent
from altune.tuning.racing import Racing
from altune.tuning.resources import Resources
from altune.tuning.settings import Settings
from altune.tuning.stages import Stages
from altune.tuning.storage import open_study
from altune.tuning.study_setup import StudySetup

SAMPLERS = ("tpe", "random")
TRIALS = (60, 100)
PLAIN = "plain"
OUT = Path("runs/spending.json")


RACING = {f"racing {level:g}": Racing(racing=level) for level in (0.05, 0.1, 0.2)}
RUNGS = {f"rungs {', '.join(map(str, rungs))}": Racing(rungs=rungs) for rungs in ((0.3,), (0.5,), (0.3, 0.6))}
LAYOUTS = {
    "5 blocks": Layout(
        5,
        5,
        5,
        {
            **RACING,
            **RUNGS,
            "leaders 5": Racing(leader_blocks=5),
            "racing 0.1, leaders 5": Racing(racing=0.1, leader_blocks=5),
        },
    ),
    "10 blocks": Layout(10, 0, 5, RACING),
    "5 blocks, 10 for leaders": Layout(
        5,
        10,
        2,
        {"leaders 10": Racing(leader_blocks=10), "racing 0.1, leaders 10": Racing(racing=0.1, leader_blocks=10)},
    ),
}


def repetition(stage: Stage, name: str, sampler: str, counts: Sequence[int]) -> list[dict[str, Any]]:
    """Return one line for each policy and number of trials: what it took and what it found."""
    plain = stage.search(Racing(), sampler, max(counts))
    lines = []
    for policy, spending in {PLAIN: Racing(), **stage.layout.policies}.items():
        found = plain if policy == PLAIN else stage.search(spending, sampler, max(counts), plain.work[max(counts) - 1])
        for count in counts:
            budget = plain.work[count - 1]
            usual, regret = stage.regret(plain.trials[:count]), stage.regret(found.trials[:count])
            lines.append(
                {
                    "data": stage.grid.name,
                    "layout": name,
                    "sampler": sampler,
                    "seed": stage.seed,
                    "trials": count,
                    "policy": policy,
                    "saved": 1 - found.work[count - 1] / budget,
                    "anew": 1 - found.anew[count - 1] / budget,
                    "regret": regret,
                    "difference": regret - usual,
                    "equal work": stage.regret(found.trials[: found.trials_for(budget)]) - usual,
                    "trials at equal work": found.trials_for(budget),
                    "best dropped": float(stage.best_dropped(found.trials[:count])),
                    "dropped": float(np.mean([trial.state == "dropped" for trial in found.trials[:count]])),
                    "again": found.again[count - 1],
                }
            )
    return lines


KEY = ("data", "layout", "sampler", "trials", "policy")
MEANS = ("saved", "anew", "trials at equal work", "best dropped", "dropped", "again")
INTERVALS = ("regret", "difference", "equal work")


def summary(lines: Sequence[dict[str, Any]], key: Sequence[str] = KEY) -> list[dict[str, Any]]:
    """Return one row for each combination of what ``key`` names, with means and 95 % intervals over its lines."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for line in lines:
        groups.setdefault(tuple(line[name] for name in key), []).append(line)
    rows = []
    for known, some in groups.items():
        row: dict[str, Any] = dict(zip(key, known, strict=True)) | {"repetitions": len(some)}
        row |= {name: float(np.mean([line[name] for line in some])) for name in MEANS}
        row |= {name: mean_interval([line[name] for line in some]).to_dict() for name in INTERVALS}
        rows.append(row)
    return rows


def replayed_stopping(data: str = "iris", n_trials: int = 24) -> dict[str, Any]:
    """Search a small space of stopping rules for real, with and without replay; return trajectories played."""
    space = SearchSpace.from_dict(
        {
            "query_strategy": ["margin", "entropy"],
            "stopping": [
                "budget",
                {"method": "stabilizing_predictions", "threshold": {"low": 0.9, "high": 0.999}},
                {"method": "classification_change", "threshold": {"low": 0.0, "high": 0.1}},
                {"method": "overall_uncertainty", "threshold": {"low": 0.02, "high": 0.3}},
            ],
        }
    )
    environment = make_environment(data, objective="net_value", value=100.0, price_per_label=0.5, budget=60, loops=10)
    stages = Stages(StudySetup([environment], space, Settings(n_trials=n_trials, n_blocks=3)), Silent())
    told: dict[str, Any] = {"data": data, "trials": n_trials, "n_blocks": 3}
    for name in ("each", "replayed"):
        with tempfile.TemporaryDirectory() as folder:
            own = Player(store=TrajectoryStore(Path(folder)))
            with own if name == "each" else stages.player(None, Resources(cache=Path(folder))) as player:
                study = open_study(None, [environment.objective.direction])
                baselines = stages.baselines(study, player)
                before = player.simulated
                stages.search(study, player, baselines, Resources(), time.monotonic())
                told[name] = player.simulated - before
                told[f"best, {name}"] = study.best_value
    return told


def show(rows: Sequence[dict[str, Any]], key: Sequence[str]) -> None:
    """Print a table for each layout, data set, sampler and number of trials, whichever distinguish the rows."""
    heads = {name: None for name in key if name != "policy"}
    for group in dict.fromkeys(tuple(row[name] for name in heads) for row in rows):
        own = [row for row in rows if tuple(row[name] for name in heads) == group]
        said = ", ".join(
            f"{value} trials" if name == "trials" else str(value) for name, value in zip(heads, group, strict=True)
        )
        print(f"\n{said} ({own[0]['repetitions']} searches each)")
        print(
            f"  {'policy':<24}{'saved':>7}{'anew':>7}{'regret':>26}{'difference':>28}{'equal work':>28}"
            f"{'trials':>8}{'best dropped':>14}{'again':>7}"
        )
        for row in own:
            print(
                f"  {row['policy']:<24}{row['saved']:>7.0%}{row['anew']:>7.0%}{_words(row['regret']):>26}"
                f"{_words(row['difference'], '+'):>28}{_words(row['equal work'], '+'):>28}"
                f"{row['trials at equal work']:>8.0f}{row['best dropped']:>14.0%}{row['again']:>7.0%}"
            )


def _words(interval: dict[str, Any], sign: str = "") -> str:
    if interval["low"] is None:
        return f"{interval['mean']:{sign}.4f}"
    return f"{interval['mean']:{sign}.4f} [{interval['low']:{sign}.4f}, {interval['high']:{sign}.4f}]"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grid", type=Path, default=FOLDER, metavar="FOLDER", help="where full_grid.py stored it")
    parser.add_argument("--grids", nargs="+", choices=GRIDS, default=list(DEFAULT), metavar="NAME")
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--trials", nargs="+", type=int, default=list(TRIALS), help=f"in whole batches of {BATCH}")
    parser.add_argument("--samplers", nargs="+", choices=SAMPLERS, default=list(SAMPLERS))
    parser.add_argument("--layouts", nargs="+", choices=list(LAYOUTS), default=list(LAYOUTS))
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help="where all lines go as JSON")
    parser.add_argument("--each", action="store_true", help="a table for each data set and sampler, not all together")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    if options.repetitions < 1 or any(count < BATCH or count % BATCH for count in options.trials):
        parser.error(f"--repetitions must be at least 1 and --trials multiples of {BATCH}")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        lines = measure(options)
        stopping = replayed_stopping()
    except AltuneError as error:
        print(f"spending: {error}", file=sys.stderr)
        return 2
    key = KEY if options.each else ("layout", "trials", "policy")
    rows = summary(lines, key)
    told = {"rows": rows, "stopping": stopping, "lines": lines}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(told), "utf-8")
    if options.json:
        print(json.dumps(told, indent=2))
        return 0
    show(rows, key)
    print(
        f"\nstopping by replay, {stopping['data']}, {stopping['trials']} trials on {stopping['n_blocks']} blocks: "
        f"{stopping['replayed']} trajectories in place of {stopping['each']}, the same best net value "
        f"({stopping['best, replayed']:.2f}, {stopping['best, each']:.2f})"
    )
    return 0


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the lines of all repetitions.

    Raises
    ------
    RequestError
        If the grid is not there or has too few blocks.
    """
    lines: list[dict[str, Any]] = []
    for data in options.grids:
        grid, environment = load_grid(options.grid, data), GRIDS[data].environment()
        for name in options.layouts:
            layout = LAYOUTS[name]
            if grid.n_blocks <= layout.search + layout.leaders + layout.select:
                raise RequestError(f"{name}: the grid's {grid.n_blocks} blocks leave none to report on; play more")
            for sampler in options.samplers:
                for seed in range(options.repetitions):
                    lines += repetition(Stage(grid, environment, layout, seed), name, sampler, options.trials)
                    print(
                        f"{data}, {name}, {sampler}: {seed + 1} of {options.repetitions}", file=sys.stderr, flush=True
                    )
    return lines


if __name__ == "__main__":
    sys.exit(main())
