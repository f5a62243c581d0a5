"""The adapter of scikit-activeml's pool strategies.

A strategy is given by its name, which is looked up in the public list of ``skactiveml.pool``: a recipe cannot import
anything else. The package comes with the extra ``skactiveml`` and is imported when it is first needed.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator
from sklearn.linear_model import LogisticRegression

from altune.core.errors import FormatError, MissingExtraError, WorkError, did_you_mean, first_line
from altune.core.files import canonical_digest
from altune.core.needs import Capabilities, Need
from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.settings import no_warnings
from altune.core.types import Learner, RowNumbers
from altune.knobs.pool_geometry import draw_rows
from altune.knobs.query_strategy.base import QueryStrategy
from altune.knobs.query_strategy.current_classifier import CurrentClassifier, CurrentModel
from altune.knobs.query_strategy.subpool import SubpoolSize

COMMITTEE = 5
"""Number of models in a committee."""

FILLED = frozenset({"random_state", "missing_label", "classes"})
"""Parameters of a strategy that altune sets."""

MODEL_ARGUMENTS = frozenset({"clf", "estimator", "ensemble"})
"""Arguments of a strategy's ``query`` that are the current model or a committee of models like it."""

OWN_CLASSIFIER = {
    "EpistemicUncertaintySampling": "ParzenWindowClassifier",
    "ProbabilisticAL": "ParzenWindowClassifier",
    "FourDs": "MixtureModelClassifier",
}
"""Strategies that accept one of scikit-activeml's own classifiers only, and that classifier."""

TWO_CLASSES = frozenset({"EpistemicUncertaintySampling"})
"""Strategies for two classes only."""


@register
class SkactivemlQuery(QueryStrategy):
    """A pool strategy of scikit-activeml, such as ``ProbCover`` or ``QueryByCommittee``, with its own parameters.

    Strategies that need a classifier get the current model; a committee is five models like it on bootstrap samples of
    the labelled rows. ``EpistemicUncertaintySampling``, ``ProbabilisticAL`` and ``FourDs`` get the classifier of
    scikit-activeml that they require. Strategies for regression and wrappers around other strategies are not available.
    """

    needs = frozenset({"dense_features"})
    source = "Kottke et al., scikit-activeml: A Library and Toolbox for Active Learning, 2021"

    method: Literal["skactiveml"] = "skactiveml"
    strategy: str = Field(default="UncertaintySampling", description="name of a class in `skactiveml.pool`")
    parameters: dict[str, Any] = Field(
        default={},
        description="parameters of that class by name; the random state, the missing label and the classes are set",
    )
    subpool: SubpoolSize = 5000

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
        """Return what the strategy needs: dense features, and class scores if it uses the current model."""
        arguments = inspect.signature(find_strategy(self.strategy).query).parameters
        uses_model = MODEL_ARGUMENTS.intersection(arguments) and self.strategy not in OWN_CLASSIFIER
        return self.needs | ({"class_scores", "encoded_features"} if uses_model else frozenset())

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Return why the strategy cannot work with the number of classes."""
        if self.strategy in TWO_CLASSES and capabilities.n_classes > 2:
            n_classes = capabilities.n_classes
            return [f"query_strategy: skactiveml's {self.strategy} needs two classes; the data have {n_classes}"]
        return []

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the candidates that the strategy selects.

        Raises
        ------
        WorkError
            If the strategy fails or does not return the requested number of distinct candidates.
        """
        size = min(size, len(pool.candidates))
        candidates = draw_rows(pool.candidates, max(self.subpool, size), rng)
        rows = np.concatenate([pool.labelled, candidates])
        X = pool.X[rows]
        y = np.full(len(rows), np.nan)
        y[: len(pool.labelled)] = pool.labels
        offered = np.arange(len(pool.labelled), len(rows))
        try:
            with no_warnings(), _global_state(int(rng.integers(2**31 - 1))):
                strategy = self._build(pool.n_classes, rng)
                models = _model_arguments(self.strategy, strategy, pool, rng)
                queried = strategy.query(X=X, y=y, candidates=offered, batch_size=size, **models)
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:
            reason = first_line(error) or type(error).__name__
            raise WorkError(f"skactiveml's {self.strategy} failed: {reason}") from error
        picked = np.asarray(queried, dtype=np.intp).ravel()
        if len(picked) != size or len(np.unique(picked)) != size or not np.isin(picked, offered).all():
            raise WorkError(f"skactiveml's {self.strategy} did not return {size} distinct candidates")
        return rows[picked]

    def _build(self, n_classes: int, rng: np.random.Generator) -> Any:
        cls = find_strategy(self.strategy)
        accepted = inspect.signature(cls).parameters
        filled = {"random_state": int(rng.integers(2**31 - 1)), "classes": list(range(n_classes))}
        return cls(**{name: value for name, value in filled.items() if name in accepted}, **self.parameters)


