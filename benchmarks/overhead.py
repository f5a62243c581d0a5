"""What does a trial cost beyond its simulation when many are stored? Drawing, judging, writing the journal.

    python benchmarks/overhead.py                       # 1,000 trials stored, the next 100 timed
    python benchmarks/overhead.py --space full --stored 1000
    python benchmarks/overhead.py --stored 10000 --sampler random --timed 0 --keep DIR    # a large run, kept
    python benchmarks/overhead.py --read DIR                    # seconds and memory of whatever opens such a run

The search, the sampler, the judge and the journal are the real ones; only the player hands out curves that were played
once. Processor seconds of this process and wall seconds are printed for each trial; acceptance is below 50 ms.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from altune.simulation.curve import LearningCurve
from altune.simulation.environment import make_environments
from altune.simulation.execution.items import Outcome, WorkItem
from altune.simulation.execution.player import Player
from altune.tuning.evaluation import Evaluator
from altune.tuning.observer import Silent
from altune.tuning.prepared_space import prepare_space
from altune.tuning.record import StudyRecord
from altune.tuning.resources import Resources
from altune.tuning.search import Search
from altune.tuning.settings import Settings
from altune.tuning.stages import Stages
from altune.tuning.study_setup import StudySetup


class Echo(Player):
    """Hands out one curve for each block, whatever the recipe; a little better or worse by the recipe."""

    def __init__(self, curves: Sequence[LearningCurve]) -> None:
        super().__init__()
        self.curves_by_block = list(curves)

    def play(
        self, tasks: Sequence[WorkItem], on_done: Callable[[int, Outcome], None] = lambda index, outcome: None
    ) -> list[Outcome]:
        """Return the curve of each task's block, scaled by a number that hangs on the recipe."""
        found: list[Outcome] = []
        for index, task in enumerate(tasks):
            curve = self.curves_by_block[task.block.number]
            scale = 0.9 + 0.1 * int(task.recipe.digest()[:4], 16) / 0xFFFF
            scores = {metric: values * scale for metric, values in curve.scores.items()}
            found.append(
                LearningCurve.from_dict({**curve.to_dict(), "scores": {m: v.tolist() for m, v in scores.items()}})
            )
            on_done(index, found[-1])
        return found


READERS = {
    "nothing but imports": "pass",
    "open_run": "run = open_run(folder)",
    "... and its trials": "run = open_run(folder); run.trials",
    "finished_trials": "finished_trials(folder)",
    "watch": "WatchedRun(folder).standing()",
    "go on: the next trial by TPE": "next_trial(folder)",
    "every curve as a table": "open_run(folder).curves()",
    "the page": "run_page(open_run(folder))",
}
BEFORE = """
import resource, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from overhead import next_trial
from altune.report.pages.run.page import run_page
from altune.tuning.run_folder import finished_trials
from altune.workflows.open_run import open_run
from altune.workflows.watch import WatchedRun
folder = Path(sys.argv[1])
began = time.process_time()
"""
AFTER = """
used = time.process_time() - began
print(used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def next_trial(folder: Path, sampler: str = "tpe") -> None:
    """Make everything ready to go on with a run, and ask for one trial."""
    from altune.tuning.storage import read_study

    environments = make_environments("digits")
    space = prepare_space("standard", environments)
    stages = Stages(StudySetup(environments, space, Settings(sampler=sampler)), Silent())
    study = read_study(folder)
    baselines = StudyRecord(study).baselines()
    judge = stages.judge(baselines)
    evaluator = Evaluator(Echo(()), judge, stages.blocks, stages.setup.settings.racing_rules)
    search = Search(study, stages.setup.proposer(), evaluator)
    stored = study.get_trials(deepcopy=False)
    began = time.process_time()
    memory = search._memory(stored)
    known = time.process_time()
    search.proposer.ask(memory, len(stored))
    print(f"   remembering {known - began:.2f} s, TPE itself {time.process_time() - known:.2f} s", file=sys.stderr)


def read(folder: Path) -> None:
    """Print processor seconds and the most memory of whatever opens a run, each in a process of its own."""
    size = (folder / "study.journal").stat().st_size / 2**20
    print(f"{folder}: {size:.0f} MiB of journal")
    for name, code in READERS.items():
        command = [sys.executable, "-c", BEFORE + code + AFTER, str(folder), str(Path(__file__).parent)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            print(f"{name:32} failed")
            continue
        used, memory = map(float, done.stdout.split())
        print(f"{name:32}{used:8.2f} s{memory:8.0f} MiB")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--space", default="standard")
    parser.add_argument("--stored", type=int, default=1000)
    parser.add_argument("--timed", type=int, default=100)
    parser.add_argument("--sampler", default="tpe")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    parser.add_argument("--keep", type=Path, help="keep the run in this folder")
    parser.add_argument("--read", type=Path, metavar="DIR", help="time what opens the run of a folder")
    given = parser.parse_args()
    if given.read is not None:
        read(given.read)
        return 0
    environments = make_environments("digits")
    space = prepare_space(given.space, environments)
    settings = Settings(n_trials=given.stored + given.timed, sampler=given.sampler)
    stages = Stages(StudySetup(environments, space, settings), Silent())
    kept = tempfile.TemporaryDirectory() if given.keep is None else contextlib.nullcontext(str(given.keep))
    with kept as folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        study = stages.open(Path(folder))
        with stages.player(None, Resources()) as player:
            baselines = stages.baselines(study, player)
        echo = Echo(baselines["random_sampling"].curves)
        evaluator = Evaluator(echo, stages.judge(baselines), stages.blocks, settings.racing_rules)
        search = Search(study, stages.setup.proposer(), evaluator)
        began = time.perf_counter()
        search.run(given.stored)
        print(f"{given.stored} trials in {time.perf_counter() - began:.1f} s", file=sys.stderr)
        profile = cProfile.Profile()
        wall, used = time.perf_counter(), time.process_time()
        if given.profile:
            profile.enable()
        search.run(given.stored + given.timed)
        profile.disable()
        wall, used = time.perf_counter() - wall, time.process_time() - used
        size = (Path(folder) / "study.journal").stat().st_size / 2**20
    print(f"space {given.space}, sampler {given.sampler}, {given.stored} trials stored ({size:.0f} MiB of journal)")
    if not given.timed:
        return 0
    print(f"each of the next {given.timed}: {1000 * used / given.timed:.1f} ms of processor, ", end="")
    print(f"{1000 * wall / given.timed:.1f} ms wall, reading the study once included")
    if given.profile:
        pstats.Stats(profile).sort_stats("cumtime").print_stats(40)
    return 0


if __name__ == "__main__":
    sys.exit(main())
