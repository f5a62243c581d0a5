"""The audit: which labels are probably wrong.

Detectors of one kind judge a label by out-of-fold probabilities of the recipe's own model, those of the other by
features alone. Both rank suspects, worst first, and leave out rows of which nothing speaks against the label.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.model_selection import StratifiedKFold

from altune.core.streams import Streams
from altune.core.uncertainty import entropy
from altune.models import Model
from altune.numerics.geometry.distances import make_points
from altune.numerics.geometry.neighbours import nearest_neighbours

if TYPE_CHECKING:
    from altune.core.types import Features, RowNumbers

FOLDS = 5
SUSPECT_WEIGHT = 0.2
NEIGHBOURS = 10
TREES = 50

Probabilities = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Audit:
    """What one audit found.

    Attributes
    ----------
    suspects : positions among the labels looked at, worst first.
    ran : whether there were rows enough of each class to judge.
    """

    suspects: RowNumbers
    ran: bool


def audit_ranking(
    name: str,
    model: Model,
    X: Features,
    y: RowNumbers,
    n_classes: int,
    *,
    share: float,
    streams: Streams,
    loop: int,
) -> Audit:
    """Return the labels that are probably wrong, at most ``share`` of them.

    Parameters
    ----------
    name : one of :data:`AUDITS` or of :data:`FEATURE_AUDITS`.
    model : trained on four fifths of the rows to judge the last fifth, in turn.
    X, y : features and labels in use, ``(n_used, n_features)`` and ``(n_used,)``.
    share : most suspects as a share of the rows, in (0, 1].
    """
    seen, codes = np.unique(y, return_inverse=True)
    if len(seen) < 2 or np.bincount(codes).min() < FOLDS:
        return Audit(np.empty(0, dtype=np.intp), ran=False)
    if name in FEATURE_AUDITS:
        ranked = FEATURE_AUDITS[name](codes, X, streams.integer("audit", loop))
    else:
        probabilities = out_of_fold(model, X, y, n_classes, streams, loop)[:, seen]
        probabilities /= np.maximum(probabilities.sum(axis=1, keepdims=True), 1e-12)
        ranked = AUDITS[name](codes, probabilities)
    most = math.floor(share * len(y) + 1e-9)  # 0.29 · 100 is 28.999… in binary
    return Audit(ranked[:most], ran=True)


def out_of_fold(model: Model, X: Features, y: RowNumbers, n_classes: int, streams: Streams, loop: int) -> Probabilities:
    """Return class scores of each row by a model that was not trained on it, ``(n_used, n_classes)``."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=streams.integer("audit", loop))
    scores = np.zeros((len(y), n_classes))
    for number, (train, judged) in enumerate(folds.split(np.zeros(len(y)), y)):
        fitted = model.fit(X[train], y[train], n_classes, streams.integer("audit", loop, number))
        scores[judged] = fitted.class_scores(X[judged])
    return scores


def confident_learning(labels: RowNumbers, probabilities: Probabilities) -> RowNumbers:
    """Return the rows that confident learning takes for mislabelled, least self-confident first.

    Source: Northcutt, Jiang & Chuang, Confident Learning, JAIR 2021, by cleanlab.
    """
    from cleanlab.filter import find_label_issues

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ranked = find_label_issues(
            labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1, verbose=False
        )
    return np.asarray(ranked, dtype=np.intp)


def self_confidence(labels: RowNumbers, probabilities: Probabilities) -> RowNumbers:
    """Return the rows whose label is not the likeliest class, smallest p_y first.

    >>> self_confidence(np.array([0, 0, 0]), np.array([[0.4, 0.6], [0.1, 0.9], [0.8, 0.2]])).tolist()
    [1, 0]
    """
    own, other = _own_and_other(labels, probabilities)
    return _ranked(-own, own < other)


def normalized_margin(labels: RowNumbers, probabilities: Probabilities) -> RowNumbers:
    """Return the rows whose label is not the likeliest class, smallest p_y − max_{k≠y} p_k first.

    Source: Northcutt, Athalye & Mueller, Pervasive Label Errors, NeurIPS 2021 (the score of cleanlab).
    """
    own, other = _own_and_other(labels, probabilities)
    return _ranked(other - own, own < other)


def cross_entropy_entropy(labels: RowNumbers, probabilities: Probabilities) -> RowNumbers:
    """Return the rows whose label is more surprising than the model expects to be surprised, worst first.

    The score is −ln p_y − H(p): ambiguous rows, which surprise with any label, stand back.
    Source: Bernhardt et al., Active Label Cleaning, Nature Communications 2022.
    """
    own, _ = _own_and_other(labels, probabilities)
    surprise = -np.log(np.maximum(own, 1e-12)) - entropy(probabilities)
    return _ranked(surprise, surprise > 0)


def knn_disagreement(labels: RowNumbers, X: Features, seed: int) -> RowNumbers:
    """Return the rows of which most of the ten nearest labelled neighbours have another label, worst first.

    Of rows with equal disagreement the one nearest to its neighbours is worse.
    """
    points = make_points(X)
    near = nearest_neighbours(points, points, min(NEIGHBOURS, len(labels) - 1), same=True)
    disagreement = np.mean(labels[near.positions] != labels[:, None], axis=1)
    spread = np.sqrt(near.squared).mean(axis=1)
    far = spread / max(float(spread.max()), 1e-300)
    return _ranked(disagreement - 1e-6 * far, disagreement > 0.5)


def isolation_forest(labels: RowNumbers, X: Features, seed: int) -> RowNumbers:
    """Return the rows that an isolation forest of their own class sets apart, worst first.

    Source: Liu, Ting & Zhou, Isolation Forest, ICDM 2008; a row is set apart where its score is above a half.
    """
    score = np.zeros(len(labels))
    for code in np.unique(labels).tolist():
        rows = np.flatnonzero(labels == code)
        forest = IsolationForest(n_estimators=TREES, random_state=seed, n_jobs=1).fit(X[rows])
        score[rows] = -forest.score_samples(X[rows])
    return _ranked(score, score > 0.5)


def _own_and_other(labels: RowNumbers, probabilities: Probabilities) -> tuple[Probabilities, Probabilities]:
    places = np.arange(len(labels))
    others = probabilities.copy()
    others[places, labels] = -1.0
    return probabilities[places, labels], others.max(axis=1)


def _ranked(badness: Probabilities, suspicious: NDArray[np.bool_]) -> RowNumbers:
    order = np.argsort(-badness, kind="stable")
    return order[suspicious[order]]


AUDITS: dict[str, Callable[[RowNumbers, Probabilities], RowNumbers]] = {
    "confident_learning": confident_learning,
    "self_confidence": self_confidence,
    "normalized_margin": normalized_margin,
    "cross_entropy_entropy": cross_entropy_entropy,
}
"""Detectors by name: labels as codes ``(n,)`` and out-of-fold probabilities ``(n, k)`` in, ranked suspects out."""

FEATURE_AUDITS: dict[str, Callable[[RowNumbers, Features, int], RowNumbers]] = {
    "knn_disagreement": knn_disagreement,
    "isolation_forest": isolation_forest,
}
"""Detectors without a model: labels ``(n,)``, features ``(n, d)`` and a seed in, ranked suspects out."""
