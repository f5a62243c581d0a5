"""How narrow the intervals of a run will be, foretold from a few trajectories, and how many rows that takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from altune.core.settings import no_warnings
from altune.core.streams import Streams
from altune.core.threads import on_one_thread
from altune.data.blocks import TEST_SHARE, Block, pool_share, stratified_part
from altune.data.splitting import split
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment
from altune.simulation.intervals import likely_half_width
from altune.simulation.prepared import prepare_block
from altune.simulation.trajectory import play
from altune.tuning.report_blocks import USUAL_REPORT
from altune.tuning.study_setup import StudySetup

COMPARED = ("random_sampling", "vanilla")
"""The baselines whose difference shows how much the test rows make a difference vary."""
WANTED = 0.01
"""Half of the width of an interval that shows the usual gain of a good recipe over random sampling."""
PLAYED = 5
"""Number of blocks on which each is played."""
LONGEST = 1.0
"""Seconds of a trajectory up to which more are played."""


def likely_precision(setup: StudySetup, estimate: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return for each data set how wide the interval of a difference of its report will be, about.

    Parameters
    ----------
    setup : checked setup of the run.
    estimate : estimated times of the run, as plain values.

    Returns
    -------
    list of dict
        ``data``, a name; ``rows``, its number; ``half_width``, half of the 95 % interval of a difference between two
        recipes; and ``rows_wanted``, the rows with labels that make it ``wanted``.
        Empty where it cannot be foretold.
    """
    if estimate["seconds"] is None or estimate["seconds_per_trajectory"] > LONGEST:
        return []
    found = []
    for environment in setup.environments:
        half = None if environment.explicit else _half_width(setup, environment)
        if half is not None:
            n_rows = environment.dataset.n_rows
            found.append(
                {
                    "data": environment.dataset.name,
                    "rows": n_rows,
                    "half_width": half,
                    "wanted": WANTED,
                    "rows_wanted": math.ceil(n_rows * (half / WANTED) ** 2),
                }
            )
    return found


@on_one_thread
def _half_width(setup: StudySetup, environment: Environment) -> float | None:
    least, most = environment.objective.bounds
    if not most - least <= 2.0:  # no score, such as a number of labels
        return None
    (block,), (report,) = (environment.blocks(role, 1) for role in ("search", "report"))
    dataset, scenario = environment.dataset, environment.scenario
    curves: dict[str, list[LearningCurve]] = {name: [] for name in COMPARED}
    with no_warnings():
        for again in _pools(environment, block):
            prepared = prepare_block(dataset, again, environment.seed, scenario.scaling, scenario.text_features)
            for name, played in curves.items():
                played.append(play(setup.baselines[name], prepared, scenario, row_scores=True))
    a, b = curves.values()
    return likely_half_width(
        environment.objective,
        a,
        b,
        overlap=len(again.test) / len(again.pool),
        units=len(report.test) / len(block.test),
        rows=(dataset.n_rows - len(report.test)) / len(block.pool),
        blocks=setup.settings.report_blocks or USUAL_REPORT,
    )


def _pools(environment: Environment, block: Block) -> list[Block]:
    """Return blocks with the test rows of a search block and pools of their own among its pool.

    The pools of report blocks differ in the same way: each is three quarters of the rows that are not held back, or as
    much more as the budget needs. So these show how much a difference varies with the pool, without a look at the rows
    held back.
    """
    dataset, least = environment.dataset, environment.scenario.labels
    blocks = []
    for number in range(PLAYED):
        streams = Streams(environment.seed, dataset.name, "search", number)
        if dataset.groups is None:
            size = max(least, pool_share(len(block.pool)))
            pool = stratified_part(dataset, block.pool, size, streams.generator("precision"))
        else:
            pool, _ = split(dataset, block.pool, TEST_SHARE, streams)
        blocks.append(replace(block, number=number, pool=pool if len(pool) >= least else block.pool))
    return blocks
