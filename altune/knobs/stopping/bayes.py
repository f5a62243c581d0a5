"""Stop when a Bayesian model of the labels hardly moves: a bound on the change of its generalisation error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field
from scipy.special import expit, lambertw

from altune.core.needs import Need
from altune.core.registry import register
from altune.knobs.stopping.base import Array, Criterion, Note, StopView, latest

if TYPE_CHECKING:
    from altune.core.types import RowNumbers

MOST_COMPONENTS = 20
_STEPS = 50
_NEAR_BRANCH = 1e-10


@register
class PacBayes(Criterion):
    """Stop when the PAC-Bayesian bound on the change of the expected error has shrunk to a share of what it was.

    The bound between two successive posteriors p and q is R = f(KL(p‖q)) + f(KL(q‖p)), f(KL) = e^{W((KL−1)/e)+1} − 1
    with Lambert's W; the rule stops when R falls to ``threshold`` times its least value in the first ``reference``
    loops. It is a statement about a *Bayesian* model, which few estimators are. So the posteriors are not the
    recipe's model's: they are those of a Bayesian logistic regression (one against the rest for each class, a normal
    prior, Laplace's approximation) of the labels in use on the first 20 principal components of the stop set. The
    rule sees how much the labels still teach that model, and the recipe's own model as far as the two are alike.
    """

    source: ClassVar[str] = "Ishibashi & Hino, Stopping Criterion for AL Based on Generalization Bounds, AISTATS 2020"
    needs: ClassVar[frozenset[Need]] = frozenset({"dense_features"})
    grows: ClassVar[bool] = False
    only_decides: ClassVar[frozenset[str]] = Criterion.only_decides | {"reference"}
    method: Literal["pac_bayes"] = "pac_bayes"
    threshold: float = Field(default=0.1, gt=0.0, lt=1.0, description="share of the first bounds to fall to")
    reference: int = Field(default=3, ge=1, le=100, description="first bounds of which the least is the measure")
    precision: float = Field(default=1.0, ge=1e-4, le=1e4, description="precision of the normal prior of the weights")

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the bound between the last two posteriors."""
        diverged = view.watched.divergences(self.precision)
        return {} if diverged is None else {"stop_error_bound": error_bound(*diverged)}

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the bound as a share of the least of the first ones, None before those are known."""
        bounds = [note["stop_error_bound"] for note in notes if "stop_error_bound" in note]
        newest = latest(notes, "stop_error_bound")
        if len(bounds) <= self.reference or newest is None:
            return None
        first = min(bounds[: self.reference])
        return newest / first if first > 0 else None

    def reached(self, statistic: float) -> bool:
        """Return whether the bound has shrunk enough."""
        return statistic <= self.threshold


class Posterior(NamedTuple):
    """Normal posteriors of the weights of each class: ``means`` ``(k, d)`` and ``precisions`` ``(k, d, d)``."""

    means: Array
    precisions: Array


class Components(NamedTuple):
    """Principal components of some rows: their ``mean`` ``(d,)`` and scaled ``axes`` ``(d, c)``."""

    mean: Array
    axes: Array

    def of(self, X: Array) -> Array:
        """Return the components of rows and a constant, ``(n_rows, c + 1)``."""
        return np.column_stack([(X - self.mean) @ self.axes, np.ones(len(X))])


def principal_components(X: Array, most: int = MOST_COMPONENTS) -> Components:
    """Return the first components of rows, scaled so that a component's mean square is 1 on average."""
    mean = X.mean(axis=0)
    _, sizes, axes = np.linalg.svd(X - mean, full_matrices=False)
    kept = sizes > 1e-9 * max(float(sizes[0]), 1e-300)
    kept[most:] = False
    scale = float(np.sqrt(np.mean(sizes[kept] ** 2) / len(X))) if kept.any() else 1.0
    return Components(mean, axes[kept].T / scale)


def laplace_posterior(Z: Array, y: RowNumbers, n_classes: int, precision: float) -> Posterior:
    """Return Laplace's approximation of logistic regression, one class against the rest, with the prior N(0, I/α).

    Parameters
    ----------
    Z : features with a constant, ``(n_rows, d)``.
    y : class codes, ``(n_rows,)``.
    n_classes : classes of the scenario; of two, one regression says all.
    precision : α > 0.
    """
    classes = [1] if n_classes == 2 else range(n_classes)
    parts = [_laplace(Z, (y == code).astype(np.float64), precision) for code in classes]
    return Posterior(np.stack([mean for mean, _ in parts]), np.stack([found for _, found in parts]))


def _laplace(Z: Array, t: Array, precision: float) -> tuple[Array, Array]:
    """Return mode and precision by Newton's steps, halved while they do not raise the posterior."""
    prior = precision * np.eye(Z.shape[1])
    w = np.zeros(Z.shape[1])

    def loss(weights: Array) -> float:
        f = Z @ weights
        return float(np.logaddexp(0.0, f).sum() - t @ f + 0.5 * precision * weights @ weights)

    here = loss(w)
    for _ in range(_STEPS):
        p = expit(Z @ w)
        slope = Z.T @ (p - t) + precision * w
        step = np.linalg.solve(Z.T @ (Z * (p * (1 - p))[:, None]) + prior, slope)
        size = 1.0
        while size > 1e-6 and loss(w - size * step) > here:
            size /= 2
        w = w - size * step
        now = loss(w)
        if here - now <= 1e-10 * (1.0 + abs(here)):
            break
        here = now
    p = expit(Z @ w)
    return w, Z.T @ (Z * (p * (1 - p))[:, None]) + prior


def divergence(p: Posterior, q: Posterior) -> float:
    """Return KL(p ‖ q) of two products of normal distributions, in nats."""
    moved = q.means - p.means
    spread = np.trace(np.linalg.solve(p.precisions, q.precisions), axis1=1, axis2=2)
    far = np.einsum("ki,kij,kj->k", moved, q.precisions, moved)
    volume = np.linalg.slogdet(p.precisions)[1] - np.linalg.slogdet(q.precisions)[1]
    return max(0.0, float(np.sum(0.5 * (spread + far - moved.shape[1] + volume))))


def error_bound(forward: float, backward: float) -> float:
    """Return the bound on the change of the expected error, from both divergences; 0 where nothing moved.

    >>> round(error_bound(0.0, 0.0), 6), round(error_bound(1.0, 1.0), 6)
    (0.0, 3.436564)
    """
    return _one_side(forward) + _one_side(backward)


def _one_side(kl: float) -> float:
    if kl <= _NEAR_BRANCH:
        return 0.0
    return float(np.expm1(lambertw((kl - 1.0) / math.e).real + 1.0))
