"""Does a run that is killed at random moments end as one that never was, with any number of processes?

    python benchmarks/kills.py                            # 20 kills with 1, 2 and 4 processes: some minutes
    python benchmarks/kills.py --kills 2 --processes 2

A run on iris, with search by merit, confirmation and ablation, is started by the command line, killed with all of its
processes (SIGKILL) after a random time, and started again by the same command, until it was killed as often as asked;
then it may end. What it prints as JSON, without times, must be that of an undisturbed run. Exit code 1 where it is not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SIZES = ["--budget", "40", "--loops", "5", "--trials", "30", "--select-blocks", "6", "--report-blocks", "8"]
TIMES = ("seconds", "run")


def command(folder: Path, jobs: int, seed: int) -> list[str]:
    """Return the words of a run."""
    words = [sys.executable, "-m", "altune", "tune", "iris", *SIZES, "--seed", str(seed)]
    return [*words, "--jobs", str(jobs), "--out", str(folder), "--json"]


def result(printed: str) -> dict[str, Any]:
    """Return what a run has printed, without times."""
    return {name: value for name, value in json.loads(printed).items() if name not in TIMES}


def killed(folder: Path, jobs: int, seed: int, kills: int, chance: random.Random) -> tuple[dict[str, Any], list[str]]:
    """Return what a run that was killed so often has printed in the end, and where each kill came."""
    moments: list[str] = []
    while len(moments) < kills:
        process = subprocess.Popen(
            command(folder, jobs, seed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        # It must get somewhere: the journal or a trajectory is written before the clock starts.
        before, until = written(folder), time.monotonic() + 120
        while process.poll() is None and written(folder) == before and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 1.5))
        if process.poll() is not None:
            moments.append("after its end")
            continue
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        size, count = written(folder)
        moments.append(f"at {size} bytes, {count} trajectories")
    ended = subprocess.run(command(folder, jobs, seed), check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return result(ended.stdout.decode()), moments


def written(folder: Path) -> tuple[int, int]:
    """Return the size of the journal and the number of stored trajectories."""
    journal = folder / "study.journal"
    size = journal.stat().st_size if journal.is_file() else 0
    return size, sum(1 for _ in (folder / "trajectories").rglob("*.json"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20, help="in all, spread over the numbers of processes")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    wrong = 0
    with tempfile.TemporaryDirectory() as temporary:
        first = command(Path(temporary) / "undisturbed", 1, given.seed)
        undisturbed = result(subprocess.run(first, check=True, stdout=subprocess.PIPE).stdout.decode())
        for place, jobs in enumerate(given.processes):
            share = given.kills // len(given.processes) + (place < given.kills % len(given.processes))
            ended, moments = killed(Path(temporary) / f"killed-{jobs}", jobs, given.seed, share, chance)
            same = ended == undisturbed
            wrong += not same
            print(f"{jobs} processes, {share} kills ({', '.join(moments)}): {'the same' if same else 'DIFFERENT'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
