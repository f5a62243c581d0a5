"""Every pool strategy of scikit-activeml through one adapter.

A file says a strategy's name, and the name is looked up in the public list of ``skactiveml.pool``: nothing else is
imported by what a file says. The extra ``skactiveml`` brings the package; it is imported when first needed.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression

from altune.core.errors import FormatError, MissingExtraError, WorkError, did_you_mean
from altune.core.files import canonical_digest
from altune.core.needs import Capabilities, Need
from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Features, Learner, RowNumbers, TrainedModel, TrainingSet
from altune.knobs.pool_geometry import draw_rows
from altune.knobs.query_strategy.base import QueryStrategy
from altune.models.fitted import FittedModel

COMMITTEE = 5
FILLED = frozenset({"random_state", "missing_label", "classes"})
MODEL_ARGUMENTS = frozenset({"clf", "estimator", "ensemble"})
"""Arguments of a strategy's ``query`` through which it is given the model in hand, or others like it."""

OWN_CLASSIFIER = {
    "EpistemicUncertaintySampling": "ParzenWindowClassifier",
    "ProbabilisticAL": "ParzenWindowClassifier",
    "FourDs": "MixtureModelClassifier",
}
"""Strategies that accept only one of scikit-activeml's own classifiers."""

TWO_CLASSES = frozenset({"EpistemicUncertaintySampling"})


