"""A data set: features, labels, and what everything else needs to know of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import DataError
from altune.data.features import Kind, as_features
from altune.data.files import data_name
from altune.data.fingerprint import content_fingerprint
from altune.data.labels import ClassName, encode_labels
from altune.data.readers import Content, read_delimited, read_file


class Dataset:
    """Features and labels of one classification task; it does not change once it is made.

    Parameters
    ----------
    X : 2-D array of numbers, scipy sparse matrix, or pandas frame, ``(n_rows, n_features)``; gaps are NaN.
    y : one label for each row: text, integers or booleans, ``(n_rows,)``.
    name : what the data set is called; random streams depend on it.
    classes : the class names in their order; by default the labels, sorted.
    feature_names : names of the columns of an array; a frame brings its own.

    Attributes
    ----------
    X : float64 array, float64 CSR array, or frame, ``(n_rows, n_features)``. A frame of numbers alone
        becomes an array.
    y : class codes in ``[0, n_classes)``, ``(n_rows,)``.
    classes : plain Python scalars; ``classes[y[i]]`` is the label of row i.
    name, feature_names : as given, ``feature_names`` None where nobody gave any.
    kind : ``dense``, ``sparse`` or ``table``.

    Raises
    ------
    DataError
        If the data cannot be used as they are; the line says where and what would be right.

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
            raise DataError(f"X has {features.shape[0]} rows and y has {len(codes)} labels; give one for each row")
        codes.flags.writeable = False
        vars(self).update(X=features, y=codes, classes=order, name=name, feature_names=names, kind=kind)

    def __setattr__(self, attribute: str, value: object) -> None:
        raise AttributeError(f"a Dataset does not change; make a new one with another {attribute}")

    @classmethod
    def from_file(cls, path: str | Path, target: str | None = None, name: str | None = None) -> Dataset:
        """Read a ``.csv``, ``.tsv``, ``.parquet``, ``.npz`` or ``.svmlight`` file (text also as ``.gz``).

        Parameters
        ----------
        path : the file.
        target : the column of the labels in a table; by default the one named target, label, class or y.
        name : what to call the data set; by default the file's name without its suffixes.

        Raises
        ------
        DataError
            If the file is missing, broken, of an unknown kind, or holds no classification task.
        """
        content = read_file(path, target)
        return cls._named_after(path, name, content)

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        target: str | None = None,
        *,
        separator: str = ",",
        name: str | None = None,
    ) -> Dataset:
        """Read a text file of columns whatever its suffix.

        Parameters
        ----------
        path : the file, UTF-8, gzipped if it ends in ``.gz``; its first line names the columns.
        target : the column of the labels; by default the one named target, label, class or y.
        separator : the character between two fields.
        name : what to call the data set; by default the file's name without its suffixes.
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
        """Number of columns, before any encoding."""
        return int(self.X.shape[1])

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @cached_property
    def class_counts(self) -> NDArray[np.intp]:
        """Rows of each class, in the order of ``classes``, ``(n_classes,)``."""
        counts = np.bincount(self.y, minlength=self.n_classes).astype(np.intp)
        counts.flags.writeable = False
        return counts

    @cached_property
    def fingerprint(self) -> str:
        """A hash of features, labels, class and column names, not of ``name``; the same everywhere."""
        return content_fingerprint(self.X, self.y, self.classes, self.feature_names)

    def require_rows_per_class(self, minimum: int) -> None:
        """Refuse a class that is too rare to be split; classes without any row do not count.

        Parameters
        ----------
        minimum : rows that each class needs, 1 or more.

        Raises
        ------
        DataError
            With the rarest class and its rows.
        """
        counts = np.where(self.class_counts > 0, self.class_counts, self.n_rows)
        rarest = int(np.argmin(counts))
        if counts[rarest] < minimum:
            too_rare = int((counts < minimum).sum())
            raise DataError(
                f"{self.name}: class {self.classes[rarest]!r} has {counts[rarest]} rows and {too_rare} of "
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
