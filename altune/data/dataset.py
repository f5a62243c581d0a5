"""A data set: features, labels and their names."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from altune.core.arguments import plain_arguments
from altune.core.errors import AltuneWarning, DataError
from altune.core.raw_rows import RawTable, holds_strings
from altune.core.text import counted, printable
from altune.data.arrow import without_arrow
from altune.data.class_names import ClassName, refuse_rare, several_labels_line, spelling_lines
from altune.data.duplicates import Copies, find_copies
from altune.data.features import Kind, as_features, is_frame
from altune.data.files import data_name
from altune.data.fingerprint import content_fingerprint
from altune.data.identifiers import identifiers_of
from altune.data.labels import encode_labels
from altune.data.memory import limited
from altune.data.originals import Originals
from altune.data.own_columns import DUPLICATES, Grouping, Groups, Times, as_groups, as_times, take_columns
from altune.data.readers import Content, read_delimited, read_file, split_target
from altune.data.reading import Reading, as_min_class, reading_arguments

if TYPE_CHECKING:
    import pandas as pd

    from altune.data.tables import TableFacts


class Dataset:
    """Features and labels of a classification task. A data set is immutable.

    Parameters
    ----------
    X : 2-D array of numbers, scipy sparse matrix or DataFrame of pandas or polars, ``(n_rows, n_features)``; an Arrow
        table is one too. Missing values are NaN, or masked in a masked array.
    y : one label for each row: text, integers or booleans, ``(n_rows,)``.
    name : name of the data set, on which the random streams depend.
    classes : class names in their order; by default the sorted labels, by value if all of them are numbers.
    feature_names : column names of an array or matrix; a DataFrame has its own.
    groups : which rows belong together, such as those of one patient: a value for each row, ``(n_rows,)``, or the name
        of a column, which then is no feature. ``duplicates`` groups the rows that are equal or nearly equal. No split
        separates rows of a group, and intervals count groups in place of rows.
    time : when each row came about: numbers or dates, ``(n_rows,)``, or the name of a column, which then is no
        feature. The latest rows are held back, and tests are later than pools.
    skip_unlabelled : whether rows without a label (None, NaN, an empty text, a masked value) are left out, in place of
        an error. Rows are counted without them.
    min_class : number of rows that a class needs, 1 or more. Rarer classes become one class ``other``; if that is
        rarer too, its rows are left out. A warning names them.

    Attributes
    ----------
    X : float64 array, float64 CSR array or DataFrame, ``(n_rows, n_features)``. A DataFrame that holds only numbers
        becomes an array.
    y : class codes in ``[0, n_classes)``, ``(n_rows,)``.
    classes : class names as Python scalars; ``classes[y[i]]`` is the label of row i.
    name, feature_names : as given; ``feature_names`` is None if there are none.
    groups, time : name and values of these columns, None if there are none.
    kind : ``dense``, ``sparse`` or ``table``.
    memory : bytes that what is made of the data may take; None for the free memory.

    Examples
    --------
    >>> data = Dataset([[0.0, 1.0], [2.0, 3.0]], ["no", "yes"], name="tiny")
    >>> data.classes, data.n_rows, data.kind
    (('no', 'yes'), 2, 'dense')
    """

    X: Any
    y: NDArray[np.intp]
    classes: tuple[ClassName, ...]
    name: str
    feature_names: tuple[str, ...] | None
    kind: Kind
    groups: Groups | None
    time: Times | None
    memory: int | None
    _originals: Originals | None

    @plain_arguments()
    def __init__(
        self,
        X: Any,
        y: Any,
        *,
        name: str = "data",
        classes: Iterable[Any] | None = None,
        feature_names: Iterable[str] | None = None,
        groups: Any = None,
        time: Any = None,
        skip_unlabelled: bool = False,
        min_class: int = 1,
    ) -> None:
        groups, time, X, listed = take_columns(without_arrow(X), feature_names, groups, time)
        features, names, kind = as_features(X, listed)
        labels = encode_labels(y, classes, skip_unlabelled=skip_unlabelled, min_class=as_min_class(min_class))
        if features.shape[0] != labels.n_rows:
            raise DataError(
                f"X has {features.shape[0]} rows and y has {labels.n_rows} labels; give one label for each row"
            )
        for note in labels.notes:
            warnings.warn(f"{name}: {note}", AltuneWarning, 2)
        if labels.kept is not None:
            kept = features.iloc[labels.kept] if kind == "table" else features[labels.kept]
            features, names, kind = as_features(kept, None if kind == "table" else names)
        codes, order, rows = labels.codes, labels.classes, slice(None) if labels.kept is None else labels.kept
        codes.flags.writeable = False
        vars(self).update(X=features, y=codes, classes=order, feature_names=names, kind=kind)
        vars(self).update(name=printable(name), memory=None)
        vars(self).update(_originals=Originals.of(X.iloc[rows], features) if is_frame(X) else None)
        if groups is Grouping.BY_DUPLICATES:
            groups = as_groups(self._copies(None).sets, DUPLICATES, self.n_rows)
        elif groups is not None:
            groups = as_groups(groups, getattr(groups, "name", None) or "groups", labels.n_rows, labels.kept)
        if time is not None:
            time = as_times(time, getattr(time, "name", None) or "time", labels.n_rows, labels.kept)
        vars(self).update(groups=groups, time=time)

    def __setattr__(self, attribute: str, value: object) -> None:
        raise AttributeError(f"a Dataset is immutable; make a new one with another {attribute}")

    @classmethod
    @plain_arguments(also=reading_arguments)
    def from_file(
        cls,
        path: str | Path,
        target: str | None = None,
        name: str | None = None,
        *,
        groups: str | None = None,
        time: str | None = None,
        **options: Any,
    ) -> Dataset:
        """Read a file by its suffix; the guide on data lists the kinds of files.

        Parameters
        ----------
        path : the file; text may be gzipped.
        target : label column of a table; by default the one named target, label, class or y.
        name : name of the data set; by default the name of the file without its suffixes.
        groups, time : columns that are no features, see :class:`Dataset`.
        options : how the file is read, see :class:`altune.data.Reading`: ``sep``, ``encoding``, ``decimal``,
            ``missing``, ``sheet``, ``drop``, ``skip_unlabelled``, ``min_class``, ``memory``.

        Raises
        ------
        DataError
            If the file is missing, damaged, of an unknown kind, or holds no classification task.
        """
        reading = Reading(target, group=groups, time=time, **options)
        return cls._of(read_file(path, reading), reading, name or data_name(path), str(path))

    @classmethod
    @plain_arguments(also=reading_arguments)
    def from_csv(
        cls,
        path: str | Path,
        target: str | None = None,
        *,
        sep: str = ",",
        name: str | None = None,
        groups: str | None = None,
        time: str | None = None,
        **options: Any,
    ) -> Dataset:
        """Read a table from a text file, whatever its suffix.

        Parameters
        ----------
        path : a text file, gzipped if it ends in ``.gz``, whose first line names the columns.
        target : label column; by default the one named target, label, class or y.
        sep : the character between two fields.
        name : name of the data set; by default the name of the file without its suffixes.
        groups, time : columns that are no features, see :class:`Dataset`.
        options : as for :meth:`from_file`.
        """
        reading = Reading(target, sep, group=groups, time=time, **options)
        return cls._of(read_delimited(path, reading), reading, name or data_name(path), str(path))

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        target: str | None = None,
        *,
        name: str = "data",
        groups: str | None = None,
        time: str | None = None,
        **options: Any,
    ) -> Dataset:
        """Make a data set of a table that has its labels in one of its columns.

        Parameters
        ----------
        frame : DataFrame of pandas or polars, or an Arrow table.
        target : label column; by default the one named target, label, class or y.
        name : name of the data set.
        groups, time : columns that are no features, see :class:`Dataset`.
        options : ``decimal``, ``missing``, ``drop``, ``skip_unlabelled`` and ``min_class``, as for :meth:`from_file`.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"size": ["1,5", "2,5"], "id": [7, 8], "label": ["no", "yes"]})
        >>> Dataset.from_frame(frame, decimal=",", drop="id").X.tolist()
        [[1.5], [2.5]]
        """
        reading = Reading(target, group=groups, time=time, **options)
        reading.refuse(("sep", "encoding", "sheet"), f"{name}: a table in memory is not read from a file")
        table = without_arrow(frame)
        if not is_frame(table):
            raise DataError(f"{name}: a table is needed, not a {type(frame).__name__}; give a DataFrame")
        return cls._of(split_target(table, reading, name), reading, name, name)

    @classmethod
    def _of(cls, content: Content, reading: Reading, name: str, where: str) -> Dataset:
        try:
            options = {option: getattr(reading, option) for option in ("time", "skip_unlabelled", "min_class")}
            return limited(cls(content.X, content.y, name=name, groups=reading.group, **options), reading.memory)
        except DataError as error:
            raise DataError(f"{where}: {error}") from None

    def with_columns(self, *, groups: Any = None, time: Any = None) -> Dataset:
        """Return the data set with groups or a time.

        Parameters
        ----------
        groups, time : as for :class:`Dataset`; None keeps what the data set has.
        """
        if groups is None and time is None:
            return self
        table = None if self._originals is None else self.raw
        made = Dataset(
            self.X if table is None else table,
            np.array(self.classes, dtype=object)[self.y],
            name=self.name,
            classes=self.classes,
            feature_names=self.feature_names if table is None else None,
            groups=self.groups if groups is None else groups,
            time=self.time if time is None else time,
        )
        return limited(made, self.memory)

    def of_rows(self, rows: NDArray[np.intp]) -> Dataset:
        """Return the data set with some of its rows, which are the same as before: no column changes its type.

        Parameters
        ----------
        rows : row numbers in their new order, ``(n_rows,)``.
        """
        part = Dataset.__new__(Dataset)
        vars(part).update({name: vars(self)[name] for name in ("name", "classes", "feature_names", "kind", "memory")})
        for name in ("groups", "time", "_originals"):
            vars(part)[name] = None if vars(self)[name] is None else vars(self)[name].of_rows(rows)
        features = self.X.iloc[rows].reset_index(drop=True) if self.kind == "table" else self.X[rows]
        vars(part).update(X=features, y=self.y[rows])
        for array in (part.y, part.X) if self.kind == "dense" else (part.y,):
            array.flags.writeable = False
        return part

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])

    @property
    def n_features(self) -> int:
        """Number of columns before encoding."""
        return int(self.X.shape[1])

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @cached_property
    def raw(self) -> pd.DataFrame | None:
        """The table as it was given, ``(n_rows, n_features)``, its rows numbered from 0; None without column names.

        Names, types, categories and missing values are those of the user. It is made when it is first used.

        >>> import pandas as pd
        >>> frame = pd.DataFrame({"colour": ["red", "blue"], "size": [1, 2]})
        >>> Dataset(frame, ["no", "yes"]).raw.iloc[1].to_dict()
        {'colour': 'blue', 'size': 2}
        """
        import pandas as pd

        if self._originals is not None:
            return self._originals.restored(self.X)
        if self.kind == "dense" and self.feature_names is not None:
            return pd.DataFrame(self.X, columns=list(self.feature_names), copy=False)
        return None

    @cached_property
    def raw_table(self) -> RawTable | None:
        """The table as it was given, with its columns of text, for models that take it; None without column names.

        Columns of text are those of :attr:`texts` that are no identifiers; without one, all columns of strings.
        """
        if self.raw is None:
            return None
        texts = [name for name in self.texts if name not in self.identifiers]
        if not texts and self.kind == "table":
            texts = [str(name) for name in self.X.columns if holds_strings(self.X[name])]
        return RawTable(self.raw, tuple(texts))

    def __getstate__(self) -> dict[str, Any]:
        # another process restores the table from the rest, if it needs it
        return {name: value for name, value in vars(self).items() if name not in ("raw", "raw_table")}

    @cached_property
    def identifiers(self) -> dict[str, str]:
        """Why a column looks like an identifier, by its name (its number if it has none), such as a running number.

        The only column of a data set never does.
        """
        if self.kind == "sparse" or self.n_features == 1:
            return {}
        return self._table_facts.identifiers if self.kind == "table" else identifiers_of(self.X, self.feature_names)

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """What a colleague would say about labels, groups and equal rows, one line each; usually nothing."""
        lines = [*spelling_lines(self.classes, self.class_counts.tolist()), several_labels_line(self.classes)]
        groups, codes = "", None
        if self.groups is not None:
            groups, codes, lines = self.groups.name, self.groups.codes, [*lines, *self.groups.spelling_lines()]
        return tuple(filter(None, [*lines, *self._copies(codes).lines(groups, self.time is not None)]))

    def _copies(self, groups: Any) -> Copies:
        return find_copies(self.X, self.y, self.feature_names, frozenset(self.identifiers), groups)

    @property
    def texts(self) -> tuple[str, ...]:
        """Names of the columns of text: those with more than 40 values that are neither numbers nor dates."""
        return self._table_facts.texts if self.kind == "table" else ()

    @cached_property
    def numbers_as_text(self) -> dict[str, str]:
        """A line for each column of text that holds mostly numbers, with the option that reads it, by its name."""
        from altune.data.numerals import numbers_as_text

        return numbers_as_text(self.X) if self.kind == "table" else {}

    @cached_property
    def _table_facts(self) -> TableFacts:
        from altune.data.tables import table_facts

        return table_facts(self.X)

    @cached_property
    def class_counts(self) -> NDArray[np.intp]:
        """Number of rows of each class, in the order of ``classes``, ``(n_classes,)``."""
        counts = np.bincount(self.y, minlength=self.n_classes).astype(np.intp)
        counts.flags.writeable = False
        return counts

    @cached_property
    def fingerprint(self) -> str:
        """A hash of features, labels, names of classes and columns, groups and order in time, without ``name``."""
        special = {} if self.groups is None else {"groups": self.groups.codes}
        special |= {} if self.time is None else {"time": np.unique(self.time.values, return_inverse=True)[1]}
        return content_fingerprint(self.X, self.y, self.classes, self.feature_names, special)

    @cached_property
    def raw_fingerprint(self) -> str:
        """A hash that also tells tables apart of which only types or order of categories differ."""
        return self.fingerprint if self._originals is None else self.fingerprint + self._originals.digest(self.X)

    def fingerprint_for(self, takes_raw: bool) -> str:
        """Return the hash of what is played on, which depends on whether a model takes raw rows."""
        return self.raw_fingerprint if takes_raw else self.fingerprint

    def require_rows_per_class(self, minimum: int) -> None:
        """Refuse a data set with a class that is too rare to be split. Classes without rows do not count.

        Parameters
        ----------
        minimum : number of rows that each class needs, 1 or more.
        """
        refuse_rare(self.name, self.classes, self.class_counts, minimum)

    def __repr__(self) -> str:
        rarest = int(np.argmin(self.class_counts))
        return (
            f"Dataset({self.name!r}: {self.n_rows} rows, {counted(self.n_features, 'feature')} ({self.kind}), "
            f"{self.n_classes} classes, rarest {self.classes[rarest]!r} with "
            f"{counted(int(self.class_counts[rarest]), 'row')})"
        )
