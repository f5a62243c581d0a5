"""One pool for altune and for scikit-activeml, what each makes of it, and how the two are held against each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from skactiveml.classifier import SklearnClassifier
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import scale

from altune.core.metadata import Metadata
from altune.core.pool import Pool
from altune.core.registry import parse_method
from altune.core.types import RowNumbers
from altune.knobs.query_strategy.base import QueryStrategy, ScoreStrategy
from altune.models import FittedModel, LogisticRegressionModel
from altune.numerics.disagreement import bootstrap_positions

Array = NDArray[np.float64]


LOADERS = {"wine": load_wine, "breast_cancer": load_breast_cancer, "digits": load_digits}


SIZES = {"wine": (178, 15), "breast_cancer": (569, 20), "digits": (500, 40)}
"""RowNumbers of each data set, and labelled ones."""


ALL = tuple(LOADERS)


SIZE = 10


SEED = 0


FIRST_SEED = int(np.random.default_rng(SEED).integers(2**31 - 1))
"""What altune hands to k-means when its stream begins at ``SEED``."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """One pool for both: altune's, and labels and classifier in scikit-activeml's form; labelled rows come first."""

    pool: Pool
    y: Array
    model: Any

    @property
    def X(self) -> Array:
        """Features of all rows."""
        X: Array = self.pool.X
        return X


class Found(NamedTuple):
    """Whether the picks are the same, None where both draw, and the correlation of scores, None without scores."""

    same: bool | None
    correlation: float | None


Compare = Callable[[Inputs], Found]


@cache
def make_inputs(data: str, rows: int | None = None, labelled: int | None = None, intercept: bool = True) -> Inputs:
    """Return shuffled rows of a data set, scaled to a mean square of 1, with a logistic regression on the first."""
    X, y = LOADERS[data](return_X_y=True)
    order = np.random.default_rng(SEED).permutation(len(y))[: rows or SIZES[data][0]]
    X, y = scale(X[order]), y[order]
    X = X / np.sqrt((X**2).mean())
    known = np.arange(labelled or SIZES[data][1], dtype=np.intp)
    n_classes = int(y.max()) + 1
    partly = np.where(np.arange(len(y)) < len(known), y, np.nan)
    regression = LogisticRegression(max_iter=1000, fit_intercept=intercept)
    model = SklearnClassifier(regression, classes=range(n_classes)).fit(X, partly)
    pool = Pool(X, n_classes, budget=100)
    pool.close(known)
    pool.set_labels(known, y[known])
    pool.labels_bought = len(known)
    pool.learner = LogisticRegressionModel()
    seen = np.unique(pool.labels)
    codes = np.asarray(model.estimator_.classes_, dtype=np.intp)
    pool.model = FittedModel(model.estimator_, n_classes, seen, codes, ("predict_proba",))
    pool.metadata = Metadata(X, pool.candidates, pool.model)
    return Inputs(pool, partly, model)


def our_method(value: Any) -> QueryStrategy:
    """Return a strategy from its mapping or name."""
    method = parse_method("query_strategy", value)
    if not isinstance(method, QueryStrategy):
        raise TypeError(f"{value!r} is no query strategy")
    return method


def our_picks(value: Any, inputs: Inputs, size: int = SIZE) -> RowNumbers:
    """Return what altune picks."""
    return our_method(value).select(inputs.pool, size, np.random.default_rng(SEED))


def our_scores(value: Any, inputs: Inputs) -> Array:
    """Return altune's scores of the candidates."""
    method = our_method(value)
    if not isinstance(method, ScoreStrategy):
        raise TypeError(f"{value!r} has no scores")
    return method.scores(inputs.pool, np.random.default_rng(SEED))


def rank_correlation(ours: Array, others: Array) -> float:
    """Return Spearman's correlation; scores are rounded first, so that ties by rounding stay ties."""
    return float(spearmanr(*(np.round(part / np.abs(part).max(), 9) for part in (ours, others))).statistic)


def same_up_to_ties(
    inputs: Inputs, scores: Array, ours: Sequence[int] | RowNumbers, others: Sequence[int] | RowNumbers
) -> bool:
    """Return whether two choices are equal, or differ only by rows of equal score, ``(n_candidates,)``."""
    first, second = (
        np.sort(scores[np.searchsorted(inputs.pool.candidates, np.asarray(one))]) for one in (ours, others)
    )
    return np.array_equal(ours, others) or bool(np.allclose(first, second, rtol=1e-7, atol=1e-12))


def by_scores(value: Any, strategy: Callable[[], Any], given: Callable[[Inputs], dict[str, Any]]) -> Compare:
    """Compare all scores and the best rows; ``given`` are the arguments of their query beside X and y."""

    def compare(inputs: Inputs) -> Found:
        found, utilities = strategy().query(
            X=inputs.X, y=inputs.y, batch_size=SIZE, return_utilities=True, **given(inputs)
        )
        others = utilities[0][inputs.pool.candidates]
        same = same_up_to_ties(inputs, others, our_picks(value, inputs), found)
        return Found(same, rank_correlation(our_scores(value, inputs), others))

    return compare


def with_model(inputs: Inputs) -> dict[str, Any]:
    """Return the arguments that hand over the fitted model as it is."""
    return {"clf": inputs.model, "fit_clf": False}


def with_density(inputs: Inputs) -> dict[str, Any]:
    """Return the fitted model and the weight of each row by its density, computed by scikit-learn."""
    similarity = (1.0 + cosine_similarity(inputs.X)).mean(axis=1) / 2.0
    return with_model(inputs) | {"utility_weight": similarity**1.5}


def with_members(members: int) -> Callable[[Inputs], dict[str, Any]]:
    """Return the arguments of a committee trained on the resamples that altune draws."""

    def given(inputs: Inputs) -> dict[str, Any]:
        rng = np.random.default_rng(SEED)
        pool = inputs.pool
        resamples = [bootstrap_positions(pool.labels, rng) for _ in range(members)]
        ensemble = [
            SklearnClassifier(LogisticRegression(max_iter=1000), classes=range(pool.n_classes)).fit(
                inputs.X[pool.labelled[rows]], pool.labels[rows]
            )
            for rows in resamples
        ]
        return {"ensemble": ensemble, "fit_ensemble": False}

    return given
