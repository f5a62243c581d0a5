"""scikit-learn's logistic regression without its checks: the same numbers, bit for bit, in half the time.

With the few labels of a loop, scikit-learn spends two fifths of ``fit`` and most of ``predict`` on validating its
arrays, in every step of the solver again. Here they are validated once. Arrays that are not plain, finite float64, and
settings that altune does not use, are passed to scikit-learn.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from typing import Any, Self

import numpy as np
from scipy import sparse
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from altune.core.types import Array
from altune.models.lbfgs import minimize_loss
from altune.models.sklearn_private import Losses, losses, note_public_way


class PlainLogisticRegression(LogisticRegression):  # type: ignore[misc]
    """Logistic regression that validates its rows once; parameters and results are those of scikit-learn's."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train by L-BFGS; ``coef_``, ``intercept_``, ``classes_`` and ``n_iter_`` are scikit-learn's."""
        codes = np.asarray(y)
        classes, positions = np.unique(codes, return_inverse=True)
        plain = _is_plain(X) and _is_finite(X) and codes.ndim == 1 and codes.dtype.kind in "iu"
        outputs = 1 if len(classes) == 2 else len(classes)
        start = self._start(outputs, X.shape[1]) if plain and len(classes) > 1 and self._is_usual() else None
        if start is None or not fits_agree():
            super().fit(X, y, sample_weight)
            return self
        self._fit_fast(X, classes, positions, sample_weight, start)
        return self

    def _fit_fast(self, X: Any, classes: Any, positions: Any, sample_weight: Any, start: Array) -> None:
        outputs = len(start)
        weights = None if sample_weight is None else np.ascontiguousarray(sample_weight, dtype=np.float64)
        total = len(positions) if weights is None else float(np.sum(weights))
        make = TwoClassLoss if outputs == 1 else ManyClassLoss
        loss = make(X, positions.astype(np.float64), weights, total, 1.0 / (self.C * total), len(classes))
        flat, steps = minimize_loss(
            loss, start.ravel(order="F"), max_iter=self.max_iter, gtol=self.tol, ftol=64 * np.finfo(float).eps
        )
        # the memory layout is scikit-learn's too, because it decides how products with the coefficients are rounded
        coefficients = flat.reshape((outputs, -1), order="F").copy(order="C" if outputs == 1 else "K")
        self.classes_, self.n_features_in_ = classes, X.shape[1]
        self.coef_, self.intercept_ = coefficients[:, :-1], coefficients[:, -1]
        self.n_iter_ = np.array([min(steps, self.max_iter)], dtype=np.int32)

    def decision_function(self, X: Any) -> Array:
        """Return the decision values, ``(n_rows, n_classes)``; ``(n_rows,)`` for two classes."""
        if _is_plain(X) and hasattr(self, "coef_") and X.shape[1] == self.coef_.shape[1]:
            scores: Array = X @ self.coef_.T + self.intercept_
            if _is_finite(scores):
                return scores.ravel() if scores.shape[1] == 1 else scores
        values: Array = super().decision_function(X)
        return values

    def predict(self, X: Any) -> Any:
        """Return the class of each row, ``(n_rows,)``."""
        scores = self.decision_function(X)
        best = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_.take(best)

    def predict_proba(self, X: Any) -> Array:
        """Return the class probabilities, ``(n_rows, n_classes)``."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            second = expit(scores, out=scores)
            return np.stack([1 - second, second], axis=1)
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        return scores

    def _start(self, outputs: int, n_features: int) -> Array | None:
        """Return the starting point of L-BFGS, ``(outputs, n_features + 1)``; None if it has another shape."""
        start = np.zeros((outputs, n_features + 1))
        if self.warm_start and hasattr(self, "coef_"):
            if self.coef_.shape != (outputs, n_features):
                return None
            start[:, :-1], start[:, -1] = self.coef_, self.intercept_
        return start

    def _is_usual(self) -> bool:
        """Return whether all settings that :meth:`fit` ignores have their default values."""
        return all(getattr(self, name) == value for name, value in _ignored_settings().items())


@cache
def _ignored_settings() -> dict[str, Any]:
    """Return the settings of this scikit-learn that the faster ``fit`` does not read, with their default values."""
    read = ("C", "tol", "max_iter", "warm_start", "random_state", "n_jobs")
    return {name: value for name, value in LogisticRegression().get_params().items() if name not in read}


