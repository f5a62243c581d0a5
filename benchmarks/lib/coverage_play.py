"""Recipes on fresh subsamples of large tables, each played as a confirmation would and stored whole."""

from __future__ import annotations

import functools
import gzip
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from altune.core.errors import RequestError
from altune.core.streams import Streams
from altune.core.types import Codes, RowNumbers
from altune.data import Dataset, load_dataset
from altune.data.blocks import HELD_BACK, LEAST_ROWS_OF_A_CLASS, TEST_SHARE, Block, split
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment, make_environment
from altune.simulation.execution.items import WorkItem, curves_or_raise
from altune.simulation.execution.player import Player
from altune.simulation.leave_out import auc_without_each_group, without_each_group
from altune.simulation.metrics import Scorers
from altune.simulation.scoring import Outputs

BUDGET, LOOPS = 50, 7
MODELS = ("logistic_regression", "naive_bayes")
AGAIN = " again"
"""Ends the name of a recipe that is played a second time, from other random streams."""
_START = {"initial_sample": "typiclust"}
PATH: Mapping[str, Mapping[str, Any]] = {
    "random": {"query_strategy": "random"},
    "margin": {"query_strategy": "margin"},
    "typiclust + margin": {"query_strategy": "margin", **_START},
    "typiclust + margin + growing loops": {
        "query_strategy": "margin",
        **_START,
        "loop_size": {"method": "geometric", "growth": 1.5},
    },
}
"""The recipes, in the order of the ablation path: each changes one knob of the recipe before it."""
STREAMS_AGAIN = ("random", "margin")

Curves = dict[str, list[LearningCurve]]
"""The curves of a recipe on each block, by model and recipe: ``model/recipe``."""


@dataclass(frozen=True)
class Case:
    """Subsamples of one size of one population.

    Attributes
    ----------
    population : name of a built-in data set.
    size : rows of a subsample.
    coin : whether the labels are drawn by coin, so that no recipe is better than another.
    held_back : share of the rows that are held back.
    metrics : names of scorers, the accuracy first.
    models : names of the models.
    """

    population: str
    size: int
    coin: bool = False
    held_back: float = HELD_BACK
    metrics: tuple[str, ...] = ("accuracy",)
    models: tuple[str, ...] = MODELS

    @property
    def name(self) -> str:
        """The name of its folder."""
        share = "" if self.held_back == HELD_BACK else f"_held_back_{self.held_back:.3f}"
        return f"{self.population}{'_coin' if self.coin else ''}_{self.size}{share}"


def subsample(population: Dataset, case: Case, number: int) -> Dataset:
    """Return fresh rows of a population, drawn without replacement; again if a class has too few rows to be split."""
    rng = Streams(number, case.population, "study", 0).generator("subsample", case.size, case.coin)
    while True:
        rows = np.sort(rng.choice(population.n_rows, case.size, replace=False))
        codes = rng.integers(2, size=case.size) if case.coin else population.y[rows]
        n_classes = 2 if case.coin else population.n_classes
        if np.bincount(codes, minlength=n_classes).min() >= LEAST_ROWS_OF_A_CLASS:
            return Dataset(population.X[rows], codes, name=case.population, classes=range(n_classes))


def report_blocks(environment: Environment, count: int, held_back: float) -> list[Block]:
    """Return report blocks as a confirmation draws them, with the given share of the rows held back."""
    blocks = environment.blocks("report", count)
    if held_back == HELD_BACK:
        return blocks
    dataset, seed = environment.dataset, environment.seed
    rest, test = split(dataset, np.arange(dataset.n_rows), held_back, Streams(seed, dataset.name, "study", 0))
    pools = (split(dataset, rest, TEST_SHARE, block.streams(seed, dataset.name))[0] for block in blocks)
    return [replace(block, pool=pool, test=test) for block, pool in zip(blocks, pools, strict=True)]


def recipes(model: str) -> dict[str, Recipe]:
    """Return the recipes of the path with a model, by name."""
    return {name: Recipe.from_dict({"version": 1, "model": model, **plain}) for name, plain in PATH.items()}


def play_subsample(population: Dataset, case: Case, number: int, blocks: int) -> Curves:
    """Play every recipe on the report blocks of one subsample, which is a study of its own."""
    dataset = subsample(population, case, number)
    first, *also = case.metrics
    environment = make_environment(dataset, seed=number, budget=BUDGET, loops=LOOPS, metric=first, also=tuple(also))
    # The random streams depend on the name of the data set: under another name the same blocks have other draws.
    renamed = Dataset(dataset.X, dataset.y, name=case.population + AGAIN, classes=dataset.classes)
    again = replace(environment, dataset=renamed)
    drawn = report_blocks(environment, blocks, case.held_back)
    # A player keeps what it prepares by block, streams included, so that other streams need other blocks.
    drawn_again = [replace(block) for block in drawn]
    played: Curves = {}
    with Player() as player:
        for model in case.models:
            every = recipes(model)
            plays = [(name, every[name], environment, drawn) for name in every]
            plays += [(name + AGAIN, every[name], again, drawn_again) for name in STREAMS_AGAIN]
            for name, recipe, where, on in plays:
                items = [WorkItem(recipe, block, where, row_scores=True) for block in on]
                played[f"{model}/{name}"] = curves_or_raise(player.play(items))
    return played


def closed_scorers(metrics: Sequence[str], n_classes: int, positive: int | None = None) -> Scorers:
    """Return a function that scores a model with all metrics, by altune's closed forms with nothing left out."""
    judged = n_classes - 1 if positive is None else positive

    def score_of(metric: str, outputs: Outputs, rows: RowNumbers, y: Codes) -> float:
        predicted, groups = outputs.predict(rows), [np.empty(0, dtype=np.intp), np.arange(len(rows))]
        if metric == "accuracy":
            return float(np.mean(predicted == y))
        if metric == "roc_auc":
            whole = auc_without_each_group(outputs.ranking(rows), y == 1, groups)
        else:
            whole = without_each_group(metric, y, predicted, groups, n_classes, judged)
        if whole is None:
            raise RequestError(f"{metric} has no closed form")
        return float(whole[0])

    return lambda outputs, rows, y: {metric: score_of(metric, outputs, rows, y) for metric in metrics}


def file_of(folder: Path, case: Case, number: int) -> Path:
    """Return where a subsample is stored."""
    return folder / case.name / f"{number:04d}.json.gz"


def play_and_store(case: Case, number: int, blocks: int, folder: Path) -> str:
    """Play a subsample and write its curves, whole or not at all; return the name of the case."""
    # scikit-learn's checks of what it is given would take three quarters of the time.
    with warnings.catch_warnings(), mock.patch("altune.simulation.scoring.make_scorers", closed_scorers):
        warnings.simplefilter("ignore")
        played = play_subsample(_population(case.population), case, number, blocks)
    path = file_of(folder, case, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.part")
    plain = {name: [curve.to_dict() for curve in curves] for name, curves in played.items()}
    with gzip.open(partial, "wt", encoding="utf-8", compresslevel=3) as file:
        json.dump(plain, file)
    os.replace(partial, path)
    return case.name


@functools.lru_cache(maxsize=1)
def _population(name: str) -> Dataset:
    return load_dataset(name)


def load_curves(path: Path) -> Curves:
    """Return the curves of a stored subsample."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        plain = json.load(file)
    return {name: [LearningCurve.from_dict(curve) for curve in curves] for name, curves in plain.items()}
