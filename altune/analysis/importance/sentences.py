"""The importance of knobs in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from altune.analysis.importance.shares import HeldNumber, KnobShare, NumberShare, number_words
from altune.core.text import join_words
from altune.recipes.describe import KNOB_WORDS

if TYPE_CHECKING:
    from altune.analysis.importance.knob_importance import KnobImportance

STRONG = 0.05
"""Smallest share of a pair of knobs, or of a number, that has a sentence."""
MEANINGS = {("initial_sample", "size"): "the larger it is, the later the first model"}
"""What a number decides beyond its name."""


def importance_sentences(importance: KnobImportance) -> list[str]:
    """Return the result in sentences, the most important first."""
    sentences = [importance.warning] if importance.warning else []
    sentences += _shares(importance.knobs, "of the differences between recipes")
    sentences += [_number(number) for number in importance.numbers if number.share >= STRONG]
    sentences += _held(importance.held) if importance.held else []
    strong = [pair for pair in importance.interactions if pair.low > importance.floor.high and pair.share >= STRONG]
    if strong and not importance.dependent:
        pair = strong[0]
        sentences.append(
            f"{_capital(_words(pair.a))} and {_words(pair.b)} interact: {100 * pair.share:.0f} % belongs to their "
            "combination, so choose them together."
        )
    of = f" of {importance.n_trials + importance.aside:,}" if importance.aside else ""
    sentences.append(
        f"From {importance.n_trials}{of} recipes; the surrogate explains {100 * max(0.0, importance.r2):.0f} % of the "
        f"differences between recipes that it was not fitted to (R² = {importance.r2:.2f})."
    )
    return sentences


def _shares(knobs: Sequence[KnobShare], of: str) -> list[str]:
    sentences = []
    matter = [share for share in knobs if share.matters]
    rest = [share for share in knobs if not share.matters]
    if matter:
        parts = [
            f"{_words(share.knob)} {'explains ' if index == 0 else ''}{_percent(share)}"
            for index, share in enumerate(matter)
        ]
        sentences.append(_capital(f"{', '.join(parts)} {of}."))
    if rest:
        names = join_words([_words(share.knob) for share in rest])
        sentences.append(_capital(f"{names} {'has' if len(rest) == 1 else 'have'} no clear effect."))
    return sentences


def _number(number: NumberShare) -> str:
    meaning = MEANINGS.get((number.knob, number.number))
    return (
        f"Most of the share of {_words(number.knob)} is one number, its {number_words(number.number)}: "
        f"{_percent(number)}{f'; {meaning}' if meaning else ''}."
    )


def _held(held: HeldNumber) -> list[str]:
    first, *rest = _shares(held.knobs, "of that")
    remains = f"With {held.text}, as in the recipe, {100 * held.remains:.0f} % of the variance remains"
    return [f"{remains}: {first[:1].lower()}{first[1:]}", *rest]


def _words(knob: str) -> str:
    return KNOB_WORDS.get(knob, knob)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _percent(share: KnobShare | NumberShare) -> str:
    return f"{100 * share.share:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}]"