@cache
def fits_agree() -> bool:
    """Return whether the faster ``fit`` gives the coefficients of this scikit-learn, on a few rows."""
    if losses() is None:
        return False
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 3))
    try:
        for n_classes in (2, 3):
            codes = np.arange(12) % n_classes
            ours, start = PlainLogisticRegression(), np.zeros((1 if n_classes == 2 else n_classes, 4))
            ours._fit_fast(X, np.unique(codes), codes, None, start)
            theirs = LogisticRegression().fit(X, codes)
            if not np.array_equal(ours.coef_, theirs.coef_) or not np.array_equal(ours.intercept_, theirs.intercept_):
                raise ValueError("other coefficients")
    except (AttributeError, TypeError, ValueError) as error:
        note_public_way("LogisticRegression.fit is used as it is", error)
        return False
    return True


def _is_plain(X: Any) -> bool:
    """Return whether features are C-ordered float64, dense or CSR, as those of every data set of altune are."""
    if isinstance(X, np.ndarray):
        return X.dtype == np.float64 and X.ndim == 2 and X.flags.c_contiguous
    return bool(sparse.issparse(X)) and X.format == "csr" and X.dtype == np.float64


def _is_finite(X: Any) -> bool:
    values: Any = X if isinstance(X, np.ndarray) else X.data
    return bool(np.isfinite(values.sum()))


def _losses() -> Losses:
    found = losses()
    if found is None:
        raise AttributeError("scikit-learn has no losses of linear models")
    return found


class _Loss(ABC):
    """The mean log loss with its penalty, and the gradient, of flat coefficients.

    Operations and their order are those of scikit-learn's ``LinearModelLoss``: another order would round otherwise.

    Parameters
    ----------
    X, target, weights : rows, positions of their classes, ``(n_rows,)``, and weights or None.
    total : sum of the weights.
    penalty : factor of half the squared length of the coefficients.
    n_classes : two or more.
    """

    def __init__(
        self, X: Any, target: Array, weights: Array | None, total: float, penalty: float, n_classes: int
    ) -> None:
        self.X, self.target, self.weights = X, target, weights
        self.total, self.penalty, self.n_classes = total, penalty, n_classes
        self.losses = np.empty(len(target))

    @abstractmethod
    def __call__(self, flat: Array) -> tuple[float, Array]:
        """Return the loss and the gradient, ``(n_coefficients,)``, a new array."""


class ManyClassLoss(_Loss):
    """The loss for three classes and more: one column of coefficients a class."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.base = _losses().many_classes(n_classes=self.n_classes)
        self.slopes = np.empty((len(self.target), self.n_classes))

    def __call__(self, flat: Array) -> tuple[float, Array]:
        """Return the loss and the gradient."""
        coefficients = flat.reshape((self.n_classes, -1), order="F")
        weights = coefficients[:, :-1]
        raw, slopes = self.X @ weights.T, self.slopes
        raw += coefficients[:, -1]
        self.base.loss_gradient(self.target, raw, self.weights, self.losses, slopes)
        slopes /= self.total
        gradient = self.penalty * flat
        by_class = gradient.reshape((self.n_classes, -1), order="F")
        by_class[:, :-1] += slopes.T @ self.X
        slopes.sum(axis=0, out=by_class[:, -1])
        entries = flat[: weights.size]
        length = 0.5 * self.penalty * float(entries @ entries)
        return float(self.losses.sum() / self.total) + length, gradient


class TwoClassLoss(_Loss):
    """The loss for two classes: one column of coefficients."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.base = _losses().two_classes()
        self.slopes = np.empty(len(self.target))

    def __call__(self, flat: Array) -> tuple[float, Array]:
        """Return the loss and the gradient."""
        weights, slopes = flat[:-1], self.slopes
        raw = self.X @ weights
        raw += flat[-1]
        self.base.loss_gradient(self.target, raw, self.weights, self.losses, slopes)
        slopes /= self.total
        gradient = self.penalty * flat
        gradient[:-1] += self.X.T @ slopes
        gradient[-1] = slopes.sum()
        length = float(0.5 * self.penalty * (weights @ weights))
        return float(self.losses.sum() / self.total) + length, gradient
