"""Change a search space from the command line: ``query_strategy=margin``, ``initial_sample.typiclust.size=20``.

The path is an Optuna name. The label of a single alternative may be left out, as in a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from altune.core.errors import FormatError, did_you_mean, join_path
from altune.core.registry import FIELDS, parse_method
from altune.core.yaml import read_yaml_text
from altune.recipes.recipe import DEFAULTS, nested_knob
from altune.recipes.space.reading import read_decision
from altune.recipes.space.tree import Alternative, Decision

Edited = tuple[Any, str]  # a decision or alternative as plain values, and the path of the change inside a file


def default_decision(knob: str) -> Decision:
    """Return the decision of a knob that a space does not name: its default method, without open parameters."""
    return read_decision(knob, parse_method(knob, DEFAULTS[knob]), knob)


def in_order(decisions: Mapping[str, Decision]) -> dict[str, Decision]:
    """Return the decisions in the usual order of the knobs."""
    return {knob: decisions[knob] for knob in FIELDS if knob in decisions}


def read_settings(settings: Iterable[str] | Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the path and value of each setting, from a mapping or from texts ``PATH=VALUE`` with VALUE in YAML.

    Raises
    ------
    FormatError
        If a text has no ``=`` or no value, or the value is not well-formed YAML.

    Examples
    --------
    >>> read_settings(["loop_size={method: constant, size: 10}"])
    [('loop_size', {'method': 'constant', 'size': 10})]
    """
    if isinstance(settings, Mapping):
        return list(settings.items())
    return [_read_setting(text) for text in settings]


def with_setting(decisions: Mapping[str, Decision], path: str, value: Any) -> dict[str, Decision]:
    """Return the decisions with another value, range or choice at a path."""
    knob, *rest = path.split(".")
    if knob not in FIELDS:
        raise FormatError(f"no knob {knob!r}; {did_you_mean(knob, FIELDS)}", path=path, value=knob)
    plain, file_path = _edit_decision(decisions.get(knob) or default_decision(knob), rest, value, knob, path)
    try:
        changed = read_decision(knob, plain, knob)
    except FormatError as error:
        below = error.path.removeprefix(file_path) if error.path.startswith(file_path) else ""
        where = join_path(path, below.removeprefix("."))
        raise FormatError(error.problem, path=where, value=error.value, accepted=error.accepted) from None
    return in_order({**decisions, knob: changed})


def _read_setting(text: str) -> tuple[str, Any]:
    path, equals, written = (part.strip() for part in text.partition("="))
    if not equals or not path or not written:
        raise FormatError(f"{text!r} is not a setting; write PATH=VALUE, such as query_strategy=margin", value=text)
    try:
        read = read_yaml_text(f"value: {written}")
    except FormatError as error:
        raise FormatError(f"{written!r} cannot be read: {error.problem}", path=path, value=written) from None
    if len(read) > 1:
        raise FormatError(f"{written!r} is more than one value", path=path, value=written)
    return path, read["value"]


def _edit_decision(decision: Decision, rest: list[str], value: Any, file_path: str, path: str) -> Edited:
    if not rest:
        return value, file_path
    single = len(decision.alternatives) == 1
    if rest[0] in decision.labels:
        position = decision.labels.index(rest[0])
        rest = rest[1:]
    elif single and rest[0] in _parameters(decision.alternatives[0]):
        position = 0
    else:
        raise _no_such_part(decision, rest[0], path)
    plain = [alternative.to_plain() for alternative in decision.alternatives]
    inside = file_path if single else f"{file_path}[{position}]"
    plain[position], changed = _edit_alternative(decision.alternatives[position], rest, value, inside, path)
    return plain[0] if single else plain, changed


def _edit_alternative(alternative: Alternative, rest: list[str], value: Any, file_path: str, path: str) -> Edited:
    if not rest:
        return _replaced(alternative, value), file_path
    name, *inner = rest
    parameters = _parameters(alternative)
    if name not in parameters:
        accepted = did_you_mean(name, parameters) if parameters else "it has none"
        raise FormatError(f"{alternative.label} has no parameter {name!r}; {accepted}", path=path, value=name)
    replaced = alternative.cls.either if name in alternative.cls.either else ()
    plain = {key: part for key, part in alternative.to_plain().items() if key not in replaced}
    plain[name], changed = value, join_path(file_path, name)
    if inner:
        plain[name], changed = _edit_decision(_nested(alternative, name, path), inner, value, changed, path)
    return plain, changed


def _replaced(alternative: Alternative, value: Any) -> Any:
    if isinstance(value, str):
        value = {"method": value}
    if not isinstance(value, Mapping):
        return value
    named = {"name": alternative.label} if alternative.label != alternative.method else {}
    return named | {"method": alternative.method} | dict(value)


def _nested(alternative: Alternative, name: str, path: str) -> Decision:
    slot = alternative.slots.get(name)
    if isinstance(slot, Decision):
        return slot
    knob = nested_knob(alternative.cls, name)
    if knob is None:
        raise FormatError(f"{name!r} is a plain value, which has no parameters", path=path, value=name)
    default = getattr(alternative.typical(), name)
    if default is None:
        raise FormatError(f"{name!r} is not set; set it to a method first", path=path, value=name)
    return read_decision(knob, default, path)


def _no_such_part(decision: Decision, name: str, path: str) -> FormatError:
    owners = [alternative.label for alternative in decision.alternatives if name in _parameters(alternative)]
    if owners:
        full = path.replace(f".{name}", f".{owners[0]}.{name}", 1)
        problem = f"{name!r} is a parameter of {', '.join(owners)}; write {full}"
    else:
        only = decision.alternatives[0]
        accepted = {*decision.labels, *(_parameters(only) if len(decision.alternatives) == 1 else ())}
        problem = f"no alternative or parameter {name!r} here; {did_you_mean(name, accepted)}"
    return FormatError(problem, path=path, value=name)


def _parameters(alternative: Alternative) -> list[str]:
    return [name for name in alternative.cls.model_fields if name != "method"]
