"""A user's own estimators as models: any scikit-learn classifier or pipeline, by name."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

import numpy as np
from pydantic import create_model
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from altune.core.errors import RequestError, did_you_mean
from altune.core.needs import Need
from altune.core.registry import methods, parse_method, register
from altune.core.types import Features
from altune.models.base import Lesson, Model
from altune.models.declared import declared_field
from altune.models.fitted import Array, Codes, FittedModel

Range = tuple[type, float, float]
Parameters = Mapping[str, Range | Sequence[Any]]


@dataclass(frozen=True)
class EstimatorSpec:
    """What :func:`register_estimator` was given."""

    name: str
    estimator: Any
    parameters: dict[str, Any]
    schedulable: tuple[str, ...]

    def same_as(self, other: EstimatorSpec) -> bool:
        """Return whether both describe one estimator, as far as its parameters show."""
        return (
            type(self.estimator) is type(other.estimator)
            and (self.name, self.schedulable) == (other.name, other.schedulable)
            and repr(self.parameters) == repr(other.parameters)
            and repr(self.estimator.get_params()) == repr(other.estimator.get_params())
        )


class CustomModel(Model):
    """A registered estimator; its class is made by :func:`register_estimator`."""

    spec: ClassVar[EstimatorSpec]

    def __reduce__(self) -> tuple[Any, ...]:
        # the class lives in no module: a worker makes and registers its own from what it was made of
        values = {name: getattr(self, name) for name in self.spec.parameters}
        return (_rebuild, (self.spec, values))

    def build(self, seed: int, n_labelled: int) -> Any:
        """Return a clone of the registered estimator with these parameters, on one thread, every seed set."""
        estimator = clone(self.spec.estimator)
        chosen = {name: getattr(self, name) for name in self.spec.parameters}
        estimator.set_params(**{name: value for name, value in chosen.items() if value is not None})
        fixed: dict[str, Any] = {}
        for name, value in estimator.get_params().items():
            last = name.rpartition("__")[2]
            if last == "random_state":
                fixed[name] = seed
            elif last == "n_jobs" and value is not None:
                fixed[name] = 1
        return estimator.set_params(**fixed)

    def update(
        self,
        previous: FittedModel,
        X: Features,
        y: Codes,
        n_classes: int,
        seed: int,
        sample_weight: Array | None = None,
    ) -> FittedModel:
        """Go on with the given rows by the estimator's ``partial_fit``; ``previous`` stays as it was.

        Where a class appears that the estimator does not know, which scikit-learn refuses, it is trained from
        scratch on all rows that it was ever given.
        """
        if "partial_fit" not in self.able():
            return super().update(previous, X, y, n_classes, seed, sample_weight)
        self._same_classes(previous, n_classes)
        lesson = self._lesson(X, y, n_classes, sample_weight)
        everything = join_lessons(previous.memory, lesson)
        if previous.estimator is None or not np.isin(lesson.seen, previous.codes).all():
            return self.fit(everything.X, everything.y, n_classes, seed, everything.weights)
        estimator = copy.deepcopy(previous.estimator)
        weights = {} if lesson.weights is None else {"sample_weight": lesson.weights}
        with self._training(lesson):
            estimator.partial_fit(lesson.X, np.searchsorted(previous.codes, lesson.y), **weights)
        return self._fitted(estimator, everything)

    def _fit_estimator(self, estimator: Any, lesson: Lesson) -> None:
        argument = weight_argument(estimator)
        weights = {} if lesson.weights is None or argument is None else {argument: lesson.weights}
        estimator.fit(lesson.X, lesson.positions, **weights)

    def _fitted(self, estimator: Any, lesson: Lesson, **changes: Any) -> FittedModel:
        memory = lesson if "partial_fit" in self.able() else None
        return super()._fitted(estimator, lesson, **({"memory": memory} | changes))


def register_estimator(
    name: str, estimator: Any, parameters: Parameters | None = None, *, schedulable: Sequence[str] = ()
) -> type[Model]:
    """Make a scikit-learn classifier or pipeline known as a model.

    A recipe then names it like any other, and a worker process learns of it with the task. What it can do is
    read from the estimator: ``predict_proba``, ``decision_function``, ``partial_fit``, ``random_state``,
    sample weights, sparse features.

    Parameters
    ----------
    name : its name in recipes; registering a name again replaces it, names of built-in models are refused.
    estimator : the estimator with the values of all parameters that stay fixed; it is cloned, never fitted.
    parameters : parameters that recipes may set, each as ``(int, low, high)``, ``(float, low, high)`` or as a
        list of choices; names as ``get_params`` has them, ``svc__C`` in a pipeline. The default is
        the estimator's own value.
    schedulable : those of them that the knob ``training`` may set loop by loop.

    Returns
    -------
    The new model's class; ``parse_method("model", {"method": name, ...})`` makes one too.

    Raises
    ------
    RequestError
        If it is no scikit-learn classifier, or if a parameter does not exist or is not declared as above.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> tree = register_estimator("tree", DecisionTreeClassifier(), {"min_samples_leaf": (int, 1, 50)})
    >>> tree(min_samples_leaf=3).build(seed=0, n_labelled=20)
    DecisionTreeClassifier(min_samples_leaf=3, random_state=0)
    """
    _check_estimator(name, estimator)
    spec = EstimatorSpec(name, clone(estimator), dict(parameters or {}), tuple(schedulable))
    unknown = [given for given in spec.schedulable if given not in spec.parameters]
    if unknown:
        raise RequestError(f"{name}: schedulable {unknown[0]!r} is not declared; add it to parameters")
    return _register(spec)


def as_model(value: object) -> Model:
    """Return the model that a value stands for.

    Parameters
    ----------
    value : a model, its name, a mapping such as ``{"method": "svm_rbf", "C": 10}``, or a scikit-learn
        classifier or pipeline, which is registered under a name made from its class.

    Raises
    ------
    RequestError
        If it is none of these.

    Examples
    --------
    >>> from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    >>> as_model(LinearDiscriminantAnalysis()).method
    'linear_discriminant_analysis'
    """
    if isinstance(value, (Model, str, Mapping)):
        return cast(Model, parse_method("model", value))
    stem = _stem(value)
    _check_estimator(stem, value)
    names = (stem if number == 1 else f"{stem}_{number}" for number in range(1, 10_000))
    for name in names:
        spec = EstimatorSpec(name, clone(value), {}, ())
        known = methods("model").get(name)
        if known is None:
            return _register(spec)(method=name)
        if issubclass(known, CustomModel) and known.spec.same_as(spec):
            return known(method=name)
    raise RequestError(f"{stem}: too many estimators of this class; register them under names of their own")


def detect_abilities(estimator: Any) -> frozenset[Need]:
    """Return what a scikit-learn estimator can do, read from its methods, parameters and tags."""
    found: dict[Need, bool] = {
        "probabilities": hasattr(estimator, "predict_proba"),
        "decision_function": hasattr(estimator, "decision_function"),
        "partial_fit": hasattr(estimator, "partial_fit"),
        "random_start": any(name.rpartition("__")[2] == "random_state" for name in estimator.get_params()),
        "sample_weight": weight_argument(estimator) is not None,
        "sparse": bool(get_tags(estimator).input_tags.sparse),
    }
    found["class_scores"] = found["probabilities"] or found["decision_function"]
    return frozenset(ability for ability, has in found.items() if has)


def weight_argument(estimator: Any) -> str | None:
    """Return the name of the argument of ``fit`` that takes row weights, None where there is none."""
    if isinstance(estimator, Pipeline):
        step, last = estimator.steps[-1]
        return f"{step}__sample_weight" if has_fit_parameter(last, "sample_weight") else None
    return "sample_weight" if has_fit_parameter(estimator, "sample_weight") else None


def join_lessons(earlier: Lesson, later: Lesson) -> Lesson:
    """Return the rows of both."""
    pieces = [earlier.X, later.X]
    X = sparse.vstack(pieces, format="csr") if sparse.issparse(later.X) else np.vstack(pieces)
    weights = None
    if earlier.weights is not None or later.weights is not None:
        each = [np.ones(len(a.y)) if a.weights is None else a.weights for a in (earlier, later)]
        weights = np.concatenate(each)
    seen = np.union1d(earlier.seen, later.seen)
    return Lesson(X, np.concatenate([earlier.y, later.y]), weights, seen, later.n_classes)


def _register(spec: EstimatorSpec) -> type[CustomModel]:
    fields: dict[str, Any] = {"method": (Literal[spec.name], spec.name)}
    own = spec.estimator.get_params()
    for parameter, declared in spec.parameters.items():
        if parameter not in own:
            raise RequestError(f"{spec.name} has no parameter {parameter!r}; {did_you_mean(parameter, own)}")
        if parameter == "method" or hasattr(CustomModel, parameter):
            raise RequestError(f"{spec.name}: the name {parameter!r} is taken; put the estimator into a Pipeline")
        fields[parameter] = declared_field(f"{spec.name}.{parameter}", declared, own[parameter])
    title = "".join(word.title() for word in spec.name.split("_"))
    made = create_model(title, __base__=CustomModel, __module__=__name__, **fields)
    made.__doc__ = f"{type(spec.estimator).__name__}, registered as {spec.name}."
    made.spec = spec
    made.abilities = detect_abilities(spec.estimator)
    made.schedulable = spec.schedulable
    return register(made)


def _rebuild(spec: EstimatorSpec, values: dict[str, Any]) -> CustomModel:
    known = methods("model").get(spec.name)
    if known is None or not issubclass(known, CustomModel) or not known.spec.same_as(spec):
        known = _register(spec)
    return known.model_construct(method=spec.name, **values)


def _check_estimator(name: str, estimator: Any) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise RequestError(f"{name!r} is no name for a model; use small letters, digits and underscores")
    if isinstance(estimator, type):
        raise RequestError(f"{name}: give an instance, {estimator.__name__}(), not the class")
    if not (hasattr(estimator, "__sklearn_tags__") and hasattr(estimator, "fit") and is_classifier(estimator)):
        raise RequestError(f"{name}: {type(estimator).__name__} is not a scikit-learn classifier")


def _stem(value: object) -> str:
    """Return a name for an estimator from its class, for a pipeline from those of its steps."""
    parts = [step for _, step in value.steps] if isinstance(value, Pipeline) else [value]
    words = (re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(part).__name__) for part in parts)
    return "_".join(words).lower().strip("_")
