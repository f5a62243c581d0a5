"""Models that a strategy trains itself on the current labels: another model than the recipe's, or copies of it."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import BeforeValidator, Field, SerializeAsAny

from altune.core.metadata import Metadata
from altune.core.needs import Capabilities, Need
from altune.core.pool import Pool
from altune.core.registry import parse_method
from altune.core.types import Learner, RowNumbers, TrainedModel, TrainingSet
from altune.knobs.query_strategy.base import QueryStrategy
from altune.models import Model

SCORES: frozenset[Need] = frozenset({"class_scores"})


OptionalModel = Annotated[
    SerializeAsAny[Model] | None, BeforeValidator(lambda value: None if value is None else parse_method("model", value))
]
"""The type of a parameter that holds a model or None."""


class ModelledStrategy(QueryStrategy):
    """Base of strategies that may use another model than the recipe's.

    The other model is trained from scratch in each loop on the current labels. What the strategy needs of a model, it
    then needs of that one.
    """

    query_model: OptionalModel = Field(
        default=None,
        description="model used for the query, trained on the same labels; by default the recipe's model",
    )

    @property
    def asks_scores(self) -> bool:
        """Whether the model, the recipe's or ``query_model``, must have class scores."""
        return bool(SCORES & self.needs)

    def required(self) -> frozenset[Need]:
        """Return what the strategy needs of the recipe's model and of the environment."""
        needs = super().required() - SCORES
        return needs | SCORES if self.asks_scores and self.query_model is None else needs

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Return what the query model lacks: class scores, or training on sparse data."""
        if self.query_model is None:
            return []
        problems = []
        name = self.query_model.method
        if self.asks_scores and not SCORES & self.query_model.able():
            problems.append(
                f"query_strategy: {self.method!r} needs class scores (probabilities or a decision function), which its "
                f"query_model {name!r} does not have"
            )
        if capabilities.sparse and "sparse" not in self.query_model.able() and not self.query_model.takes.raw:
            problems.append(
                f"query_strategy: the query_model {name!r} of {self.method!r} cannot be trained on "
                f"{capabilities.sparse_words}"
            )
        return problems

    def learner(self, pool: Pool) -> Learner:
        """Return the query model, or the recipe's model with the hyperparameters of this loop."""
        learner = self.query_model or pool.learner
        if learner is None:
            raise RuntimeError("the pool has no trained model yet")
        return learner

    def known(self, pool: Pool, rng: np.random.Generator) -> Metadata:
        """Return the metadata of the query model, which is trained, or of the current model."""
        if self.query_model is None:
            return pool.known()
        positions = np.arange(len(pool.labelled))
        model = train_on_labels(pool, self.query_model, positions, rng)
        return Metadata(pool.X, pool.candidates, model, inputs=pool.inputs)


def train_on_labels(pool: Pool, learner: Learner, positions: RowNumbers, rng: np.random.Generator) -> TrainedModel:
    """Return a model trained from scratch on some of the current labels.

    Parameters
    ----------
    pool : labelled rows, their labels and weights; weights are ignored if the learner takes none.
    learner : the model to train.
    positions : positions within ``pool.labelled``; a repeated position counts repeatedly.
    rng : draws the learner's seed.
    """
    weights = None
    if pool.label_weights is not None and "sample_weight" in learner.able():
        weights = pool.label_weights[positions]
    training = TrainingSet(pool.inputs[pool.labelled[positions]], pool.labels[positions], pool.n_classes, weights)
    return learner.fit(training, seed=int(rng.integers(2**31)))
