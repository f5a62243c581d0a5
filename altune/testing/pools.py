"""Unusual pools on which every method of ``initial_sample`` and ``query_strategy`` must work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin

from altune.core.metadata import Metadata
from altune.core.needs import Need
from altune.core.pool import Pool
from altune.core.read_only import locked
from altune.core.types import Array, Codes, Features, TrainingSet
from altune.core.uncertainty import softmax
from altune.models import Model

N_ROWS = 40
N_FEATURES = 4


class Projection(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier with finite results for any features: the softmax of a random projection."""

    def __init__(self, seed: int = 7) -> None:
        self.seed = seed

    def fit(self, X: Features, y: Codes) -> Projection:
        """Draw the projection; it depends on the classes and the number of rows alone."""
        self.classes_ = np.unique(y)
        self.weights = np.random.default_rng((self.seed, len(y))).normal(size=(X.shape[1], len(self.classes_)))
        self.scale = float(np.abs(X).max()) or 1.0
        return self

    def predict_proba(self, X: Features) -> Array:
        """Return probabilities, ``(n_rows, n_classes)``."""
        scaled = X * (1.0 / self.scale)
        return softmax(np.asarray(scaled @ self.weights, dtype=np.float64))

    def predict(self, X: Features) -> Codes:
        """Return the most probable classes, ``(n_rows,)``."""
        best: Codes = np.argmax(self.predict_proba(X), axis=1)
        return best


class ProjectionModel(Model):
    """The model of the checks: a :class:`Projection`, without class scores if it is ``mute``."""

    abilities = frozenset({"class_scores", "probabilities", "random_start", "sparse"})

    method: Literal["projection"] = "projection"
    mute: bool = False

    def able(self) -> frozenset[Need]:
        """Return the abilities; a mute model has no class scores."""
        return self.abilities - {"class_scores", "probabilities"} if self.mute else self.abilities

    def build(self, seed: int, n_labelled: int) -> Projection:
        """Return the estimator."""
        return Projection(seed)


def make_pool(X: Features, y: Codes, n_labelled: int, n_classes: int, outputs: tuple[str, ...]) -> Pool:
    """Return a pool whose first rows are labelled, with a model and its metadata.

    Parameters
    ----------
    X, y : features and class codes of all rows.
    n_labelled : rows with a label; with 0 there is neither model nor metadata, as for an initial sample.
    n_classes : classes of the scenario.
    outputs : which of ``predict_proba`` and ``decision_function`` the model has; without any, a strategy that
        needs class scores fails.
    """
    pool = Pool(X, n_classes, budget=max(2, X.shape[0]))
    if n_labelled == 0:
        return pool
    rows = np.arange(n_labelled, dtype=np.intp)
    pool.close(rows)
    pool.set_labels(rows, y[rows])
    pool.labels_bought = n_labelled
    pool.loop = 1
    pool.learner = ProjectionModel(mute=not outputs)
    pool.model = pool.learner.fit(TrainingSet(X[rows], pool.labels, n_classes), seed=7)
    pool.metadata = Metadata(X, pool.candidates, pool.model)
    return pool


@dataclass(frozen=True, eq=False)
class PoolCase:
    """An unusual pool by name, built again for each check: features, codes, labelled rows, classes."""

    name: str
    features: Callable[[np.random.Generator], Any]
    codes: Callable[[int], Codes] = lambda n_rows: np.arange(n_rows, dtype=np.intp) % 3
    n_labelled: int = 9
    n_classes: int = 3
    sparse: bool = False

    def make(self, labelled: bool, outputs: tuple[str, ...] = ("predict_proba",)) -> Pool:
        """Return the pool; if ``labelled``, some of its rows have labels and a model is trained on them."""
        X = self.features(np.random.default_rng(0))
        y = self.codes(X.shape[0])
        form = locked(sparse.csr_array(X) if self.sparse else np.ascontiguousarray(X))
        return make_pool(form, y, self.n_labelled if labelled else 0, self.n_classes, outputs)


def _normal(rng: np.random.Generator) -> Array:
    return rng.normal(size=(N_ROWS, N_FEATURES))


def _sparse_rows(rng: np.random.Generator) -> Array:
    X = _normal(rng) * (rng.random((N_ROWS, N_FEATURES)) < 0.3)
    X[5] = 0.0
    X[-1] = 0.0
    return X


def _one_class(n_rows: int) -> Codes:
    return np.zeros(n_rows, dtype=np.intp)


def _all_different(n_rows: int) -> Codes:
    return np.arange(n_rows, dtype=np.intp) % 200


POOLS: tuple[PoolCase, ...] = (
    PoolCase("ordinary features", _normal),
    PoolCase("constant features", lambda rng: np.ones((N_ROWS, N_FEATURES))),
    PoolCase("all zeros", lambda rng: np.zeros((N_ROWS, N_FEATURES))),
    PoolCase("duplicates", lambda rng: np.repeat(np.eye(N_FEATURES), N_ROWS // N_FEATURES, axis=0)),
    PoolCase("one feature", lambda rng: rng.normal(size=(N_ROWS, 1))),
    PoolCase("one row left", _normal, n_labelled=N_ROWS - 1),
    PoolCase("two classes", _normal, codes=lambda n: np.arange(n, dtype=np.intp) % 2, n_classes=2),
    PoolCase("one labelled class", _normal, codes=_one_class),
    PoolCase("200 classes", lambda rng: rng.normal(size=(240, 3)), _all_different, 205, 200),
    PoolCase("values of 1e150", lambda rng: _normal(rng) * 1e150),
    PoolCase("values of 1e-150", lambda rng: _normal(rng) * 1e-150),
    PoolCase("sparse", _sparse_rows, sparse=True),
    PoolCase("sparse constant", lambda rng: np.ones((N_ROWS, N_FEATURES)), sparse=True),
)
"""The pools of the checks of selections."""


def snapshot(pool: Pool) -> dict[str, Any]:
    """Return copies of everything in a pool that a method must not change."""
    X: Any = pool.X
    arrays = [getattr(X, name) for name in ("data", "indices", "indptr")] if sparse.issparse(X) else [X]
    scores = () if pool.metadata is None else (pool.metadata.probabilities,)
    return {
        "features": [array.copy() for array in arrays],
        "labelled rows": pool.labelled.copy(),
        "labels": pool.labels.copy(),
        "candidates": pool.candidates.copy(),
        "rows held out": pool.held_out.copy(),
        "count of labels": pool.labels_bought,
        "model": id(pool.model),
        "class scores": [array.copy() for array in scores],
    }
