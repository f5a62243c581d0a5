"""Forests and boosted trees."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, WrapValidator
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from altune.core.needs import Need
from altune.core.registry import register
from altune.core.types import Array, TrainingSet
from altune.models.base import Model
from altune.models.declared import number_or_word

MOST_BINS = 255
"""scikit-learn's own number of bins, and the largest."""

_FOREST: frozenset[Need] = frozenset({"class_scores", "probabilities", "random_start", "sample_weight", "sparse"})


class _Forest(Model):
    """Fields that both forests have."""

    abilities = _FOREST
    schedulable = ("min_samples_leaf",)

    n_estimators: int = Field(default=100, ge=1, le=5000, description="trees")
    max_depth: int | None = Field(default=None, ge=1, le=1000, description="deepest level; by default no limit")
    min_samples_leaf: int = Field(default=1, ge=1, le=1000, description="fewest rows in a leaf")
    max_features: Annotated[
        Annotated[float, Field(ge=0.001, le=1.0)] | Literal["sqrt", "log2"], WrapValidator(number_or_word)
    ] = Field(default="sqrt", description="features tried at a split: a share of them, sqrt or log2")


class _NamesOnce:
    """Find the names of a tree's parameters once: a forest asks for them five times for each of its trees.

    On a few hundred rows that takes a seventh of a forest's training; the trees are the same bit for bit.
    """

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        names: list[str] = super()._get_param_names()  # type: ignore[misc]
        return names


class _Tree(_NamesOnce, DecisionTreeClassifier):  # type: ignore[misc]
    pass


class _ExtraTree(_NamesOnce, ExtraTreeClassifier):  # type: ignore[misc]
    pass


def _forest_of(tree: Any, forest: Any) -> Any:
    forest.estimator = tree
    return forest


@register
class RandomForest(_Forest):
    """Random forest: trees on bootstrap samples; probabilities are the mean of the leaves' shares.

    Source: L. Breiman, Random forests, Machine Learning 45, 2001.
    """

    method: Literal["random_forest"] = "random_forest"

    def build(self, seed: int, n_labelled: int) -> RandomForestClassifier:
        """Return the estimator, on one thread."""
        parameters = self.model_dump(exclude={"method"})
        return _forest_of(_Tree(), RandomForestClassifier(**parameters, random_state=seed, n_jobs=1))


@register
class ExtraTrees(_Forest):
    """Extremely randomised trees: all rows in each tree, thresholds drawn at random.

    Source: P. Geurts, D. Ernst, L. Wehenkel, Extremely randomized trees, Machine Learning 63, 2006.
    """

    method: Literal["extra_trees"] = "extra_trees"

    def build(self, seed: int, n_labelled: int) -> ExtraTreesClassifier:
        """Return the estimator, on one thread."""
        parameters = self.model_dump(exclude={"method"})
        return _forest_of(_ExtraTree(), ExtraTreesClassifier(**parameters, random_state=seed, n_jobs=1))


@register
class HistGradientBoosting(Model):
    """Gradient boosting of trees on binned features, without early stopping.

    scikit-learn's own default of 20 rows in a leaf leaves nothing to split with the few labels of the first
    loops; here it is 5. With fewer than twice that many rows it still predicts the majority class everywhere.
    """

    abilities = frozenset({"class_scores", "probabilities", "decision_function", "sample_weight"})
    schedulable = ("min_samples_leaf", "learning_rate", "l2_regularization")

    method: Literal["hist_gradient_boosting"] = "hist_gradient_boosting"
    learning_rate: float = Field(default=0.1, ge=1e-4, le=1.0, description="shrinkage of each tree")
    max_iter: int = Field(default=100, ge=1, le=10_000, description="boosting rounds")
    max_leaf_nodes: int = Field(default=31, ge=2, le=1000, description="most leaves of a tree")
    min_samples_leaf: int = Field(default=5, ge=1, le=1000, description="fewest rows in a leaf")
    l2_regularization: float = Field(default=0.0, ge=0.0, le=1e4, description="L2 penalty on leaf values")

    def build(self, seed: int, n_labelled: int) -> HistGradientBoostingClassifier:
        """Return the estimator; nothing in it is random."""
        parameters = self.model_dump(exclude={"method"})
        return HistGradientBoostingClassifier(**parameters, early_stopping=False, random_state=seed)

    def _fit_estimator(self, estimator: HistGradientBoostingClassifier, training: TrainingSet) -> None:
        estimator.set_params(max_bins=enough_bins(np.asarray(training.X)))
        super()._fit_estimator(estimator, training)


def enough_bins(X: Array) -> int:
    """Return the fewest bins that give the same boosted trees as 255: the most values that a feature has.

    A histogram has this number of bins for each feature, full or empty. With the few labels of a loop most of 255
    are empty, and making and subtracting them takes a third of the training; the trees are the same bit for bit.

    >>> enough_bins(np.array([[0.0, 1.0], [0.5, 1.0], [1.0, 1.0]]))
    3
    """
    in_order = np.sort(X, axis=0)
    values = 1 + (in_order[1:] != in_order[:-1]).sum(axis=0).max(initial=0)
    return int(np.clip(values, 2, MOST_BINS))
