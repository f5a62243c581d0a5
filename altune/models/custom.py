"""A user's own estimators as models: any scikit-learn classifier or pipeline, by name."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, cast

import numpy as np
from pydantic import PrivateAttr, create_model
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from altune.core.arguments import plain_arguments
from altune.core.errors import EstimatorError, RequestError, did_you_mean
from altune.core.identity import Identity, forget, identify, remembered
from altune.core.needs import Capabilities, Need
from altune.core.registry import methods, parse_method, register
from altune.core.types import Learner, TrainingSet
from altune.models.abilities import Abilities, asked_abilities, found_abilities, weight_argument, without_classes
from altune.models.base import Model
from altune.models.class_parameters import Classes, class_parameters, copy_of, refuse_unknown, seen_parameters
from altune.models.declared import declared_field
from altune.models.fitted import FittedModel
from altune.models.outputs import estimator_output

Range = tuple[type, float, float]
Parameters = Mapping[str, Range | Sequence[Any]]


@dataclass(frozen=True)
class EstimatorSpec:
    """The arguments of :func:`register_estimator`."""

    name: str
    estimator: Any
    parameters: dict[str, Any]
    schedulable: tuple[str, ...]

    def identity(self) -> Identity:
        """Return what the estimator is made of, as far as it decides what is played."""
        return identify(seeded(copy_of(self.estimator), 0), f"model {self.name!r}")

    def text(self) -> str:
        """Return a text that is the same for equal arguments."""
        declared = remembered(self, lambda: identify((self.parameters, self.schedulable), f"model {self.name!r}"))
        return f"{remembered(self.estimator, self.identity).text} {declared.digest}"

    def declared_values(self) -> Iterator[tuple[str, Any]]:
        """Yield each declared parameter with each of its choices, or with both ends of its range."""
        for name, declared in self.parameters.items():
            yield from ((name, value) for value in (declared if isinstance(declared, list) else declared[1:]))


class CustomModel(Model):
    """A registered estimator; its class is made by :func:`register_estimator`."""

    spec: ClassVar[EstimatorSpec]
    received: ClassVar[str] = ""
    """In a worker process, the text of the spec where it was registered."""
    names_classes: ClassVar[bool] = False
    """Whether a parameter of the estimator may name classes."""

    _classes: tuple[object, ...] = PrivateAttr(())
    found: ClassVar[dict[str, Abilities]]
    """Abilities, by the values of the parameters that are chosen from a list."""

    def __hash__(self) -> int:
        return hash((self.method, repr(self.to_dict())))  # a choice may be a mapping or a list

    def __reduce__(self) -> tuple[Any, ...]:
        # the class is in no module, so pickle cannot find it by name: a worker makes and registers its own
        values = {name: getattr(self, name) for name in self.spec.parameters}
        return (_rebuild, (self.spec, self.received or self.spec.text(), values, self._classes, self.found))

    @classmethod
    def code_identity(cls) -> Identity | None:
        """Return what the registered estimator is made of."""
        return cls.spec.identity()

    def able(self) -> frozenset[Need]:
        """Return what the estimator can do, found by training it on a few rows when it is first asked."""
        return self._found().needs

    def for_classes(self, classes: Sequence[object]) -> Self:
        """Return the model for data of these classes: a copy if parameters such as ``class_weight`` may name them."""
        if not self.names_classes or tuple(classes) == self._classes:
            return self
        bound = self.model_copy()
        bound._classes = tuple(classes)
        return bound

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Return why the data have too many classes, or others than those that parameters name."""
        if capabilities.n_classes > 2 and self._found().binary:
            most = f"can be trained on two classes only; the data have {capabilities.n_classes}"
            return [f"model: {self.method!r} {most}"]
        if not capabilities.classes:
            return []
        every = Classes(capabilities.classes, np.arange(len(capabilities.classes)), capabilities.positive)
        estimator = self._configured()
        parameters = estimator.get_params()
        try:
            seen_parameters(parameters, class_parameters(parameters), estimator, every)
            refuse_unknown(parameters, estimator, every)
            for name, value in self.spec.declared_values():
                seen_parameters({**parameters, name: value}, class_parameters({name: value}), estimator, every)
        except RequestError as error:
            return [f"model: {self.method!r}: {error}"]
        return []

    def _found(self) -> Abilities:
        declared = self.spec.parameters
        chosen = repr([getattr(self, name) for name in declared if not isinstance(declared[name], tuple)])
        if chosen not in self.found:
            self.found[chosen] = found_abilities(without_classes(self.build(seed=0, n_labelled=0)))
        return self.found[chosen]

    def _configured(self) -> Any:
        """Return a clone of the registered estimator with these parameters."""
        estimator = copy_of(self.spec.estimator)
        chosen = {name: getattr(self, name) for name in self.spec.parameters}
        return estimator.set_params(**{name: value for name, value in chosen.items() if value is not None})

    def build(self, seed: int, n_labelled: int) -> Any:
        """Return a clone of the registered estimator with these parameters, on one thread and with every seed set."""
        return seeded(self._configured(), seed)

    def fit(self, training: TrainingSet, seed: int) -> FittedModel:
        """Train from scratch; the parameters and errors are those of :meth:`Model.fit`."""
        estimator = self.spec.estimator
        if isinstance(estimator, DummyClassifier) and estimator.strategy == "constant":
            code = Classes(self._classes or tuple(range(training.n_classes)), training.seen).code(estimator.constant)
            if code not in training.seen:  # scikit-learn refuses a constant that is not among the labels
                return self._fitted(None, training, seen=np.array([code]), codes=np.array([code]))
        return super().fit(training, seed)

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
        try:
            with self._explained(training):
                estimator.partial_fit(training.X.copy(), np.searchsorted(previous.codes, training.y), **weights)
        except EstimatorError:
            return self.fit(everything, seed)
        return self._fitted(estimator, everything)

    def _fit_estimator(self, estimator: Any, training: TrainingSet) -> None:
        if self.names_classes:
            classes = Classes(self._classes or tuple(range(training.n_classes)), training.seen)
            parameters = estimator.get_params()
            changed = seen_parameters(parameters, class_parameters(parameters), estimator, classes)
            estimator.set_params(**changed)
        argument = weight_argument(estimator)
        weights = {} if training.weights is None or argument is None else {argument: training.weights}
        # some estimators write into the features that they get; others fail in predict on the first few labels
        estimator.fit(training.X.copy(), training.positions, **weights)
        for method in ("predict", *self._outputs()):
            estimator_output(estimator, method, training.X[:2], len(training.seen), self._found().pairs)

    def _fitted(self, estimator: Any, training: TrainingSet, **changes: Any) -> FittedModel:
        memory = training if "partial_fit" in self.able() else None
        return super()._fitted(estimator, training, **({"memory": memory, "pairs": self._found().pairs} | changes))


