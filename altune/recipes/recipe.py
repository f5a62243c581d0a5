"""The recipe: one method for each of the eight knobs, and a model.

A recipe fully describes how to run active learning. It is immutable and is read from and written to YAML. Reading a
recipe runs no code that a file names. Open choices are refused, because they belong to a search space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
)

import altune.knobs  # noqa: F401  (registers every method that altune ships)
from altune.core.errors import FormatError, RequestError, did_you_mean, join_path
from altune.core.files import canonical_digest, check_keys, is_file_name, write_text
from altune.core.html import html_table
from altune.core.needs import Capabilities
from altune.core.plain import home_path, plain
from altune.core.plain_model import as_fields, leaf_types
from altune.core.registry import FIELDS, Method, find_method, parse_method
from altune.core.yaml import read_yaml, write_yaml
from altune.knobs.initial_sample.base import InitialSample
from altune.knobs.labeling import Labeling
from altune.knobs.loop_size import LoopSize
from altune.knobs.model_init import ModelInit
from altune.knobs.query_strategy.base import QueryStrategy
from altune.knobs.retrain import Retrain
from altune.knobs.stopping import Stopping
from altune.knobs.training import Training
from altune.models import Model
from altune.recipes.describe import describe_methods, short_method
from altune.recipes.requirements import method_problems

DEFAULTS: dict[str, str] = {
    "initial_sample": "random",
    "model_init": "default",
    "retrain": "reset",
    "loop_size": "constant",
    "stopping": "budget",
    "labeling": "single",
    "query_strategy": "margin",
    "training": "constant",
    "model": "logistic_regression",
}
"""The default method of each knob, and the default model."""

ALWAYS_SHOWN = ("initial_sample", "loop_size", "query_strategy", "model")
"""What a recipe shows at a Python prompt even where it is the default."""

BASELINES: dict[str, dict[str, Any]] = {
    "random_sampling": {"query_strategy": {"method": "random"}},
    "margin": {
        "initial_sample": {"method": "random"},
        "retrain": {"method": "reset"},
        "loop_size": {"method": "constant"},
        "query_strategy": {"method": "margin"},
    },
    "vanilla": {
        "initial_sample": {"method": "random"},
        "retrain": {"method": "reset"},
        "loop_size": {"method": "constant"},
        "query_strategy": {"method": "least_confidence"},
    },
}
"""The baselines of every search that are the same for all data, each as the knobs that define it."""

RECOMMENDED = "recommended"
"""Name of the baseline that altune recommends; it depends on the data, see :mod:`altune.recipes.recommended`."""

BUILT_IN = (*BASELINES, RECOMMENDED)
"""Names of all recipes that need no file."""

__all__ = [
    "BASELINES",
    "BUILT_IN",
    "DEFAULTS",
    "RECOMMENDED",
    "Capabilities",
    "Recipe",
    "leaf_types",
    "load_recipe",
    "nested_knob",
    "read_method",
]

RANGE_KEYS = frozenset({"low", "high", "log", "step", "choices"})
_SPACE_KEYS = ("baselines", "forbid")


def nested_knob(cls: type[Method], parameter: str) -> str | None:
    """Return the knob whose methods a parameter takes, None if it takes a plain value.

    >>> nested_knob(find_method("query_strategy", "switch"), "first")
    'query_strategy'
    """
    for kind in leaf_types(cls.model_fields[parameter].annotation):
        if isinstance(kind, type) and issubclass(kind, Method):
            return kind.knob
    return None


def read_method(knob: str, value: object, path: str = "") -> Method:
    """Read a method without open choices, including the methods nested in it."""
    if isinstance(value, list):
        raise FormatError(
            "a list of methods is a choice, which belongs to a search space; give one method",
            path=path,
            value=value,
        )
    if isinstance(value, Mapping) and "method" in value:
        cls = find_method(knob, value["method"], join_path(path, "method"))
        value = {name: _read_parameter(cls, name, item, join_path(path, str(name))) for name, item in value.items()}
    return parse_method(knob, value, path)


def _read_parameter(cls: type[Method], name: object, value: object, path: str) -> object:
    if name not in cls.model_fields or name == "method":
        return value
    nested = nested_knob(cls, str(name))
    if nested is not None and value is not None:
        return read_method(nested, value, path)
    if isinstance(value, Mapping) and value and RANGE_KEYS.issuperset(value):
        raise FormatError(
            "a range or choice of values belongs to a search space; give one value",
            path=path,
            value=value,
        )
    return value


def _field(knob: str) -> Any:
    return Field(default_factory=partial(parse_method, knob, DEFAULTS[knob]))


class Recipe(BaseModel):
    """One method for each knob, and a model.

    Each field takes a method, its name, or a mapping such as ``{"method": "margin"}``. Other fields have their default.
    Recipes with equal values are equal and have the same hash.

    Examples
    --------
    >>> recipe = Recipe(query_strategy={"method": "random"})
    >>> recipe.query_strategy.method, recipe.initial_sample.method
    ('random', 'random')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    name: str | None = None
    initial_sample: SerializeAsAny[InitialSample] = _field("initial_sample")
    model_init: SerializeAsAny[ModelInit] = _field("model_init")
    retrain: SerializeAsAny[Retrain] = _field("retrain")
    loop_size: SerializeAsAny[LoopSize] = _field("loop_size")
    stopping: SerializeAsAny[Stopping] = _field("stopping")
    labeling: SerializeAsAny[Labeling] = _field("labeling")
    query_strategy: SerializeAsAny[QueryStrategy] = _field("query_strategy")
    training: SerializeAsAny[Training] = _field("training")
    model: SerializeAsAny[Model] = _field("model")

    def __init__(self, **fields: Any) -> None:
        fields = plain(fields)
        check_keys(fields, ("version", "name", *FIELDS), _SPACE_KEYS)
        methods = {knob: read_method(knob, fields[knob], knob) for knob in FIELDS if knob in fields}
        super().__init__(**{**fields, **methods})

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any], file: str = "") -> Recipe:
        """Read a recipe from plain values. ``file`` is the name of the file, for errors."""
        try:
            return cls(**as_fields(mapping, "a recipe"))
        except FormatError as error:
            raise error.within(file=file) from None

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """Read a recipe from a YAML file."""
        path = home_path(path, "recipe")
        return cls.from_dict(read_yaml(path), str(path))

    def save(self, path: str | Path) -> None:
        """Write the recipe to a YAML file, atomically."""
        write_text(home_path(path, "recipe"), self.to_yaml())

    def methods(self) -> dict[str, Method]:
        """Return the method of each knob and the model, by field."""
        return {field: getattr(self, field) for field in FIELDS}

    @property
    def takes_raw(self) -> bool:
        """Whether a model of the recipe takes raw rows, not encoded features."""
        return any(map(_takes_raw, self.methods().values()))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, including defaults, that read back to an equal recipe."""
        head: dict[str, Any] = {"version": self.version}
        if self.name is not None:
            head["name"] = self.name
        return head | {field: method.to_dict() for field, method in self.methods().items()}

    def to_yaml(self) -> str:
        """Return the recipe as YAML."""
        return write_yaml(self.to_dict())

    def digest(self) -> str:
        """Return a stable hash of the recipe without its name, as 32 hexadecimal digits."""
        return canonical_digest({key: value for key, value in self.to_dict().items() if key != "name"})

    def __hash__(self) -> int:
        return hash(self.digest())

    def replace(self, **fields: Any) -> Recipe:
        """Return a copy of the recipe with other values for some fields.

        >>> Recipe().replace(query_strategy="random").query_strategy.method
        'random'
        """
        return Recipe.from_dict({"name": self.name, **self.methods(), **fields})

    def for_classes(self, classes: Sequence[object]) -> Recipe:
        """Return the recipe for data of these classes, in the order of their codes: itself if no model names any."""
        bound = {field: method.for_classes(classes) for field, method in self.methods().items()}
        changed = {field: method for field, method in bound.items() if method is not getattr(self, field)}
        return self.model_copy(update=changed) if changed else self

    def describe(self) -> str:
        """Return the recipe in one sentence: model, start, loops and query strategy, then what else is not a default.

        >>> Recipe(retrain={"method": "warm_start"}).describe()
        'With logistic_regression, first label a twentieth of the budget chosen at random, then equally many rows in \
each loop, chosen by margin; train on from the last model in each loop, on all labels.'
        """
        return describe_methods(self.methods(), Recipe().methods())

    def __repr__(self) -> str:
        name = [] if self.name is None else [repr(self.name)]
        usual = Recipe().methods()
        shown = [
            f"{knob}={short_method(method)}"
            for knob, method in self.methods().items()
            if knob in ALWAYS_SHOWN or method != usual[knob]
        ]
        return f"Recipe({', '.join(name + shown)})"

    def _repr_html_(self) -> str:
        head = [] if self.name is None else [("name", self.name)]
        return html_table([*head, *((knob, short_method(method)) for knob, method in self.methods().items())])

    def problems(self, capabilities: Capabilities) -> list[str]:
        """Return the reasons why the recipe does not work in an environment, one line each; empty if it does."""
        return [
            problem
            for method in self.methods().values()
            for problem in method_problems(method, self.model, capabilities)
        ]


def _takes_raw(method: Method) -> bool:
    return (isinstance(method, Model) and method.takes.raw) or any(map(_takes_raw, method.nested().values()))


def load_recipe(source: str | Path | Recipe | Mapping[str, Any]) -> Recipe:
    """Return a recipe: a given one, a built-in one by name (``random_sampling``, ``vanilla``), or one from a YAML file.

    >>> load_recipe("vanilla").query_strategy.method
    'least_confidence'
    """
    if isinstance(source, Recipe):
        return source
    if isinstance(source, Mapping):
        return Recipe.from_dict(source)
    if isinstance(source, str) and source in BASELINES:
        return Recipe.from_dict({"name": source, **BASELINES[source]})
    if source == RECOMMENDED:
        raise RequestError(
            f"the recipe {RECOMMENDED!r} depends on the data; altune.recommend (`altune recommend --out FILE`) makes it"
        )
    source = home_path(source, "recipe")
    if is_file_name(source):
        return Recipe.load(source)
    raise RequestError(
        f"no recipe {source!r}; {did_you_mean(source, BUILT_IN)}, or the path of a YAML file or of a run's folder"
    )
