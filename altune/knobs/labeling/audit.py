"""The audit: which labels are probably wrong, judged on out-of-fold probabilities."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from altune.models import Model
from altune.streams import Streams

if TYPE_CHECKING:
    from altune.pool import Features, Rows

FOLDS = 5
SUSPECT_WEIGHT = 0.2

Probabilities = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Audit:
    """What one audit found.

    Attributes
    ----------
    suspects : positions among the labels looked at, worst first.
    ran : whether there were rows enough of each class to judge.
    """

    suspects: Rows
    ran: bool


def audit_ranking(
    name: str,
    model: Model,
    X: Features,
    y: Rows,
    n_classes: int,
    *,
    share: float,
    streams: Streams,
    loop: int,
) -> Audit:
    """Return the labels that are probably wrong, at most ``share`` of them.

    Parameters
    ----------
    name : one of :data:`AUDITS`.
    model : trained on four fifths of the rows to judge the last fifth, in turn.
    X, y : features and labels in use, ``(n_used, n_features)`` and ``(n_used,)``.
    share : most suspects as a share of the rows, in (0, 1].
    """
    seen, codes = np.unique(y, return_inverse=True)
    if len(seen) < 2 or np.bincount(codes).min() < FOLDS:
        return Audit(np.empty(0, dtype=np.intp), ran=False)
    probabilities = out_of_fold(model, X, y, n_classes, streams, loop)[:, seen]
    probabilities /= np.maximum(probabilities.sum(axis=1, keepdims=True), 1e-12)
    ranked = AUDITS[name](codes, probabilities)
    most = math.floor(share * len(y) + 1e-9)  # 0.29 · 100 is 28.999… in binary
    return Audit(ranked[:most], ran=True)


def out_of_fold(model: Model, X: Features, y: Rows, n_classes: int, streams: Streams, loop: int) -> Probabilities:
    """Return class scores of each row by a model that was not trained on it, ``(n_used, n_classes)``."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=streams.integer("audit", loop))
    scores = np.zeros((len(y), n_classes))
    for number, (train, judged) in enumerate(folds.split(np.zeros(len(y)), y)):
        fitted = model.fit(X[train], y[train], n_classes, streams.integer("audit", loop, number))
        scores[judged] = fitted.class_scores(X[judged])
    return scores


def confident_learning(labels: Rows, probabilities: Probabilities) -> Rows:
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


AUDITS: dict[str, Callable[[Rows, Probabilities], Rows]] = {"confident_learning": confident_learning}
"""Detectors by name: labels as codes ``(n,)`` and out-of-fold probabilities ``(n, k)`` in, ranked suspects out."""
