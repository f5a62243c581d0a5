"""Uncertainty scores from class probabilities.

``probabilities`` has the shape ``(n_rows, n_classes)``; p₁ ≥ p₂ are the two largest entries of a row.
Source: B. Settles, *Active Learning Literature Survey*, University of Wisconsin–Madison, 2009.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def least_confidence(probabilities: Array) -> Array:
    """Return 1 − p₁, ``(n_rows,)``; large is uncertain.

    >>> least_confidence(np.array([[0.5, 0.25, 0.25]])).tolist()
    [0.5]
    """
    result: Array = 1.0 - probabilities.max(axis=1)
    return result


def margin(probabilities: Array) -> Array:
    """Return p₁ − p₂, ``(n_rows,)``; small is uncertain.

    >>> margin(np.array([[0.5, 0.25, 0.25]])).tolist()
    [0.25]
    """
    if probabilities.shape[1] == 2:
        return np.abs(probabilities[:, 1] - probabilities[:, 0])
    top = np.partition(probabilities, -2, axis=1)
    return top[:, -1] - top[:, -2]


def entropy(probabilities: Array) -> Array:
    """Return H = −Σ p ln p in nats, ``(n_rows,)``; 0 ln 0 is 0; large is uncertain.

    >>> round(float(entropy(np.array([[0.5, 0.5]]))[0]), 4)
    0.6931
    """
    logs = np.log(np.where(probabilities > 0, probabilities, 1.0))
    result: Array = -np.einsum("ij,ij->i", probabilities, logs)
    return result


def softmax(scores: Array) -> Array:
    """Return exp(f_k) / Σ exp(f) for each row, ``(n_rows, n_classes)``, without overflow."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Array = shifted / shifted.sum(axis=1, keepdims=True)
    return result
