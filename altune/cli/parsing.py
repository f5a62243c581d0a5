"""Values of options that are more than one word of a type: times, lists, files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from altune.core.errors import RequestError
from altune.core.files import kind_of_file
from altune.core.system_errors import system_errors

_MOST_DIGITS = 18
_JSON_COST = 25  # times its bytes that the values of a JSON file take at most


def read_names(text: str | None) -> str | tuple[str, ...] | None:
    """Return one name, or several that commas separate.

    >>> read_names("aulc"), read_names("aulc,labels")
    ('aulc', ('aulc', 'labels'))
    """
    names = () if text is None else tuple(part.strip() for part in text.split(","))
    return names if len(names) > 1 else text


def read_shares(text: str | None) -> tuple[float, ...]:
    """Return numbers that commas separate.

    >>> read_shares("0.3,0.6")
    (0.3, 0.6)
    """
    if text is None:
        return ()
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise RequestError(f"--rungs takes shares of the budget such as 0.3,0.6, not {text!r}") from None


def read_loops(text: str | None) -> int | str | None:
    """Return a number of loops, or ``unlimited``.

    >>> read_loops("20"), read_loops("unlimited")
    (20, 'unlimited')
    """
    if text is None or text == "unlimited":
        return text
    if not _is_count(text):
        raise RequestError(f"--loops takes a number or `unlimited`, not {text!r}")
    return int(text)


def read_text_features(text: str | None) -> int | str | None:
    """Return ``tfidf``, ``lsa`` or a number of features.

    >>> read_text_features("tfidf"), read_text_features("100")
    ('tfidf', 100)
    """
    if text is None or text in ("tfidf", "lsa"):
        return text
    if not _is_count(text):
        raise RequestError(f"--text-features takes tfidf, lsa or a number of features, not {text!r}")
    return int(text)


def read_annotators(text: str | None) -> list[dict[str, float]] | None:
    """Return one annotator for each error rate.

    >>> read_annotators("0.1,0.2")
    [{'error': 0.1}, {'error': 0.2}]
    """
    if text is None:
        return None
    try:
        return [{"error": float(part)} for part in text.split(",")]
    except ValueError:
        raise RequestError(f"--annotators takes error rates such as 0.1,0.1,0.2, not {text!r}") from None


def read_seconds(text: str | None, option: str = "--timeout") -> float | None:
    """Return a time such as ``90s``, ``10m`` or ``2h`` in seconds; a number without a unit is in seconds.

    >>> read_seconds("10m"), read_seconds("1.5")
    (600.0, 1.5)
    """
    if text is None:
        return None
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        seconds = float(number) * units[unit]
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise RequestError(f"{option} takes a time such as 90s, 10m or 2h, not {text!r}")
    return seconds


def read_json(path: Path) -> Any:
    """Return the plain values of a JSON file.

    Raises
    ------
    RequestError
        If it cannot be read, is not JSON, or needs too much memory.
    """
    from altune.data.memory import require_bytes

    if kind := kind_of_file(path):
        raise RequestError(f"{path} is {kind}; give a JSON file")
    try:
        with system_errors(path):
            require_bytes(_JSON_COST * path.stat().st_size, str(path), "give a smaller file")
            return json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{path}: not JSON: {error}") from None


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
