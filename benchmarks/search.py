"""How long does the same search take by altune, and written by hand with Optuna and scikit-activeml?

    python benchmarks/search.py                     # 40 trials on 3 splits, three ways: about 5 minutes
    python benchmarks/search.py --quick             # 8 trials on 2 splits
    python benchmarks/search.py --only altune well  # without the one that takes longest
    python benchmarks/search.py --out search.json

The space, the budget (200 labels), the data (digits) and the model (logistic regression) are the same for all; the
search by hand plays the very recipes that altune drew. Wall and processor seconds are of whole processes, from the
start of the interpreter. Then the recipe that each search ends with is played on 20 fresh splits by the same code, and
for altune the seconds are given after which its best so far was as good there as what the search by hand ended with.
Needs the extra ``skactiveml``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
BUDGET = 200
SPACE = """\
version: 1
name: by_hand
initial_sample: {method: random, size: {low: 5, high: 60, log: true}}
loop_size: {method: constant, size: {low: 5, high: 40, log: true}}
query_strategy: [random, margin, entropy, kcenter, badge, typiclust]
"""
PATHS = {
    "start": "initial_sample.random.size",
    "step": "loop_size.constant.size",
    "strategy": "query_strategy",
}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Used(NamedTuple):
    """Seconds of a whole process and all that it started."""

    wall: float
    processor: float
    output: str


def timed(command: list[str], unpinned: bool = False) -> Used:
    """Run a command in a fresh process and return what it took.

    Raises
    ------
    RuntimeError
        If it fails.
    """
    environment = {name: value for name, value in os.environ.items() if not (unpinned and name in THREADS)}
    with tempfile.TemporaryFile("w+") as output:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
        output.seek(0)
        return Used(wall, usage.ru_utime + usage.ru_stime, output.read())


def by_altune(trials: int, blocks: int, seed: int, folder: Path) -> tuple[Used, list[dict[str, Any]]]:
    """Search by altune's command line on two processes; return what it took, and its trials with their times."""
    from altune.workflows.open_run import open_run

    space = folder / "by_hand.yaml"
    space.write_text(SPACE, "utf-8")
    run = folder / "run"
    words = ["tune", "digits", "--space", str(space), "--budget", str(BUDGET), "--loops", "unlimited"]
    words += ["--trials", str(trials), "--blocks", str(blocks), "--seed", str(seed), "--jobs", "2"]
    began = time.time()
    used = timed([sys.executable, "-m", "altune", *words, "--no-confirm", "--quiet", "--out", str(run)])
    told = [
        {
            "params": {name: trial.params[path] for name, path in PATHS.items()},
            "value": trial.value,
            "at": trial.datetime_complete.timestamp() - began,
        }
        for trial in open_run(run).study.get_trials(deepcopy=False)
        if trial.value is not None and trial.datetime_complete is not None
    ]
    return used, told


def by_hand(how: str, recipes: list[dict[str, Any]], blocks: int, folder: Path) -> tuple[Used, dict[str, Any]]:
    """Play a list of recipes by the search written by hand; return what it took and what it found."""
    listed = folder / "recipes.json"
    listed.write_text(json.dumps(recipes), "utf-8")
    words = ["--how", how, "--trials", str(len(recipes)), "--blocks", str(blocks), "--list", str(listed)]
    used = timed([sys.executable, str(HERE / "lib" / "search_by_hand.py"), *words], unpinned=how == "usual")
    return used, json.loads(used.output)


class Confirmed:
    """Scores of recipes on splits that no search has seen, all by the same code."""

    def __init__(self, blocks: int) -> None:
        self._blocks = blocks
        self._known: dict[str, float] = {}

    def score(self, params: dict[str, Any]) -> float:
        """Return the mean area of a recipe."""
        import altune

        key = json.dumps(params, sort_keys=True)
        if key not in self._known:
            recipe = altune.Recipe.from_dict(
                {
                    "initial_sample": {"method": "random", "size": params["start"]},
                    "loop_size": {"method": "constant", "size": params["step"]},
                    "query_strategy": params["strategy"],
                }
            )
            played = altune.simulate(
                recipe, "digits", budget=BUDGET, loops="unlimited", n_blocks=self._blocks, n_jobs=2
            )
            self._known[key] = played.aulc
        return self._known[key]


