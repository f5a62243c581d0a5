"""Models that a strategy trains for itself on the labels so far: another than the task's, or more of the same."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, SerializeAsAny

from altune.core.metadata import Metadata
from altune.core.needs import Capabilities, Need
from altune.core.pool import Pool
from altune.core.registry import parse_method
from altune.core.types import Learner, RowNumbers, TrainedModel
from altune.knobs.query_strategy.base import QueryStrategy
from altune.models import Model

SCORES: frozenset[Need] = frozenset({"class_scores"})


def read_model(value: Any) -> Any:
    """Read a model nested in a parameter; None stands for the task's own."""
    return None if value is None else parse_method("model", value)


OptionalModel = Annotated[SerializeAsAny[Model] | None, BeforeValidator(read_model)]
"""The type of a parameter that holds a model, or nothing."""


class ModelledStrategy(QueryStrategy):
    """A strategy that may ask another model than the task's.

    The other model is trained from scratch in each loop on the labels in use. What the strategy needs, it then
    needs of that model.
    """

    query_model: OptionalModel = Field(
        default=None, description="model that is asked in place of the task's, trained on the same labels"
    )

    @property
    def asks_scores(self) -> bool:
        """Whether class scores are asked of the model, be it the task's or ``query_model``."""
        return bool(SCORES & self.needs)

    def required(self) -> frozenset[Need]:
        """Return what is needed of the task's model and the environment."""
        own = super().required() - SCORES
        return own | SCORES if self.asks_scores and self.query_model is None else own

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Say so where the query model has no class scores, or cannot be trained on such data."""
        if self.query_model is None:
            return []
        found = []
        asked = f"query_strategy: {self.method!r} asks its query_model {self.query_model.method!r}"
        if self.asks_scores and not SCORES & self.query_model.able():
            found.append(f"{asked} for class scores (probabilities or a decision function), which it has not")
        if capabilities.sparse and "sparse" not in self.query_model.able():
            found.append(f"{asked}, which cannot be trained on sparse data")
        return found

    def learner(self, pool: Pool) -> Learner:
        """Return the query model, or the task's with this loop's hyperparameters."""
        learner = self.query_model or pool.learner
        if learner is None:
            raise RuntimeError(f"{self.method} is asked after a model was trained")
        return learner

    def known(self, pool: Pool, rng: np.random.Generator) -> Metadata:
        """Return what is known of the candidates from the query model; the task's needs no training."""
        if self.query_model is None:
            return pool.known()
        everything = np.arange(len(pool.labelled))
        return Metadata(pool.X, pool.candidates, train_on_labels(pool, self.query_model, everything, rng))


def train_on_labels(pool: Pool, learner: Learner, positions: RowNumbers, rng: np.random.Generator) -> TrainedModel:
    """Return a model trained from scratch on some of the labels in use.

    Parameters
    ----------
    pool : labelled rows, labels and their weights; weights are left out where the learner takes none.
    learner : the model to train.
    positions : positions within ``pool.labelled``; one that stands twice counts twice.
    rng : gives the learner's seed.
    """
    weights = None
    if pool.label_weights is not None and "sample_weight" in learner.able():
        weights = pool.label_weights[positions]
    rows = pool.labelled[positions]
    seed = int(rng.integers(2**31))
    return learner.fit(pool.X[rows], pool.labels[positions], pool.n_classes, seed, weights)
