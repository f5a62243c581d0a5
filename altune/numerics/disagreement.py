"""Measures of the disagreement of a committee about each row, and the bootstrap samples that its members learn from.

``votes`` are class codes, ``(n_members, n_rows)``; ``probabilities`` is ``(n_members, n_rows, n_classes)``. All
measures are in nats and 0 or more; a large value is a large disagreement.
"""

from __future__ import annotations

import numpy as np
from scipy.special import rel_entr

from altune.core.types import Array, Codes, RowNumbers
from altune.core.uncertainty import entropy

_ROUNDING = 1e-12


def vote_entropy(votes: Codes, n_classes: int) -> Array:
    """Return −Σ_c (V_c/M) ln(V_c/M) with V_c of M members voting for class c, ``(n_rows,)``.

    Source: I. Dagan and S. P. Engelson, *Committee-Based Sampling for Training Probabilistic Classifiers*, ICML 1995.

    >>> vote_entropy(np.array([[0, 0], [0, 1]]), 2).round(4).tolist()
    [0.0, 0.6931]
    """
    shares = np.zeros((votes.shape[1], n_classes))
    rows = np.arange(votes.shape[1])
    for vote in votes:
        shares[rows, vote] += 1.0
    return np.maximum(entropy(shares / len(votes)), 0.0)


def mean_divergence(probabilities: Array) -> Array:
    """Return the mean over the members of KL(p_m ‖ p̄), p̄ the mean of all p_m, ``(n_rows,)``.

    Source: A. McCallum and K. Nigam, *Employing EM and Pool-Based Active Learning for Text Classification*,
    ICML 1998.

    >>> mean_divergence(np.array([[[1.0, 0.0]], [[0.0, 1.0]]])).round(4).tolist()
    [0.6931]
    """
    mean = probabilities.mean(axis=0)
    return _without_rounding(np.mean([rel_entr(member, mean).sum(axis=1) for member in probabilities], axis=0))


def mutual_information(probabilities: Array) -> Array:
    """Return H(p̄) − E H(p_m), the mutual information of a row's label and the member, ``(n_rows,)``.

    It equals :func:`mean_divergence`; both are here because each is known by its own formula.

    Source: N. Houlsby, F. Huszár, Z. Ghahramani, M. Lengyel, *Bayesian Active Learning for Classification and
    Preference Learning*, arXiv:1112.5745, 2011.
    """
    expected = np.mean([entropy(member) for member in probabilities], axis=0)
    return _without_rounding(entropy(probabilities.mean(axis=0)) - expected)


def bootstrap_positions(labels: Codes, rng: np.random.Generator) -> RowNumbers:
    """Return the positions of a bootstrap sample of labelled rows that keeps every class.

    As many rows as there are labels are drawn with replacement; a random row of each class that was not drawn is
    added.

    Returns
    -------
    sorted positions within ``labels``, between n and n + n_classes − 1 of them.
    """
    drawn = rng.integers(len(labels), size=len(labels))
    missing = np.setdiff1d(labels, labels[drawn])
    added = [rng.choice(np.flatnonzero(labels == code)) for code in missing]
    return np.sort(np.concatenate([drawn, np.asarray(added, dtype=np.intp)]))


def _without_rounding(scores: Array) -> Array:
    """Set scores that are only rounding to 0, so that rows on which all members agree are tied."""
    return np.where(scores > _ROUNDING, scores, 0.0)
