"""Forbidden combinations of a search space: rules over Optuna paths, which are checked when the space is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from altune.core.errors import FormatError, did_you_mean, join_path
from altune.core.registry import KNOBS, methods
from altune.recipes.space.domains import Choices, same, stored_choice
from altune.recipes.space.tree import Decision, Slot

Rule = dict[str, tuple[Any, ...]]


def read_rules(value: Any, decisions: Mapping[str, Decision]) -> tuple[Rule, ...]:
    """Read ``forbid:``, a list of mappings of Optuna paths to a value or a list of values.

    Raises
    ------
    FormatError
        If a draw of the space cannot have a path or a value of a rule.
    """
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)):
        raise FormatError("must be a list of mappings, one for each combination", path="forbid", value=value)
    return tuple(_read_rule(rule, decisions, f"forbid[{index}]") for index, rule in enumerate(value))


def matching_rule(rules: tuple[Rule, ...], assignment: Mapping[str, Any]) -> Rule | None:
    """Return the first rule that matches a draw: at each of its paths the draw has one of its values."""
    for rule in rules:
        if all(
            path in assignment and any(same(assignment[path], value) for value in values)
            for path, values in rule.items()
        ):
            return rule
    return None


def narrowed_rules(rules: tuple[Rule, ...], decisions: Mapping[str, Decision]) -> tuple[Rule, ...]:
    """Return the rules that can still match after alternatives were left out."""
    kept = []
    for rule in rules:
        left = {
            path: tuple(value for value in values if _occurs(decisions, path, value)) for path, values in rule.items()
        }
        if all(left.values()):
            kept.append(left)
    return tuple(kept)


def describe_rule(rule: Rule) -> str:
    """Return a rule in one line.

    >>> describe_rule({"model": ("naive_bayes",), "query_strategy": ("badge", "margin")})
    'model: naive_bayes with query_strategy: badge or margin'
    """
    return " with ".join(f"{path}: {' or '.join(map(str, values))}" for path, values in rule.items())


def plain_rule(rule: Rule) -> dict[str, Any]:
    """Return a rule as it is written in a file."""
    return {
        path: values[0] if len(values) == 1 and not isinstance(values[0], list) else list(values)
        for path, values in rule.items()
    }


def _read_rule(rule: Any, decisions: Mapping[str, Decision], path: str) -> Rule:
    if not isinstance(rule, Mapping) or not rule:
        raise FormatError("must be a mapping of Optuna paths to values", path=path, value=rule)
    read: Rule = {}
    for key, value in rule.items():
        values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        rule_path = join_path(path, str(key))
        if _find(decisions, str(key)) is None and key not in (*KNOBS, "model"):
            known = [name for knob, decision in decisions.items() for name in (knob, *decision.open_paths(knob))]
            raise FormatError(f"the space has no such path; {did_you_mean(key, set(known))}", path=rule_path, value=key)
        if not values:
            raise FormatError("the list is empty; give at least one value", path=rule_path, value=value)
        for item in values:
            if not _occurs(decisions, str(key), item):
                raise FormatError(
                    f"{item!r} is never drawn here{_accepted(decisions, str(key), item)}",
                    path=rule_path,
                    value=item,
                )
        read[str(key)] = values
    return read


def _find(decisions: Mapping[str, Decision], path: str) -> Slot | None:
    knob = path.split(".")[0]
    return decisions[knob].find(path, knob) if knob in decisions else None


def _occurs(decisions: Mapping[str, Decision], path: str, value: Any) -> bool:
    node = _find(decisions, path)
    if isinstance(node, Decision):
        return value in node.labels
    if node is None:
        return path not in decisions and path in (*KNOBS, "model") and value in methods(path)
    return bool(node.contains(value))


def _accepted(decisions: Mapping[str, Decision], path: str, value: Any) -> str:
    node = _find(decisions, path)
    if isinstance(node, Decision):
        return f"; {did_you_mean(value, node.labels)}"
    if node is None:
        return f"; {did_you_mean(value, methods(path))}"
    if isinstance(node, Choices):
        return f"; {did_you_mean(value, [str(stored_choice(choice)) for choice in node.values])}"
    return f"; accepted: {node.to_plain()}"
