"""Find columns that only name the rows: running numbers, codes, e-mail addresses, names.

A model can learn such a column by heart and knows nothing of a new row from it. Measurements, dates and free text often
have a different value in every row as well, so each rule says why a column cannot be one of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Sized
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

FEWEST_ROWS = 20
"""Rows below which no column is called an identifier."""
_COINCIDENCES = 9.0  # equal values expected of whole numbers drawn from their range; all differ with p < e⁻⁹
_MOST_WORDS = 5  # of a value, on average, in a column of names
_LONGEST_CODE = 40  # characters, on average
_SHARE = 0.95  # of the values that must look alike
_HEAD = 50  # rows that are checked first
_IDS = {"id", "ids", "uuid", "guid", "identifier", "key"}
_NAMES = {"name", "names", "surname", "lastname", "firstname", "username", "email", "mail", "phone"}
_TIMES = {"time", "timestamp", "date", "datetime", "day", "week", "month", "year", "hour", "minute", "second"}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.\w+")
_CODE = re.compile(r"(?=.*\d.*\d)(?!.*//)(?!\d?\d:\d\d(:\d\d)?$)[\w.\-/#:]+")  # no web address, no time of the day
_PART_OF_NAME = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def number_identifier(name: str, values: NDArray[np.float64]) -> str:
    """Return why a column of numbers looks like an identifier; an empty text if it does not.

    Whole numbers that are all different are one if there would be equal ones among as many numbers drawn from their
    range, or if the name of the column says so. Numbers with a fraction never are.

    Parameters
    ----------
    name : name of the column.
    values : its values, ``(n_rows,)``.

    Examples
    --------
    >>> number_identifier("row", np.arange(100.0))
    'whole numbers without a repetition, 0 to 99'
    >>> number_identifier("income", np.arange(0.0, 1e6, 12345.0))
    ''
    """
    head = values[:_HEAD]
    if len(values) < FEWEST_ROWS or not _whole_and_different(head) or not _whole_and_different(values):
        return ""
    words = _words_of(name)
    low, high = float(values.min()), float(values.max())
    by_chance = len(values) * (len(values) - 1) / (2 * (high - low + 1))
    if words & _TIMES or (by_chance < _COINCIDENCES and not words & _IDS):
        return ""
    return f"whole numbers without a repetition, {low:.0f} to {high:.0f}"


def identifiers_of(X: NDArray[np.float64], names: Sequence[str] | None) -> dict[str, str]:
    """Return why columns of numbers look like identifiers, by their names, or their numbers if they have none."""
    columns = names or tuple(map(str, range(X.shape[1])))
    reasons = {name: number_identifier(name, X[:, column]) for column, name in enumerate(columns)}
    return {name: reason for name, reason in reasons.items() if reason}


def text_identifier(name: str, column: pd.Series[Any]) -> str:
    """Return why a column of text looks like an identifier; an empty text if it does not.

    Free text never is one. Codes are single words with digits; names need a column that is called so.

    Parameters
    ----------
    name : name of the column.
    column : its values, ``(n_rows,)``; neither numbers nor dates.
    """
    values = column.dropna().astype(str)
    if len(values) < max(FEWEST_ROWS, len(column) / 2) or not values.is_unique:
        return ""
    words = _words_of(name)
    if words & _TIMES:
        return ""
    if _mostly(_EMAIL, values):
        return "an e-mail address of its own in every row"
    if _mostly(_CODE, values) and _mean_length(values) <= _LONGEST_CODE:
        return f"a code of its own in every row, such as {values.iloc[0]!r}"
    if words & (_IDS | _NAMES) and _mean_length(values.str.split()) <= _MOST_WORDS:
        return f"a value of its own in every row, such as {values.iloc[0]!r}"
    return ""


def _whole_and_different(values: NDArray[np.float64]) -> bool:
    return bool(
        np.isfinite(values).all() and (values == np.floor(values)).all() and len(np.unique(values)) == len(values)
    )


def _mean_length(values: Iterable[Sized]) -> float:
    return float(np.mean([len(value) for value in values]))


def _mostly(pattern: re.Pattern[str], values: Sequence[str] | pd.Series[str]) -> bool:
    return sum(pattern.fullmatch(value) is not None for value in values) >= _SHARE * len(values)


def _words_of(name: str) -> set[str]:
    """Return the words of a column's name in lower case.

    >>> sorted(_words_of("PassengerId")), sorted(_words_of("customer_ID2"))
    (['id', 'passenger'], ['2', 'customer', 'id'])
    """
    return {word.lower() for word in _PART_OF_NAME.findall(name)}
