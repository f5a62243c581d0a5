"""How narrow intervals will be, foretold from a few trajectories."""

from __future__ import annotations

import numpy as np
import pytest

import altune
from altune.data import Dataset
from altune.simulation.environment import make_environment
from altune.tuning.settings import Settings
from altune.tuning.study_setup import StudySetup
from altune.workflows.precision import COMPARED, likely_precision


def islands() -> Dataset:
    """Return rows in 24 far clusters, most of them small: what a difference is depends on the pool that is drawn."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(24, 4)) * 6
    cluster = rng.choice(24, p=[0.15] * 4 + [0.02] * 20, size=400)
    return Dataset(centres[cluster] + rng.normal(size=(400, 4)), cluster % 3, name="islands")


def test_the_precision_that_is_foretold_includes_that_pools_differ() -> None:
    sizes = {"budget": 24, "loops": 4, "seed": 1}
    environment = make_environment(islands(), **sizes)
    setup = StudySetup([environment], altune.SearchSpace.load("quick"), Settings(seed=1))
    [foretold] = likely_precision(setup, {"seconds": 1.0, "seconds_per_trajectory": 0.1})
    recipes = {name: setup.baselines[name] for name in COMPARED}
    difference = (
        altune.compare(recipes, islands(), n_blocks=10, progress=False, **sizes).result.differences[0].difference
    )
    realised = (difference.high - difference.low) / 2
    assert foretold["half_width"] == pytest.approx(realised, rel=0.5)
    assert foretold["rows_wanted"] == pytest.approx(400 * (foretold["half_width"] / 0.01) ** 2, abs=1)


def test_no_row_held_back_is_looked_at_for_it() -> None:
    data = islands()
    held_back = make_environment(data, budget=24).blocks("report", 1)[0].test
    X = data.X.copy()
    X[held_back] += 100.0
    halves = []
    for each in (data, Dataset(X, data.y, name="islands")):
        environment = make_environment(each, budget=24, loops=2, scaling="none")
        setup = StudySetup([environment], altune.SearchSpace.load("quick"), Settings(seed=0))
        halves.append(likely_precision(setup, {"seconds": 1.0, "seconds_per_trajectory": 0.1})[0]["half_width"])
    assert halves[0] == halves[1]
