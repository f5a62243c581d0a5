"""The importance of knobs in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from altune.analysis.importance.shares import Floor, HeldNumber, Interaction, KnobShare, NumberShare, number_words
from altune.core.text import join_words
from altune.recipes.describe import KNOB_WORDS

STRONG = 0.05
"""Smallest share of a pair of knobs, or of a number, that has a sentence."""
MEANINGS = {("initial_sample", "size"): "the larger it is, the later the first model"}
"""What a number decides beyond its name."""


def share_sentences(knobs: Sequence[KnobShare], of: str = "of the differences between recipes") -> list[str]:
    """Return what the knobs that matter explain, and which have no clear effect."""
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


def number_sentences(numbers: Sequence[NumberShare]) -> list[str]:
    """Return a sentence for each number that explains most of its knob and is not negligible."""
    return [_number(number) for number in numbers if number.share >= STRONG]


def _number(number: NumberShare) -> str:
    meaning = MEANINGS.get((number.knob, number.number))
    return (
        f"Most of the share of {_words(number.knob)} is one number, its {number_words(number.number)}: "
        f"{_percent(number)}{f'; {meaning}' if meaning else ''}."
    )


def held_sentences(held: HeldNumber) -> list[str]:
    """Return how much of the variance remains with a number held, and what the knobs explain of that."""
    first, *rest = share_sentences(held.knobs, "of that")
    remains = f"With {held.text}, as in the recipe, {100 * held.remains:.0f} % of the variance remains"
    return [f"{remains}: {first[:1].lower()}{first[1:]}", *rest]


def pair_sentences(pairs: Sequence[Interaction], floor: Floor) -> list[str]:
    """Return that the two knobs interact whose pair is the first above the noise floor that is not negligible."""
    return [
        f"{_capital(_words(pair.a))} and {_words(pair.b)} interact: {100 * pair.share:.0f} % belongs to their "
        "combination, so choose them together."
        for pair in pairs
        if pair.low > floor.high and pair.share >= STRONG
    ][:1]


def _words(knob: str) -> str:
    return KNOB_WORDS.get(knob, knob)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _percent(share: KnobShare | NumberShare) -> str:
    return f"{100 * share.share:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}]"
