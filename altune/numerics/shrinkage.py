"""Linear regression with shrinkage by groups of coefficients, whose strengths maximise the evidence."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from altune.core.types import Array

ITERATIONS = 100
_MOST_PRECISION = 1e12


class Moments(NamedTuple):
    """The moments of a regression. Those of independent parts of the data add up.

    Attributes
    ----------
    xx : XᵀX, ``(n_features, n_features)``.
    xy : Xᵀy, ``(n_features,)``.
    yy : yᵀy.
    n : number of observations.
    """

    xx: Array
    xy: Array
    yy: float
    n: int

    @classmethod
    def of(cls, X: Array, y: Array) -> Moments:
        """Return the moments of observations, ``(n_rows, n_features)`` and ``(n_rows,)``."""
        return cls(X.T @ X, X.T @ y, float(y @ y), len(y))

    def __add__(self, other: object) -> Moments:
        if not isinstance(other, Moments):
            return NotImplemented
        return Moments(self.xx + other.xx, self.xy + other.xy, self.yy + other.yy, self.n + other.n)


def grouped_ridge(moments: Moments, groups: NDArray[np.intp]) -> Array:
    """Return the posterior mean of coefficients with a normal prior whose precision is shared within each group.

    The precisions and that of the noise maximise the evidence, by the fixed point of MacKay (Bayesian Interpolation,
    Neural Computation 4, 1992). A group without any effect is shrunk to 0.

    Parameters
    ----------
    moments : moments of the observations.
    groups : group of each coefficient, from 0, ``(n_features,)``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 4))
    >>> y = 2.0 * X[:, 0] + rng.normal(size=400)
    >>> moments = Moments.of(X, y)
    >>> abs(grouped_ridge(moments, np.array([0, 1, 1, 1])).round()).tolist()
    [2.0, 0.0, 0.0, 0.0]
    """
    n_groups = int(groups.max()) + 1
    mean = np.zeros(len(groups))
    if moments.yy <= 0:
        return mean
    noise = moments.n / moments.yy
    precision = np.full(n_groups, noise)
    for _ in range(ITERATIONS):
        covariance = np.linalg.inv(np.diag(precision[groups]) + noise * moments.xx)
        mean = noise * covariance @ moments.xy
        determined = 1.0 - precision[groups] * np.diag(covariance)
        squares = np.bincount(groups, mean**2, n_groups)
        new = np.bincount(groups, determined, n_groups) / np.maximum(squares, 1e-300)
        residual = moments.yy - 2.0 * mean @ moments.xy + mean @ moments.xx @ mean
        noise = max(moments.n - float(determined.sum()), 1.0) / max(float(residual), 1e-12 * moments.yy)
        new = np.clip(new, 1e-12, _MOST_PRECISION * noise)
        settled = np.allclose(np.log(new), np.log(precision), atol=1e-3)
        precision = new
        if settled:
            break
    return mean
