"""A user's own estimators as models: any scikit-learn classifier or pipeline, by name."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast, get_args

import numpy as np
from pydantic import create_model
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from altune.core.errors import RequestError, did_you_mean
from altune.core.needs import Capabilities, Need
from altune.core.raw_rows import NUMBERS, RawRows, TakenRows, Takes, taken
from altune.core.registry import methods, parse_method, register
from altune.core.types import Features, Learner, TrainingSet
from altune.models.base import Model
from altune.models.columns import column_problems
from altune.models.declared import declared_field
from altune.models.fitted import FittedModel
from altune.models.pipelines import wants

_GIVEN: dict[TakenRows, str] = {
    "numbers": "encoded features without names",
    "frame": "a DataFrame",
    "text": "an array of strings",
}
Range = tuple[type, float, float]
Parameters = Mapping[str, Range | Sequence[Any]]


@dataclass(frozen=True)
class EstimatorSpec:
    """The arguments of :func:`register_estimator`."""

    name: str
    estimator: Any
    parameters: dict[str, Any]
    schedulable: tuple[str, ...]
    takes: Takes = NUMBERS
    transforms: bool = False

    def same_as(self, other: EstimatorSpec) -> bool:
        """Return whether both describe the same estimator, as far as its parameters show."""
        return (
            type(self.estimator) is type(other.estimator)
            and (self.name, self.schedulable) == (other.name, other.schedulable)
            and (self.takes, self.transforms) == (other.takes, other.transforms)
            and repr(self.parameters) == repr(other.parameters)
            and repr(self.estimator.get_params()) == repr(other.estimator.get_params())
        )


class CustomModel(Model):
    """A registered estimator; its class is made by :func:`register_estimator`."""

    spec: ClassVar[EstimatorSpec]

    def __reduce__(self) -> tuple[Any, ...]:
        # the class is in no module, so pickle cannot find it by name: a worker makes and registers its own
        values = {name: getattr(self, name) for name in self.spec.parameters}
        return (_rebuild, (self.spec, values))

    def build(self, seed: int, n_labelled: int) -> Any:
        """Return a clone of the registered estimator with these parameters, on one thread and with every seed set."""
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

    def update(self, previous: FittedModel, training: TrainingSet, seed: int) -> FittedModel:
        """Continue on the given rows by the estimator's ``partial_fit``; ``previous`` is not changed.

        scikit-learn refuses a class that the estimator does not know. Where one appears, the estimator is trained
        from scratch on all rows so far.
        """
        if "partial_fit" not in self.able():
            return super().update(previous, training, seed)
        self._require_same_classes(previous, training)
        training = self._usable(training)
        everything = joined(previous.memory, training)
        if previous.estimator is None or not np.isin(training.seen, previous.codes).all():
            return self.fit(everything, seed)
        estimator = copy.deepcopy(previous.estimator)
        weights = {} if training.weights is None else {"sample_weight": training.weights}
        with self._explained(training):
            estimator.partial_fit(taken(training.X, self.takes), np.searchsorted(previous.codes, training.y), **weights)
        return self._fitted(estimator, everything)

    def _fit_estimator(self, estimator: Any, training: TrainingSet) -> None:
        argument = weight_argument(estimator)
        weights = {} if training.weights is None or argument is None else {argument: training.weights}
        estimator.fit(taken(training.X, self.takes), training.positions, **weights)

    def _fitted(self, estimator: Any, training: TrainingSet, **changes: Any) -> FittedModel:
        memory = training if "partial_fit" in self.able() else None
        own = {"memory": memory, "transforms": self.spec.transforms}
        return super()._fitted(estimator, training, **(own | changes))

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Return why the estimator cannot be trained on the columns of the data set; usually nothing."""
        return column_problems(self, self.spec.estimator, capabilities)


