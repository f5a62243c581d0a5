"""A campaign whose annotators answer as those of a simulation buys the very rows of the simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from altune.campaign import Campaign
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import make_environment
from tests.helpers.campaigns import Twin, answer_all, drawn_recipes


@pytest.fixture(scope="module")
def twin() -> Twin:
    """A small block with three annotators, two of whom err."""
    return Twin(make_environment("wine", budget=36, loops=4, annotators=(0.0, 0.1, 0.2)))


def assert_same(campaign: Campaign, curve: LearningCurve, twin: Twin) -> None:
    bought = campaign.answers()["row"].drop_duplicates().to_numpy()
    np.testing.assert_array_equal(twin.prepared.block.pool[bought], curve.rows)
    status = campaign.status()
    assert [point.labels for point in status.curve] == curve.labels.tolist()
    assert campaign.should_stop() == status.stopped == curve.stopped
    assert status.labels_bought == curve.labels[-1]


@pytest.mark.slow
def test_random_recipes_buy_the_rows_of_the_simulation(twin: Twin, tmp_path: Path) -> None:
    stops = set()
    for number, recipe in enumerate(drawn_recipes(twin.environment, 8)):
        curve = twin.simulated(recipe)
        stops.add(curve.stopped)
        for again in (False, True):
            folder = tmp_path / f"{number} {again}"
            with answer_all(twin.started(folder, recipe), twin.panel(), twin.environment.dataset, again=again) as done:
                assert_same(done, curve, twin)
    assert len(stops) > 1


def test_a_campaign_is_the_simulation(twin: Twin, tmp_path: Path) -> None:
    recipe = Recipe(query_strategy="margin_cover", initial_sample={"method": "typiclust", "size": 6})
    with answer_all(twin.started(tmp_path / "c", recipe), twin.panel(), twin.environment.dataset, again=True) as done:
        assert_same(done, twin.simulated(recipe), twin)
