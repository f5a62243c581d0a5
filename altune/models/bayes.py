"""Gaussian naive Bayes, from class moments that further rows add to exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field
from sklearn.naive_bayes import GaussianNB

from altune.core.registry import register
from altune.core.types import Array, TrainingSet
from altune.models.base import Model
from altune.models.fitted import FittedModel


@dataclass(frozen=True)
class Moments:
    """Weight, means and variances of each class: ``(n_classes,)``, ``(n_classes, n_features)`` twice."""

    weight: Array
    mean: Array
    variance: Array


@register
class NaiveBayes(Model):
    """Gaussian naive Bayes: features independent and normal within each class, priors as in the labels.

    ``update`` adds the moments of the new rows to those of the earlier ones, so it gives exactly the model that
    ``fit`` on all of them gives. scikit-learn's own ``partial_fit`` does not: it must know all classes beforehand
    and takes its smoothing from the last rows only, which is 0 for a single one.
    """

    abilities = frozenset({"class_scores", "probabilities", "partial_fit", "sample_weight"})
    schedulable = ("var_smoothing",)

    method: Literal["naive_bayes"] = "naive_bayes"
    var_smoothing: float = Field(
        default=1e-9, ge=1e-12, le=1.0, description="share of the largest variance of a feature added to all"
    )

    def build(self, seed: int, n_labelled: int) -> GaussianNB:
        """Return the estimator; nothing in it is random."""
        return GaussianNB(var_smoothing=self.var_smoothing)

    def fit(self, training: TrainingSet, seed: int) -> FittedModel:
        """Train from scratch."""
        training = self._usable(training)
        with self._explained(training):
            moments = class_moments(training)
        return self._from_moments(moments, training)

    def update(self, previous: FittedModel, training: TrainingSet, seed: int) -> FittedModel:
        """Add the given rows to those behind ``previous``, which is not changed."""
        self._require_same_classes(previous, training)
        training = self._usable(training)
        with self._explained(training):
            moments = merge(previous.memory, class_moments(training))
        return self._from_moments(moments, training)

    def _from_moments(self, moments: Moments, training: TrainingSet) -> FittedModel:
        seen = np.flatnonzero(moments.weight)
        estimator = self.build(0, len(training))
        weight, mean, variance = moments.weight[seen], moments.mean[seen], moments.variance[seen]
        spread = largest_variance(weight, mean, variance)
        estimator.epsilon_ = self.var_smoothing * (spread if spread > 0 else 1.0)
        estimator.theta_, estimator.var_ = mean, variance + estimator.epsilon_
        estimator.class_count_, estimator.class_prior_ = weight, weight / weight.sum()
        estimator.classes_, estimator.n_features_in_ = np.arange(len(seen)), mean.shape[1]
        return self._fitted(estimator, training, seen=seen, codes=seen, memory=moments)


def class_moments(training: TrainingSet) -> Moments:
    """Return weight, means and variances of each class of the scenario; zeros for those without rows."""
    X = np.asarray(training.X, dtype=np.float64)
    weights = np.ones(len(X)) if training.weights is None else training.weights
    shape = (training.n_classes, X.shape[1])
    moments = Moments(np.zeros(training.n_classes), np.zeros(shape), np.zeros(shape))
    for code in training.seen:
        rows = training.y == code
        moments.weight[code] = weights[rows].sum()
        moments.mean[code] = np.average(X[rows], axis=0, weights=weights[rows])
        moments.variance[code] = np.average((X[rows] - moments.mean[code]) ** 2, axis=0, weights=weights[rows])
    return moments


def merge(a: Moments, b: Moments) -> Moments:
    """Return the moments of two sets of rows together, exactly.

    Source: T. Chan, G. Golub, R. LeVeque, Updating formulae for computing sample variances, COMPSTAT 1982.
    """
    weight = a.weight + b.weight
    share = (b.weight / np.where(weight > 0, weight, 1.0))[:, None]
    step = b.mean - a.mean
    mean = a.mean + share * step
    variance = (1 - share) * a.variance + share * b.variance + share * (1 - share) * step**2
    return Moments(weight, mean, variance)


def largest_variance(weight: Array, mean: Array, variance: Array) -> float:
    """Return the largest variance of a feature over all rows: within the classes and between them."""
    share = (weight / weight.sum())[:, None]
    centre = (share * mean).sum(axis=0)
    return float((share * (variance + (mean - centre) ** 2)).sum(axis=0).max())