def register_estimator(
    name: str,
    estimator: Any,
    parameters: Parameters | None = None,
    *,
    schedulable: Sequence[str] = (),
    takes: TakenRows = "numbers",
    column: str | None = None,
    embedding: Literal["encoded", "pipeline"] = "encoded",
) -> type[Model]:
    """Register a scikit-learn classifier or pipeline as a model.

    A recipe then names it like any other model, and worker processes receive it with the task. Its abilities are
    read from the estimator: ``predict_proba``, ``decision_function``, ``partial_fit``, ``random_state``,
    sample weights, sparse features.

    Parameters
    ----------
    name : name of the model in recipes. Registering a name again replaces the model; names of built-in models are
        refused.
    estimator : estimator with the values of all parameters that stay fixed; it is cloned, never fitted.
    parameters : parameters that recipes may set, each as ``(int, low, high)``, ``(float, low, high)`` or as a
        list of choices; names as ``get_params`` has them, ``svc__C`` in a pipeline. The default is
        the estimator's own value.
    schedulable : parameters among them that the knob ``training`` may set loop by loop.
    takes : what the estimator is given. ``numbers`` are the encoded features; ``frame`` is a pandas DataFrame of the
        original columns, with names, types, categories and missing values as they are in the table; ``text`` is a 1-D
        array of the strings of one column, in which a missing value is empty.
    column : the column of ``text``; by default the only column of text.
    embedding : what strategies that use the inputs of the model's last layer measure distances in: the ``encoded``
        features, or the output of the last transformer of a ``pipeline``.

    Returns
    -------
    The class of the new model; ``parse_method("model", {"method": name, ...})`` makes an instance too.

    Raises
    ------
    RequestError
        If it is not a scikit-learn classifier, if a parameter does not exist or is not declared as above, or if the
        estimator chooses columns by name, or vectorizes text, and ``takes`` does not give it that.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> tree = register_estimator("tree", DecisionTreeClassifier(), {"min_samples_leaf": (int, 1, 50)})
    >>> tree(min_samples_leaf=3).build(seed=0, n_labelled=20)
    DecisionTreeClassifier(min_samples_leaf=3, random_state=0)
    """
    given = _read_takes(name, takes, column)
    _check_estimator(name, estimator, given)
    if embedding not in ("encoded", "pipeline"):
        raise RequestError(f"{name}: embedding must be 'encoded' or 'pipeline', not {embedding!r}")
    if embedding == "pipeline" and not (isinstance(estimator, Pipeline) and len(estimator.steps) > 1):
        raise RequestError(f"{name}: embedding='pipeline' needs a Pipeline with a transformer before the classifier")
    transforms = embedding == "pipeline"
    spec = EstimatorSpec(name, clone(estimator), dict(parameters or {}), tuple(schedulable), given, transforms)
    unknown = [parameter for parameter in spec.schedulable if parameter not in spec.parameters]
    if unknown:
        raise RequestError(f"{name}: schedulable {unknown[0]!r} is not declared; add it to parameters")
    return _register(spec)


def as_model(value: object) -> Model:
    """Return a value as a model.

    Parameters
    ----------
    value : a model, its name, a mapping such as ``{"method": "svm_rbf", "C": 10}``, or a scikit-learn
        classifier or pipeline, which is registered under a name made from its class.

    Examples
    --------
    >>> from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    >>> as_model(LinearDiscriminantAnalysis()).method
    'linear_discriminant_analysis'
    """
    if isinstance(value, (Model, str, Mapping)):
        return cast(Model, parse_method("model", value))
    stem = _name_of(value)
    _check_estimator(stem, value, NUMBERS)
    for name in (stem if number == 1 else f"{stem}_{number}" for number in range(1, 10_000)):
        spec = EstimatorSpec(name, clone(value), {}, ())
        known = methods("model").get(name)
        if known is None:
            return _register(spec)(method=name)
        if issubclass(known, CustomModel) and known.spec.same_as(spec):
            return known(method=name)
    raise RequestError(f"{stem}: too many estimators of this class; register each under its own name")


def detect_abilities(estimator: Any) -> frozenset[Need]:
    """Return what a scikit-learn estimator can do, read from its methods, parameters and tags."""
    abilities: dict[Need, bool] = {
        "probabilities": hasattr(estimator, "predict_proba"),
        "decision_function": hasattr(estimator, "decision_function"),
        "partial_fit": hasattr(estimator, "partial_fit"),
        "random_start": any(name.rpartition("__")[2] == "random_state" for name in estimator.get_params()),
        "sample_weight": weight_argument(estimator) is not None,
        "sparse": bool(get_tags(estimator).input_tags.sparse),
    }
    abilities["class_scores"] = abilities["probabilities"] or abilities["decision_function"]
    return frozenset(ability for ability, present in abilities.items() if present)