@register
class SkactivemlQuery(QueryStrategy):
    """A pool strategy of scikit-activeml, such as ``ProbCover`` or ``QueryByCommittee``, with its own parameters.

    Strategies that ask for a classifier get the model in hand in a ``SklearnClassifier``; where they train it on
    other labels, an estimator like it is trained. Committees are five such on bootstrap samples of the labelled rows.
    ``EpistemicUncertaintySampling`` and ``ProbabilisticAL`` accept a Parzen window classifier only, ``FourDs`` a
    mixture model, and get those of scikit-activeml. Strategies for regression, and wrappers around another strategy,
    cannot be used. The random state, the missing label and the classes are filled in.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"dense_features"})
    source: ClassVar[str] = "Kottke et al., scikit-activeml: A Library and Toolbox for Active Learning, 2021"

    method: Literal["skactiveml"] = "skactiveml"
    strategy: str = Field(default="UncertaintySampling", description="name of a class in skactiveml.pool")
    parameters: dict[str, Any] = Field(default={}, description="its own parameters by name, plain values")
    subpool: int = Field(
        default=5000, ge=10, le=5000, description="in larger pools, random candidates that the strategy is shown"
    )

    @model_validator(mode="after")
    def _known(self) -> SkactivemlQuery:
        cls = find_strategy(self.strategy)
        accepted = sorted(set(inspect.signature(cls).parameters) - FILLED)
        for name in self.parameters:
            if name not in accepted:
                raise FormatError(
                    f"{self.strategy} has no parameter {name!r}; {did_you_mean(name, accepted)}",
                    path=f"parameters.{name}",
                    value=name,
                    accepted=accepted,
                )
        return self

    def __hash__(self) -> int:
        return hash(canonical_digest(self.to_dict()))

    def required(self) -> frozenset[Need]:
        """Return what the strategy needs: dense features, and class scores where it is given the model."""
        given = MODEL_ARGUMENTS.intersection(inspect.signature(find_strategy(self.strategy).query).parameters)
        wants = given and self.strategy not in OWN_CLASSIFIER
        return self.needs | ({"class_scores"} if wants else frozenset())

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Return why the strategy cannot work with so many classes."""
        if self.strategy in TWO_CLASSES and capabilities.n_classes > 2:
            return [
                f"query_strategy: skactiveml's {self.strategy} is for two classes; the data have {capabilities.n_classes}"
            ]
        return []

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the rows that the strategy picks among the candidates.

        Raises
        ------
        WorkError
            If the strategy fails, or does not pick as many distinct candidates as it was asked for.
        """
        size = min(size, len(pool.candidates))
        candidates = draw_rows(pool.candidates, max(self.subpool, size), rng)
        rows = np.concatenate([pool.labelled, candidates])
        X = pool.X[rows]
        y = np.full(len(rows), np.nan)
        y[: len(pool.labelled)] = pool.labels
        offered = np.arange(len(pool.labelled), len(rows))
        try:
            with warnings.catch_warnings(), _global_state(int(rng.integers(2**31 - 1))):
                warnings.simplefilter("ignore")
                strategy = self._build(pool.n_classes, rng)
                given = _arguments(self.strategy, strategy, pool, rng)
                found = strategy.query(X=X, y=y, candidates=offered, batch_size=size, **given)
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise WorkError(f"skactiveml's {self.strategy} failed: {reason}") from error
        picked = np.asarray(found, dtype=np.intp).ravel()
        if len(picked) != size or len(np.unique(picked)) != size or not np.isin(picked, offered).all():
            raise WorkError(f"skactiveml's {self.strategy} did not pick {size} distinct candidates")
        return rows[picked]

    def _build(self, n_classes: int, rng: np.random.Generator) -> Any:
        cls = find_strategy(self.strategy)
        known = inspect.signature(cls).parameters
        filled = {"random_state": int(rng.integers(2**31 - 1)), "classes": list(range(n_classes))}
        return cls(**{name: value for name, value in filled.items() if name in known}, **self.parameters)


@contextmanager
def _global_state(seed: int) -> Iterator[None]:
    """Seed numpy's global state and put it back afterwards.

    Some strategies draw from it whatever random state they are given, through k-means or a support vector machine.
    """
    kept = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(kept)  # noqa: NPY002


def strategy_names() -> list[str]:
    """Return the names that ``strategy`` accepts, sorted.

    Raises
    ------
    MissingExtraError
        If scikit-activeml is not installed.
    """
    pool = _package("pool")
    base = _package("base").SingleAnnotatorPoolQueryStrategy
    listed = {name: getattr(pool, name) for name in pool.__all__}
    return sorted(name for name, value in listed.items() if _usable(value, base))


def find_strategy(name: str) -> Any:
    """Return a strategy's class by its name in the public list of ``skactiveml.pool``.

    Raises
    ------
    FormatError
        If the name is not listed, or is not of a strategy that can be used here.
    MissingExtraError
        If scikit-activeml is not installed.
    """
    accepted = strategy_names()
    if name not in accepted:
        raise FormatError(
            f"skactiveml has no pool strategy for classes {name!r}; {did_you_mean(name, accepted)}",
            path="strategy",
            value=name,
            accepted=accepted,
        )
    return getattr(_package("pool"), name)


def _usable(value: Any, base: Any) -> bool:
    if not (inspect.isclass(value) and issubclass(value, base) and not inspect.isabstract(value)):
        return False
    query: Any = getattr(value, "query")  # noqa: B009  (a class that the package gives has no declared type)
    made, asked = inspect.signature(value).parameters, inspect.signature(query).parameters
    required = {name for name, one in made.items() if one.default is one.empty and one.kind is not one.VAR_KEYWORD}
    return "reg" not in asked and "query_strategy" not in made and required <= FILLED


def _package(part: Literal["pool", "base", "classifier"]) -> Any:
    try:
        if part == "pool":
            from skactiveml import pool as module
        elif part == "base":
            from skactiveml import base as module
        else:
            from skactiveml import classifier as module
    except ImportError:
        raise MissingExtraError("query_strategy 'skactiveml'", "skactiveml") from None
    return module


def _arguments(name: str, strategy: Any, pool: Pool, rng: np.random.Generator) -> dict[str, Any]:
    """Return the models that a strategy's ``query`` asks for, by argument."""
    wanted = inspect.signature(strategy.query).parameters
    classifiers = _package("classifier")
    common = {"classes": list(range(pool.n_classes)), "random_state": int(rng.integers(2**31 - 1))}
    given: dict[str, Any] = {}
    if name in OWN_CLASSIFIER:
        given["clf"] = getattr(classifiers, OWN_CLASSIFIER[name])(**common)
    else:
        for argument in ("clf", "estimator"):
            if argument in wanted:
                given[argument] = classifiers.SklearnClassifier(Relearning(CurrentModel(pool)), **common)
    if "ensemble" in wanted:
        # each member is fitted on its own bootstrap sample, which it draws by its own seed
        seeds = rng.integers(2**31 - 1, size=COMMITTEE).tolist()
        given["ensemble"] = [
            classifiers.SklearnClassifier(Relearning(CurrentModel(pool), seed=seed), **common) for seed in seeds
        ]
    if "discriminator" in wanted:
        given["discriminator"] = classifiers.SklearnClassifier(LogisticRegression(max_iter=1000))
    return given


