"""Leave out alternatives that select the same rows as another one where the data have two classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from altune.core.text import join_words
from altune.recipes.space.forbidding import Rule
from altune.recipes.space.tree import Alternative, Decision


def without_equals(
    decisions: Mapping[str, Decision], forbid: tuple[Rule, ...]
) -> tuple[dict[str, Decision], list[str]]:
    """Leave out alternatives that are equal to another one of the same choice for two classes.

    A method is equal to the one that its class names in ``alike_for_two_classes``, and to others that name the same
    one, if all their parameters are written alike. Alternatives that a rule of ``forbid`` names are kept.

    Returns
    -------
    The remaining decisions, and one line with the reason for alternatives that are equal to the same one.
    """
    reasons: list[str] = []
    return {knob: _merged(decision, knob, forbid, reasons) for knob, decision in decisions.items()}, reasons


def _merged(decision: Decision, path: str, forbid: tuple[Rule, ...], reasons: list[str]) -> Decision:
    inner = [
        _inside(alternative, f"{path}.{alternative.label}", forbid, reasons) for alternative in decision.alternatives
    ]
    free = [alternative for alternative in inner if not _named(path, alternative, forbid)]
    dropped: list[Alternative] = []
    for alternative in free:
        equals = [other for other in free if other not in dropped and _equal(alternative, other)]
        leader = next((other for other in equals if other.method == _leader(other)), alternative)
        others = [other for other in equals if other is not leader]
        if alternative not in dropped and others:
            dropped += others
            reasons.append(_reason([f"{path}.{other.label}" for other in others], leader.label))
    return replace(decision, alternatives=tuple(alternative for alternative in inner if alternative not in dropped))


def _reason(paths: list[str], leader: str) -> str:
    verb, subject = ("is", "it selects") if len(paths) == 1 else ("are", "they select")
    return f"{join_words(paths)} {verb} left out: with two classes {subject} what {leader} selects"


def _inside(alternative: Alternative, path: str, forbid: tuple[Rule, ...], reasons: list[str]) -> Alternative:
    slots = {
        name: _merged(slot, f"{path}.{name}", forbid, reasons) if isinstance(slot, Decision) else slot
        for name, slot in alternative.slots.items()
    }
    return replace(alternative, slots=slots)


def _leader(alternative: Alternative) -> str:
    return alternative.cls.alike_for_two_classes or alternative.method


def _equal(first: Alternative, second: Alternative) -> bool:
    return _leader(first) == _leader(second) and first.slots == second.slots


def _named(path: str, alternative: Alternative, forbid: tuple[Rule, ...]) -> bool:
    """Return whether a rule speaks of an alternative, which therefore is not drawn in the same combinations."""
    own = f"{path}.{alternative.label}"
    return any(
        key == own or key.startswith(f"{own}.") or (key == path and alternative.label in values)
        for rule in forbid
        for key, values in rule.items()
    )
