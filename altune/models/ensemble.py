"""Several fitted models that speak as one, and going on from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from altune.core.types import Features
from altune.models.base import Model
from altune.models.fitted import Array, Codes, FittedModel


class MeanOfMembers(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The mean of what fitted models say; a scikit-learn classifier in all but ``fit``.

    Parameters
    ----------
    members : fitted models of the same classes.
    """

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
    """Fitted models of one recipe that speak as one: class scores are the mean of theirs.

    Parameters
    ----------
    members : fitted models of the same classes, one or more.
    """

    def __init__(self, members: Sequence[FittedModel]) -> None:
        first = members[0]
        super().__init__(
            MeanOfMembers(members),
            first.n_classes,
            reduce(np.union1d, [member.seen for member in members]),
            np.arange(first.n_classes),
            first.outputs,
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
        """Return the members' last hidden activations side by side; without hidden layers, ``X`` itself."""
        hidden = [member.embedding(X) for member in self.members if member.embeds]
        return np.hstack(hidden) if hidden else X

    def each(self, change: Callable[[FittedModel, int], FittedModel]) -> FittedEnsemble:
        """Return the ensemble of the members changed one by one; ``change`` gets a member and its number."""
        return FittedEnsemble([change(member, number) for number, member in enumerate(self.members)])


def go_on(
    model: Model,
    previous: FittedModel,
    X: Features,
    y: Codes,
    n_classes: int,
    seed: int,
    sample_weight: Array | None = None,
    *,
    rows: str = "all",
) -> FittedModel:
    """Go on from a fitted model, or from each member of an ensemble.

    Parameters are those of :meth:`Model.resume`; with ``rows="new"`` it is :meth:`Model.update`. Member i trains with
    the seed ``seed + i``.
    """
    act = model.resume if rows == "all" else model.update
    if isinstance(previous, FittedEnsemble):
        return previous.each(lambda one, i: act(one, X, y, n_classes, (seed + i) % 2**31, sample_weight))
    return act(previous, X, y, n_classes, seed, sample_weight)
