"""The contestants of ``speed.py`` beside altune: the bare loop by hand, and scikit-activeml's, fitted once a loop."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from profile_trajectory import bare
from scipy import sparse
from skactiveml import pool as theirs
from skactiveml.classifier import SklearnClassifier
from sklearn.metrics import accuracy_score

from altune.core.pool import Pool
from altune.core.types import RowNumbers
from altune.knobs.pool_geometry import pool_clusters, pool_points, pool_pure_radius
from altune.models import Model
from altune.models.neural import PATIENCE, TOLERANCE, MultilayerPerceptron
from altune.simulation.curve import LearningCurve
from altune.simulation.prepared import PreparedBlock
from lib.parity_cases import GivenClusters

LOOP_ROWS = 20
NEEDS_SCORES = ("margin", "least_confidence", "entropy", "badge")
DRAWN = ("random", "badge")
FIRST_ONLY = ("probcover", "typiclust")
"""Strategies of which the first pick of a loop is compared: later ones hang on how ties fell."""
OWN_RULES = ("typiclust",)
"""Strategies that differ on purpose: ours counts fewer neighbours in clusters of fewer than 40 rows."""
STRATEGIES = ("random", "margin", "least_confidence", "entropy", "kcenter", "probcover", "typiclust", "badge")
_UNCERTAINTY = {"margin": "margin_sampling", "least_confidence": "least_confident", "entropy": "entropy"}


def make_estimator(model: Model, seed: int, n_labelled: int) -> Any:
    """Return scikit-learn's own estimator with the settings of a model."""
    estimator = bare(model.build(seed, n_labelled))
    if isinstance(model, MultilayerPerceptron):
        estimator.set_params(max_iter=model.max_epochs, n_iter_no_change=PATIENCE, tol=TOLERANCE)
    return estimator


def bought_rows(prepared: PreparedBlock, curve: LearningCurve) -> RowNumbers:
    """Return the rows that a trajectory bought, in order, as positions in the pool."""
    place = np.argsort(prepared.block.pool)
    return place[np.searchsorted(prepared.block.pool, curve.rows, sorter=place)]


def play_bare(model: Model, prepared: PreparedBlock, curve: LearningCurve, scored: bool) -> list[float]:
    """Fit, predict and score on the rows that a trajectory bought; with ``scored`` the candidates' class scores too."""
    bought, accuracies = bought_rows(prepared, curve), []
    for loop, size in enumerate(curve.labels.tolist()):
        rows = np.sort(bought[:size])
        estimator = make_estimator(model, prepared.streams.integer("model", loop), size)
        estimator.fit(prepared.X_pool[rows], prepared.y_pool[rows])
        accuracies.append(float(accuracy_score(prepared.y_test, estimator.predict(prepared.X_test))))
        if scored and loop + 1 < len(curve.labels):
            open_ = np.ones(len(prepared.y_pool), dtype=bool)
            open_[rows] = False
            estimator.predict_proba(prepared.X_pool[open_])
    return accuracies


def make_query(strategy: str, n_classes: int) -> Any:
    """Return scikit-activeml's strategy with its own defaults."""
    if strategy in _UNCERTAINTY:
        return theirs.UncertaintySampling(method=_UNCERTAINTY[strategy], random_state=0)
    if strategy == "probcover":
        return theirs.ProbCover(n_classes=n_classes, random_state=0)
    if strategy == "typiclust":
        return theirs.TypiClust(k=20, random_state=0)
    names = {"random": "RandomSampling", "kcenter": "CoreSet", "badge": "Badge"}
    return getattr(theirs, names[strategy])(random_state=0)


