"""How data are read: the options that every command and every function which takes data has."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from altune.core.errors import DataError
from altune.data.memory import as_memory

SPECIAL_COLUMNS = ("group", "time")
"""Options that name a column that is no feature; every kind of data has them."""
_MARKS = {"tab": "\t", "\\t": "\t"}


@dataclass(frozen=True)
class Reading:
    r"""How data are read. All options but ``group``, ``time`` and ``memory`` are for files alone.

    Parameters
    ----------
    target : label column of a table; by default the only one named target, label, class or y.
    sep : character between two fields of a text file, ``tab`` for a tabulator; by default a comma, in ``.tsv`` a
        tabulator.
    encoding : encoding of a text file, such as ``latin-1``; by default UTF-8, or what the byte order mark says.
    decimal : decimal mark of numbers, ``.`` or ``,``. If it is given, columns of text whose values are all numbers are
        read as numbers, without thousands separators, currencies and percent signs.
    missing : further texts that mean a missing value in features, such as ``?``; labels stay what they are.
    sheet : name of the sheet of an Excel file; by default the first one.
    drop : columns that are left out.
    skip_unlabelled : whether rows without a label are left out, in place of an error.
    min_class : number of rows that a class needs. Rarer classes become one class, which is left out if it is too rare
        as well.
    group : column of what rows have in common, which is no feature, or ``duplicates``; see ``groups`` of
        :class:`altune.Dataset`.
    time : column of when each row came about, which is no feature; see :class:`altune.Dataset`.
    memory : memory that the data may take, a number of bytes or a text such as ``4GB``; by default what is free. What
        needs more is refused before it is read. It affects no result and is not stored.

    Raises
    ------
    DataError
        For a value that cannot be.

    Examples
    --------
    >>> Reading(sep="tab", drop="id").given
    {'sep': '\t', 'drop': ('id',)}
    """

    target: str | None = None
    sep: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    missing: tuple[str, ...] = ()
    sheet: str | None = None
    drop: tuple[str, ...] = ()
    skip_unlabelled: bool = False
    min_class: int = 1
    group: str | None = None
    time: str | None = None
    memory: Any = None

    def __post_init__(self) -> None:
        for name in ("missing", "drop"):
            vars(self)[name] = _texts(getattr(self, name), name)
        for name in ("target", "sep", "encoding", "decimal", "sheet", *SPECIAL_COLUMNS):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                if name in SPECIAL_COLUMNS:
                    raise DataError(f"{name} must be the name of a column; make a Dataset to give values for each row")
                raise DataError(f"{name} must be a text, not {value!r}")
        if self.sep is not None:
            vars(self)["sep"] = _separator(self.sep)
        if self.encoding is not None:
            _check_encoding(self.encoding)
        if self.decimal not in (None, ".", ","):
            raise DataError(f"the decimal mark must be '.' or ',', not {self.decimal!r} (--decimal)")
        if self.decimal is not None and self.decimal == self.sep:
            raise DataError(f"{self.sep!r} cannot be both the separator and the decimal mark; give another --sep")
        if not isinstance(self.skip_unlabelled, bool):
            raise DataError(f"skip_unlabelled must be True or False, not {self.skip_unlabelled!r}")
        for name in ("target", *SPECIAL_COLUMNS):
            if (column := getattr(self, name)) in self.drop:
                raise DataError(f"the {name} column {column!r} cannot be dropped; leave it out of --drop")
        vars(self)["min_class"] = as_min_class(self.min_class)
        vars(self)["memory"] = None if self.memory is None else as_memory(self.memory)

    @classmethod
    def taken(cls, given: MutableMapping[str, Any], target: str | None = None) -> Reading:
        """Return the options among keyword arguments, which lose them; None is an option that was not given."""
        options = {name: given.pop(name) for name in READING_FIELDS[1:] if name in given}
        return cls(target, **{name: value for name, value in options.items() if value is not None})

    @classmethod
    def of_stored(cls, source: Mapping[str, Any]) -> Reading:
        """Return the options that are stored with the source of a data set."""
        return cls.taken(dict(source), source.get("target"))

    @property
    def given(self) -> dict[str, Any]:
        """The options that differ from their default, by name."""
        return {part.name: value for part in fields(self) if (value := getattr(self, part.name)) != part.default}

    @property
    def stored(self) -> dict[str, Any]:
        """The options that differ from their default as plain JSON values, beside the target."""
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in self.given.items()}
        plain.pop("memory", None)
        return {"target": self.target, **plain}

    def refuse(self, names: Sequence[str], why: str) -> None:
        """Refuse options that mean nothing for a kind of data."""
        for name in self.given.keys() & set(names):
            raise DataError(f"{why}; leave out {_named(name, getattr(self, name))}")


READING_FIELDS = tuple(part.name for part in fields(Reading))
FILE_FIELDS = tuple(name for name in READING_FIELDS if name not in ("target", "memory", *SPECIAL_COLUMNS))
"""Options that mean nothing for data that are read already."""


def reading_words(stored: Mapping[str, Any]) -> list[str]:
    """Return stored options as words of a command line.

    >>> reading_words({"target": "kind", "drop": ["id", "name"], "skip_unlabelled": True})
    ['--target', 'kind', '--drop', 'id', '--drop', 'name', '--skip-unlabelled']
    """
    words: list[str] = []
    for name in READING_FIELDS:
        option, value = f"--{name.replace('_', '-')}", stored.get(name)
        if value is True:
            words.append(option)
        elif value is not None and value is not False:
            words += [word for one in (value if isinstance(value, list) else [value]) for word in (option, str(one))]
    return words


def as_min_class(value: Any) -> int:
    """Return a valid number of rows that a class needs."""
    try:
        whole = not isinstance(value, (bool, str)) and int(value) == value >= 1
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise DataError(f"min_class must be a whole number of rows, 1 or more, not {value!r} (--min-class)")
    return int(value)


def _texts(value: Any, name: str) -> tuple[str, ...]:
    listed = (value,) if isinstance(value, str) else tuple(value)
    for text in listed:
        if not isinstance(text, str):
            raise DataError(f"{name} must be texts, not {text!r}")
    return tuple(dict.fromkeys(listed))


def _separator(given: str) -> str:
    mark = _MARKS.get(given.lower(), given)
    if len(mark) != 1 or mark in '"\r\n\0' or not mark.isascii() or mark.isalnum():
        raise DataError(f"the separator must be one character such as ';', '|' or tab, not {given!r} (--sep)")
    return mark


def _check_encoding(name: str) -> None:
    try:
        "".encode(codecs.lookup(name).name)  # refuses what is no encoding of text, such as base64
    except (LookupError, ValueError):
        raise DataError(
            f"unknown encoding {name!r}; give one such as utf-8, utf-16, latin-1, cp1252, gb18030 or shift_jis "
            "(--encoding)"
        ) from None


def _named(name: str, value: Any) -> str:
    if name in ("target", *SPECIAL_COLUMNS):
        return f"the {name} column {value!r}"
    return f"{name} (--{name.replace('_', '-')})"


def reading_arguments() -> tuple[str, ...]:
    """Return the names of the options, which functions that read data take beside their own arguments."""
    return READING_FIELDS