def seconds_to_reach(trials: list[dict[str, Any]], wanted: float, confirmed: Confirmed) -> float | None:
    """Return when the best recipe so far was first as good on fresh splits as ``wanted``, None if it never was."""
    best = None
    for trial in trials:
        if best is None or trial["value"] > best["value"]:
            best = trial
            if confirmed.score(trial["params"]) >= wanted - 1e-9:
                return float(trial["at"])
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--confirm-blocks", type=int, default=20)
    parser.add_argument("--only", nargs="+", choices=["altune", "well", "usual"], default=["altune", "well", "usual"])
    parser.add_argument("--quick", action="store_true", help="8 trials on 2 splits, 4 to confirm")
    parser.add_argument("--out", type=Path, help="write what was measured as JSON")
    given = parser.parse_args()
    if given.quick:
        given.trials, given.blocks, given.confirm_blocks = 8, 2, 4
    confirmed = Confirmed(given.confirm_blocks)
    with tempfile.TemporaryDirectory() as folder:
        used, trials = by_altune(given.trials, given.blocks, given.seed, Path(folder))
        best = max(trials, key=lambda trial: float(trial["value"]))
        rows: dict[str, dict[str, Any]] = {
            "altune": {
                "wall": used.wall,
                "processor": used.processor,
                "first_trial": trials[0]["at"],
                "recipe": best["params"],
                "confirmed": confirmed.score(best["params"]),
            }
        }
        keep(rows, given.out)
        for how in ("well", "usual"):
            if how not in given.only:
                continue
            used, found = by_hand(how, [trial["params"] for trial in trials], given.blocks, Path(folder))
            score = confirmed.score(found["best"])
            reached = seconds_to_reach(trials, score, confirmed)
            rows[how] = {
                "wall": used.wall,
                "processor": used.processor,
                "recipe": found["best"],
                "confirmed": score,
                "times_wall": used.wall / rows["altune"]["wall"],
                "times_processor": used.processor / rows["altune"]["processor"],
                "altune_reaches_after": reached,
                "times_to_equal": None if reached is None else used.wall / reached,
            }
            keep(rows, given.out)
    print_table(rows, given.trials, given.blocks)
    return 0


def keep(rows: dict[str, dict[str, Any]], out: Path | None) -> None:
    """Write what was measured so far."""
    if out is not None:
        out.write_text(json.dumps(rows, indent=2), "utf-8")


def print_table(rows: dict[str, dict[str, Any]], trials: int, blocks: int) -> None:
    """Print what was measured."""
    names = {"altune": "altune, 2 processes", "well": "by hand, 2 processes", "usual": "by hand, as usual"}
    print(f"{trials} trials on {blocks} splits of digits, {BUDGET} labels, whole processes, seconds")
    print(f"{'':22}{'wall':>8}{'cpu':>8}{'x wall':>8}{'x cpu':>8}{'confirmed':>11}{'altune as good after':>22}{'x':>7}")
    for name, row in rows.items():
        print(f"{names[name]:22}{row['wall']:8.1f}{row['processor']:8.1f}", end="")
        if name == "altune":
            print(f"{'':16}{row['confirmed']:11.4f}   (first trial finished after {row['first_trial']:.1f} s)")
            continue
        print(f"{row['times_wall']:8.1f}{row['times_processor']:8.1f}{row['confirmed']:11.4f}", end="")
        if row["altune_reaches_after"] is None:
            print(f"{'never':>22}")
        else:
            print(f"{row['altune_reaches_after']:20.1f} s{row['times_to_equal']:7.1f}")


if __name__ == "__main__":
    sys.exit(main())
