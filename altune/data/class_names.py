"""The names of classes: their order, names that are probably the same, and labels that are no classes."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import DataError
from altune.core.text import counted, join_words

ClassName = str | int | float | bool

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_SEPARATORS = ("|", ";", ",", "/", "+")
_AROUND = " []{}()'\""  # of a list that is written as text
_MANY_VALUES = 20
_MANY_SHARE = 0.1
_MOST_VALUES = 100
"""More different fractional numbers than the first, and than the second as a share of the rows or than the third, are
taken for regression; so are labels that are mostly another one in each row."""
_MOST_DIGITS = 20
"""More classes than this that are all numbers may be amounts."""
_FEW_VALUES = 10
"""Up to this many different labels are classes, however few rows there are."""
_MOST_NAMED = 5


class _Repair(NamedTuple):
    """A way to write labels alike: what they then differ by, how it is applied, and the same in pandas."""

    differ: str
    apply: Callable[[str], str]
    in_pandas: str


def _visible(name: str) -> str:
    """Return a name without the characters that have no width, such as a zero-width space or a soft hyphen."""
    return "".join(mark for mark in name if unicodedata.category(mark) != "Cf")


_REPAIRS = (
    _Repair("Unicode form", lambda name: unicodedata.normalize("NFKC", name), ".str.normalize('NFKC')"),
    _Repair(
        "invisible characters",
        _visible,
        r".str.replace(r'[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]', '', regex=True)",
    ),
    _Repair("blanks", str.strip, ".str.strip()"),
    _Repair("blanks", lambda name: re.sub(r"\s+", " ", name), r".str.replace(r'\s+', ' ', regex=True)"),
    _Repair("case", str.casefold, ".str.casefold()"),
)


def number_of(name: ClassName) -> float | None:
    """Return the number that a class name is or spells, None if it is no finite number.

    >>> number_of("10"), number_of(2), number_of("1e3"), number_of("ten"), number_of(True)
    (10.0, 2.0, 1000.0, None, None)
    """
    if isinstance(name, bool) or (isinstance(name, str) and not _NUMBER.fullmatch(name)):
        return None
    try:
        value = float(name)
    except OverflowError:  # of a whole number
        return None
    return value if math.isfinite(value) else None


def in_order(names: Iterable[ClassName]) -> list[ClassName]:
    """Return class names in their order: by value if all are numbers, also as text; else numbers before text.

    >>> in_order(["10", "9", "2"]), in_order(["b", "10", "9"])
    (['2', '9', '10'], ['10', '9', 'b'])
    """
    listed = list(names)
    texts = sorted(name for name in listed if isinstance(name, str))
    others = sorted(name for name in listed if not isinstance(name, str))
    values = {name: number_of(name) for name in listed}
    if not texts or any(value is None for value in values.values()):
        return [*others, *texts]
    return sorted([*others, *texts], key=lambda name: values[name] or 0.0)


def spelling_lines(names: Sequence[ClassName], counts: Sequence[int], what: str = "labels") -> list[str]:
    """Return a line for each set of names of classes or groups that differ by blanks, case or Unicode form alone.

    Parameters
    ----------
    names : names of the classes or groups.
    counts : number of rows of each.
    what : what the names are, ``labels`` or ``groups``.

    Examples
    --------
    >>> spelling_lines(["no", "yes", "yes "], [30, 25, 5])
    ["the labels 'yes' (25 rows) and 'yes ' (5 rows) differ by blanks alone and are counted as 2 classes; if they mean \
the same, write them alike in the data (in pandas: labels.str.strip())"]
    """
    alike: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        if isinstance(name, str):
            alike.setdefault(_compared(name), []).append(position)
    lines = [
        _spelling_line([str(names[position]) for position in positions], [int(counts[p]) for p in positions], what)
        for positions in alike.values()
        if len(positions) > 1
    ]
    more = len(lines) - _MOST_NAMED
    return [*lines[:_MOST_NAMED], *([f"{more} more sets of {what} differ by spelling alone"] if more > 0 else [])]


def several_labels_line(classes: Sequence[ClassName]) -> str:
    """Return a hint if class names look like several labels joined by a separator; else an empty text.

    >>> several_labels_line(["red", "blue", "red|blue"])
    "1 of 3 classes looks like several labels joined by '|', such as 'red|blue'; altune takes each combination as a \
class of its own, since it needs one label for each row"
    """
    names = [name for name in classes if isinstance(name, str)]
    for mark in _SEPARATORS:
        joined = [name for name in names if mark in name]
        parts = Counter(part.strip(_AROUND) for name in names for part in set(name.split(mark)))
        of_joined = [part.strip(_AROUND) for name in joined for part in name.split(mark)]
        if joined and all(part and parts[part] > 1 for part in of_joined):
            return (
                f"{len(joined)} of {len(classes)} classes {'looks' if len(joined) == 1 else 'look'} like several "
                f"labels joined by {mark!r}, such as {joined[0]!r}; altune takes each combination as a class of its "
                "own, since it needs one label for each row"
            )
    return ""


def require_classes(names: Sequence[ClassName], n_rows: int) -> None:
    """Refuse labels that are no classes: numbers of a regression, or nearly another label in each row.

    Parameters
    ----------
    names : the different labels.
    n_rows : number of rows.
    """
    numbers = [value for value in map(number_of, names) if value is not None]
    fractional = any(not value.is_integer() for value in numbers)
    mostly_numbers = 2 * len(numbers) > len(names)
    many = len(names) > _MANY_VALUES and len(names) > min(_MANY_SHARE * n_rows, _MOST_VALUES)
    nearly_each_row = len(names) > _FEW_VALUES and 2 * len(names) > n_rows
    if mostly_numbers and ((fractional and many) or nearly_each_row):
        raise DataError(
            f"the labels are {len(names)} different numbers in {n_rows} rows, which looks like regression; altune "
            "needs classes (bin the numbers, or give another target)"
        )
    if nearly_each_row and len(names) > _MANY_VALUES:
        raise DataError(
            f"the labels are {len(names)} different values in {n_rows} rows, such as {names[0]!r}, nearly one class "
            "for each row; altune needs classes of several rows each (give another target)"
        )


def _compared(name: str) -> str:
    """Return what is left of a name without case, repeated or outer blanks, and differences of Unicode form."""
    return " ".join(_visible(unicodedata.normalize("NFKC", name)).split()).casefold()


def _spelling_line(names: list[str], counts: list[int], what: str) -> str:
    subsets = (chosen for size in range(1, len(_REPAIRS) + 1) for chosen in combinations(_REPAIRS, size))
    chosen = next((each for each in subsets if len({_repaired(name, each) for name in names}) == 1), _REPAIRS)
    why = " and ".join(dict.fromkeys(repair.differ for repair in chosen))
    # Two forms of a letter look the same, so that only their codes tell them apart.
    look_alike = len({unicodedata.normalize("NFC", name) for name in names}) < len(names)
    listed = [
        f"{ascii(name) if look_alike else repr(name)} ({counted(count, 'row')})"
        for name, count in zip(names, counts, strict=True)
    ]
    return (
        f"the {what} {join_words(listed)} differ by {why} alone and are counted as {len(names)} "
        f"{'classes' if what == 'labels' else what}; if they mean the same, write them alike in the data (in pandas: "
        f"{what}{''.join(repair.in_pandas for repair in chosen)})"
    )


def _repaired(name: str, repairs: Iterable[_Repair]) -> str:
    for repair in repairs:
        name = repair.apply(name)
    return name


def refuse_rare(name: str, classes: Sequence[ClassName], counts: NDArray[np.intp], minimum: int) -> None:
    """Refuse labels with a class that is too rare to be split. Classes without rows do not count.

    Parameters
    ----------
    name : name of the data set.
    classes : names of the classes.
    counts : number of rows of each class, ``(n_classes,)``.
    minimum : number of rows that each class needs, 1 or more.
    """
    n_rows, present = int(counts.sum()), int((counts > 0).sum())
    amounts = present > _MOST_DIGITS and None not in map(number_of, classes)
    regression = " (if the labels are amounts, this is regression: bin them)" if amounts else ""
    if n_rows < minimum * present:
        raise DataError(
            f"{name}: {n_rows} rows with labels are too few for {present} classes; give at least "
            f"{minimum * present}, {minimum} of each class, for a pool, test rows and rows held back{regression}"
        )
    counts = np.where(counts > 0, counts, n_rows)
    rarest = int(np.argmin(counts))
    if counts[rarest] < minimum:
        too_rare = int((counts < minimum).sum())
        raise DataError(
            f"{name}: class {classes[rarest]!r} has {counted(int(counts[rarest]), 'row')}, and {too_rare} of "
            f"{len(classes)} classes {'has' if too_rare == 1 else 'have'} fewer than the {minimum} that a stratified "
            f"split needs; merge rare classes or leave them out, such as with --min-class {minimum}{regression}"
        )
