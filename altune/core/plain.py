"""Plain values: what callers have, such as NumPy's numbers and arrays, as Python's own types.

Every value from outside passes :func:`plain` once, at the boundary: arguments of public functions
(:mod:`altune.core.arguments`), fields of recipes, methods and scenarios (:mod:`altune.core.plain_model`), and search
spaces. Behind it there are only ``None``, ``bool``, ``int``, ``float``, ``str``, lists, tuples and mappings of them,
and objects that have a meaning of their own, which are never changed.
"""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping, ValuesView
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from altune.core.errors import RequestError

_SETS = (set, frozenset)
_ITERABLES = (range, Iterator, KeysView, ValuesView)


def plain(value: Any) -> Any:
    """Return a value with Python's own types in place of those of NumPy, pandas and the standard library.

    Numbers, text and truth values of NumPy and pandas, arrays without dimensions, ``Fraction``, ``Decimal`` and members
    of an ``Enum`` become the Python value; arrays, series, ranges and generators become lists, and sets become sorted
    lists, so that no result depends on the order of a set. A negative zero becomes 0. Other objects are returned as
    they are.

    >>> from fractions import Fraction
    >>> plain({"size": Fraction(10, 2), "rungs": range(3), "shares": (Decimal("0.5"), -0.0)})
    {'size': 5, 'rungs': [0, 1, 2], 'shares': (0.5, 0.0)}
    """
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value or 0.0
    if kind in (list, tuple):
        return kind(map(plain, value))
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Fraction | Decimal):
        return _number(value)
    if isinstance(value, _SETS):
        return sorted(map(plain, value), key=lambda item: (type(item).__name__, str(item)))
    if isinstance(value, _ITERABLES):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return str.__str__(value)
    if kind.__name__ == "NAType":  # of pandas
        return None
    if not isinstance(value, type) and callable(getattr(value, "tolist", None)):
        return _from_array(value)
    if isinstance(value, float):
        return float(value) or 0.0
    return int(value) if isinstance(value, int) else value


def _number(value: Fraction | Decimal) -> int | float:
    number = float(value)
    return int(value) if number.is_integer() else number


def _from_array(value: Any) -> Any:
    listed = value.tolist()
    if type(listed) is type(value):  # numbers of a precision that Python lacks
        return float(listed) or 0.0
    return plain(listed)


def home_path(value: str | PathLike[str], what: str = "the path") -> str | Path:
    """Return a path in which a leading ``~`` is the home directory; text without it stays as it is.

    Raises
    ------
    RequestError
        If there is no such user, or the path is none.
    """
    text = fspath(value)
    if not isinstance(value, str) and not isinstance(value, Path):
        value = Path(text)
    if "\0" in text:
        raise RequestError(f"{what} {shown(text)}: no name of a file has a NUL character; write the path without it")
    if not text.startswith("~"):
        return value
    try:
        return Path(text).expanduser()
    except RuntimeError:
        user = Path(text).parts[0]
        raise RequestError(f"{what} {text!r}: there is no home directory of {user}; write the path out") from None


def shown(value: Any) -> str:
    """Return a value as it is shown in a message: in one line, and shortened if it is long.

    >>> shown("x"), shown(list(range(100)))
    ("'x'", '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1… (list)')
    """
    try:
        text = " ".join(repr(value).split())
    except ValueError:
        text = "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:60]}… ({type(value).__name__})"
