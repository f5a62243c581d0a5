"""Scores of rows from class probabilities: expected gradients, weighted history, divergence from neighbours."""

from __future__ import annotations

import numpy as np

from altune.core.types import Array, RowNumbers

LEAST_PROBABILITY = 1e-7


def expected_gradient_lengths(probabilities: Array, lengths: Array) -> Array:
    """Return ‖g‖ Σ_k p_k ‖p − e_k‖, ``(n_rows,)``, for embeddings g of the given lengths ``(n_rows,)``.

    >>> expected_gradient_lengths(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([2.0, 2.0])).round(4).tolist()
    [1.4142, 0.0]
    """
    # ‖p − e_k‖² = Σ p² − 2 p_k + 1 is 0 for p_k = 1, where rounding can make it negative.
    squared = (probabilities**2).sum(axis=1, keepdims=True) - 2.0 * probabilities + 1.0
    result: Array = lengths * (probabilities * np.sqrt(np.maximum(squared, 0.0))).sum(axis=1)
    return result


def weighted_history(past: list[tuple[int, Array]], decay: float) -> Array:
    """Return the mean of scores weighted by decayⁱ, i the number of loops back, ``(n_rows,)``.

    >>> weighted_history([(0, np.array([1.0])), (2, np.array([6.0]))], 0.5).tolist()
    [2.0]
    """
    # Not a matrix product: its rounding depends on the position of a row, so that tied rows would differ.
    total, weight = np.zeros(len(past[0][1])), 0.0
    for back, scores in past:
        total += decay**back * scores
        weight += decay**back
    return total / weight


def mean_neighbour_divergence(labelled: Array, neighbours: RowNumbers, probabilities: Array) -> Array:
    """Return the mean over k neighbours of KL(p_neighbour ‖ p), ``(n_rows,)``, in nats.

    Parameters
    ----------
    labelled : probabilities of the labelled rows, ``(n_labelled, n_classes)``.
    neighbours : positions of each row's neighbours among the labelled rows, ``(n_rows, k)``.
    probabilities : probabilities of the rows, ``(n_rows, n_classes)``; like those of the labelled rows they are clipped
        at 1e-7.
    """
    # With q of a neighbour, KL = Σ q ln q − Σ q ln p, and the mean over neighbours is taken of each term, so that no
    # (n_rows, k, n_classes) array is made.
    p, q = _clipped(probabilities), _clipped(labelled)
    negative_entropy = np.einsum("ij,ij->i", q, np.log(q))
    mean_q = np.stack([q[:, code][neighbours].mean(axis=1) for code in range(q.shape[1])], axis=1)
    divergence: Array = negative_entropy[neighbours].mean(axis=1) - np.einsum("ij,ij->i", mean_q, np.log(p))
    return divergence


def _clipped(probabilities: Array) -> Array:
    clipped = np.clip(probabilities, LEAST_PROBABILITY, 1.0)
    scaled: Array = clipped / clipped.sum(axis=1, keepdims=True)
    return scaled
