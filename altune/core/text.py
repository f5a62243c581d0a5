"""Plain text made of plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence


def join_words(words: Sequence[str]) -> str:
    """Return words joined by commas, with ``and`` before the last; an empty text for no words.

    >>> join_words(["a"]), join_words(["a", "b"]), join_words(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join([", ".join(words[:-1]), *words[-1:]] if len(words) > 1 else words)


def counted(count: int, name: str) -> str:
    """Return a number of things in words; names end as those of rows, classes, boxes, and entries do.

    >>> counted(1, "row"), counted(0, "class"), counted(1200, "data set"), counted(2, "trajectory")
    ('1 row', '0 classes', '1200 data sets', '2 trajectories')
    """
    if count == 1:
        return f"{count} {name}"
    if name.endswith("y") and name[-2] not in "aeiou":
        return f"{count} {name[:-1]}ies"
    return f"{count} {name}{'es' if name.endswith(('s', 'x', 'ch', 'sh')) else 's'}"


def printable(text: str) -> str:
    r"""Return a text whose characters can all be shown in a line and written in any file; others become escapes.

    >>> printable("a b"), printable("a\nb"), printable("caf\udce9")
    ('a b', 'a\\nb', 'caf\\udce9')
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)


def printable_lines(text: str) -> str:
    r"""Return a text of several lines as :func:`printable` does: a terminal cannot take any of it as a command.

    >>> printable_lines("a\tb\n\x1b[31mc")
    'a\tb\n\\x1b[31mc'
    """
    return text if text.isprintable() else "".join(sign if sign in "\n\t" else printable(sign) for sign in text)


def capitalized(text: str) -> str:
    """Return a text that begins with a capital letter, the rest as it is.

    >>> capitalized("mean ROC area")
    'Mean ROC area'
    """
    return text[:1].upper() + text[1:]


def duration(seconds: float) -> str:
    """Return a time in words.

    >>> duration(3.21), duration(75), duration(7260)
    ('3.2 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def rough_duration(seconds: float) -> str:
    """Return an estimated time in words, without digits that the estimate does not have.

    >>> [rough_duration(seconds) for seconds in (0.2, 3.2, 200, 9000, 300_000)]
    ['1 s', '3 s', '3 min', '2.5 h', '3.5 days']
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"


def rough_bytes(number: int) -> str:
    """Return an amount of memory in words.

    >>> rough_bytes(310_000_000), rough_bytes(2_340_000_000)
    ('310 MB', '2.3 GB')
    """
    return f"{number / 1e6:.0f} MB" if number < 1e9 else f"{number / 1e9:.1f} GB"


def amount(value: float, signed: bool = False) -> str:
    """Return a value of any objective: three decimals for a score, none for hundreds of labels.

    >>> amount(0.91234), amount(33.52), amount(187.4), amount(0.05, signed=True)
    ('0.912', '33.5', '187', '+0.050')
    """
    digits = 3 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:{'+' if signed else ''}.{digits}f}"


def amount_within(mean: float, low: float, high: float, signed: bool = False) -> str:
    """Return a value with the ends of its interval; without them where there is no interval, so one end is infinite.

    >>> amount_within(0.91, 0.9, 0.92), amount_within(0.91, -math.inf, math.inf)
    ('0.910 [0.900, 0.920]', '0.910')
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return amount(mean, signed)
    return f"{amount(mean, signed)} [{amount(low, signed)}, {amount(high, signed)}]"


def plays_words(plays: int, recipes: int, candidates: int | None) -> str:
    """Return how far a search by merit is: its plays, recipes, and those that are not clearly behind the best.

    >>> plays_words(17, 11, 3), plays_words(2, 1, 1), plays_words(4, 4, None)
    ('17 plays of 11 recipes, 3 still candidates', '2 plays of 1 recipe, 1 still a candidate', '4 plays of 4 recipes')
    """
    words = f"{counted(plays, 'play')} of {counted(recipes, 'recipe')}"
    if not candidates:
        return words
    return f"{words}, {candidates} still {'a candidate' if candidates == 1 else 'candidates'}"


def time_words(seconds: float, jobs: int) -> str:
    """Return an estimated time and the number of processes.

    >>> time_words(200.0, 2)
    'about 3 min with 2 processes'
    """
    return f"about {rough_duration(seconds)} with {counted(jobs, 'process')}"


def memory_words(memory: int, jobs: int) -> str:
    """Return the estimated memory of each process.

    >>> memory_words(260_000_000, 2), memory_words(260_000_000, 1)
    ('about 260 MB for each of 2 processes and the one that leads them', 'about 260 MB')
    """
    others = f" for each of {jobs} processes and the one that leads them" if jobs > 1 else ""
    return f"about {rough_bytes(memory)}{others}"
