"""Read a decision from plain values, and check every alternative of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from altune.core.errors import FormatError, join_path
from altune.core.plain_model import refuse_unknown_fields
from altune.core.registry import Method, find_method, parse_method
from altune.recipes.recipe import nested_knob
from altune.recipes.space.domains import Choices, Fixed, Range, canonical, read_domain
from altune.recipes.space.tree import Alternative, Decision, Slot, ends

_LABEL = re.compile(r"\w[\w-]*")


def read_decision(knob: str, value: Any, path: str) -> Decision:
    """Read the value of a knob or of a nested field: a method, its name, a mapping, or a list of alternatives."""
    listed = isinstance(value, (list, tuple))
    if listed and not value:
        raise FormatError("the list is empty; give at least one method", path=path, value=value)
    items = [(item, f"{path}[{index}]") for index, item in enumerate(value)] if listed else [(value, path)]
    alternatives: list[Alternative] = []
    for item, item_path in items:
        alternative, named = _read_alternative(knob, item, item_path)
        _refuse_duplicate(alternatives, alternative, named, item_path)
        alternatives.append(alternative)
    return Decision(knob, tuple(alternatives))


def _read_alternative(knob: str, value: Any, path: str) -> tuple[Alternative, bool]:
    if isinstance(value, Method):
        value = _written(parse_method(knob, value, path))
    if isinstance(value, str):
        value = {"method": value}
    if not isinstance(value, Mapping) or "method" not in value:
        parse_method(knob, value, path)
        raise FormatError(f"{value!r} is not a method", path=path, value=value)
    fields = dict(value)
    cls = find_method(knob, fields["method"], join_path(path, "method"))
    named = "name" in fields and "name" not in cls.model_fields
    label = _read_label(fields.pop("name"), path) if named else str(fields["method"])
    refuse_unknown_fields(cls, fields, str(fields["method"]), path)
    del fields["method"]
    slots = {name: _read_slot(cls, name, item, join_path(path, name)) for name, item in fields.items()}
    return _checked(Alternative(label, cls, slots), path), named


def _written(method: Method) -> dict[str, Any]:
    """Return a method made in Python as it would be written in a file, without defaults."""
    given = [name for name in type(method).model_fields if name in method.model_fields_set and name != "method"]
    return {"method": method.method} | {name: getattr(method, name) for name in given}


def _read_label(value: Any, path: str) -> str:
    if not isinstance(value, str) or not _LABEL.fullmatch(value):
        raise FormatError(
            f"{value!r} is not a name; use letters, digits, _ and -",
            path=join_path(path, "name"),
            value=value,
        )
    return value


def _refuse_duplicate(earlier: list[Alternative], new: Alternative, named: bool, path: str) -> None:
    for other in earlier:
        if other.cls is new.cls and not (named and other.label != other.method):
            raise FormatError(
                f"{new.method!r} occurs twice; give each of them a `name:` of its own",
                path=path,
                value=new.method,
            )
        if other.label == new.label:
            raise FormatError(f"the name {new.label!r} occurs twice", path=join_path(path, "name"), value=new.label)


def _read_slot(cls: type[Method], parameter: str, value: Any, path: str) -> Slot:
    nested = nested_knob(cls, parameter)
    if nested is None or value is None:
        return read_domain(cls, parameter, value, path)
    if isinstance(value, Mapping) and "choices" in value and "method" not in value:
        raise FormatError("expected a method; write a list of methods, not {choices: ...}", path=path, value=value)
    return read_decision(nested, value, path)


def _checked(alternative: Alternative, path: str) -> Alternative:
    """Build the method at every choice and at both ends of every range, and keep the values that its fields make."""
    base = alternative.typical_values()
    alternative.build(base, path)
    slots: dict[str, Slot] = {}
    for name, slot in alternative.slots.items():
        values = ends(slot)
        built = [_try(alternative, {**base, name: value}, name, path, inner) for inner, value in _placed(slot, values)]
        settled = _settled(slot, name, built, join_path(path, name))
        if settled != Fixed(None) or alternative.cls.model_fields[name].default is not None:
            slots[name] = settled
    return replace(alternative, slots=slots)


def _placed(slot: Slot, values: list[Any]) -> list[tuple[str, Any]]:
    if isinstance(slot, Choices):
        return [(f".choices[{index}]", value) for index, value in enumerate(values)]
    if isinstance(slot, Decision) and len(values) > 1:
        return [(f"[{index}]", value) for index, value in enumerate(values)]
    return [("", value) for value in values]


def _try(alternative: Alternative, values: dict[str, Any], name: str, path: str, inner: str) -> Method:
    try:
        return alternative.build(values, path)
    except FormatError as error:
        slot_path = join_path(path, name)
        if not error.path.startswith(slot_path):
            raise
        below = error.path.removeprefix(slot_path)
        raise FormatError(
            error.problem, path=slot_path + inner + below, value=error.value, accepted=error.accepted
        ) from None


def _settled(slot: Slot, name: str, built: list[Method], path: str) -> Slot:
    if isinstance(slot, (Decision, Range)):
        return slot
    values = [method.to_dict().get(name) for method in built]
    if isinstance(slot, Fixed):
        return Fixed(values[0])
    seen: set[str] = set()
    for index, value in enumerate(values):
        if canonical(value) in seen:
            raise FormatError(f"the choice {value!r} occurs twice", path=f"{path}.choices[{index}]", value=value)
        seen.add(canonical(value))
    return Choices(tuple(values)) if len(values) > 1 else Fixed(values[0])
