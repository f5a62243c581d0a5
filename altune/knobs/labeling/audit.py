"""The audit of labels: which of them are probably wrong.

Some detectors judge a label by out-of-fold probabilities of the recipe's model, others by features and labels alone.
All return suspects only, worst first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from altune.core.raw_rows import NUMBERS, taken
from altune.core.settings import no_warnings
from altune.core.streams import Streams
from altune.core.types import Array, Codes, Features, RowNumbers, TrainingSet
from altune.core.uncertainty import entropy
from altune.knobs.folds import enough_for, folds_of
from altune.models import Model
from altune.numerics.geometry.distances import make_points
from altune.numerics.geometry.neighbours import nearest_neighbours

FOLDS = 5
SUSPECT_WEIGHT = 0.2
"""Weight of a suspect in training, for the action ``weight``."""
NEIGHBOURS = 10
TREES = 50


@dataclass(frozen=True, eq=False)
class Audit:
    """The result of an audit.

    Attributes
    ----------
    suspects : positions among the audited labels, worst first.
    ran : whether each class had enough rows for the audit.
    """

    suspects: RowNumbers
    ran: bool


def audit_ranking(
    name: str,
    model: Model,
    training: TrainingSet,
    *,
    share: float,
    streams: Streams,
    loop: int,
) -> Audit:
    """Return the labels that are probably wrong.

    Parameters
    ----------
    name : one of :data:`AUDITS` or of :data:`FEATURE_AUDITS`.
    model : model that is trained on four fifths of the rows to judge the remaining fifth, in turn.
    training : the labels to audit.
    share : maximum number of suspects, as a share of the rows, in (0, 1].
    streams : random streams of the block.
    loop : number of the loop.
    """
    seen, codes = training.seen, training.positions
    alone = replace(training, groups=None) if name in FEATURE_AUDITS else training  # which split nothing
    if not enough_for(alone, FOLDS):
        return Audit(np.empty(0, dtype=np.intp), ran=False)
    if name in FEATURE_AUDITS:
        ranked = FEATURE_AUDITS[name](codes, taken(training.X, NUMBERS), streams.integer("audit", loop))
    else:
        probabilities = out_of_fold(model, training, streams, loop)[:, seen]
        probabilities /= np.maximum(probabilities.sum(axis=1, keepdims=True), 1e-12)
        ranked = AUDITS[name](codes, probabilities)
    most = math.floor(share * len(training) + 1e-9)  # in floating point 0.29 · 100 is below 29
    return Audit(ranked[:most], ran=True)


def out_of_fold(model: Model, training: TrainingSet, streams: Streams, loop: int) -> Array:
    """Return class scores of each row by a model that was not trained on it, ``(n_rows, n_classes)``."""
    scores = np.zeros((len(training), training.n_classes))
    for number, (kept, left_out) in enumerate(folds_of(training, FOLDS, streams.integer("audit", loop))):
        fitted = model.fit(training.take(kept), streams.integer("audit", loop, number))
        scores[left_out] = fitted.class_scores(training.X[left_out])
    return scores


def confident_learning(labels: Codes, probabilities: Array) -> RowNumbers:
    """Return the rows with a wrong label according to confident learning, smallest p_y first.

    Source: Northcutt, Jiang, Chuang, *Confident Learning*, JAIR 2021; computed by cleanlab.
    """
    from cleanlab.filter import find_label_issues

    with no_warnings():
        ranked = find_label_issues(
            labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1, verbose=False
        )
    return np.asarray(ranked, dtype=np.intp)


def self_confidence(labels: Codes, probabilities: Array) -> RowNumbers:
    """Return the rows whose label y is not the most probable class, smallest p_y first.

    >>> self_confidence(np.array([0, 0, 0]), np.array([[0.4, 0.6], [0.1, 0.9], [0.8, 0.2]])).tolist()
    [1, 0]
    """
    labelled, best_other = _labelled_and_best_other(labels, probabilities)
    return _ranked(-labelled, labelled < best_other)


def normalized_margin(labels: Codes, probabilities: Array) -> RowNumbers:
    """Return the rows whose label y is not the most probable class, smallest p_y − max_{k≠y} p_k first.

    Source: Northcutt, Athalye, Mueller, *Pervasive Label Errors*, NeurIPS 2021 (the score of cleanlab).
    """
    labelled, best_other = _labelled_and_best_other(labels, probabilities)
    return _ranked(best_other - labelled, labelled < best_other)


def cross_entropy_entropy(labels: Codes, probabilities: Array) -> RowNumbers:
    """Return the rows with a positive −ln p_y − H(p), largest first.

    The score is the cross-entropy of the label minus its expectation, so that ambiguous rows, whose cross-entropy is
    large for any label, are not suspects.

    Source: Bernhardt et al., *Active Label Cleaning*, Nature Communications 2022.
    """
    labelled, _ = _labelled_and_best_other(labels, probabilities)
    surprise = -np.log(np.maximum(labelled, 1e-12)) - entropy(probabilities)
    return _ranked(surprise, surprise > 0)


def knn_disagreement(labels: Codes, X: Features, seed: int) -> RowNumbers:
    """Return the rows for which most of the ten nearest labelled rows have another label, most disagreement first.

    Rows with equal disagreement are ranked by the mean distance to these neighbours, smallest first.
    """
    points = make_points(X)
    near = nearest_neighbours(points, points, min(NEIGHBOURS, len(labels) - 1), same=True)
    disagreement = np.mean(labels[near.positions] != labels[:, None], axis=1)
    spread = np.sqrt(near.squared).mean(axis=1)
    far = spread / max(float(spread.max()), 1e-300)
    return _ranked(disagreement - 1e-6 * far, disagreement > 0.5)


def isolation_forest(labels: Codes, X: Features, seed: int) -> RowNumbers:
    """Return the rows with an anomaly score above one half in an isolation forest of their class, largest first.

    Source: Liu, Ting, Zhou, *Isolation Forest*, ICDM 2008.
    """
    score = np.zeros(len(labels))
    for code in np.unique(labels).tolist():
        rows = np.flatnonzero(labels == code)
        forest = IsolationForest(n_estimators=TREES, random_state=seed, n_jobs=1).fit(X[rows])
        score[rows] = -forest.score_samples(X[rows])
    return _ranked(score, score > 0.5)


def _labelled_and_best_other(labels: Codes, probabilities: Array) -> tuple[Array, Array]:
    """Return the probability of each label and the largest one of another class, ``(n_rows,)`` each."""
    rows = np.arange(len(labels))
    others = probabilities.copy()
    others[rows, labels] = -1.0
    return probabilities[rows, labels], others.max(axis=1)


def _ranked(badness: Array, suspicious: NDArray[np.bool_]) -> RowNumbers:
    order = np.argsort(-badness, kind="stable")
    return order[suspicious[order]]


AUDITS: dict[str, Callable[[Codes, Array], RowNumbers]] = {
    "confident_learning": confident_learning,
    "self_confidence": self_confidence,
    "normalized_margin": normalized_margin,
    "cross_entropy_entropy": cross_entropy_entropy,
}
"""Detectors that take labels ``(n,)`` and out-of-fold probabilities ``(n, k)``, and return suspects, by name."""

FEATURE_AUDITS: dict[str, Callable[[Codes, Features, int], RowNumbers]] = {
    "knn_disagreement": knn_disagreement,
    "isolation_forest": isolation_forest,
}
"""Detectors that take labels ``(n,)``, features ``(n, d)`` and a seed, and return suspects, by name."""