def weight_argument(estimator: Any) -> str | None:
    """Return the name of the argument of ``fit`` that takes row weights, None where there is none."""
    if isinstance(estimator, Pipeline):
        step, last = estimator.steps[-1]
        return f"{step}__sample_weight" if has_fit_parameter(last, "sample_weight") else None
    return "sample_weight" if has_fit_parameter(estimator, "sample_weight") else None


def joined(earlier: TrainingSet, later: TrainingSet) -> TrainingSet:
    """Return the rows of two training sets; where only one has weights, the rows of the other weigh 1."""
    both = (earlier, later)
    features = [training.X for training in both]
    X: Features
    if isinstance(later.X, RawRows):
        X = earlier.X.joined(later.X)
    else:
        X = sparse.vstack(features, format="csr") if sparse.issparse(later.X) else np.vstack(features)
    weights = None
    if earlier.weights is not None or later.weights is not None:
        weights = np.concatenate(
            [np.ones(len(training)) if training.weights is None else training.weights for training in both]
        )
    return TrainingSet(X, np.concatenate([earlier.y, later.y]), later.n_classes, weights)


def _register(spec: EstimatorSpec) -> type[CustomModel]:
    fields: dict[str, Any] = {"method": (Literal[spec.name], spec.name)}
    values = spec.estimator.get_params()
    for parameter, declared in spec.parameters.items():
        if parameter not in values:
            raise RequestError(f"{spec.name} has no parameter {parameter!r}; {did_you_mean(parameter, values)}")
        if parameter == "method" or hasattr(CustomModel, parameter):
            raise RequestError(f"{spec.name}: the name {parameter!r} is taken; put the estimator into a Pipeline")
        fields[parameter] = declared_field(f"{spec.name}.{parameter}", declared, values[parameter])
    title = "".join(word.title() for word in spec.name.split("_"))
    cls = create_model(title, __base__=CustomModel, __module__=__name__, **fields)
    cls.__doc__ = f"{type(spec.estimator).__name__}, registered as {spec.name}."
    cls.spec = spec
    cls.abilities = detect_abilities(spec.estimator)
    cls.schedulable = spec.schedulable
    cls.takes = spec.takes
    return register(cls)


def _rebuild(spec: EstimatorSpec, values: dict[str, Any]) -> CustomModel:
    known = methods("model").get(spec.name)
    if known is None or not issubclass(known, CustomModel) or not known.spec.same_as(spec):
        known = _register(spec)
    return known.model_construct(method=spec.name, **values)


def _read_takes(name: str, takes: TakenRows, column: str | None) -> Takes:
    if takes not in get_args(TakenRows):
        raise RequestError(f"{name}: takes {takes!r} is unknown; {did_you_mean(takes, get_args(TakenRows))}")
    if column is not None and takes != "text":
        raise RequestError(f"{name}: column={column!r} needs takes='text'; takes={takes!r} gives all columns")
    return Takes(takes, column)


def _check_estimator(name: str, estimator: Any, takes: Takes) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise RequestError(f"{name!r} is not a name for a model; use lower-case letters, digits and underscores")
    if isinstance(estimator, type):
        raise RequestError(f"{name}: give an instance, {estimator.__name__}(), not the class")
    if not (hasattr(estimator, "__sklearn_tags__") and hasattr(estimator, "fit") and is_classifier(estimator)):
        raise RequestError(f"{name}: {type(estimator).__name__} is not a scikit-learn classifier")
    reason, wanted = wants(estimator)
    if wanted and wanted != takes.rows:
        raise RequestError(
            f"{name}: {reason}, but takes={takes.rows!r} gives it {_GIVEN[takes.rows]}; register it with "
            f"altune.register_estimator({name!r}, ..., takes={wanted!r})"
        )


def _name_of(estimator: object) -> str:
    """Return a name for an estimator from its class, for a pipeline from the classes of its steps."""
    steps = [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else [estimator]
    words = (re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(step).__name__) for step in steps)
    return "_".join(words).lower().strip("_")
