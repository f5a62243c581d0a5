"""What :func:`altune.register_estimator` is given: checked, named and compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline, make_pipeline

from altune.core.errors import RequestError, did_you_mean
from altune.core.identity import Identity, identify, remembered
from altune.core.raw_rows import NUMBERS, TakenRows, Takes
from altune.models.class_parameters import copy_of
from altune.models.pipelines import wants

_GIVEN: dict[TakenRows, str] = {
    "numbers": "encoded features without names",
    "frame": "a DataFrame",
    "text": "an array of strings",
}
Embedding = Literal["encoded", "pipeline"]
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

    def identity(self) -> Identity:
        """Return what the estimator is made of, as far as it decides what is played."""
        made_of = seeded(copy_of(self.estimator), 0)
        if self.takes.raw or self.transforms:
            made_of = (made_of, *self.takes, self.transforms)
        return identify(made_of, f"model {self.name!r}")

    def text(self) -> str:
        """Return a text that is the same for equal arguments."""
        declared = remembered(self, lambda: identify((self.parameters, self.schedulable), f"model {self.name!r}"))
        return f"{remembered(self.estimator, self.identity).text} {declared.digest}"

    def declared_values(self) -> Iterator[tuple[str, Any]]:
        """Yield each declared parameter with each of its choices, or with both ends of its range."""
        for name, declared in self.parameters.items():
            yield from ((name, value) for value in (declared if isinstance(declared, list) else declared[1:]))


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


def read_takes(name: str, takes: TakenRows, column: str | None) -> Takes:
    """Return what an estimator is given, or refuse arguments that do not fit together."""
    if takes not in get_args(TakenRows):
        raise RequestError(f"{name}: takes {takes!r} is unknown; {did_you_mean(takes, get_args(TakenRows))}")
    if column is not None and takes != "text":
        raise RequestError(f"{name}: column={column!r} needs takes='text'; takes={takes!r} gives all columns")
    return Takes(takes, column)


def check_estimator(name: str, estimator: Any, takes: Takes) -> None:
    """Refuse what is no scikit-learn classifier, or one that needs other rows than it is given."""
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


def names(stem: str, estimator: Any) -> Iterator[str]:
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


def name_of(estimator: object) -> str:
    """Return a name for an estimator from its class, for a pipeline from the classes of its steps."""
    steps = [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else [estimator]
    words = (re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(step).__name__) for step in steps)
    return "_".join(words).lower().strip("_")
