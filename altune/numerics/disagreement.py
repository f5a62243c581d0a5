"""How much a committee disagrees about each row: arrays in, arrays out.

``votes`` is ``(n_members, n_rows)``, class codes; ``probabilities`` is ``(n_members, n_rows, n_classes)``. All
scores are in nats, 0 or more; large is disagreement.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from altune.core.uncertainty import entropy

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

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
    middle = probabilities.mean(axis=0)
    return _without_rounding(np.mean([rel_entr(member, middle).sum(axis=1) for member in probabilities], axis=0))


def mutual_information(probabilities: Array) -> Array:
    """Return H(p̄) − E H(p_m), what the label would say about which member is right, ``(n_rows,)``.

    It equals :func:`mean_divergence`; both are here because both are known by their own formula.

    Source: N. Houlsby, F. Huszár, Z. Ghahramani, M. Lengyel, *Bayesian Active Learning for Classification and
    Preference Learning*, arXiv:1112.5745, 2011.
    """
    within = np.mean([entropy(member) for member in probabilities], axis=0)
    return _without_rounding(entropy(probabilities.mean(axis=0)) - within)


def bootstrap_positions(labels: Codes, rng: np.random.Generator) -> Codes:
    """Return positions of a bootstrap resample of labelled rows in which no class is lost.

    As many rows as there are, drawn with replacement, and one random row of each class that was not drawn,
    ``(n .. n + n_classes − 1,)``, sorted.
    """
    drawn = rng.integers(len(labels), size=len(labels))
    lost = np.setdiff1d(labels, labels[drawn])
    kept = [rng.choice(np.flatnonzero(labels == code)) for code in lost]
    return np.sort(np.concatenate([drawn, np.asarray(kept, dtype=np.intp)]))


def _without_rounding(scores: Array) -> Array:
    """Set scores that are rounding alone to 0, so that members who agree tie."""
    return np.where(scores > _ROUNDING, scores, 0.0)