@plain_arguments()
def register_estimator(
    name: str, estimator: Any, parameters: Parameters | None = None, *, schedulable: Sequence[str] = ()
) -> type[Model]:
    """Register a scikit-learn classifier or pipeline as a model.

    A recipe then names it like any other model, and worker processes receive it with the task. Its abilities
    (``predict_proba``, ``decision_function``, ``partial_fit``, sample weights, sparse features) are found by training
    it on some 70 made-up rows when they are first asked for; where it cannot be trained on them, they are read from its
    methods, signature and tags.

    Parameters
    ----------
    name : name of the model in recipes. Registering a name again replaces the model; names of built-in models are
        refused.
    estimator : estimator with the values of all parameters that stay fixed; it is cloned, never fitted.
    parameters : parameters that recipes may set, each as ``(int, low, high)``, ``(float, low, high)`` or as a
        list of choices; names as ``get_params`` has them, ``svc__C`` in a pipeline. The default is
        the estimator's own value.
    schedulable : parameters among them that the knob ``training`` may set loop by loop.

    Returns
    -------
    The class of the new model; ``parse_method("model", {"method": name, ...})`` makes an instance too.

    Raises
    ------
    RequestError
        If it is not a scikit-learn classifier, or if a parameter does not exist or is not declared as above.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> tree = register_estimator("tree", DecisionTreeClassifier(), {"min_samples_leaf": (int, 1, 50)})
    >>> tree(min_samples_leaf=3).build(seed=0, n_labelled=20)
    DecisionTreeClassifier(min_samples_leaf=3, random_state=0)
    """
    _check_estimator(name, estimator)
    spec = EstimatorSpec(name, copy_of(estimator), dict(parameters or {}), tuple(schedulable))
    unknown = [parameter for parameter in spec.schedulable if parameter not in spec.parameters]
    if unknown:
        raise RequestError(f"{name}: schedulable {unknown[0]!r} is not declared; add it to parameters")
    return _register(spec)


