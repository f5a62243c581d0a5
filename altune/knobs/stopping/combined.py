"""Stopping rules composed of other rules, and the one that never stops."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SerializeAsAny

from altune.core.registry import parse_method, register
from altune.knobs.stopping.agreement import ClassificationChange, StabilizingPredictions
from altune.knobs.stopping.base import Note, Stopping, StopView
from altune.knobs.stopping.uncertainty import MinExpectedError, OverallUncertainty

NestedRule = Annotated[SerializeAsAny[Stopping], BeforeValidator(lambda value: parse_method("stopping", value))]
"""The type of a rule in a list of rules."""
FewRules = Annotated[
    tuple[NestedRule, ...],
    Field(min_length=1, max_length=10, description="list of rules, each written as under `stopping`"),
]


@register
class BudgetOnly(Stopping):
    """No early stop: labelling ends when the labels, the loops or the pool are used up."""

    method: Literal["budget"] = "budget"

    def note(self, view: StopView) -> dict[str, float]:
        """Note nothing."""
        return {}

    def fires(self, notes: Sequence[Note]) -> bool:
        """Never fire."""
        return False


class Rules(Stopping):
    """Base of rules that combine several rules.

    The notes of each rule have a prefix, so that those of two rules of one method do not mix.
    """

    rules: tuple[NestedRule, ...] = Field(
        min_length=1, max_length=100, description="list of rules, each written as under `stopping`"
    )

    @property
    def held_out_rows(self) -> int:
        """Largest number of validation rows that a rule needs; all rules share these rows."""
        return max(rule.held_out_rows for rule in self.rules)

    def note(self, view: StopView) -> dict[str, float]:
        """Return the notes of all rules."""
        notes: dict[str, float] = {}
        for index, rule in enumerate(self.rules):
            # Each rule draws the same random numbers as it would alone.
            alone = replace(view, rng=copy.deepcopy(view.rng))
            notes |= {f"{prefix(index)}{name}": value for name, value in rule.note(alone).items()}
        return notes

    def fires(self, notes: Sequence[Note]) -> bool:
        """Return False; subclasses combine the decisions."""
        return False

    def decisions(self, notes: Sequence[Note]) -> list[bool]:
        """Return whether each rule fires."""
        return [rule.fires(notes_of(notes, index)) for index, rule in enumerate(self.rules)]


@register
class AnyRule(Rules):
    """Stop as soon as any of several rules fires: ``{method: any, rules: [{method: …}, {method: …}]}``."""

    method: Literal["any"] = "any"
    rules: FewRules = (StabilizingPredictions(), MinExpectedError())

    def fires(self, notes: Sequence[Note]) -> bool:
        """Return whether any rule fires."""
        return any(self.decisions(notes))


@register
class AllRules(Rules):
    """Stop when all of several rules fire in the same loop: ``{method: all, rules: [{method: …}, {method: …}]}``."""

    source = "Zhu, Wang, Hovy, COLING 2008 (the default rules)"
    method: Literal["all"] = "all"
    rules: FewRules = (OverallUncertainty(), ClassificationChange())

    def fires(self, notes: Sequence[Note]) -> bool:
        """Return whether all rules fire."""
        return all(self.decisions(notes))


def prefix(index: int) -> str:
    """Return the prefix of the names of a nested rule's notes.

    >>> prefix(0)
    'rule_0_'
    """
    return f"rule_{index}_"


def notes_of(notes: Sequence[Note], index: int) -> list[dict[str, float]]:
    """Return the notes of a nested rule without their prefix.

    >>> notes_of([{"rule_0_a": 1.0, "rule_1_a": 2.0}], 1)
    [{'a': 2.0}]
    """
    start = prefix(index)
    return [{name[len(start) :]: value for name, value in note.items() if name.startswith(start)} for note in notes]
