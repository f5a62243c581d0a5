"""Several fitted models in one, and continuing to train them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Literal

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin

from altune.core.raw_rows import NUMBERS, taken
from altune.core.types import Array, Codes, Features, TrainingSet
from altune.models.base import Model
from altune.models.fitted import FittedModel


class MeanOfMembers(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The mean of the outputs of fitted models of the same classes; a scikit-learn classifier in all but ``fit``."""

    def __init__(self, members: Sequence[FittedModel]) -> None:
        self.members = members
        self.classes_ = np.arange(members[0].n_classes)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict_proba(self, X: Features) -> Array:
        """Return the mean class scores, ``(n_rows, n_classes)``."""
        mean: Array = np.mean([member.class_scores(X) for member in self.members], axis=0)
        return mean

    def decision_function(self, X: Features) -> Array:
        """Return the mean decision values, ``(n_rows, n_classes)``; ``(n_rows,)`` for two classes."""
        mean: Array = np.mean([member.decision_function(X) for member in self.members], axis=0)
        return mean

    def predict(self, X: Features) -> Codes:
        """Return the classes of the largest mean scores, ``(n_rows,)``."""
        best: Codes = np.argmax(self.predict_proba(X), axis=1)
        return best


class FittedEnsemble(FittedModel):
    """One or more fitted models of the same classes in one: its class scores are the mean of theirs."""

    def __init__(self, members: Sequence[FittedModel]) -> None:
        first = members[0]
        super().__init__(
            MeanOfMembers(members),
            first.n_classes,
            reduce(np.union1d, [member.seen for member in members]),
            np.arange(first.n_classes),
            first.outputs,
            failure=first.failure if all(member.failure for member in members) else "",
            takes=first.takes,
        )
        self.members = members

    def class_scores(self, X: Features) -> Array:
        """Return the mean of the members' class scores, ``(n_rows, n_classes)``."""
        scores: Array = self.estimator.predict_proba(X)
        return scores

    @property
    def embeds(self) -> bool:
        """Whether a member has a hidden layer."""
        return any(member.embeds for member in self.members)

    def embedding(self, X: Features) -> Any:
        """Return the members' last hidden activations side by side; without hidden layers, the encoded features."""
        hidden = [member.embedding(X) for member in self.members if member.embeds]
        if not hidden:
            return taken(X, NUMBERS)
        return sparse.hstack(hidden, format="csr") if any(map(sparse.issparse, hidden)) else np.hstack(hidden)

    def each(self, change: Callable[[FittedModel, int], FittedModel]) -> FittedEnsemble:
        """Return the ensemble of the changed members; ``change`` gets a member and its number."""
        return FittedEnsemble([change(member, number) for number, member in enumerate(self.members)])


def continue_training(
    model: Model, previous: FittedModel, training: TrainingSet, seed: int, *, on: Literal["all", "new"] = "all"
) -> FittedModel:
    """Continue from a fitted model, or from each member of an ensemble.

    Parameters are those of :meth:`Model.resume`, or with ``on="new"`` those of :meth:`Model.update`. Member i trains
    with the seed ``seed + i``.
    """
    train = model.resume if on == "all" else model.update
    if isinstance(previous, FittedEnsemble):
        return previous.each(lambda member, number: train(member, training, (seed + number) % 2**31))
    return train(previous, training, seed)
