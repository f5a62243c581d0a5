"""Label models, which combine the votes of several label functions: arrays in, arrays out.

``votes`` is ``(n_rows, n_functions)`` throughout: class codes, or −1 if a function abstains.
"""

from __future__ import annotations

import numpy as np

from altune.core.types import Array, Codes
from altune.knobs.labeling.dawid_skene import dawid_skene

ABSTAIN = -1
EM_SMOOTHING = 1.0


def most_named(votes: Codes, n_classes: int) -> Codes:
    """Return the class that most functions name, ``(n_rows,)``; −1 if all abstain or classes are tied.

    >>> most_named(np.array([[0, 0, 1], [0, -1, 1], [-1, -1, -1]]), 2).tolist()
    [0, -1, -1]
    """
    counts = np.stack([(votes == code).sum(axis=1) for code in range(n_classes)], axis=1)
    top = counts.max(axis=1)
    clear = (top > 0) & ((counts == top[:, None]).sum(axis=1) == 1)
    return np.where(clear, np.argmax(counts, axis=1), ABSTAIN).astype(np.intp)


def given_beliefs(votes: Codes, prior: Array, accuracy: Array, coverage: list[float | None]) -> Array:
    """Return class probabilities by Bayes' rule from accuracies and coverages, ``(n_rows, n_classes)``.

    Functions are assumed to be independent given the class. A function that names class c for a share β of the rows and
    is right for a share a of those names it for a share a·β/π_c of the rows of class c, and for a share
    (1 − a)·β/(1 − π_c) of the other rows.

    Parameters
    ----------
    votes : class codes, or −1 if a function abstains, ``(n_rows, n_functions)``.
    prior : share π of each class, ``(n_classes,)``, each above 0.
    accuracy : share of right votes of each function, ``(n_functions,)``, in (0, 1).
    coverage : share of rows for which each function votes; None for its share in ``votes``.
    """
    n_classes = len(prior)
    logs = np.tile(np.log(prior), (len(votes), 1))
    for function, right in enumerate(accuracy.tolist()):
        vote, stated = votes[:, function], coverage[function]
        shares = np.array([np.mean(vote == code) for code in range(n_classes)])
        if stated is not None and shares.sum() > 0:
            shares = shares * stated / shares.sum()
        # table[c, k] is the share of the rows of class c for which the function names class k.
        table = np.repeat(((1.0 - right) * shares / (1.0 - prior))[None, :], n_classes, axis=0)
        np.fill_diagonal(table, right * shares / prior)
        table = np.clip(table, 1e-6, 1.0 - 1e-6)
        abstains = np.clip(1.0 - table.sum(axis=1), 1e-6, 1.0)
        logs += np.log(np.column_stack([table, abstains]))[:, np.where(vote == ABSTAIN, n_classes, vote)].T
    logs -= logs.max(axis=1, keepdims=True)
    weights = np.exp(logs)
    belief: Array = weights / weights.sum(axis=1, keepdims=True)
    return belief


def latent_classes(votes: Codes, n_classes: int) -> Array:
    """Return class probabilities from the agreement of the functions alone, ``(n_rows, n_classes)``.

    Rows for which all functions abstain are left out and get equal probabilities.
    """
    belief = np.full((len(votes), n_classes), 1.0 / n_classes)
    voted = np.flatnonzero((votes != ABSTAIN).any(axis=1))
    if len(voted):
        items, functions = np.indices(votes[voted].shape)
        outcomes = np.where(votes[voted] == ABSTAIN, n_classes, votes[voted])
        consensus = dawid_skene(
            items.ravel(),
            functions.ravel(),
            outcomes.ravel(),
            n_classes,
            smoothing=EM_SMOOTHING,
            n_outcomes=n_classes + 1,
        )
        belief[voted] = consensus.posterior
    return belief
