"""Methods by knob and name.

A *method* is one way to set a knob. It is a frozen pydantic model with a literal ``method`` field, so that one
class is its own configuration, validation, documentation and JSON Schema. This module stores methods by knob and name
and reads them from plain mappings.

It never imports what a file names. A method is known because altune ships it, because Python code has registered it, or
because an installed package offers it through the entry point group ``altune.methods``.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar, get_args

from pydantic import BaseModel, Field, model_validator

from altune.core.errors import FormatError, RequestError, did_you_mean, join_path
from altune.core.needs import Capabilities, Need
from altune.core.plain import shown
from altune.core.plain_model import PlainModel, as_fields
from altune.core.plugins import broken_hint, load_plugins
from altune.core.types import Learner

if TYPE_CHECKING:
    from altune.core.identity import Identity

KNOBS: tuple[str, ...] = (
    "initial_sample",
    "model_init",
    "retrain",
    "loop_size",
    "stopping",
    "labeling",
    "query_strategy",
    "training",
)
"""The eight knobs, in their usual order."""

FIELDS: tuple[str, ...] = (*KNOBS, "model")
"""The fields of a recipe that hold a method: the eight knobs and the model."""

RowCount = Annotated[int, Field(ge=1, le=100_000)]
"""The type of a parameter that is a number of rows."""


class Method(PlainModel):
    """One way to set a knob.

    A subclass sets ``knob`` and a literal ``method`` field with its name as the default. Its docstring gives the
    formula, and its further fields have ranges and descriptions. Methods are frozen: state that changes from loop to
    loop belongs to the loop.

    ``alike_for_two_classes`` names the method of the same knob that does exactly the same with the same parameters
    where there are two classes; a search then leaves this one out. ``either`` names optional parameters of which at
    most one may be given. ``advice`` says when to try the method before others of its knob.
    """

    knob: ClassVar[str] = ""
    needs: ClassVar[frozenset[Need]] = frozenset()
    source: ClassVar[str] = ""
    alike_for_two_classes: ClassVar[str] = ""
    either: ClassVar[tuple[str, ...]] = ()
    advice: ClassVar[str] = ""

    method: str

    @model_validator(mode="after")
    def _one_of_either(self) -> Self:
        given = [name for name in self.either if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give {' or '.join(given)}, not both")
        return self

    def required(self) -> frozenset[Need]:
        """Return what this method, its parameters and the methods nested in it need."""
        needs = frozenset(self.needs)
        for nested in self.nested().values():
            needs |= nested.required()
        return needs

    @classmethod
    def code_identity(cls) -> Identity | None:
        """Return what the code of the method is made of; None for a method of altune, which its name identifies."""
        package = cls.__module__.partition(".")[0]
        if package == "altune":
            return None
        from altune.core.identity import identify

        return identify(cls, f"{cls.knob} {cls.model_fields['method'].default!r}", package)

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Return why this method cannot work with a model and an environment, beyond what it needs; usually nothing.

        Parameters
        ----------
        model : the recipe's model.
        capabilities : what the environment offers.
        """
        return []

    def nested(self) -> dict[str, Method]:
        """Return the methods in the fields of this method, by field name; those of a list as ``rules[0]``."""
        nested: dict[str, Method] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Method):
                nested[name] = value
            elif isinstance(value, tuple):
                nested |= {f"{name}[{index}]": item for index, item in enumerate(value) if isinstance(item, Method)}
        return nested

    def for_classes(self, classes: Sequence[object]) -> Self:
        """Return the method for data of these classes: itself, or a copy if a model in it names classes.

        Parameters
        ----------
        classes : names of the classes, in the order of their codes.
        """
        changed: dict[str, Any] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Method) and (bound := value.for_classes(classes)) is not value:
                changed[name] = bound
            elif isinstance(value, tuple) and any(isinstance(item, Method) for item in value):
                items = tuple(item.for_classes(classes) if isinstance(item, Method) else item for item in value)
                if any(new is not old for new, old in zip(items, value, strict=True)):
                    changed[name] = items
        return self.model_copy(update=changed) if changed else self

    def to_dict(self) -> dict[str, Any]:
        """Return a plain mapping that reads back to an equal method, without optional fields that are unset."""
        plain: dict[str, Any] = {"method": self.method}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name == "method" or value is None:
                continue
            plain[name] = value.to_dict() if isinstance(value, Method) else _plain(value)
        return plain


MethodT = TypeVar("MethodT", bound=Method)

GROUP = "altune.methods"
"""The group of entry points by which packages offer methods."""
_BASES = "derive a class from QueryStrategy, Stopping or another knob of altune.knobs"
_methods: dict[str, dict[str, type[Method]]] = {field: {} for field in FIELDS}


