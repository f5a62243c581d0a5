"""Numbers that are written as text: decimal commas, thousands separators, currencies and percent signs."""

from __future__ import annotations

import numbers
import re
import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from altune.data.reading import Reading

if TYPE_CHECKING:
    import pandas as pd

MOSTLY = 0.8
"""Share of the values that must be numbers so that a column of text is called one of numbers."""
_NAMED_STRAYS = 3
_HEAD = 200  # values that are checked first
_LONGEST = 40  # characters of a number
_CURRENCY = r"(?:[$€£¥₹₩₽₺฿]|R\$|kr\.?|zł|Kč|Ft|USD|EUR|GBP|CHF|JPY|CNY|INR|BRL|AUD|CAD|PLN|SEK|NOK|DKK|CZK|HUF)"
_BLANKS = "\\s\u00a0\u202f\u2009'’_"
_MISSING = {"null", "NULL", "nan", "NaN", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "?", "...", "none", "None"}
"""Texts that the encoding of tables takes for a missing value by itself."""


def _pattern(decimal: str) -> re.Pattern[str]:
    """Return the pattern of a number: sign, whole part with or without groups of three digits, fraction, exponent."""
    mark, group = re.escape(decimal), re.escape(_other(decimal))
    whole = rf"(?:[1-9]\d{{0,2}}(?:{group}\d{{3}})+|[1-9]\d{{0,2}}(?:[{_BLANKS}]\d{{3}})+|\d+)"
    number = rf"(?:{whole}(?:{mark}\d*)?|{mark}\d+)(?:[eE][-+]?\d+)?"
    return re.compile(rf"([-+−]?)\s*{_CURRENCY}?\s*([-+−]?)({number})\s*(?:%|{_CURRENCY})?")


def _other(decimal: str) -> str:
    return "," if decimal == "." else "."


_PATTERNS = {mark: _pattern(mark) for mark in ".,"}


def number_of(text: str, decimal: str) -> float | None:
    """Return the number that a text is, None if it is none.

    >>> number_of("1.234,5 €", ","), number_of("-12 %", "."), number_of("12.03.2020", ",")
    (1234.5, -12.0, None)
    """
    match = _PATTERNS[decimal].fullmatch(text.strip())
    if match is None or (match[1] and match[2]):
        return None
    digits = re.sub(f"[{_BLANKS}{re.escape(_other(decimal))}]", "", match[3]).replace(decimal, ".")
    return -float(digits) if "-" in (sign := match[1] + match[2]) or "−" in sign else float(digits)


def with_numbers(table: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Return features in which the texts that mean a missing value are missing.

    Where a decimal mark is given, columns of text whose values are all numbers become numbers. Names of groups
    stay what they are.
    """
    if not reading.missing and reading.decimal is None:
        return table
    changed = {}
    for position, name in enumerate(table.columns):
        column = table.iloc[:, position]
        if name == reading.group or not _is_text(column):
            continue
        if not all(isinstance(value, str | numbers.Real) for value in column.dropna()):
            continue
        if reading.missing:
            column = column.mask(column.astype(object).isin(reading.missing))
        if reading.decimal is not None:
            column = _as_numbers(column, reading.decimal)
        changed[name] = column
    return table.assign(**changed)


def _as_numbers(column: pd.Series[Any], decimal: str) -> pd.Series[Any]:
    """Return a column of text as numbers if all its values are numbers or mean a missing one."""
    values: dict[Any, Any] = {
        value: np.nan if value in _MISSING else number_of(value, decimal) if isinstance(value, str) else value
        for value in column.dropna().unique()
    }
    if None in values.values() or all(number != number for number in values.values()):
        return column
    return column.astype(object).map(values).infer_objects()


def numbers_as_text(table: pd.DataFrame) -> dict[str, str]:
    """Return a line for each column of text that holds mostly numbers, with the option that reads it.

    Parameters
    ----------
    table : features as :class:`altune.data.Dataset` holds them.
    """
    lines = {str(name): _line(str(name), table[name]) for name in table.columns if _is_text(table[name])}
    return {name: line for name, line in lines.items() if line}


def _line(name: str, column: pd.Series[Any]) -> str:
    present = column.dropna()
    texts = [text.strip() for text in present if isinstance(text, str)]
    head = texts[:_HEAD]
    if 2 * sum(len(text) <= _LONGEST and bool(re.search(r"\d", text)) for text in head) < len(head):
        return ""  # free text, without reading all of it
    counts = Counter(text for text in texts if text not in _MISSING)
    plain = {text for text in counts if _is_plain(text)}
    read = {mark: {text for text in counts if number_of(text, mark) is not None} | plain for mark in ".,"}
    mark = "," if len(read[","]) > len(read["."]) else "."
    odd = sorted(read[mark] - plain, key=lambda text: (text in read[_other(mark)], text))
    n_numbers = sum(counts[text] for text in read[mark]) + len(present) - len(texts)
    if len(counts) < 1 or len(plain) == len(counts) or n_numbers < MOSTLY * len(present):
        return ""
    strays = [text for text in counts if text not in read[mark]]
    named = strays[:_NAMED_STRAYS]
    words = [f"--missing{'=' if text[0] == '-' else ' '}{shlex.quote(text)}" for text in named]
    options = [" ".join(words)] if strays else []
    line = f"column {name!r} holds numbers but came as text"
    if strays:
        more = f" and {len(strays) - len(named)} more texts" if len(strays) > len(named) else ""
        line += f", because of {', '.join(map(repr, named))}{more}"
    if not odd:
        return f"{line}; {options[0]} reads it as numbers"
    line += f", such as {odd[0]!r}; "
    point, comma = number_of(odd[0], "."), number_of(odd[0], ",")
    if point is not None and comma is not None and point != comma:
        also = f", with {options[0]}" if options else ""
        return f"{line}--decimal , reads it as {comma:g} (a decimal comma), --decimal . as {point:g}{also}"
    return f"{line}{' '.join([f'--decimal {mark}', *options])} reads it as numbers" + (
        " (a decimal comma)" if mark == "," else ""
    )


def _is_plain(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_text(column: pd.Series[Any]) -> bool:
    import pandas as pd

    return isinstance(column.dtype, pd.StringDtype) or column.dtype == object
