"""Plain text made of plain values."""

from __future__ import annotations

from collections.abc import Sequence


def join_words(words: Sequence[str]) -> str:
    """Return words joined by commas, with ``and`` before the last; an empty text for no words.

    >>> join_words(["a"]), join_words(["a", "b"]), join_words(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join([", ".join(words[:-1]), *words[-1:]] if len(words) > 1 else words)


def capitalized(text: str) -> str:
    """Return a text that begins with a capital letter, the rest as it is.

    >>> capitalized("mean ROC area")
    'Mean ROC area'
    """
    return text[:1].upper() + text[1:]
