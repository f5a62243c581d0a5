"""What a trial costs beyond its simulation when many are stored: drawing, judging, writing the journal.

    python benchmarks/overhead.py                       # 1,000 trials stored, the next 100 timed
    python benchmarks/overhead.py --space full --stored 1000

The search, the sampler, the judge and the journal are the real ones; only the player hands out curves that were played
once. Processor seconds of this process and wall seconds are printed for each trial; acceptance is below 50 ms.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from altune.curve import LearningCurve
from altune.searching import make_worlds, prepare_space
from altune.tuning.evaluation import Evaluator
from altune.tuning.player import Player, Task
from altune.tuning.progress import Silent
from altune.tuning.search import Search
from altune.tuning.settings import Settings
from altune.tuning.steps import Means, Steps
from altune.tuning.workers import Outcome


class Echo(Player):
    """Hands out one curve for each block, whatever the recipe; a little better or worse by the recipe."""

    def __init__(self, curves: Sequence[LearningCurve]) -> None:
        super().__init__()
        self.curves_by_block = list(curves)

    def play(
        self, tasks: Sequence[Task], on_done: Callable[[int, Outcome], None] = lambda index, outcome: None
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--space", default="standard")
    parser.add_argument("--stored", type=int, default=1000)
    parser.add_argument("--timed", type=int, default=100)
    parser.add_argument("--sampler", default="tpe")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    given = parser.parse_args()
    worlds = make_worlds("digits")
    space = prepare_space(given.space, worlds)
    settings = Settings(n_trials=given.stored + given.timed, sampler=given.sampler)
    steps = Steps(worlds, space, settings, Silent())
    with tempfile.TemporaryDirectory() as folder:
        study = steps.open(Path(folder))
        with steps.player(None, Means()) as player:
            baselines = steps.baselines(study, player)
        echo = Echo(baselines["random_sampling"].curves)
        search = Search(study, steps.drawing(), Evaluator(echo, steps.judge(baselines), settings.spending))
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
    print(f"each of the next {given.timed}: {1000 * used / given.timed:.1f} ms of processor, ", end="")
    print(f"{1000 * wall / given.timed:.1f} ms wall, reading the study once included")
    if given.profile:
        pstats.Stats(profile).sort_stats("cumtime").print_stats(40)
    return 0


if __name__ == "__main__":
    sys.exit(main())
