"""Rules that note and never stop, so that one full trajectory evaluates every rule by replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from altune.knobs.stopping.base import Criterion, Note, Stopping
from altune.knobs.stopping.combined import Rules


class RecordedRules(Rules):
    """Rules that note and never stop. For replay only: it is not registered, so no file can name it."""

    method: Literal["recorded"] = "recorded"


def noted_by(rule: Stopping) -> Stopping:
    """Return the rule that represents all rules with the same notes: parameters that only decide have their defaults.

    >>> from altune.core.registry import parse_method
    >>> strict = parse_method("stopping", {"method": "stabilizing_predictions", "threshold": 0.999})
    >>> noted_by(strict).threshold
    0.99
    """
    if isinstance(rule, Rules):
        return rule.model_copy(update={"rules": tuple(noted_by(nested) for nested in rule.rules)})
    if not isinstance(rule, Criterion):
        return rule
    fields = type(rule).model_fields
    defaults = {name: fields[name].get_default() for name in rule.only_decides if name in fields}
    # A minimum of 1 makes the rule note the labels bought, which rules with another minimum need.
    return rule.model_copy(update={**defaults, "minimum": 1})


def stopping_point(rule: Stopping, notes: Sequence[Note]) -> int | None:
    """Return the first loop in which a rule fires, given its notes of all loops, or None if it never fires.

    >>> from altune.core.registry import parse_method
    >>> stopping_point(parse_method("stopping", "classification_change"), [{}, {"stop_changed": 0.0}])
    1
    """
    return next((loop for loop in range(len(notes)) if rule.fires(notes[: loop + 1])), None)
