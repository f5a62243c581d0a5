"""How long does a search take by altune, and written by hand with Optuna and scikit-activeml, to a recipe as good?

    python benchmarks/search.py                     # 5 seeds, 40 trials on 3 splits by hand: half an hour
    python benchmarks/search.py --quick             # one seed, 8 trials on 2 splits by hand
    python benchmarks/search.py --only well         # without the one that takes longest
    python benchmarks/search.py --same-recipes      # by hand, the recipes that altune draws on as many fixed blocks
    python benchmarks/search.py --out search.json   # resumable: what is in the file is not measured again

The space, the budget (200 labels), the data (digits) and the model (logistic regression) are the same for all. The
search by hand plays each of its trials on all splits; altune searches as it does by default, with blocks by merit. Wall
and processor seconds are of whole processes, from the start of the interpreter. The recipe that the search by hand ends
with is played on 20 fresh splits, and so is the best so far of altune after each of its plays, by the same code: the
seconds are given after which altune's was as good. Needs the extra ``skactiveml``.
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

import numpy as np

from altune.tuning.merit import merged_trials

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


class SoFar(NamedTuple):
    """The best recipe of a search at a moment, and the seconds since its process was started."""

    params: dict[str, Any]
    at: float


def by_altune(trials: int, seed: int, folder: Path) -> tuple[Used, list[SoFar], int]:
    """Search by altune's command line on two processes.

    Returns
    -------
    what it took, the best recipe after each play where it changed, and the number of plays.
    """
    from altune.workflows.open_run import open_run

    space = folder / "by_hand.yaml"
    space.write_text(SPACE, "utf-8")
    run = folder / f"run-{seed}"
    words = ["tune", "digits", "--space", str(space), "--budget", str(BUDGET), "--loops", "unlimited"]
    words += ["--trials", str(trials), "--seed", str(seed), "--jobs", "2"]
    began = time.time()
    used = timed([sys.executable, "-m", "altune", *words, "--no-confirm", "--quiet", "--out", str(run)])
    record = open_run(run).record
    plays, baselines, sign = record.plays(), record.baseline_blocks(), record.objective.sign
    ended = [trial.datetime_complete.timestamp() - began for trial in record.study.get_trials(deepcopy=False)]
    best: list[SoFar] = []
    for count, at in enumerate(ended, start=1):
        known = [trial for trial in merged_trials(plays[:count], baselines, sign)[0] if trial.value is not None]
        params = max(known, key=lambda trial: sign * float(trial.value)).params
        params = {name: params[path] for name, path in PATHS.items()}
        if not best or best[-1].params != params:
            best.append(SoFar(params, at))
    return used, best, record.n_played


def drawn_on_fixed_blocks(trials: int, blocks: int, seed: int, folder: Path) -> list[dict[str, Any]]:
    """Return the recipes that altune draws if each trial is played on a number of blocks."""
    from altune.workflows.open_run import open_run

    run = folder / f"fixed-{seed}"
    words = ["tune", "digits", "--space", str(folder / "by_hand.yaml"), "--budget", str(BUDGET), "--loops", "unlimited"]
    words += ["--trials", str(trials), "--blocks", str(blocks), "--seed", str(seed), "--jobs", "2"]
    timed([sys.executable, "-m", "altune", *words, "--no-confirm", "--quiet", "--out", str(run)])
    return [{name: trial.params[path] for name, path in PATHS.items()} for trial in open_run(run).trials]


def by_hand(
    how: str, trials: int, blocks: int, seed: int, folder: Path, recipes: list[dict[str, Any]] | None = None
) -> tuple[Used, dict[str, Any]]:
    """Search as written by hand, or play a list of recipes so; return what it took and what it found."""
    words = ["--how", how, "--trials", str(trials), "--blocks", str(blocks), "--seed", str(seed)]
    if recipes is not None:
        listed = folder / "recipes.json"
        listed.write_text(json.dumps(recipes), "utf-8")
        words += ["--list", str(listed)]
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


def seconds_to_reach(best: list[SoFar], wanted: float, confirmed: Confirmed) -> float | None:
    """Return when the best recipe so far was first as good on fresh splits as ``wanted``, None if it never was."""
    return next((so_far.at for so_far in best if confirmed.score(so_far.params) >= wanted - 1e-9), None)


def measure(seed: int, given: argparse.Namespace, confirmed: Confirmed) -> dict[str, Any]:
    """Return what was measured with one seed."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        used, best, plays = by_altune(given.trials, seed, folder)
        row: dict[str, Any] = {
            "seed": seed,
            "plays": plays,
            "altune": {"wall": used.wall, "processor": used.processor, "first": best[0].at},
            "confirmed": confirmed.score(best[-1].params),
        }
        recipes = drawn_on_fixed_blocks(given.trials, given.blocks, seed, folder) if given.same_recipes else None
        for how in ("well", "usual"):
            if how not in given.only:
                continue
            used, found = by_hand(how, given.trials, given.blocks, seed, folder, recipes)
            # Both ways by hand play the same recipes, so that they end with the same one.
            recipes = [trial["params"] for trial in found["trials"]] if recipes is None else recipes
            score = confirmed.score(found["best"])
            reached = seconds_to_reach(best, score, confirmed)
            row[how] = {"wall": used.wall, "processor": used.processor, "confirmed": score, "reached": reached}
            row[how]["times"] = None if reached is None else used.wall / reached
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--blocks", type=int, default=3, help="splits of each trial of the search by hand")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--confirm-blocks", type=int, default=20)
    parser.add_argument("--only", nargs="+", choices=["well", "usual"], default=["well", "usual"])
    parser.add_argument("--same-recipes", action="store_true", help="by hand, play what altune draws on fixed blocks")
    parser.add_argument("--quick", action="store_true", help="one seed, 8 trials on 2 splits, 4 to confirm")
    parser.add_argument("--out", type=Path, help="write what was measured as JSON, and read it back")
    given = parser.parse_args()
    if given.quick:
        given.trials, given.blocks, given.confirm_blocks, given.seeds = 8, 2, 4, [0]
    rows = json.loads(given.out.read_text("utf-8")) if given.out is not None and given.out.is_file() else []
    confirmed = Confirmed(given.confirm_blocks)
    for seed in given.seeds:
        if any(row["seed"] == seed for row in rows):
            continue
        rows.append(measure(seed, given, confirmed))
        if given.out is not None:
            given.out.write_text(json.dumps(rows, indent=2), "utf-8")
        print(f"seed {seed}: {rows[-1]}", file=sys.stderr, flush=True)
    print_table(rows, given.trials, given.blocks)
    return 0


