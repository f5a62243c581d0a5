"""How the votes of several label functions become one label: arrays in, arrays out.

``votes`` is ``(n_rows, n_functions)`` throughout: class codes, −1 where a function abstains.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from altune.core.types import RowNumbers
from altune.knobs.labeling.dawid_skene import dawid_skene

Array = NDArray[np.float64]
ABSTAIN = -1
EM_SMOOTHING = 1.0


def most_named(votes: RowNumbers, n_classes: int) -> RowNumbers:
    """Return the class that most functions name, −1 where none speaks or classes are even, ``(n_rows,)``.

    >>> most_named(np.array([[0, 0, 1], [0, -1, 1], [-1, -1, -1]]), 2).tolist()
    [0, -1, -1]
    """
    counts = np.stack([(votes == code).sum(axis=1) for code in range(n_classes)], axis=1)
    top = counts.max(axis=1)
    clear = (top > 0) & ((counts == top[:, None]).sum(axis=1) == 1)
    return np.where(clear, np.argmax(counts, axis=1), ABSTAIN).astype(np.intp)


def given_beliefs(votes: RowNumbers, prior: Array, accuracy: Array, coverage: list[float | None]) -> Array:
    """Return class probabilities by Bayes' rule from accuracies and coverages, ``(n_rows, n_classes)``.

    Functions are taken as independent given the class. One that names class c for a share β of the rows, rightly
    for a share a of those, does so for a·β/π_c of the rows of class c and for (1 − a)·β/(1 − π_c) of the others.

    Parameters
    ----------
    votes : class codes, −1 for silence, ``(n_rows, n_functions)``.
    prior : share π of each class, ``(n_classes,)``, each above 0.
    accuracy : share of right answers of each function, ``(n_functions,)``, in (0, 1).
    coverage : share of rows of which each speaks, None for the share counted in ``votes``.
    """
    n_classes = len(prior)
    logs = np.tile(np.log(prior), (len(votes), 1))
    for place, right in enumerate(accuracy.tolist()):
        said = votes[:, place]
        shares = np.array([np.mean(said == code) for code in range(n_classes)])
        wanted = coverage[place]
        if wanted is not None and shares.sum() > 0:
            shares = shares * wanted / shares.sum()
        # (class, vote): how often the function says each class of rows of each class
        table = np.repeat(((1.0 - right) * shares / (1.0 - prior))[None, :], n_classes, axis=0)
        np.fill_diagonal(table, right * shares / prior)
        table = np.clip(table, 1e-6, 1.0 - 1e-6)
        silent = np.clip(1.0 - table.sum(axis=1), 1e-6, 1.0)
        logs += np.log(np.column_stack([table, silent]))[:, np.where(said == ABSTAIN, n_classes, said)].T
    logs -= logs.max(axis=1, keepdims=True)
    weights = np.exp(logs)
    belief: Array = weights / weights.sum(axis=1, keepdims=True)
    return belief


def latent_classes(votes: RowNumbers, n_classes: int) -> Array:
    """Return class probabilities from the agreement of the functions alone, ``(n_rows, n_classes)``.

    RowNumbers of which no function speaks take no part, and get equal probabilities.
    """
    belief = np.full((len(votes), n_classes), 1.0 / n_classes)
    speaks = np.flatnonzero((votes != ABSTAIN).any(axis=1))
    if len(speaks):
        said = votes[speaks]
        items, functions = np.indices(said.shape)
        outcomes = np.where(said == ABSTAIN, n_classes, said)
        found = dawid_skene(
            items.ravel(),
            functions.ravel(),
            outcomes.ravel(),
            n_classes,
            smoothing=EM_SMOOTHING,
            n_outcomes=n_classes + 1,
        )
        belief[speaks] = found.posterior
    return belief
