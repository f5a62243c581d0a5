"""How narrow the intervals of a run will be, foretold from a few trajectories, and how many rows that takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from altune.core.settings import no_warnings
from altune.core.threads import on_one_thread
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
PLAYED = 3
"""Number of times that each is played."""
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
    dataset, scenario, block = environment.dataset, environment.scenario, environment.blocks("search", 1)[0]
    share = len(block.test) / len(environment.blocks("report", 1)[0].test)
    curves: dict[str, list[LearningCurve]] = {name: [] for name in COMPARED}
    with no_warnings():
        for number in range(PLAYED):
            # The same rows with other random streams, so that what the test rows contribute can be separated.
            again = replace(block, number=number)
            prepared = prepare_block(dataset, again, environment.seed, scenario.scaling, scenario.text_features)
            for name, played in curves.items():
                played.append(play(setup.baselines[name], prepared, scenario, row_scores=True))
    blocks = setup.settings.report_blocks or USUAL_REPORT
    a, b = curves.values()
    return likely_half_width(environment.objective, a, b, share, blocks)
