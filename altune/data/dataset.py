"""A data set: features, labels and their names."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import DataError
from altune.core.raw_rows import RawTable, holds_strings
from altune.data.features import Kind, as_features, is_frame
from altune.data.files import data_name
from altune.data.fingerprint import content_fingerprint
from altune.data.identifiers import number_identifier
from altune.data.labels import ClassName, encode_labels
from altune.data.originals import Originals
from altune.data.readers import Content, read_delimited, read_file

if TYPE_CHECKING:
    import pandas as pd

    from altune.data.tables import TableFacts


class Dataset:
    """Features and labels of a classification task. A data set is immutable.

    Parameters
    ----------
    X : 2-D array of numbers, scipy sparse matrix or pandas DataFrame, ``(n_rows, n_features)``. Missing values are NaN.
    y : one label for each row: text, integers or booleans, ``(n_rows,)``.
    name : name of the data set, on which the random streams depend.
    classes : class names in their order; by default the sorted labels.
    feature_names : column names of an array or matrix; a DataFrame has its own.

    Attributes
    ----------
    X : float64 array, float64 CSR array or DataFrame, ``(n_rows, n_features)``. A DataFrame that holds only numbers
        becomes an array.
    y : class codes in ``[0, n_classes)``, ``(n_rows,)``.
    classes : class names as Python scalars; ``classes[y[i]]`` is the label of row i.
    name, feature_names : as given; ``feature_names`` is None if there are none.
    kind : ``dense``, ``sparse`` or ``table``.

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
    _originals: Originals | None

    def __init__(
        self,
        X: Any,
        y: Any,
        *,
        name: str = "data",
        classes: Iterable[Any] | None = None,
        feature_names: Iterable[str] | None = None,
    ) -> None:
        features, names, kind = as_features(X, feature_names)
        codes, order = encode_labels(y, classes)
        if features.shape[0] != len(codes):
            raise DataError(
                f"X has {features.shape[0]} rows and y has {len(codes)} labels; give one label for each row"
            )
        codes.flags.writeable = False
        vars(self).update(X=features, y=codes, classes=order, name=name, feature_names=names, kind=kind)
        vars(self).update(_originals=Originals.of(X, features) if is_frame(X) else None)

    def __setattr__(self, attribute: str, value: object) -> None:
        raise AttributeError(f"a Dataset is immutable; make a new one with another {attribute}")

    @classmethod
    def from_file(cls, path: str | Path, target: str | None = None, name: str | None = None) -> Dataset:
        """Read a ``.csv``, ``.tsv``, ``.parquet``, ``.npz`` or ``.svmlight`` file; text files may be gzipped.

        Parameters
        ----------
        path : the file.
        target : label column of a table; by default the one named target, label, class or y.
        name : name of the data set; by default the name of the file without its suffixes.

        Raises
        ------
        DataError
            If the file is missing, damaged, of an unknown kind, or holds no classification task.
        """
        return cls._named_after(path, name, read_file(path, target))

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        target: str | None = None,
        *,
        separator: str = ",",
        name: str | None = None,
    ) -> Dataset:
        """Read a table from a text file, whatever its suffix.

        Parameters
        ----------
        path : a UTF-8 file, gzipped if it ends in ``.gz``, whose first line names the columns.
        target : label column; by default the one named target, label, class or y.
        separator : the character between two fields.
        name : name of the data set; by default the name of the file without its suffixes.
        """
        return cls._named_after(path, name, read_delimited(path, target, separator))

    @classmethod
    def _named_after(cls, path: str | Path, name: str | None, content: Content) -> Dataset:
        try:
            return cls(content.X, content.y, name=name or data_name(path))
        except DataError as error:
            raise DataError(f"{path}: {error}") from None

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
        if self.kind == "table":
            return self._table_facts.identifiers
        names = self.feature_names or tuple(map(str, range(self.n_features)))
        reasons = {name: number_identifier(name, self.X[:, column]) for column, name in enumerate(names)}
        return {name: reason for name, reason in reasons.items() if reason}

    @property
    def texts(self) -> tuple[str, ...]:
        """Names of the columns of text: those with more than 40 values that are neither numbers nor dates."""
        return self._table_facts.texts if self.kind == "table" else ()

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
        """A hash of features, labels, class names and column names, without ``name``; the same on every machine."""
        return content_fingerprint(self.X, self.y, self.classes, self.feature_names)

    @cached_property
    def raw_fingerprint(self) -> str:
        """A hash that also tells tables apart of which only types or order of categories differ."""
        return self.fingerprint if self._originals is None else self.fingerprint + self._originals.digest(self.X)

    def require_rows_per_class(self, minimum: int) -> None:
        """Refuse a data set with a class that is too rare to be split. Classes without rows do not count.

        Parameters
        ----------
        minimum : number of rows that each class needs, 1 or more.
        """
        counts = np.where(self.class_counts > 0, self.class_counts, self.n_rows)
        rarest = int(np.argmin(counts))
        if counts[rarest] < minimum:
            too_rare = int((counts < minimum).sum())
            raise DataError(
                f"{self.name}: class {self.classes[rarest]!r} has {counts[rarest]} rows, and {too_rare} of "
                f"{self.n_classes} classes have fewer than the {minimum} that a stratified split needs; "
                "merge rare classes or leave them out"
            )

    def __repr__(self) -> str:
        counts = self.class_counts
        rarest = int(np.argmin(counts))
        return (
            f"Dataset({self.name!r}: {self.n_rows} rows, {self.n_features} features ({self.kind}), "
            f"{self.n_classes} classes, rarest {self.classes[rarest]!r} with {counts[rarest]} rows)"
        )