class CurrentModel:
    """The model in hand and the rows behind it, which no copy duplicates."""

    def __init__(self, pool: Pool) -> None:
        if pool.model is None:
            raise RuntimeError("a strategy is asked after a model was trained")
        self.model = pool.model
        self.learner = pool.learner
        self.X = pool.X[pool.labelled]
        self.y = pool.labels
        self.n_classes = pool.n_classes

    def __deepcopy__(self, memo: Any) -> CurrentModel:
        return self

    def knows(self, X: Features, y: RowNumbers) -> bool:
        """Return whether these are the rows that the model in hand was trained on."""
        return X.shape == self.X.shape and bool(np.array_equal(y, self.y) and np.array_equal(X, self.X))

    def train(self, X: Features, y: RowNumbers, seed: int, weight: Any = None) -> TrainedModel:
        """Return a model like the one in hand, trained on other rows."""
        if self.learner is not None:
            return self.learner.fit(TrainingSet(X, y, self.n_classes, weight), seed)
        seen, positions = np.unique(y, return_inverse=True)
        if len(seen) == 1:
            return FittedModel(None, self.n_classes, seen, seen, self.model.outputs)
        estimator = LogisticRegression() if self.model.estimator is None else clone(self.model.estimator)
        outputs = self.model.outputs if self.model.estimator is not None else ("predict_proba",)
        weights = {} if weight is None else {"sample_weight": weight}
        return FittedModel(estimator.fit(X, positions, **weights), self.n_classes, seen, seen, outputs)


class Relearning(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A scikit-learn classifier that is the model in hand on its own labels, and learns anew from others.

    Parameters
    ----------
    held : the model in hand.
    seed : draws a bootstrap sample of the rows to learn from; None learns from the rows as they are.
    """

    def __init__(self, held: CurrentModel, seed: int | None = None) -> None:
        self.held = held
        self.seed = seed

    def fit(self, X: Features, y: RowNumbers, sample_weight: Any = None) -> Relearning:
        """Learn from rows, their class codes and, where given, their weights."""
        self.fitted_: TrainedModel
        codes = np.asarray(y, dtype=np.intp)
        self.classes_ = np.arange(self.held.n_classes)
        if self.seed is not None:
            drawn = np.random.default_rng(self.seed).integers(len(codes), size=len(codes))
            weight = None if sample_weight is None else sample_weight[drawn]
            self.fitted_ = self.held.train(X[drawn], codes[drawn], self.seed, weight)
        elif sample_weight is None and self.held.knows(X, codes):
            self.fitted_ = self.held.model
        else:
            self.fitted_ = self.held.train(X, codes, 0, sample_weight)
        return self

    def predict(self, X: Features) -> RowNumbers:
        """Return class codes, ``(n_rows,)``."""
        return self.fitted_.predict(X)

    def predict_proba(self, X: Features) -> Any:
        """Return class scores, ``(n_rows, n_classes)``."""
        return self.fitted_.class_scores(X)
