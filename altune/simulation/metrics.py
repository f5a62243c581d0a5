"""Metrics: which of them have a positive class, what values they can have, and how they score a model.

A metric is the name of a scikit-learn scorer. For two classes, some metrics judge one of the classes, the positive one:
recall is the share of its rows that are found. The others do not change when the two classes are exchanged.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    class_likelihood_ratios,
    d2_brier_score,
    d2_log_loss_score,
    f1_score,
    get_scorer,
    get_scorer_names,
    jaccard_score,
    log_loss,
    make_scorer,
    precision_score,
    recall_score,
    roc_auc_score,
    top_k_accuracy_score,
)

from altune.core.errors import ScenarioError, did_you_mean
from altune.core.plugins import broken_hint
from altune.core.text import join_words
from altune.core.types import Codes, Features
from altune.simulation.own_metrics import GROUP, own_metrics

Scorers = Callable[[Any, Features, Codes], dict[str, float]]
"""A function of a fitted model, the features of the test rows and their class codes that returns each score by name."""

_SCORES = (0.0, 1.0)
_SKILLS = (-math.inf, 1.0)
_LOSSES = (-math.inf, 0.0)
_UNKNOWN = (-math.inf, math.inf)


def _likelihood_ratio(y: Codes, predicted: Codes, *, which: int, positive: int) -> float:
    """Return LR+ (``which`` 0) or LR− (1) of a class; 1 where it is undefined, as scikit-learn's scorers do."""
    labels = [1 - positive, positive]
    return float(class_likelihood_ratios(y, predicted, labels=labels, replace_undefined_by=1.0)[which])


_OF_POSITIVE: Mapping[str, Callable[[int], Any]] = {
    "average_precision": lambda positive: make_scorer(
        average_precision_score, pos_label=positive, response_method=("decision_function", "predict_proba")
    ),
    "f1": lambda positive: make_scorer(f1_score, pos_label=positive),
    "jaccard": lambda positive: make_scorer(jaccard_score, pos_label=positive),
    "neg_negative_likelihood_ratio": lambda positive: make_scorer(
        _likelihood_ratio, which=1, positive=positive, greater_is_better=False
    ),
    "positive_likelihood_ratio": lambda positive: make_scorer(_likelihood_ratio, which=0, positive=positive),
    "precision": lambda positive: make_scorer(precision_score, pos_label=positive),
    "recall": lambda positive: make_scorer(recall_score, pos_label=positive),
}
"""Scikit-learn's scorers that have a positive class, for a given one."""

_WITH_LABELS: Mapping[str, Callable[..., Any]] = {
    **{
        f"roc_auc_{how}{end}": partial(
            make_scorer, roc_auc_score, response_method="predict_proba", multi_class=how, average=average
        )
        for how in ("ovo", "ovr")
        for end, average in (("", "macro"), ("_weighted", "weighted"))
    },
    "d2_brier_score": partial(make_scorer, d2_brier_score, response_method="predict_proba"),
    "d2_log_loss_score": partial(make_scorer, d2_log_loss_score, response_method="predict_proba"),
    "neg_brier_score": partial(make_scorer, brier_score_loss, response_method="predict_proba", greater_is_better=False),
    "neg_log_loss": partial(make_scorer, log_loss, response_method="predict_proba", greater_is_better=False),
    "top_k_accuracy": partial(
        make_scorer, top_k_accuracy_score, response_method=("decision_function", "predict_proba")
    ),
}
"""Scikit-learn's scorers that fail where a class is missing among the rows, unless they are given all ``labels``."""

_AVERAGES = ("", "_macro", "_micro", "_samples", "_weighted")

RANGES: Mapping[str, tuple[float, float]] = {
    **{f"{name}{average}": _SCORES for name in ("f1", "jaccard", "precision", "recall") for average in _AVERAGES},
    **{f"roc_auc{how}": _SCORES for how in ("", "_ovo", "_ovo_weighted", "_ovr", "_ovr_weighted")},
    "accuracy": _SCORES,
    "average_precision": _SCORES,
    "balanced_accuracy": _SCORES,
    "matthews_corrcoef": (-1.0, 1.0),
    "top_k_accuracy": _SCORES,
    # Half of the sum over classes for two classes, which is at most 1, and the whole sum for more, at most 2.
    "neg_brier_score": (-2.0, 0.0),
    "neg_log_loss": _LOSSES,
    "d2_brier_score": _SKILLS,
    "d2_log_loss_score": _SKILLS,
    "positive_likelihood_ratio": (0.0, math.inf),
    "neg_negative_likelihood_ratio": _LOSSES,
    # Agreement of two partitions.
    "adjusted_mutual_info_score": _SKILLS,
    "adjusted_rand_score": (-0.5, 1.0),
    "completeness_score": _SCORES,
    "fowlkes_mallows_score": _SCORES,
    "homogeneity_score": _SCORES,
    "mutual_info_score": (0.0, math.inf),
    "normalized_mutual_info_score": _SCORES,
    "rand_score": _SCORES,
    "v_measure_score": _SCORES,
    # Made for numbers, of class codes.
    "d2_absolute_error_score": _SKILLS,
    "explained_variance": _SKILLS,
    "r2": _SKILLS,
    "neg_max_error": _LOSSES,
    "neg_mean_absolute_error": _LOSSES,
    "neg_mean_absolute_percentage_error": _LOSSES,
    "neg_mean_gamma_deviance": _LOSSES,
    "neg_mean_poisson_deviance": _LOSSES,
    "neg_mean_squared_error": _LOSSES,
    "neg_mean_squared_log_error": _LOSSES,
    "neg_median_absolute_error": _LOSSES,
    "neg_root_mean_squared_error": _LOSSES,
    "neg_root_mean_squared_log_error": _LOSSES,
}
"""Lowest and highest possible value of each of scikit-learn's scorers."""