@contextmanager
def _global_state(seed: int) -> Iterator[None]:
    """Seed numpy's global random state, and restore it afterwards.

    Some strategies draw from it in spite of their random state, through k-means or a support vector machine.
    """
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


def strategy_names() -> list[str]:
    """Return the names that ``strategy`` accepts, sorted."""
    pool = _package("pool")
    base = _package("base").SingleAnnotatorPoolQueryStrategy
    listed = {name: getattr(pool, name) for name in pool.__all__}
    return sorted(name for name, value in listed.items() if _usable(value, base))


def find_strategy(name: str) -> Any:
    """Return the class of a strategy by its name in the public list of ``skactiveml.pool``."""
    accepted = strategy_names()
    if name not in accepted:
        raise FormatError(
            f"skactiveml has no pool strategy for classification {name!r}; {did_you_mean(name, accepted)}",
            path="strategy",
            value=name,
            accepted=accepted,
        )
    return getattr(_package("pool"), name)


def _usable(value: Any, base: Any) -> bool:
    if not (inspect.isclass(value) and issubclass(value, base) and not inspect.isabstract(value)):
        return False
    query: Any = getattr(value, "query")  # noqa: B009  (classes of the package have no declared type)
    parameters, arguments = inspect.signature(value).parameters, inspect.signature(query).parameters
    required = {
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    }
    return "reg" not in arguments and "query_strategy" not in parameters and required <= FILLED


def _package(name: Literal["pool", "base", "classifier"]) -> Any:
    try:
        return importlib.import_module(f"skactiveml.{name}")
    except ImportError:
        raise MissingExtraError("query_strategy 'skactiveml'", "skactiveml") from None


def _model_arguments(name: str, strategy: Any, pool: Pool, rng: np.random.Generator) -> dict[str, Any]:
    """Return the models that a strategy's ``query`` takes, by argument."""
    arguments = inspect.signature(strategy.query).parameters
    classifiers = _package("classifier")
    common = {"classes": list(range(pool.n_classes)), "random_state": int(rng.integers(2**31 - 1))}
    models: dict[str, Any] = {}
    if name in OWN_CLASSIFIER:
        models["clf"] = getattr(classifiers, OWN_CLASSIFIER[name])(**common)
    else:
        for argument in ("clf", "estimator"):
            if argument in arguments:
                models[argument] = classifiers.SklearnClassifier(CurrentClassifier(CurrentModel(pool)), **common)
    if "ensemble" in arguments:
        # The seed of a member draws its bootstrap sample when the strategy fits it.
        seeds = rng.integers(2**31 - 1, size=COMMITTEE).tolist()
        models["ensemble"] = [
            classifiers.SklearnClassifier(CurrentClassifier(CurrentModel(pool), seed=seed), **common) for seed in seeds
        ]
    if "discriminator" in arguments:
        models["discriminator"] = classifiers.SklearnClassifier(LogisticRegression(max_iter=1000))
    return models
