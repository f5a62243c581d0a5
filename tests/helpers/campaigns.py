"""Campaigns whose answers come from the annotators of a simulation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from altune.campaign import Campaign
from altune.data import Dataset
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment
from altune.simulation.panel import Panel
from altune.simulation.prepared import PreparedBlock, prepare_block
from altune.simulation.trajectory import play

STOPPING = [
    {"method": "budget"},
    {"method": "stabilizing_predictions", "threshold": {"low": 0.7, "high": 0.95}, "patience": {"low": 1, "high": 2}},
    {"method": "target", "score": {"low": 0.6, "high": 0.9}, "holdout": 8},
    {"method": "overall_uncertainty", "threshold": {"low": 0.1, "high": 0.5}},
]
"""Stopping rules that fire in some of the trajectories of a small data set."""


@dataclass(frozen=True)
class Twin:
    """A block that is simulated, and on which campaigns run.

    Attributes
    ----------
    environment : of a data set of numbers.
    """

    environment: Environment

    @cached_property
    def prepared(self) -> PreparedBlock:
        environment = self.environment
        return prepare_block(environment.dataset, environment.blocks("replay", 1)[0], environment.seed)

    @property
    def pool(self) -> Any:
        """The rows of the pool, as an annotator has them."""
        dataset = self.environment.dataset
        return dataset.X[self.prepared.block.pool]

    def simulated(self, recipe: Recipe) -> LearningCurve:
        return play(recipe, self.prepared, self.environment.scenario)

    def panel(self) -> Panel:
        prepared = self.prepared
        return Panel(
            self.environment.scenario,
            prepared.y_pool,
            prepared.n_classes,
            prepared.streams,
            prepared.class_probabilities,
        )

    def started(self, folder: Path, recipe: Recipe, **options: Any) -> Campaign:
        """Begin the campaign of the block."""
        return Campaign.create(
            folder,
            recipe,
            self.pool,
            classes=self.environment.dataset.classes,
            scenario=self.environment.scenario,
            streams=self.prepared.streams,
            **options,
        )


def answer_all(campaign: Campaign, panel: Panel, dataset: Dataset, *, again: bool = False) -> Campaign:
    """Answer as the panel does until the campaign has ended.

    Parameters
    ----------
    again : whether to close and open the campaign before each batch.
    """
    names: list[str] = []
    while batch := campaign.ask():
        names = names or [f"annotator {number}" for number in range(1, 1 + len(campaign.scenario.annotators))]
        numbers = np.array([names.index(name) for name in batch.annotators])
        codes = panel.label(np.array(batch.rows), numbers)
        campaign.tell(batch.rows, [dataset.classes[code] for code in codes], batch.annotators)
        if again:
            campaign.close()
            campaign = Campaign.open(campaign.folder)
    return campaign


def drawn_recipes(environment: Environment, count: int, seed: int = 0) -> Iterator[Recipe]:
    """Yield random recipes of the space ``full``, stopping included, that work in an environment."""
    space = SearchSpace.load("full").to_dict()
    narrowed, _ = SearchSpace.from_dict({**space, "stopping": STOPPING}).narrow(environment.capabilities)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    while count:
        recipe = narrowed.suggest(study.ask())
        if not recipe.problems(environment.capabilities):
            count -= 1
            yield recipe