def as_model(value: object) -> Model:
    """Return a value as a model.

    Parameters
    ----------
    value : a model, its name, a mapping such as ``{"method": "svm_rbf", "C": 10}``, or a scikit-learn
        classifier or pipeline, which is registered under a name made from its class, and from a hash of its
        parameters and code unless it is an estimator of a library as it is without arguments. The name is therefore
        the same in each process.

    Examples
    --------
    >>> from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    >>> as_model(LinearDiscriminantAnalysis()).method
    'linear_discriminant_analysis'
    >>> as_model(LinearDiscriminantAnalysis(solver="lsqr")).method
    'linear_discriminant_analysis_2687b6'
    """
    if isinstance(value, (Model, str, Mapping)):
        return cast(Model, parse_method("model", value))
    stem = _name_of(value)
    _check_estimator(stem, value)
    forget()
    for name in _names(stem, value):
        spec = EstimatorSpec(name, copy_of(value), {}, ())
        known = methods("model").get(name)
        if known is None:
            return _register(spec)(method=name)
        if issubclass(known, CustomModel) and known.spec.text() == spec.text():
            return known(method=name)
    raise RequestError(f"{stem}: its names are taken; register it under a name of its own")


def seeded(estimator: Any, seed: int) -> Any:
    """Return an estimator after setting every seed in it, and one process for what may use several."""
    fixed: dict[str, Any] = {}
    parameters = estimator.get_params()
    for name, value in parameters.items():
        owner, _, last = name.rpartition("__")
        if last == "random_state":
            fixed[name] = seed
        # to scikit-learn None is one thread, to others it is all of them
        elif last == "n_jobs" and (value is not None or not is_of_sklearn(parameters.get(owner, estimator))):
            fixed[name] = 1
    return estimator.set_params(**fixed)


def is_of_sklearn(estimator: Any) -> bool:
    """Return whether the class of an estimator is one of scikit-learn's."""
    return type(estimator).__module__.startswith("sklearn.")


def joined(earlier: TrainingSet, later: TrainingSet) -> TrainingSet:
    """Return the rows of two training sets; where only one has weights, the rows of the other weigh 1."""
    both = (earlier, later)
    features = [training.X for training in both]
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
    cls.abilities = asked_abilities(spec.estimator).needs
    cls.found = {}
    cls.schedulable = spec.schedulable
    changing = [name for name, value in spec.declared_values() if hasattr(value, "get_params")]
    cls.names_classes = bool(changing or class_parameters(values, tuple(spec.parameters)))
    return register(cls)


def _rebuild(
    spec: EstimatorSpec,
    text: str,
    values: dict[str, Any],
    classes: tuple[object, ...],
    found: dict[str, Abilities],
) -> CustomModel:
    known = methods("model").get(spec.name)
    if known is None or not issubclass(known, CustomModel) or (known.received or known.spec.text()) != text:
        known = _register(spec)
        known.received = text
    known.found.update(found)
    return known.model_construct(method=spec.name, **values).for_classes(classes)


def _check_estimator(name: str, estimator: Any) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise RequestError(f"{name!r} is not a name for a model; use lower-case letters, digits and underscores")
    if isinstance(estimator, type):
        raise RequestError(f"{name}: give an instance, {estimator.__name__}(), not the class")
    if not (hasattr(estimator, "__sklearn_tags__") and hasattr(estimator, "fit") and is_classifier(estimator)):
        raise RequestError(f"{name}: {type(estimator).__name__} is not a scikit-learn classifier")


def _names(stem: str, estimator: Any) -> Iterator[str]:
    """Yield names for an estimator, the best first; they depend on nothing but the estimator."""
    identity = identify(seeded(copy_of(estimator), 0), f"model {stem!r}")
    if not identity.own and identity.digest == _as_it_is(estimator):
        yield stem
    for digits in (6, 12, 32):
        yield f"{stem}_{identity.digest[:digits]}"


def _as_it_is(estimator: Any) -> str | None:
    """Return the hash of an estimator, or pipeline, of the same classes without arguments, None if there is none."""
    try:
        if isinstance(estimator, Pipeline):
            usual = make_pipeline(*(type(step)() for _, step in estimator.steps))
        else:
            usual = type(estimator)()
        return identify(seeded(usual, 0), "").digest
    except (TypeError, ValueError):  # an argument is required
        return None


def _name_of(estimator: object) -> str:
    """Return a name for an estimator from its class, for a pipeline from the classes of its steps."""
    steps = [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else [estimator]
    words = (re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(step).__name__) for step in steps)
    return "_".join(words).lower().strip("_")
