"""How much more does a search do in the same time with two processes than with one?

    python benchmarks/processes.py                       # 200 trials, one and two processes, three times in turn
    python benchmarks/processes.py --trials 60 --repeats 1
    python benchmarks/processes.py --out processes.json

Throughput is that of whole processes, from the start of the interpreter to the page, and that of the search alone,
from its first stored trial to its last. What the machine itself allows is measured beside it: a search with one process
alone, and two of them side by side, which share nothing. All play the same trials. Exit code 1 where the median of the
search is below ``--least``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from search import timed


def command(jobs: int, trials: int, out: Path) -> list[str]:
    """Return the command of one search."""
    words = ["tune", "digits", "--model", "logistic_regression", "--trials", str(trials), "--jobs", str(jobs)]
    return [sys.executable, "-m", "altune", *words, "--no-confirm", "--quiet", "--out", str(out)]


def search_seconds(run: Path) -> float:
    """Return the seconds from the first trial that was stored to the last."""
    from altune.workflows.open_run import open_run

    told = [trial.datetime_complete for trial in open_run(run).study.get_trials(deepcopy=False)]
    ends = [moment.timestamp() for moment in told if moment is not None]
    return max(ends) - min(ends)


def searched(jobs: int, trials: int) -> dict[str, float]:
    """Return what one search took, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        used = timed(command(jobs, trials, Path(folder) / "run"))
        return {"wall": used.wall, "processor": used.processor, "search": search_seconds(Path(folder) / "run")}


def side_by_side(trials: int) -> float:
    """Return the mean seconds of the search alone in two processes that share nothing."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [Path(folder) / name for name in "ab"]
        processes = [subprocess.Popen(command(1, trials, run), stdout=subprocess.DEVNULL) for run in runs]
        ends = [process.wait() for process in processes]
        if any(ends):
            raise RuntimeError("a search failed")
        return statistics.mean(search_seconds(run) for run in runs)


def throughputs(one: dict[str, float], two: dict[str, float], apart: float) -> dict[str, float]:
    """Return how much more two processes do in the same time: whole processes, the search, what the machine allows."""
    return {
        "whole": one["wall"] / two["wall"],
        "search": one["search"] / two["search"],
        "machine": 2 * one["search"] / apart,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--least", type=float, default=1.8, help="throughput wanted of two processes")
    parser.add_argument("--out", type=Path, help="write what was measured as JSON")
    given = parser.parse_args()
    rounds: list[dict[str, Any]] = []
    print(f"{given.trials} trials of digits: throughput of two processes over that of one")
    print(f"{'':8}{'one, s':>10}{'two, s':>10}{'whole':>8}{'search':>8}{'machine':>9}")
    for number in range(given.repeats):
        one, two = searched(1, given.trials), searched(2, given.trials)
        apart = side_by_side(given.trials)
        ratios = throughputs(one, two, apart)
        rounds.append({"one": one, "two": two, "apart": apart, **ratios})
        print(f"{number + 1:<8}{one['wall']:10.1f}{two['wall']:10.1f}{_listed(ratios)}", flush=True)
        if given.out is not None:
            given.out.write_text(json.dumps(rounds, indent=2), "utf-8")
    medians = {name: statistics.median(one[name] for one in rounds) for name in ("whole", "search", "machine")}
    print(f"{'median':28}{_listed(medians)}")
    return 0 if medians["search"] >= given.least else 1


def _listed(ratios: dict[str, float]) -> str:
    return f"{ratios['whole']:8.2f}{ratios['search']:8.2f}{ratios['machine']:9.2f}"


if __name__ == "__main__":
    sys.exit(main())