class TheirLoop:
    """scikit-activeml's loop as its documentation writes it, with one fit a loop, which the query is handed."""

    def __init__(self, strategy: str, model: Model, prepared: PreparedBlock, models: int) -> None:
        self.strategy, self.model, self.prepared, self.models = strategy, model, prepared, models

    def fitted(self, y: NDArray[np.float64], loop: int) -> Any:
        """Return the classifier fitted on the labels so far, NaN where there is none."""
        prepared = self.prepared
        size = int((~np.isnan(y)).sum())
        estimator = make_estimator(self.model, prepared.streams.integer("model", loop), size)
        return SklearnClassifier(estimator, classes=range(prepared.n_classes)).fit(prepared.X_pool, y)

    def ask(self, query: Any, y: NDArray[np.float64], classifier: Any, **options: Any) -> Any:
        """Return what the strategy answers."""
        given = {"clf": classifier, "fit_clf": False} if self.strategy in NEEDS_SCORES else {}
        return query.query(X=self.prepared.X_pool, y=y, batch_size=LOOP_ROWS, **given, **options)

    def play(self) -> list[float]:
        """Play the trajectory; return the accuracies."""
        prepared, accuracies = self.prepared, []
        query = make_query(self.strategy, prepared.n_classes)
        y = np.full(len(prepared.y_pool), np.nan)
        first = prepared.first_rows
        if first is None:
            raise ValueError("the block fixes no first rows")
        y[first] = prepared.y_pool[first]
        for loop in range(self.models):
            classifier = self.fitted(y, loop)
            accuracies.append(float(accuracy_score(prepared.y_test, classifier.predict(prepared.X_test))))
            if loop + 1 < self.models:
                rows = self.ask(query, y, classifier)
                y[rows] = prepared.y_pool[rows]
        return accuracies


def same_picks(strategy: str, model: Model, prepared: PreparedBlock, curve: LearningCurve) -> tuple[int, int]:
    """Return in how many loops of a trajectory scikit-activeml picks the same rows, and of how many.

    Each loop is compared from the same labels, and rows of equal score may stand for each other. Of ProbCover and
    TypiClust, given the same radius and the same clusters, the first row that we pick must be among the best by
    their count.
    """
    if strategy in DRAWN or isinstance(model, MultilayerPerceptron):  # its weights are drawn in another order
        return 0, 0
    loops = TheirLoop(strategy, model, prepared, len(curve.labels))
    bought, ends = bought_rows(prepared, curve), curve.labels.tolist()
    same = 0
    for loop, (known, end) in enumerate(pairwise(ends)):
        y = np.full(len(prepared.y_pool), np.nan)
        y[bought[:known]] = prepared.y_pool[bought[:known]]
        ours = bought[known:end]
        if strategy in FIRST_ONLY:
            query = _with_our_structures(strategy, prepared, end)
            utilities = query.query(X=prepared.X_pool, y=y, batch_size=LOOP_ROWS, return_utilities=True)[1][0]
            same += bool(utilities[ours[0]] >= np.nanmax(utilities) * (1 - 1e-9))
            continue
        classifier = loops.fitted(y, loop) if strategy in NEEDS_SCORES else None
        query = make_query(strategy, prepared.n_classes)
        found, utilities = loops.ask(query, y, classifier, return_utilities=True)
        if strategy in NEEDS_SCORES:  # a forest of a hundred trees gives many rows the same score
            same += np.allclose(*(np.sort(utilities[0][rows]) for rows in (found, ours)), rtol=0, atol=1e-9)
        else:  # up to the first row where a tie fell otherwise, after which both go their own ways
            apart = int(np.argmax([*(found != ours), True]))
            tied = apart == len(ours) or utilities[apart][ours[apart]] >= np.nanmax(utilities[apart]) * (1 - 1e-9)
            same += bool(tied)
    return same, len(ends) - 1


def _with_our_structures(strategy: str, prepared: PreparedBlock, n_clusters: int) -> Any:
    pool = Pool(prepared.X_pool, prepared.n_classes, budget=1, shared=prepared.shared)
    if strategy == "typiclust":
        given = {"labels": pool_clusters(pool, min(n_clusters, 500))}
        return theirs.TypiClust(k=20, cluster_algo=GivenClusters, cluster_algo_dict=given, random_state=0)
    X = prepared.X_pool.toarray() if sparse.issparse(prepared.X_pool) else prepared.X_pool
    unit = np.sqrt(pool_points(pool).norms.sum() / ((X - X.mean(axis=0)) ** 2).sum())
    radius = np.sqrt(pool_pure_radius(pool, 0.95)) / unit
    return theirs.ProbCover(deltas=[radius * (1 - 1e-7)], random_state=0)  # our balls are open, theirs closed
