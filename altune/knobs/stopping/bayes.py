"""A stopping rule by a bound on the change of the generalisation error of a Bayesian model of the labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field
from scipy.special import expit, lambertw

from altune.core.registry import register
from altune.core.types import Array, Codes
from altune.knobs.stopping.base import Note, StopView, ThresholdCriterion, latest

MOST_COMPONENTS = 20
_STEPS = 50
_NEAR_BRANCH = 1e-10


@register
class PacBayes(ThresholdCriterion):
    """Stop when the PAC-Bayesian bound R on the change of the expected error is at most ``threshold`` times R₀.

    For successive posteriors p and q, R = f(KL(p‖q)) + f(KL(q‖p)), f(KL) = e^{W((KL−1)/e)+1} − 1 with Lambert's W; R₀
    is the smallest of the first ``reference`` bounds. The bound needs a Bayesian model, so the posteriors are not those
    of the recipe's model. They are Laplace approximations of a Bayesian logistic regression of the current labels, one
    class against the rest, on the first 20 principal components of the stop set.
    """

    source = "Ishibashi and Hino, Stopping Criterion Based on Deterministic Generalization Bounds, AISTATS 2020"
    needs = frozenset({"dense_features"})
    grows = False
    only_decides = ThresholdCriterion.only_decides | {"reference"}
    method: Literal["pac_bayes"] = "pac_bayes"
    threshold: float = Field(default=0.1, gt=0.0, lt=1.0, description="largest bound R that stops, as a share of R₀")
    reference: int = Field(default=3, ge=1, le=100, description="number of first bounds, the smallest of which is R₀")
    precision: float = Field(default=1.0, ge=1e-4, le=1e4, description="precision of the normal prior of the weights")

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the bound between the last two posteriors."""
        diverged = view.evidence.divergences(self.precision)
        return {} if diverged is None else {"stop_error_bound": error_bound(*diverged)}

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the bound as a share of the smallest of the first ones, or None while there are too few."""
        bounds = [note["stop_error_bound"] for note in notes if "stop_error_bound" in note]
        bound = latest(notes, "stop_error_bound")
        if len(bounds) <= self.reference or bound is None:
            return None
        first = min(bounds[: self.reference])
        return bound / first if first > 0 else None


class Posterior(NamedTuple):
    """Normal posteriors of the weights of each class: ``means``, ``(k, d)``, and ``precisions``, ``(k, d, d)``."""

    means: Array
    precisions: Array


class Components(NamedTuple):
    """Principal components of some rows: their ``mean``, ``(d,)``, and scaled ``axes``, ``(d, c)``."""

    mean: Array
    axes: Array

    def of(self, X: Array) -> Array:
        """Return the components of rows and a constant, ``(n_rows, c + 1)``."""
        return np.column_stack([(X - self.mean) @ self.axes, np.ones(len(X))])


def principal_components(X: Array, most: int = MOST_COMPONENTS) -> Components:
    """Return the first principal components of rows, scaled to a mean square of 1 over all components."""
    mean = X.mean(axis=0)
    _, sizes, axes = np.linalg.svd(X - mean, full_matrices=False)
    kept = sizes > 1e-9 * max(float(sizes[0]), 1e-300)
    kept[most:] = False
    scale = float(np.sqrt(np.mean(sizes[kept] ** 2) / len(X))) if kept.any() else 1.0
    return Components(mean, axes[kept].T / scale)


def laplace_posterior(Z: Array, y: Codes, n_classes: int, precision: float) -> Posterior:
    """Return Laplace approximations of logistic regressions, one class against the rest, with the prior N(0, I/α).

    Parameters
    ----------
    Z : features with a constant, ``(n_rows, d)``.
    y : class codes, ``(n_rows,)``.
    n_classes : number of classes of the scenario; for two classes there is one regression.
    precision : α > 0.
    """
    classes = [1] if n_classes == 2 else range(n_classes)
    regressions = [_laplace(Z, (y == code).astype(np.float64), precision) for code in classes]
    return Posterior(np.stack([mode for mode, _ in regressions]), np.stack([matrix for _, matrix in regressions]))


def _laplace(Z: Array, t: Array, precision: float) -> tuple[Array, Array]:
    """Return the mode and the precision matrix by Newton's method with step halving."""
    prior = precision * np.eye(Z.shape[1])
    w = np.zeros(Z.shape[1])

    def loss(weights: Array) -> float:
        f = Z @ weights
        return float(np.logaddexp(0.0, f).sum() - t @ f + 0.5 * precision * weights @ weights)

    current = loss(w)
    for _ in range(_STEPS):
        p = expit(Z @ w)
        slope = Z.T @ (p - t) + precision * w
        step = np.linalg.solve(Z.T @ (Z * (p * (1 - p))[:, None]) + prior, slope)
        size = 1.0
        while size > 1e-6 and loss(w - size * step) > current:
            size /= 2
        w = w - size * step
        updated = loss(w)
        if current - updated <= 1e-10 * (1.0 + abs(current)):
            break
        current = updated
    p = expit(Z @ w)
    return w, Z.T @ (Z * (p * (1 - p))[:, None]) + prior


def divergence(p: Posterior, q: Posterior) -> float:
    """Return KL(p ‖ q) of two products of normal distributions, in nats."""
    shift = q.means - p.means
    spread = np.trace(np.linalg.solve(p.precisions, q.precisions), axis1=1, axis2=2)
    distance = np.einsum("ki,kij,kj->k", shift, q.precisions, shift)
    volume = np.linalg.slogdet(p.precisions)[1] - np.linalg.slogdet(q.precisions)[1]
    return max(0.0, float(np.sum(0.5 * (spread + distance - shift.shape[1] + volume))))


def error_bound(forward: float, backward: float) -> float:
    """Return the bound on the change of the expected error from both divergences; 0 if the posteriors are equal.

    >>> round(error_bound(0.0, 0.0), 6), round(error_bound(1.0, 1.0), 6)
    (0.0, 3.436564)
    """
    return _one_side(forward) + _one_side(backward)


def _one_side(kl: float) -> float:
    if kl <= _NEAR_BRANCH:
        return 0.0
    return float(np.expm1(lambertw((kl - 1.0) / math.e).real + 1.0))
