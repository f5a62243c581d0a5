"""Encode the features of pool and test rows as numbers, fitted on the features of the pool rows alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from altune.core.errors import DataError, RequestError, did_you_mean
from altune.core.settings import with_usual_settings
from altune.data.dataset import Dataset
from altune.data.description import MOST_LISTED, ColumnEncoding, ColumnKind, Encoding
from altune.data.scaling import Numbers, Scaling, scaled, scaled_sparse, varies, without_gaps
from altune.data.tables import WORDS_LENGTH, TableColumn, TableNumbers, table_as_numbers

Features = Any  # (n_rows, n_features) float array, or a scipy CSR matrix of the same shape

TextFeatures = Literal["lsa", "tfidf"] | int
MOST_TEXT_FEATURES = 5000
LSA_WIDTH = 30
"""Number of features that a column of text becomes by default."""


class Encoded(NamedTuple):
    """Features as numbers, and how they were made.

    Attributes
    ----------
    pool, test : C-ordered float64 arrays or CSR arrays, ``(n_pool, d)`` and ``(n_test, d)``.
    encoding : the description.
    """

    pool: Features
    test: Features
    encoding: Encoding


def encode(
    dataset: Dataset,
    pool_rows: ArrayLike,
    test_rows: ArrayLike,
    *,
    scaling: Scaling = "auto",
    text_features: TextFeatures = "lsa",
) -> tuple[Features, Features]:
    """Return the features of the pool rows and of the test rows as numbers.

    Categories, dates and text become columns of numbers. Missing values are replaced by the median, and a further
    column marks them. Then the columns are scaled. All of this is fitted on the pool rows, and labels are not used.

    Parameters
    ----------
    dataset : the data.
    pool_rows, test_rows : row numbers, ``(n_pool,)`` and ``(n_test,)``.
    scaling : ``standard`` for mean 0 and variance 1 (for sparse features variance 1 without centering), ``none``, or
        ``auto`` for ``standard`` scaling of dense features and division by the largest magnitude for sparse ones.
    text_features : what a column of text becomes: ``lsa`` for 30 numbers by latent semantic analysis, a number for
        that many, or ``tfidf`` for the TF-IDF of its words, which makes the features of a table with text sparse.
        Words are not scaled: each row of them has the length 3.

    Returns
    -------
    pool, test : C-ordered float64 arrays (CSR for sparse features), ``(n_pool, d)`` and ``(n_test, d)``.

    Raises
    ------
    RequestError
        For an unknown scaling.
    DataError
        If no column has a value in the pool rows, or the encoded table would not fit into memory.

    Examples
    --------
    >>> data = Dataset([[1.0], [3.0], [9.0]], ["a", "b", "a"])
    >>> encode(data, [0, 1], [2])[0].tolist()
    [[-1.0], [1.0]]
    """
    encoded = encode_described(dataset, pool_rows, test_rows, scaling=scaling, text_features=text_features)
    return encoded.pool, encoded.test


@with_usual_settings
def encode_described(
    dataset: Dataset,
    pool_rows: ArrayLike,
    test_rows: ArrayLike,
    *,
    scaling: Scaling = "auto",
    text_features: TextFeatures = "lsa",
) -> Encoded:
    """Return what :func:`encode` does, with a description of how the columns became numbers."""
    if scaling not in get_args(Scaling):
        raise RequestError(f"unknown scaling {scaling!r}; {did_you_mean(scaling, get_args(Scaling))}")
    in_pool, in_test = np.asarray(pool_rows, dtype=np.intp), np.asarray(test_rows, dtype=np.intp)
    if len(in_pool) == 0:
        raise DataError("there are no pool rows to fit the encoding on")
    if len(in_test) == 0:
        # The encoders need a row to transform.
        encoded = encode_described(dataset, in_pool, in_pool[:1], scaling=scaling, text_features=text_features)
        return encoded._replace(test=encoded.test[:0])
    if dataset.kind == "sparse":
        return _encoded_sparse(dataset, in_pool, in_test, scaling)
    if dataset.kind == "table":
        return _encoded_table(dataset, in_pool, in_test, scaling, text_features)
    return _encoded_array(dataset, in_pool, in_test, scaling)


def read_text_features(value: object) -> object:
    """Return a valid value of ``text_features``; the usual number of features is ``lsa``.

    Raises
    ------
    ValueError
        For anything else than ``lsa``, ``tfidf`` or a number from 1 to 5000.
    """
    if value in ("lsa", "tfidf"):
        return value
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and float(value).is_integer()
    if not whole or not 1 <= float(str(value)) <= MOST_TEXT_FEATURES:
        raise ValueError(
            f"text_features must be 'lsa', 'tfidf' or a number from 1 to {MOST_TEXT_FEATURES}, not {value!r}"
        )
    return "lsa" if value == LSA_WIDTH else value


def is_sparse(dataset: Dataset, text_features: TextFeatures) -> bool:
    """Return whether the encoded features of a data set are a sparse matrix."""
    return dataset.kind == "sparse" or (text_features == "tfidf" and bool(dataset.texts))


def _encoded_sparse(
    dataset: Dataset, pool_rows: NDArray[np.intp], test_rows: NDArray[np.intp], scaling: Scaling
) -> Encoded:
    pool, test, words = scaled_sparse(dataset.X[pool_rows], dataset.X[test_rows], scaling)
    n_rows, n_columns = pool.shape
    constant = n_columns - int(np.count_nonzero(varies(pool)))
    encoding = Encoding(n_rows, n_columns, n_columns, True, words, {"number": (n_columns, n_columns)}, constant)
    return Encoded(pool, test, encoding)


def _encoded_array(
    dataset: Dataset, pool_rows: NDArray[np.intp], test_rows: NDArray[np.intp], scaling: Scaling
) -> Encoded:
    raw = dataset.X[pool_rows]
    gaps = np.isnan(raw).mean(axis=0)
    filled = without_gaps(Numbers(raw, dataset.X[test_rows], np.arange(raw.shape[1])))
    names = dataset.feature_names or tuple(map(str, range(raw.shape[1])))
    columns = [TableColumn("empty", "left out") if gap == 1 else TableColumn("number", "as it is") for gap in gaps]
    described = _described(dataset, names, columns, gaps, filled)
    pool, test, words = scaled(filled, scaling)
    told = [column for column in described if column.remarks or column.kind == "empty"]
    return Encoded(pool, test, _encoding(pool, words, described, told))


def _encoded_table(
    dataset: Dataset,
    pool_rows: NDArray[np.intp],
    test_rows: NDArray[np.intp],
    scaling: Scaling,
    text_features: TextFeatures,
) -> Encoded:
    names = [str(name) for name in dataset.X.columns]
    width = (
        None if is_sparse(dataset, text_features) else text_features if isinstance(text_features, int) else LSA_WIDTH
    )
    made: TableNumbers = table_as_numbers(dataset.X, pool_rows, test_rows, width, dataset.memory)
    place = {name: position for position, name in enumerate(names)}
    origins = np.array([place[name] for name in made.origins], dtype=np.intp)
    filled = without_gaps(Numbers(made.pool, made.test, origins), others=bool(made.words))
    gaps = dataset.X.iloc[pool_rows].isna().mean(axis=0).to_numpy()
    widths = {name: int(pool.shape[1]) for name, pool, _ in made.words}
    described = _described(dataset, names, [made.columns[name] for name in names], gaps, filled, widths)
    pool: Features
    test: Features
    pool, test, how = scaled(filled, scaling)
    if width is None:
        numbers = f"numbers {how}, " if pool.shape[1] else ""
        how = f"{numbers}words in rows of length {WORDS_LENGTH:g}"
        pool = sp.csr_array(sp.hstack([sp.csr_array(pool), *(part for _, part, _ in made.words)], format="csr"))
        test = sp.csr_array(sp.hstack([sp.csr_array(test), *(part for _, _, part in made.words)], format="csr"))
    if pool.shape[1] == 0:
        raise DataError("no column has a value in the pool rows; give more rows or other columns")
    return Encoded(pool, test, _encoding(pool, how, described, described))


def _described(
    dataset: Dataset,
    names: Sequence[str],
    columns: Sequence[TableColumn],
    gaps: NDArray[np.float64],
    filled: Numbers,
    words: Mapping[str, int] | None = None,
) -> list[ColumnEncoding]:
    """Return the description of each column; ``words`` has the number of its words for a column of TF-IDF."""
    features = np.bincount(filled.origins, minlength=len(names))
    changes = np.bincount(filled.origins, weights=varies(filled.pool), minlength=len(names)) > 0
    of_words = words or {}
    return [
        ColumnEncoding(
            name=name,
            kind=column.kind,
            becomes=column.becomes + _marked(column, int(features[position])),
            features=int(features[position]) + of_words.get(name, 0),
            values=column.values,
            gaps=float(gaps[position]),
            constant=not changes[position] and of_words.get(name, 0) == 0,
            identifier=dataset.identifiers.get(name, ""),
        )
        for position, (name, column) in enumerate(zip(names, columns, strict=True))
    ]


def _marked(column: TableColumn, features: int) -> str:
    """Return that gaps are marked, for a number or a date of more features than its parts."""
    parts = column.becomes.count(", ") + 1
    return ", gaps marked" if column.kind in ("number", "yes/no", "date") and features > parts else ""


def _encoding(
    pool: Features, scaling: str, columns: Sequence[ColumnEncoding], listed: Sequence[ColumnEncoding]
) -> Encoding:
    counts: Counter[ColumnKind] = Counter(column.kind for column in columns)
    features = {kind: sum(column.features for column in columns if column.kind == kind) for kind in counts}
    return Encoding(
        rows=int(pool.shape[0]),
        columns=len(columns),
        features=int(pool.shape[1]),
        sparse=bool(sp.issparse(pool)),
        scaling=scaling,
        kinds={kind: (count, features[kind]) for kind, count in counts.items()},
        constant=sum("constant" in column.remarks for column in columns),
        # The sort is stable: where not all columns can be listed, those with a remark are.
        listed=tuple(listed if len(listed) <= MOST_LISTED else sorted(listed, key=lambda column: not column.remarks))[
            :MOST_LISTED
        ],
    )
