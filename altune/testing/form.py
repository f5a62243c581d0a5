"""Checks of a method of any knob: its form and documentation, reading, writing, and pickling."""

from __future__ import annotations

import inspect
import json
import pickle
import sys
from collections.abc import Iterator
from typing import Any, get_args

from joblib.externals.loky.backend.reduction import dumps
from pydantic import ValidationError

from altune.core.errors import RequestError
from altune.core.needs import Need
from altune.core.registry import Method, methods, validate_fields
from altune.models import Model
from altune.testing.core import Checks, ContractError, blaming, require


def check_docstring(method: Method) -> None:
    """Check that the class has a docstring of its own."""
    described = sys.flags.optimize >= 2 or inspect.cleandoc(type(method).__doc__ or "")  # -OO strips docstrings
    require(method, described, "a method needs a docstring that says what it does")


def check_registered(method: Method) -> None:
    """Check that files can name the method."""
    known = methods(method.knob).get(method.method)
    require(method, known is type(method), "it is not registered under its name; decorate the class with @register")


def check_parameters(method: Method) -> None:
    """Check that each parameter has a description and each number a range, so that a search space can vary it."""
    cls = type(method)
    properties = cls.model_json_schema(mode="validation").get("properties", {})
    for name, field in cls.model_fields.items():
        if name == "method":
            continue
        described = field.description or _declared_elsewhere(method)
        require(method, described, f"parameter {name!r} needs a description: Field(..., description=...)")
        for option in properties[name].get("anyOf", [properties[name]]):
            if option.get("type") in ("integer", "number") and "enum" not in option:
                low = "minimum" in option or "exclusiveMinimum" in option
                high = "maximum" in option or "exclusiveMaximum" in option
                require(method, low and high, f"parameter {name!r} needs a range: Field(..., ge=..., le=...)")


def _declared_elsewhere(method: Method) -> bool:
    """Return whether the parameters are those of a user's estimator, which documents them."""
    return hasattr(type(method), "spec")


def check_schema(method: Method) -> None:
    """Check that the class gives a JSON Schema, which editors and documentation use."""
    with blaming(method, "making its JSON Schema"):
        schema = json.loads(json.dumps(type(method).model_json_schema()))
    named = schema.get("properties", {}).get("method", {}).get("const")
    require(method, named == method.method, "its JSON Schema must fix `method` to its name, by a Literal")


def check_round_trip(method: Method) -> None:
    """Check that a method written as JSON reads back as an equal one."""
    with blaming(method, "writing and reading it as JSON"):
        plain = json.loads(json.dumps(method.to_dict(), allow_nan=False))
        back = validate_fields(type(method), plain)
    require(method, back == method, f"it reads back as {back!r}; every parameter must be a field of plain values")


def check_frozen(method: Method) -> None:
    """Check that the method is immutable, and that equal methods compare equal and have one hash."""
    for name in type(method).model_fields:
        try:
            setattr(method, name, getattr(method, name))
        except (ValidationError, AttributeError, TypeError):
            continue
        raise ContractError(method, f"its {name!r} can be set; a method is frozen, and all state is in the loop")
    require(method, method == method.model_copy(), "it does not equal its own copy")
    with blaming(method, "hashing it"):
        require(method, hash(method) == hash(method.model_copy()), "equal methods must have one hash")


def check_needs(method: Method) -> None:
    """Check that the needs, or the abilities of a model, are known to altune."""
    known = set(get_args(Need))
    named = set(method.able()) if isinstance(method, Model) else set(method.required())
    unknown = sorted(named - known)
    require(method, not unknown, f"unknown needs {unknown}; the known ones are {', '.join(sorted(known))}")


def check_travels(method: Method) -> None:
    """Check that the method can be pickled for a worker process and is the same there."""
    with blaming(method, "pickling it for a worker process"):
        back: Any = pickle.loads(dumps(method))  # as joblib sends it
    require(method, back.to_dict() == method.to_dict(), "it arrives in a worker process with other parameters")
    require(method, type(back).__name__ == type(method).__name__, "it arrives in a worker process as another class")


def variants(method: Method) -> Iterator[Method]:
    """Yield the method, and it again with each other value of each parameter that has listed values."""
    yield method
    properties = type(method).model_json_schema(mode="validation").get("properties", {})
    for name in type(method).model_fields:
        options = properties.get(name, {}).get(
            "enum", [True, False] if properties[name].get("type") == "boolean" else []
        )
        for value in options if name != "method" else []:
            if value != getattr(method, name):
                try:
                    yield validate_fields(type(method), {**method.to_dict(), name: value})
                except RequestError:
                    continue  # some combinations of listed values are not allowed


FORM: Checks = {
    "docstring": check_docstring,
    "registered": check_registered,
    "parameters": check_parameters,
    "schema": check_schema,
    "round trip": check_round_trip,
    "frozen": check_frozen,
    "needs": check_needs,
    "travels": check_travels,
}