def metric_range(metric: str) -> tuple[float, float]:
    """Return the lowest and the highest possible value of a metric; infinite where there is no bound or none is known.

    >>> metric_range("accuracy"), metric_range("matthews_corrcoef"), metric_range("neg_log_loss")
    ((0.0, 1.0), (-1.0, 1.0), (-inf, 0.0))
    """
    own = own_metrics().get(metric) if metric not in RANGES else None
    return RANGES.get(metric, _UNKNOWN) if own is None else (own.low, own.high)


def has_positive(metric: str) -> bool:
    """Return whether a scorer judges one of two classes, the positive one.

    The area under the ROC curve does not: it is the probability that a row of one class is ranked above one of the
    other, the same for both. Nor do the Brier score and the log loss, whose losses are the same for both.

    >>> has_positive("recall"), has_positive("roc_auc"), has_positive("recall_macro")
    (True, False, False)
    """
    return metric in _OF_POSITIVE


def check_positive(positive: str, metrics: Sequence[str], classes: Sequence[str], data: str) -> None:
    """Refuse a positive class that the data do not have or that no metric depends on.

    Parameters
    ----------
    positive : name of the positive class.
    metrics : names of scikit-learn scorers.
    classes : names of the classes.
    data : name of the data set.

    Raises
    ------
    ScenarioError
        With what would be right.
    """
    if len(classes) != 2:
        raise ScenarioError(f"positive is one of two classes, but {data} has {len(classes)}; leave it out")
    if positive not in classes:
        raise ScenarioError(f"positive: {data} has no class {positive!r}; {did_you_mean(positive, classes)}")
    if classes[0] == classes[1]:  # such as the number 1 and the text "1"
        raise ScenarioError(f"positive: both classes of {data} are written {positive!r}; give them different texts")
    if not any(map(has_positive, metrics)):
        same = "is" if len(metrics) == 1 else "are"
        raise ScenarioError(
            f"positive: {join_words(list(metrics))} {same} the same whichever class is positive; leave it out, or "
            f"record one of the metrics {', '.join(_OF_POSITIVE)}"
        )


def check_metric_names(names: Sequence[str]) -> None:
    """Refuse names of metrics that neither scikit-learn nor the user has given.

    Raises
    ------
    ValueError
        With the most similar names.
    """
    known = [*get_scorer_names(), *own_metrics()]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=4, cutoff=0.4)
            listed = f"similar: {', '.join(near)}" if near else "see sklearn.metrics.get_scorer_names()"
            raise ValueError(f"unknown scorer {name!r}; {broken_hint(GROUP, name)}{listed}")


def make_scorers(metrics: tuple[str, ...], n_classes: int, positive: int | None = None) -> Scorers:
    """Return a function that scores a fitted model with all metrics.

    Parameters
    ----------
    metrics : names of scikit-learn scorers.
    n_classes : number of classes of the scenario, 2 or more.
    positive : code of the positive class, 0 or 1; None for scikit-learn's default, the last one. With more than two
        classes no class is positive, and it is not used.

    Returns
    -------
    A function of a fitted classifier, the features of the test rows ``(n_test, n_features)`` and their class codes
    ``(n_test,)``, which returns the score of each metric. It raises what the scorers raise.
    """
    chosen = positive if n_classes == 2 else None
    scorers = {metric: _scorer(metric, n_classes, chosen) for metric in metrics}

    def score(model: Any, X: Features, y: Codes) -> dict[str, float]:
        return {metric: float(scorer(model, X, y)) for metric, scorer in scorers.items()}

    return score


def _scorer(metric: str, n_classes: int, positive: int | None) -> Any:
    if metric in _WITH_LABELS:
        return _WITH_LABELS[metric](labels=list(range(n_classes)))
    return get_scorer(metric) if positive is None or metric not in _OF_POSITIVE else _OF_POSITIVE[metric](positive)
