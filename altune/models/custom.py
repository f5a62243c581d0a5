"""A user's own estimators as models: any scikit-learn classifier or pipeline, by name."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, cast

import numpy as np
from pydantic import PrivateAttr, create_model
from scipy import sparse
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

from altune.core.arguments import plain_arguments
from altune.core.errors import EstimatorError, RequestError, did_you_mean
from altune.core.identity import Identity, forget
from altune.core.needs import Capabilities, Need
from altune.core.raw_rows import NUMBERS, RawRows, TakenRows, taken
from altune.core.registry import methods, parse_method, register
from altune.core.types import Features, Learner, TrainingSet
from altune.models.abilities import Abilities, asked_abilities, found_abilities, weight_argument, without_classes
from altune.models.base import Model
from altune.models.class_parameters import Classes, class_parameters, copy_of, refuse_unknown, seen_parameters
from altune.models.columns import column_problems
from altune.models.declared import declared_field
from altune.models.fitted import FittedModel
from altune.models.given_estimator import (
    Embedding,
    EstimatorSpec,
    Parameters,
    check_estimator,
    name_of,
    names,
    read_takes,
    seeded,
)
from altune.models.outputs import estimator_output


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
        """Return why the data have too many classes, others than those that parameters name, or unfit columns."""
        if capabilities.n_classes > 2 and self._found().binary:
            most = f"can be trained on two classes only; the data have {capabilities.n_classes}"
            return [f"model: {self.method!r} {most}"]
        return self._class_problems(capabilities) or column_problems(
            self.for_classes(capabilities.classes), self.spec.estimator, capabilities
        )

    def _class_problems(self, capabilities: Capabilities) -> list[str]:
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
            estimator = self.build(seed=0, n_labelled=0)
            # made-up rows have none of the columns that it takes
            found = asked_abilities(estimator) if self.takes.raw else found_abilities(without_classes(estimator))
            self.found[chosen] = found
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
                positions = np.searchsorted(previous.codes, training.y)
                estimator.partial_fit(self._own(training.X), positions, **weights)
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
        # some estimators write into what they get; others fail in predict on the first few labels
        own_weights = {name: values.copy() for name, values in weights.items()}
        estimator.fit(self._own(training.X), training.positions.copy(), **own_weights)
        first = taken(training.X[:2], self.takes)
        for method in ("predict", *self._outputs()):
            estimator_output(estimator, method, first, len(training.seen), self._found().pairs)

    def _own(self, X: Features) -> Any:
        """Return rows as the estimator takes them, of its own to write into."""
        rows = taken(X, self.takes)
        return rows if self.takes.raw else rows.copy()

    def _fitted(self, estimator: Any, training: TrainingSet, **changes: Any) -> FittedModel:
        memory = training if "partial_fit" in self.able() else None
        own = {"memory": memory, "pairs": self._found().pairs, "transforms": self.spec.transforms}
        return super()._fitted(estimator, training, **(own | changes))


@plain_arguments()
def register_estimator(
    name: str,
    estimator: Any,
    parameters: Parameters | None = None,
    *,
    schedulable: Sequence[str] = (),
    takes: TakenRows = "numbers",
    column: str | None = None,
    embedding: Embedding = "encoded",
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
    given = read_takes(name, takes, column)
    check_estimator(name, estimator, given)
    if embedding not in ("encoded", "pipeline"):
        raise RequestError(f"{name}: embedding must be 'encoded' or 'pipeline', not {embedding!r}")
    transforms = embedding == "pipeline"
    if transforms and not (isinstance(estimator, Pipeline) and len(estimator.steps) > 1):
        raise RequestError(f"{name}: embedding='pipeline' needs a Pipeline with a transformer before the classifier")
    spec = EstimatorSpec(name, copy_of(estimator), dict(parameters or {}), tuple(schedulable), given, transforms)
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
    stem = name_of(value)
    check_estimator(stem, value, NUMBERS)
    forget()
    for name in names(stem, value):
        spec = EstimatorSpec(name, copy_of(value), {}, ())
        known = methods("model").get(name)
        if known is None:
            return _register(spec)(method=name)
        if issubclass(known, CustomModel) and known.spec.text() == spec.text():
            return known(method=name)
    raise RequestError(f"{stem}: its names are taken; register it under a name of its own")


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
    cls.abilities = asked_abilities(spec.estimator).needs
    cls.found = {}
    cls.schedulable = spec.schedulable
    changing = [name for name, value in spec.declared_values() if hasattr(value, "get_params")]
    cls.names_classes = bool(changing or class_parameters(values, tuple(spec.parameters)))
    cls.takes = spec.takes
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
