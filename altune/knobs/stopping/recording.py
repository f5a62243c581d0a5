"""Rules that take their notes and never stop, so that one full trajectory serves every rule afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from altune.knobs.stopping.base import Criterion, Note, Stopping
from altune.knobs.stopping.combined import Rules


class RecordedRules(Rules):
    """Rules that take their notes and never stop; for replay alone, so no file can name it."""

    method: Literal["recorded"] = "recorded"


def noted_by(rule: Stopping) -> Stopping:
    """Return the rule that stands for all that note what this one notes: what only decides has its default.

    >>> from altune.core.registry import parse_method
    >>> strict = parse_method("stopping", {"method": "stabilizing_predictions", "threshold": 0.999})
    >>> noted_by(strict).threshold
    0.99
    """
    if isinstance(rule, Rules):
        return rule.model_copy(update={"rules": tuple(noted_by(one) for one in rule.rules)})
    if not isinstance(rule, Criterion):
        return rule
    fields = type(rule).model_fields
    usual = {name: fields[name].get_default() for name in rule.only_decides if name in fields}
    # With a minimum, the labels are noted as well; they must be there for whoever has one.
    return rule.model_copy(update={**usual, "minimum": 1})


def stopping_point(rule: Stopping, notes: Sequence[Note]) -> int | None:
    """Return the first point at which a rule stops given its notes of all loops, None where it never does.

    >>> from altune.core.registry import parse_method
    >>> stopping_point(parse_method("stopping", "classification_change"), [{}, {"stop_changed": 0.0}])
    1
    """
    return next((point for point in range(len(notes)) if rule.fires(notes[: point + 1])), None)
