"""Metrics of the user: scorers by name, which see the labels of the data instead of class codes."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score, get_scorer_names, make_scorer
from sklearn.utils.metaestimators import available_if

from altune.core.errors import RequestError, ScenarioError
from altune.core.identity import identify, remembered
from altune.core.types import Array, Codes
from altune.simulation.own import check_name, load_own, one_number

GROUP = "altune.metrics"
_MADE = type(make_scorer(accuracy_score))
"""Class of what ``make_scorer`` returns."""


@dataclass(frozen=True, eq=False)
class OwnMetric:
    """A metric of the user.

    Attributes
    ----------
    name : name of the metric in scenarios.
    scorer : a function of a classifier, features and labels that returns one number, larger for better classifiers.
    low, high : lowest and highest possible value.
    """

    name: str
    scorer: Any
    low: float = -math.inf
    high: float = math.inf

    @property
    def from_outputs(self) -> bool:
        """Whether it needs the features for nothing but the outputs of the classifier."""
        return isinstance(self.scorer, _MADE)

    def register(self) -> OwnMetric:
        """Let scenarios name the metric in this process."""
        _metrics[self.name] = self
        return self

    def forget(self) -> None:
        """Remove the metric; for tests and notebooks."""
        _metrics.pop(self.name, None)

    def fingerprint(self) -> str:
        """Return a hash of the scorer, which the name does not determine."""
        return remembered(self.scorer, lambda: identify(self.scorer, f"metric {self.name!r}")).digest

    def check_labels(self, labels: Sequence[object]) -> None:
        """Refuse a scorer that names a class which the data do not have: some functions then return 0.

        Raises
        ------
        ScenarioError
            With the labels of the data.
        """
        arguments = getattr(self.scorer, "_kwargs", {})  # scikit-learn offers no public way to read them
        several = arguments.get("labels")
        for name in [arguments.get("pos_label"), *([] if several is None else several)]:
            if name is not None and name not in labels:
                raise ScenarioError(
                    f"metric {self.name!r} names the class {_plain(name)!r}, and the labels of the data are "
                    f"{', '.join(map(repr, labels))}"
                )

    def score(self, model: Any, X: Any, y: Codes, labels: Sequence[object]) -> float:
        """Return the score of a classifier of class codes.

        Parameters
        ----------
        model : the classifier.
        X : what its methods are called with, ``(n_rows, ...)``.
        y : true class codes, ``(n_rows,)``.
        labels : the label of each class, in the order of the codes.

        Raises
        ------
        WorkError
            If the scorer fails or returns anything but a finite number.
        """
        names = np.asarray(labels)
        return one_number(f"metric {self.name!r}", lambda: self.scorer(_Named(model, names), X, names[y]))


_metrics: dict[str, OwnMetric] = {}


def register_metric(name: str, scorer: Any, *, low: float = -math.inf, high: float = math.inf) -> OwnMetric:
    """Register a scorer as a metric.

    A scenario then names it like any other metric, and worker processes receive it with the task. The scorer sees the
    labels of the data, not class codes, so that ``pos_label="spam"`` means what it says.

    Parameters
    ----------
    name : name of the metric. Registering a name again replaces the metric; names of scikit-learn's scorers are
        refused.
    scorer : what ``sklearn.metrics.make_scorer`` returns, or a function ``scorer(classifier, X, y)`` that returns one
        number; ``X`` is what the model of the recipe takes. Larger is better;
        ``make_scorer(..., greater_is_better=False)`` changes the sign.
    low, high : lowest and highest possible value, if there are any. ``alc_normalized`` and means over several data sets
        need the highest.

    Returns
    -------
    The metric. An installed package offers it through the entry point group ``altune.metrics``.

    Raises
    ------
    RequestError
        If the name is taken or is no name, or if it is not a scorer.

    Examples
    --------
    >>> from sklearn.metrics import fbeta_score, make_scorer
    >>> scorer = make_scorer(fbeta_score, beta=2, labels=["virginica"], average="macro")
    >>> metric = register_metric("f2_virginica", scorer, low=0, high=1)
    >>> import altune
    >>> simulation = altune.simulate("vanilla", "iris", metric="f2_virginica", budget=20, loops=2, n_blocks=1)
    >>> 0 < simulation.aulc <= 1
    True
    >>> metric.forget()
    """
    check_name(name, "metric", get_scorer_names())
    if isinstance(scorer, str) or not callable(scorer) or isinstance(scorer, type):
        raise RequestError(f"{name}: {scorer!r} is not a scorer; give sklearn.metrics.make_scorer(...)")
    if not isinstance(scorer, _MADE) and _is_metric_function(scorer):
        raise RequestError(f"{name}: {scorer.__name__} compares labels; give sklearn.metrics.make_scorer(...) of it")
    if not low < high:
        raise RequestError(f"{name}: low must be less than high, not {low:g} and {high:g}")
    return OwnMetric(name, scorer, float(low), float(high)).register()


def own_metrics() -> dict[str, OwnMetric]:
    """Return the metrics of the user by name, including those of installed packages."""
    load_own(GROUP, OwnMetric, "register_metric")
    return dict(_metrics)


def _plain(name: Any) -> Any:
    return name.item() if isinstance(name, np.generic) else name


def _is_metric_function(function: Any) -> bool:
    """Return whether a function takes true and predicted labels, and no classifier."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return False
    return bool(names) and names[0] in ("y_true", "y", "true")


class _Named(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of class codes as one of the labels of the data, sorted as in scikit-learn."""

    def __init__(self, model: Any, names: Any) -> None:
        self.model = model
        self.names = names
        self._order = np.argsort(names, kind="stable")
        self.classes_ = names[self._order]

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> Any:
        """Return the predicted labels, ``(n_rows,)``."""
        return self.names[self.model.predict(X)]

    @available_if(lambda named: hasattr(named.model, "predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """Return the probabilities of the sorted labels, ``(n_rows, n_classes)``."""
        return np.asarray(self.model.predict_proba(X)[:, self._order])

    @available_if(lambda named: hasattr(named.model, "decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Array:
        """Return the decision values of the sorted labels; of two, those of the second one."""
        values = self.model.decision_function(X)
        if values.ndim == 1:
            return np.asarray(values if self._order[0] == 0 else -values)
        return np.asarray(values[:, self._order])
