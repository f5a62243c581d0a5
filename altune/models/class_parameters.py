"""Parameters of a user's estimator that name the classes, in the form that the estimator needs at a fit.

The estimator is trained on positions: 0 for the first of the classes among the labels, 1 for the next one. Only some of
the data's classes may be among them. What its parameters say about classes is meant for the names in the data, so it
is rewritten for each fit: names become positions, what belongs to other classes is left out, and what are probabilities
sum to 1 again. What cannot be rewritten is refused before anything is played.
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier

from altune.core.errors import RequestError, did_you_mean
from altune.core.types import Codes

_ONE_AGAINST_OTHERS = (OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier)
"""Estimators whose inner ones see two groups of classes, and no class by its name or position."""
_KNOWN_LIBRARIES = ("sklearn", "xgboost", "lightgbm", "catboost", "imblearn")
"""Libraries whose parameters about classes are all known here, so that other text in them names no class."""


@dataclass(frozen=True)
class Classes:
    """The classes of the data, and those among them that a fit has seen.

    Parameters
    ----------
    names : names of the classes, in the order of their codes.
    seen : sorted codes of the classes among the labels.
    positive : name of the positive class if the scenario chooses one, else None.
    """

    names: tuple[object, ...]
    seen: Codes
    positive: str | None = None

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {str(name): code for code, name in enumerate(self.names)}

    @cached_property
    def positions(self) -> dict[int, int]:
        """Position of each class that was seen, by its code."""
        return {code: position for position, code in enumerate(self.seen.tolist())}

    @property
    def complete(self) -> bool:
        """Whether every class was seen."""
        return len(self.seen) == len(self.names)

    def find(self, name: object) -> int | None:
        """Return the code of a class, None if there is none of this name; ``1``, ``1.0`` and ``"1"`` are one name."""
        if isinstance(name, float | np.floating) and float(name).is_integer():
            name = int(name)
        return self._codes.get(str(name))

    def code(self, name: object) -> int:
        """Return the code of a class.

        Raises
        ------
        RequestError
            If the data have no class of this name.
        """
        code = self.find(name)
        if code is None:
            raise RequestError(f"the data have no class {_plain(name)!r}; {did_you_mean(name, self._codes)}")
        return code


Rule = Callable[[Any, Classes], Any]
"""A function that returns a parameter as an estimator needs it that has seen some of the classes."""


def _weights(value: Any, classes: Classes) -> Any:
    """Weights by class: a class that is not named has 1, as everywhere."""
    if not isinstance(value, Mapping):
        return _listed(value, classes)
    return {**dict.fromkeys(range(len(classes.seen)), 1), **_mapped(value, classes)}


def _numbers(value: Any, classes: Classes) -> Any:
    return _mapped(value, classes) if isinstance(value, Mapping) else _listed(value, classes)


def _priors(value: Any, classes: Classes) -> Any:
    """Probabilities by class: those of the classes that were seen sum to 1."""
    if isinstance(value, Mapping):
        codes = {classes.code(name): float(prior) for name, prior in value.items()}
        if len(codes) < len(classes.names):
            raise RequestError(f"it has {len(codes)} classes and the data have {len(classes.names)}; name each of them")
        value = [codes[code] for code in range(len(codes))]
    elif not _is_listed(value):
        return value
    numbers = np.asarray(_listed(value, classes), dtype=np.float64)
    if not (np.isfinite(numbers).all() and (numbers > 0).all()):
        raise RequestError("a prior must be above 0 for each class")
    return numbers if classes.complete else numbers / numbers.sum()


def _matrix(value: Any, classes: Classes) -> Any:
    """Costs of a class taken for another, ``(n_classes, n_classes)``."""
    if not _is_listed(value):
        return value
    numbers, size = np.asarray(value), len(classes.names)
    if numbers.shape != (size, size):
        raise RequestError(f"it has the shape {numbers.shape}, and {size} classes need ({size}, {size})")
    return value if classes.complete else numbers[np.ix_(classes.seen, classes.seen)]


def _one(value: Any, classes: Classes) -> Any:
    """The name of one class."""
    code = classes.code(value)
    if code not in classes.positions:
        raise RequestError(f"the class {_plain(value)!r} is not among the labels yet")
    return classes.positions[code]


def _outlier(value: Any, classes: Classes) -> Any:
    """The class of rows without neighbours: the most frequent one while the class is not among the labels."""
    if value in ("most_frequent", "manual") and classes.find(value) is None:
        return value
    code = classes.code(value)
    return classes.positions.get(code, "most_frequent")


def _all(value: Any, classes: Classes) -> Any:
    """The names of all classes in their order."""
    if not _is_listed(value):
        return value
    if [classes.code(name) for name in value] != list(range(len(classes.names))):
        raise RequestError(f"it must list the classes of the data in their order, {_listing(classes)}")
    return list(range(len(classes.seen)))


def _count(value: Any, classes: Classes) -> Any:
    """The number of classes."""
    if value != len(classes.names):
        raise RequestError(f"it is {value}, and the data have {len(classes.names)} classes; leave it out")
    return len(classes.seen)


def _sampling(value: Any, classes: Classes) -> Any:
    """Numbers of rows by class, or classes to be sampled."""
    if isinstance(value, Mapping):
        return _mapped(value, classes)
    if not _is_listed(value):
        return value
    codes = [classes.code(name) for name in value]
    return [classes.positions[code] for code in codes if code in classes.positions]


def _of_second(value: Any, classes: Classes) -> Any:
    """The weight of the second of two classes."""
    if value == 1:
        return value
    names = [str(name) for name in classes.names]
    if len(names) > 2:
        raise RequestError(f"it weights one of two classes, and the data have {len(names)}; give weights by class")
    if classes.positive not in (None, names[1]):
        raise RequestError(
            f"it weights {names[1]!r}, the second class, and the positive class is {classes.positive!r}; "
            "give weights by class"
        )
    return value


def _scoring(value: Any, classes: Classes) -> Any:
    """A scorer inside of an estimator sees positions, which its arguments cannot follow."""
    for name in ("pos_label", "labels"):
        if getattr(value, "_kwargs", {}).get(name) is not None:
            raise RequestError(f"its {name} names classes, which the scorer sees as numbers; give one without {name}")
    return value


def _grid(value: Any, classes: Classes) -> Any:
    """Values that an inner search tries, by parameter."""
    if isinstance(value, Mapping):
        return {name: _tried(name, values, classes) for name, values in value.items()}
    return [_grid(part, classes) for part in value] if _is_listed(value) else value


def _tried(name: str, values: Any, classes: Classes) -> Any:
    if not isinstance(values, list | tuple | np.ndarray):
        return values
    rule = _RULES.get(_last(name), _unchanged)
    changed = []
    for value in values:
        if hasattr(value, "get_params") and not isinstance(value, type):
            changed.append(with_classes(value, classes))
        else:
            changed.append(value if _says_nothing(value) else rule(value, classes))
    return changed


def _unchanged(value: Any, classes: Classes) -> Any:
    return value


_RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("class_weight", "class_weights"), _weights),
    **dict.fromkeys(("thresholds", "class_thresholds"), _numbers),
    **dict.fromkeys(("priors", "prior", "class_prior", "class_priors"), _priors),
    **dict.fromkeys(("constant", "pos_label", "positive_label"), _one),
    **dict.fromkeys(("classes", "class_names"), _all),
    **dict.fromkeys(("n_classes", "num_class", "num_classes", "classes_count"), _count),
    **dict.fromkeys(("param_grid", "param_distributions"), _grid),
    "cost_matrix": _matrix,
    "outlier_label": _outlier,
    "sampling_strategy": _sampling,
    "scale_pos_weight": _of_second,
    "scoring": _scoring,
}
"""How each parameter that is known to name classes is rewritten, by the last part of its name."""

CLASS_PARAMETERS = tuple(sorted(_RULES))
"""Names of the parameters that are known to name classes."""


def class_parameters(parameters: Mapping[str, Any], declared: Sequence[str] = ()) -> tuple[str, ...]:
    """Return which parameters of an estimator may name classes, by their full names.

    Parameters
    ----------
    parameters : what ``get_params`` returns.
    declared : names of parameters that are set later, whatever they are now.
    """
    return tuple(
        name
        for name, value in parameters.items()
        if _last(name) in _RULES
        and (name in declared or not _says_nothing(value))
        and not _transforms(_owner(name, parameters))
    )


def seen_parameters(parameters: Mapping[str, Any], names: Sequence[str], root: Any, classes: Classes) -> dict[str, Any]:
    """Return the parameters that an estimator needs in another form to be trained on some classes.

    Parameters
    ----------
    parameters : what ``get_params`` of the estimator returns.
    names : those of :func:`class_parameters`.
    root : the estimator.
    classes : the classes of the data and those that the fit has seen.

    Raises
    ------
    RequestError
        If a parameter does not fit the classes of the data, or cannot be rewritten.
    """
    changed: dict[str, Any] = {}
    for name in names:
        value = parameters[name]
        if _says_nothing(value):
            continue
        owner = _owner(name, parameters) or root
        try:
            _refuse_groups(name, value, parameters, root)
            new = _RULES[_last(name)](value, classes)
        except (RequestError, TypeError, ValueError) as error:
            raise RequestError(f"{name} of {type(owner).__name__}: {error}") from None
        if new is not value:
            changed[name] = new
    return changed


def with_classes(estimator: Any, classes: Classes) -> Any:
    """Return a copy of an estimator that is to be trained on some of the classes."""
    parameters = estimator.get_params()
    changed = seen_parameters(parameters, class_parameters(parameters), estimator, classes)
    return copy_of(estimator).set_params(**changed) if changed else estimator


def copy_of(estimator: Any) -> Any:
    """Return an estimator with the same parameters that shares nothing with the given one."""
    try:
        return clone(estimator)
    except RuntimeError:  # CatBoost copies its parameters, which scikit-learn does not take for a clone
        return copy.deepcopy(estimator)


def refuse_unknown(parameters: Mapping[str, Any], root: Any, classes: Classes) -> None:
    """Refuse parameters of unknown meaning whose values are names of classes.

    Raises
    ------
    RequestError
        With the parameter and the names that are known.
    """
    for name, value in parameters.items():
        owner = _owner(name, parameters) or root
        usual = inspect.signature(type(owner)).parameters.get(_last(name))
        if _last(name) in _RULES or (usual is not None and isinstance(value, str) and value == usual.default):
            continue
        named = _named_classes(value, classes, known=_is_known(owner))
        if named:
            raise RequestError(
                f"{name} of {type(owner).__name__} names the class {named[0]!r}, and what that means is not known: the "
                f"estimator sees numbers in place of names; known are {', '.join(CLASS_PARAMETERS)}"
            )


def _named_classes(value: Any, classes: Classes, *, known: bool) -> list[Any]:
    """Return the classes that a value names beyond doubt; an estimator of a known library names them in mappings only.

    A mapping names them if all of its keys are texts that are classes, or if its keys are all of the classes.
    """
    if isinstance(value, Mapping):
        names = list(value)
        codes = {classes.find(name) for name in names}
        texts = bool(names) and all(isinstance(name, str) for name in names) and None not in codes
        return names if texts or (not known and codes == set(range(len(classes.names)))) else []
    values = [value] if isinstance(value, str) else list(value) if isinstance(value, list | tuple | set) else []
    return [] if known else [name for name in values if isinstance(name, str) and name in classes.names]


def _refuse_groups(name: str, value: Any, parameters: Mapping[str, Any], root: Any) -> None:
    """Refuse names of classes in an estimator that is trained on groups of classes."""
    steps = name.split("__")
    above = [root, *(parameters.get("__".join(steps[:end])) for end in range(1, len(steps) - 1))][: len(steps) - 1]
    groups = next((outer for outer in above if isinstance(outer, _ONE_AGAINST_OTHERS)), None)
    named = isinstance(value, Mapping) or _is_listed(value)
    if groups is not None and named and _RULES[_last(name)] is not _grid:
        raise RequestError(
            f"{type(groups).__name__} trains it on two groups of classes, where a class has no name; leave it out, or "
            "give 'balanced' if it takes that"
        )


def _owner(name: str, parameters: Mapping[str, Any]) -> Any:
    """Return the estimator to which a parameter belongs; None for the outermost one."""
    return parameters.get(name.rpartition("__")[0])


def _last(name: str) -> str:
    return name.rpartition("__")[2]


def _transforms(owner: Any) -> bool:
    return hasattr(owner, "transform") and not hasattr(owner, "predict")


def _is_known(owner: Any) -> bool:
    return type(owner).__module__.partition(".")[0] in _KNOWN_LIBRARIES


def _says_nothing(value: Any) -> bool:
    """Return whether a value names no class: it is left out, or a word such as ``balanced``."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_listed(value: Any) -> bool:
    return not isinstance(value, str) and (isinstance(value, Sequence) or np.ndim(value) > 0)


def _mapped(value: Mapping[Any, Any], classes: Classes) -> dict[int, Any]:
    codes = {classes.code(name): item for name, item in value.items()}
    return {classes.positions[code]: codes[code] for code in sorted(codes) if code in classes.positions}


def _listed(value: Any, classes: Classes) -> Any:
    """Return the values of the classes that were seen, from one for each class in their order."""
    if not _is_listed(value):
        return value
    if len(value) != len(classes.names) or any(isinstance(item, Mapping) for item in value):
        raise RequestError(
            f"it has {len(value)} values and the data have {len(classes.names)} classes; give one for each, in the "
            f"order {_listing(classes)}"
        )
    if classes.complete:
        return value
    return value[classes.seen] if isinstance(value, np.ndarray) else [value[code] for code in classes.seen]


def _listing(classes: Classes) -> str:
    return ", ".join(str(name) for name in classes.names)


def _plain(name: object) -> object:
    return name.item() if isinstance(name, np.generic) else name