def register(cls: type[MethodT]) -> type[MethodT]:
    """Register a method under the name in its ``method`` field; usable as a class decorator.

    Raises
    ------
    RequestError
        If the class is derived from no knob, lacks a method of it, has no literal ``method`` default or no docstring,
        needs something unknown, or if another class has its name.
    """
    home = next(each for each in cls.__mro__ if "knob" in vars(each))  # the class that says which knob it is
    if home is Method or home.__module__.partition(".")[0] != "altune":
        raise RequestError(f"{cls.__name__} is derived from no knob; {_BASES}")
    if missing := sorted(getattr(cls, "__abstractmethods__", ())):
        raise RequestError(f"{cls.__name__} lacks {', '.join(missing)}, which each method of {cls.knob} has")
    if unknown := sorted(map(str, set(cls.needs) - set(get_args(Need)))):
        raise RequestError(f"{cls.__name__} needs {unknown[0]!r}; {did_you_mean(unknown[0], get_args(Need))}")
    field = cls.model_fields["method"]
    literal = get_args(field.annotation)
    if len(literal) != 1 or field.default != literal[0]:
        raise RequestError(f"{cls.__name__}: give it a field `method: Literal['its_name'] = 'its_name'`")
    # Python strips docstrings with -OO.
    if sys.flags.optimize < 2 and not inspect.cleandoc(cls.__doc__ or ""):
        raise RequestError(f"{cls.__name__}: a method needs a docstring that says what it does")
    name = str(literal[0])
    known = _methods[cls.knob].get(name)
    if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
        raise RequestError(f"{cls.knob} already has a method {name!r} ({known.__module__}.{known.__qualname__})")
    _methods[cls.knob][name] = cls
    return cls


def unregister(knob: str, name: str) -> None:
    """Remove a method; for tests and notebooks."""
    _methods[knob].pop(name, None)


def methods(knob: str) -> dict[str, type[Method]]:
    """Return the methods of a knob, or of ``model``, by name, including those of plugins."""
    if knob not in _methods:
        raise RequestError(f"no knob {knob!r}; {did_you_mean(knob, FIELDS)}")
    load_plugins(GROUP, _load_method)
    return dict(_methods[knob])


def every_method() -> Iterator[type[Method]]:
    """Yield every registered method, knob by knob in their usual order."""
    for field in FIELDS:
        yield from methods(field).values()


def find_method(knob: str, name: object, path: str = "") -> type[Method]:
    """Return the class of a method by name."""
    known = methods(knob)
    if not isinstance(name, str) or name not in known:
        raise FormatError(
            f"{knob} has no method {name!r}; {broken_hint(GROUP, name)}{did_you_mean(name, known)}",
            path=path,
            value=name,
            accepted=sorted(known),
        )
    return known[name]


def parse_method(knob: str, value: object, path: str = "") -> Method:
    """Read one method of a knob from a mapping such as ``{"method": "margin"}``, or from its bare name."""
    if isinstance(value, Method):
        if value.knob != knob:
            raise FormatError(f"{value.method!r} is a method of {value.knob}, not of {knob}", path=path, value=value)
        return value
    if isinstance(value, str):
        value = {"method": value}
    if not isinstance(value, Mapping):
        raise FormatError(
            f"{value!r} is not a method; write a mapping such as {{method: {_example(knob)}}}",
            path=path,
            value=value,
        )
    if "method" not in value:
        raise FormatError(f"the name is missing; write {{method: {_example(knob)}, ...}}", path=path, value=value)
    cls = find_method(knob, value["method"], join_path(path, "method"))
    return validate_fields(cls, value, path)


def validate_fields(cls: type[MethodT], value: Mapping[str, Any], path: str = "") -> MethodT:
    """Return a method of a given class; errors name the path."""
    try:
        return cls(**as_fields(value, "a method"))
    except FormatError as error:
        raise error.within(path=path) from None


def describe_parameters(cls: type[Method]) -> dict[str, dict[str, Any]]:
    """Return ``{parameter: {type, default, low, high, description}}`` of a method, from its JSON Schema."""
    properties = cls.model_json_schema(mode="validation").get("properties", {})
    described: dict[str, dict[str, Any]] = {}
    for name, field in cls.model_fields.items():
        if name == "method":
            continue
        schema = properties.get(name, {})
        options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
        kind = options[0] if options else {}
        entry: dict[str, Any] = {"type": kind.get("type", "method"), "default": _plain(field.get_default())}
        limits = (("minimum", "low"), ("exclusiveMinimum", "low"), ("maximum", "high"), ("exclusiveMaximum", "high"))
        entry |= {key: kind[word] for word, key in (*limits, ("enum", "choices")) if word in kind}
        entry["description"] = field.description or ""
        described[name] = entry
    return described


def _load_method(entry: EntryPoint) -> None:
    """Load and register the method of a plugin; what its module registered before it failed is forgotten."""
    before = {knob: dict(known) for knob, known in _methods.items()}
    try:
        cls = entry.load()
        if not isinstance(cls, type) or not issubclass(cls, Method):
            raise RequestError(f"{entry.value} is {shown(cls)}, not a class of a method; {_BASES}")
        describe_parameters(register(cls))
    except BaseException:
        _methods.update(before)
        raise


def _plain(value: Any) -> Any:
    if isinstance(value, Method):
        return value.to_dict()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _example(knob: str) -> str:
    known = methods(knob)
    return next(iter(known), "name")