def print_table(rows: list[dict[str, Any]], trials: int, blocks: int) -> None:
    """Print what was measured: a line for each seed, and the medians."""
    print(f"digits, {BUDGET} labels, {trials} trials, by hand on {blocks} splits each; whole processes, wall seconds")
    print(f"{'seed':>6}{'altune':>9}{'plays':>7}{'score':>8}", end="")
    names = [how for how in ("well", "usual") if how in rows[0]]
    print("".join(f"{'by hand, ' + how:>17}{'score':>8}{'as good after':>15}{'times':>8}" for how in names))
    for row in rows:
        print(f"{row['seed']:>6}{row['altune']['wall']:>9.1f}{row['plays']:>7}{row['confirmed']:>8.4f}", end="")
        for how in names:
            part = row[how]
            reached = "never" if part["reached"] is None else f"{part['reached']:.1f}"
            times = "" if part["times"] is None else f"{part['times']:.1f}"
            print(f"{part['wall']:>17.1f}{part['confirmed']:>8.4f}{reached:>15}{times:>8}", end="")
        print()
    for how in names:
        # A search that never came as far counts with no speed at all.
        times = [row[how]["times"] or 0.0 for row in rows]
        whole = [row[how]["wall"] / row["altune"]["wall"] for row in rows]
        print(
            f"to a recipe as good as by hand, {how}: {np.median(times):.1f} times as fast (median of {len(rows)} "
            f"seeds, {min(times):.1f} to {max(times):.1f}); the whole search {np.median(whole):.1f} times"
        )


if __name__ == "__main__":
    sys.exit(main())
