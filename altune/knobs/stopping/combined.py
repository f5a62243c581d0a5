"""Rules made of other rules, and the one that never stops."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, SerializeAsAny

from altune.core.registry import parse_method, register
from altune.knobs.stopping.agreement import ClassificationChange, StabilizingPredictions
from altune.knobs.stopping.base import Note, Stopping, StopView
from altune.knobs.stopping.uncertainty import MinExpectedError, OverallUncertainty


def read_rule(value: Any) -> Any:
    """Read a rule nested in a parameter."""
    return parse_method("stopping", value)


NestedRule = Annotated[SerializeAsAny[Stopping], BeforeValidator(read_rule)]
"""The type of a rule inside a list of rules."""


@register
class BudgetOnly(Stopping):
    """Go on until labels, loops or the pool are used up."""

    method: Literal["budget"] = "budget"

    def note(self, view: StopView) -> dict[str, float]:
        """Note nothing."""
        return {}

    def fires(self, notes: Sequence[Note]) -> bool:
        """Never fire."""
        return False


class Rules(Stopping):
    """Several rules at once; each notes under a name of its own, so that two of one kind do not mix."""

    rules: tuple[NestedRule, ...] = Field(min_length=1, max_length=100, description="the rules, each as under stopping")

    @property
    def held_out_rows(self) -> int:
        """Rows that the most demanding rule wants for validation; all rules share them."""
        return max(rule.held_out_rows for rule in self.rules)

    def note(self, view: StopView) -> dict[str, float]:
        """Note what each rule notes."""
        noted: dict[str, float] = {}
        for place, rule in enumerate(self.rules):
            # Each rule draws what it would draw alone.
            own = replace(view, rng=copy.deepcopy(view.rng))
            noted |= {f"{prefix(place)}{name}": value for name, value in rule.note(own).items()}
        return noted

    def fires(self, notes: Sequence[Note]) -> bool:
        """Never fire; the rules that decide say how."""
        return False

    def decisions(self, notes: Sequence[Note]) -> list[bool]:
        """Return what each rule says by itself."""
        return [rule.fires(notes_of(notes, place)) for place, rule in enumerate(self.rules)]


@register
class AnyRule(Rules):
    """Stop as soon as one of several rules says so: ``{method: any, rules: [{method: …}, {method: …}]}``."""

    method: Literal["any"] = "any"
    rules: tuple[NestedRule, ...] = Field(
        default=(StabilizingPredictions(), MinExpectedError()),
        min_length=1,
        max_length=10,
        description="the rules, each as under stopping",
    )

    def fires(self, notes: Sequence[Note]) -> bool:
        """Fire when one of the rules fires."""
        return any(self.decisions(notes))


@register
class AllRules(Rules):
    """Stop when several rules say so in the same loop: ``{method: all, rules: [{method: …}, {method: …}]}``."""

    source: ClassVar[str] = "two at once (the default): Zhu, Wang & Hovy, COLING 2008"
    method: Literal["all"] = "all"
    rules: tuple[NestedRule, ...] = Field(
        default=(OverallUncertainty(), ClassificationChange()),
        min_length=1,
        max_length=10,
        description="the rules, each as under stopping",
    )

    def fires(self, notes: Sequence[Note]) -> bool:
        """Fire when each of the rules fires."""
        return all(self.decisions(notes))


def prefix(place: int) -> str:
    """Return what stands before the names of a nested rule's notes.

    >>> prefix(0)
    'rule_0_'
    """
    return f"rule_{place}_"


def notes_of(notes: Sequence[Note], place: int) -> list[dict[str, float]]:
    """Return the notes of one nested rule, under the names that it gave them.

    >>> notes_of([{"rule_0_a": 1.0, "rule_1_a": 2.0}], 1)
    [{'a': 2.0}]
    """
    start = prefix(place)
    return [{name[len(start) :]: value for name, value in note.items() if name.startswith(start)} for note in notes]
