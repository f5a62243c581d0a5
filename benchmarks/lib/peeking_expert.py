"""A greedy expert that reads true labels and test rows: the most that looking one step ahead could gain."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

import altune
from altune.core.needs import Need
from altune.core.pool import Pool
from altune.core.types import Array, Codes, Learner, RowNumbers, TrainingSet
from altune.data.blocks import make_blocks
from altune.knobs.query_strategy.base import QueryStrategy, largest
from altune.simulation.prepared import PreparedBlock, prepare_block
from lib.data_sets import at_most

LEAST_PROBABILITY = 1e-6
"""Probabilities below count as this one in the loss, so that one sure error does not outweigh all other test rows."""


class PeekingExpert(QueryStrategy):
    """Select the candidates that each improve the log loss on the test rows most, with their true label.

    Half of the candidates that are tried are the most uncertain by margin, half are random. For each, the model is
    trained from scratch on the labels so far and this one. The strategy reads what no strategy may know, so it is a
    yardstick, and only of the block that its parameters name: it loads the data set itself, in whichever process it
    runs.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "after Konyushkova, Sznitman, Fua, Learning Active Learning from Data, NeurIPS 2017"
    method: Literal["peeking_expert"] = "peeking_expert"
    data: str = Field(description="name of the built-in data set")
    seed: int = Field(ge=0, description="seed of the study")
    block: int = Field(ge=0, description="number of the search block")
    most_rows: int | None = Field(default=None, ge=1, description="rows that are used of a larger data set")
    tried: int = Field(default=32, ge=1, description="number of candidates that are tried in a loop")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the ``size`` candidates after which the test loss is smallest, the best one first."""
        if pool.learner is None:
            raise RuntimeError("the expert needs a model to retrain")
        truth = block_with_truth(self.data, self.seed, self.block, self.most_rows)
        tried = candidates_to_try(pool, max(self.tried, size), rng)
        losses = [loss_with(row, pool, pool.learner, truth) for row in tried.tolist()]
        return tried[largest(-np.array(losses), size, rng)]


@lru_cache(maxsize=32)
def block_with_truth(data: str, seed: int, number: int, most_rows: int | None) -> PreparedBlock:
    """Return a search block of a built-in data set, or of a part of its rows, with all of its labels."""
    dataset = at_most(altune.load_dataset(data), most_rows)
    return prepare_block(dataset, make_blocks(dataset, "search", number + 1, seed)[number], seed)


def candidates_to_try(pool: Pool, count: int, rng: np.random.Generator) -> RowNumbers:
    """Return ``count`` candidates, or all there are: half with the smallest margin, the others drawn from the rest."""
    candidates = pool.candidates
    if len(candidates) <= count:
        return candidates
    uncertain = largest(-pool.known().margin, (count + 1) // 2, rng)
    others = np.delete(candidates, uncertain)
    return np.concatenate([candidates[uncertain], rng.choice(others, count - len(uncertain), replace=False)])


def loss_with(row: int, pool: Pool, learner: Learner, truth: PreparedBlock) -> float:
    """Return the log loss on the test rows of a model that is trained on one more row with its true label."""
    rows, labels = np.append(pool.labelled, row), np.append(pool.labels, truth.y_pool[row])
    order = np.argsort(rows)
    model = learner.fit(TrainingSet(pool.X[rows[order]], labels[order], pool.n_classes), 0)
    return log_loss(model.class_scores(truth.X_test), truth.y_test)


def log_loss(probabilities: Array, y: Codes) -> float:
    """Return the mean log loss of ``(n_rows, n_classes)`` probabilities.

    >>> round(log_loss(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 0])), 4)
    0.3466
    """
    return float(-np.mean(np.log(np.maximum(probabilities[np.arange(len(y)), y], LEAST_PROBABILITY))))
