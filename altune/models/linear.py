"""Logistic regression."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from altune.core.registry import register
from altune.core.types import Array, Codes, TrainingSet
from altune.models.base import Model
from altune.models.fitted import FittedModel
from altune.models.logistic import PlainLogisticRegression


@register
class LogisticRegressionModel(Model):
    """Softmax (two classes: logistic) regression with an L2 penalty ‖w‖²/2C, solved by L-BFGS.

    The problem is convex: ``resume`` starts from the last coefficients and ends, within the solver's
    tolerance, at the solution of ``fit``. A class that appears starts with coefficients 0.
    """

    abilities = frozenset({"class_scores", "probabilities", "decision_function", "resume", "sample_weight", "sparse"})
    schedulable = ("C",)

    method: Literal["logistic_regression"] = "logistic_regression"
    C: float = Field(default=1.0, ge=1e-6, le=1e6, description="inverse strength of the L2 penalty")
    max_iter: int = Field(default=1000, ge=1, le=100_000, description="most iterations of L-BFGS")

    def build(self, seed: int, n_labelled: int) -> PlainLogisticRegression:
        """Return the estimator; nothing in it is random."""
        return PlainLogisticRegression(C=self.C, max_iter=self.max_iter, random_state=seed)

    def resume(self, previous: FittedModel, training: TrainingSet, seed: int) -> FittedModel:
        """Continue from the coefficients of ``previous`` on all labels; ``previous`` is not changed."""
        self._require_same_classes(previous, training)
        if previous.estimator is None:
            return self.fit(training, seed)
        training = self._usable(training)
        if len(training.seen) == 1:
            return self._fitted(None, training)
        estimator = self.build(seed, len(training))
        start = starting_coefficients(known_coefficients(previous), previous.codes, training.seen)
        # warm_start alone raises where classes came or went, so the start is set with the right shape
        estimator.set_params(warm_start=True)
        estimator.coef_, estimator.intercept_ = start[:, :-1], start[:, -1]
        with self._explained(training):
            self._fit_estimator(estimator, training)
        return self._fitted(estimator, training)

    def untrained(self, training: TrainingSet, seed: int) -> FittedModel:
        """Return the model with all coefficients 0, where L-BFGS starts."""
        training = self._usable(training)
        if len(training.seen) == 1:
            return self._fitted(None, training)
        estimator = self.build(seed, len(training))
        outputs = 1 if len(training.seen) == 2 else len(training.seen)
        estimator.classes_ = np.arange(len(training.seen))
        estimator.coef_, estimator.intercept_ = np.zeros((outputs, training.X.shape[1])), np.zeros(outputs)
        return self._fitted(estimator, training)


def known_coefficients(fitted: FittedModel) -> Array:
    """Return coefficients and intercepts as the estimator has them, ``(1 or n_known, n_features + 1)``."""
    estimator: Any = fitted.estimator
    return np.column_stack([estimator.coef_, estimator.intercept_])


def starting_coefficients(known: Array, known_codes: Codes, codes: Codes) -> Array:
    """Return starting coefficients for some classes from the coefficients of others.

    A logistic model w of two classes is the softmax model (−w/2, +w/2), and the softmax model (a, b) is the
    logistic model b − a. Classes that were not known start at 0.

    Parameters
    ----------
    known : ``(1, n_features + 1)`` for two known classes, else ``(n_known, n_features + 1)``.
    known_codes : sorted codes of the known classes.
    codes : sorted codes of the wanted classes, two or more.

    Returns
    -------
    ``(1, n_features + 1)`` for two wanted classes, else ``(n_wanted, n_features + 1)``.

    Examples
    --------
    >>> starting_coefficients(np.array([[2.0, 4.0]]), np.array([0, 1]), np.array([0, 1, 2])).tolist()
    [[-1.0, -2.0], [1.0, 2.0], [0.0, 0.0]]
    """
    by_class = np.vstack([-known / 2, known / 2]) if len(known) == 1 else known
    start = np.zeros((len(codes), known.shape[1]))
    _, kept, source = np.intersect1d(codes, known_codes, assume_unique=True, return_indices=True)
    start[kept] = by_class[source]
    return start[1:] - start[:1] if len(codes) == 2 else start
