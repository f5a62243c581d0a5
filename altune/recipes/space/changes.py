"""Describe in words how a given search space differs from that of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from altune.core.errors import FormatError
from altune.core.registry import FIELDS, find_method
from altune.recipes.recipe import nested_knob

_OPEN = ("low", "high", "choices")
Plain = Mapping[str, Any]


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    r"""Return a line for each difference between a search space and that of a run; names of spaces do not count.

    Parameters
    ----------
    old : the space of the run, from :meth:`altune.recipes.space.SearchSpace.to_dict`.
    new : the other space, likewise.

    Examples
    --------
    >>> old = {"initial_sample": {"method": "random", "size": {"low": 5, "high": 60}}, "query_strategy": "margin"}
    >>> new = {"initial_sample": {"method": "random", "size": 20}, "query_strategy": ["margin", "badge"]}
    >>> print(*differences(old, new), sep="\n")
    initial_sample.random.size is 20, in the run {low: 5, high: 60}
    query_strategy is open: one of margin, badge, in the run it is margin
    """
    lines: list[str] = []
    for knob in FIELDS:
        if knob in old and knob in new:
            lines += _decision_lines(knob, old[knob], new[knob], knob)
        elif knob in old:
            lines.append(f"{knob} is not given, in the run it is {_summary(old[knob])}")
        elif knob in new:
            lines.append(f"{knob} is {_summary(new[knob])}, in the run it is not given")
    lines += _entries("baselines", old.get("baselines", {}), new.get("baselines", {}))
    return lines + list(_rules(old.get("forbid", []), new.get("forbid", [])))


def shown(value: Any) -> str:
    """Return a plain value on one line in the syntax of YAML.

    >>> shown({"low": 5, "high": 60, "log": True})
    '{low: 5, high: 60, log: true}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(shown, value)) + "]"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _decision_lines(knob: str, old: Any, new: Any, path: str) -> list[str]:
    before, after = _alternatives(old), _alternatives(new)
    if before.keys() != after.keys() and _is_open(knob, new) != _is_open(knob, old):
        word = "closed at" if _is_open(knob, old) else "open:"
        return [f"{path} is {word} {_summary(new)}, in the run it is {_summary(old)}"]
    lines = _names(path, before, after)
    common = [label for label in before if label in after]
    if common != [label for label in after if label in before]:
        lines.append(f"{path} has its alternatives in another order")
    for label in common:
        lines += _alternative_lines(knob, before[label], after[label], f"{path}.{label}")
    return lines


def _alternative_lines(knob: str, old: Plain, new: Plain, path: str) -> list[str]:
    if old["method"] != new["method"]:
        return [f"{path} is the method {new['method']}, in the run {old['method']}"]
    lines: list[str] = []
    for name in dict.fromkeys((*old, *new)):
        inside = None if name in ("method", "name") else _nested(knob, str(old["method"]), name)
        inner_path = f"{path}.{name}"
        if old.get(name) == new.get(name) and (name in old) == (name in new):
            continue
        if inside is not None and name in old and name in new:
            lines += _decision_lines(inside, old[name], new[name], inner_path)
        else:
            values = [shown(part[name]) if name in part else "not given" for part in (new, old)]
            lines.append(f"{inner_path} is {values[0]}, in the run {values[1]}")
    return lines


def _entries(what: str, old: Plain, new: Plain) -> list[str]:
    return _names(what, old, new) + [
        f"{what}.{name} is {shown(new[name])}, in the run {shown(old[name])}"
        for name in new
        if name in old and new[name] != old[name]
    ]


def _names(path: str, old: Plain, new: Plain) -> list[str]:
    added = ", ".join(name for name in new if name not in old)
    lost = ", ".join(name for name in old if name not in new)
    lines = [f"{path} has {added}, which the run does not have"] if added else []
    return lines + ([f"{path} lacks {lost}, which the run has"] if lost else [])


def _rules(old: list[Any], new: list[Any]) -> Iterator[str]:
    yield from (f"forbid has {shown(rule)}, which the run does not have" for rule in new if rule not in old)
    yield from (f"forbid lacks {shown(rule)}, which the run has" for rule in old if rule not in new)


def _alternatives(plain: Any) -> dict[str, Plain]:
    listed = plain if isinstance(plain, list) else [plain]
    mappings = [{"method": item} if isinstance(item, str) else item for item in listed]
    return {str(item.get("name", item["method"])): item for item in mappings}


def _is_open(knob: str, plain: Any) -> bool:
    alternatives = _alternatives(plain)
    return len(alternatives) > 1 or any(
        _is_open_value(_nested(knob, str(item["method"]), name), value)
        for item in alternatives.values()
        for name, value in item.items()
        if name not in ("method", "name")
    )


def _is_open_value(nested: str | None, value: Any) -> bool:
    if nested is not None and value is not None:
        return _is_open(nested, value)
    return isinstance(value, Mapping) and any(key in value for key in _OPEN)


def _nested(knob: str, method: str, parameter: str) -> str | None:
    try:
        cls = find_method(knob, method)
    except FormatError:
        return None  # the run may have methods that are not registered here
    return nested_knob(cls, parameter) if parameter in cls.model_fields else None


def _summary(plain: Any) -> str:
    alternatives = _alternatives(plain)
    if len(alternatives) > 1:
        return f"one of {', '.join(alternatives)}"
    [(label, item)] = alternatives.items()
    return label if set(item) <= {"method", "name"} else shown(item)
