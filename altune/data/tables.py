"""Turn the columns of a table into numbers: categories, dates and text by skrub, words by TF-IDF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from altune.core.settings import no_warnings, with_usual_settings
from altune.data.description import ColumnKind
from altune.data.identifiers import number_identifier, text_identifier
from altune.data.memory import require_memory

if TYPE_CHECKING:
    import pandas as pd
    from skrub import TableVectorizer

FEW_VALUES = 40
"""Number of values up to which a column is a category, with a feature for each value."""
_DATE_COLUMNS = 5  # columns into which a date is encoded
_ENCODER_SEED = 0  # of the text encoder's randomised decomposition; constant, so that encoding draws nothing
# Words of two letters or more; single characters of scripts that put no spaces between words.
_WORD = r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]|\b\w\w+\b"
WORDS_LENGTH = 3.0  # of a row of TF-IDF; at length 1, regularised models underfit with few labels
_KINDS: dict[str, ColumnKind] = {
    "numeric": "number",
    "datetime": "date",
    "low_cardinality": "category",
    "high_cardinality": "text",
}


class TableColumn(NamedTuple):
    """What a column of a table became: kind, the same in words, and its number of values if it is not a number."""

    kind: ColumnKind
    becomes: str
    values: int | None = None


class TableNumbers(NamedTuple):
    """A table as numbers.

    Attributes
    ----------
    pool, test : dense features with NaN for missing values, ``(n_rows, d)``.
    origins : name of the column that each dense feature was made of, ``(d,)``.
    columns : what each column became.
    words : name of each column that became TF-IDF, with its features of pool and test as CSR arrays.
    """

    pool: NDArray[np.float64]
    test: NDArray[np.float64]
    origins: list[str]
    columns: dict[str, TableColumn]
    words: list[tuple[str, Any, Any]]


class TableFacts(NamedTuple):
    """What the values of a whole table say about its columns.

    Attributes
    ----------
    texts : names of the columns of text.
    identifiers : why a column looks like an identifier, by its name.
    """

    texts: tuple[str, ...]
    identifiers: dict[str, str]


def table_as_numbers(
    table: pd.DataFrame,
    pool_rows: NDArray[np.intp],
    test_rows: NDArray[np.intp],
    text_width: int | None,
    memory: int | None = None,
) -> TableNumbers:
    """Return the numeric columns as they are, followed by the others as numbers; all is fitted on the pool rows.

    Parameters
    ----------
    table : the data, as :class:`altune.data.Dataset` holds them.
    pool_rows, test_rows : row numbers, ``(n_pool,)`` and ``(n_test,)``.
    text_width : number of features that a column of text becomes; None for the TF-IDF of its words.
    memory : bytes that the numbers may take; None for the free memory.
    """
    from skrub import StringEncoder, TableVectorizer  # slow to import, and rarely needed

    numeric = [name for name, dtype in table.dtypes.items() if dtype == np.float64]
    others = [name for name in table.columns if name not in set(numeric)]
    pool, test = _taken(table, others, pool_rows), _taken(table, others, test_rows)
    width = len(numeric) + sum(_encoded_width(pool[name], text_width or 0) for name in others)
    require_memory(len(pool_rows) + len(test_rows), width, "the table as numbers", available=memory)
    text = StringEncoder(n_components=text_width, random_state=_ENCODER_SEED) if text_width else "drop"
    vectorizer = TableVectorizer(cardinality_threshold=FEW_VALUES, high_cardinality=text, n_jobs=1)
    with no_warnings():  # unknown categories and small vocabularies are expected
        encoded = vectorizer.fit_transform(pool), vectorizer.transform(test)
    numbers = table[numeric].to_numpy(dtype=np.float64)
    origins = [str(vectorizer.output_to_input_[name]) for name in vectorizer.all_outputs_]
    columns = {str(name): _number(numbers[pool_rows, index]) for index, name in enumerate(numeric)}
    columns |= {str(name): _described(str(name), pool[name], vectorizer, text_width) for name in others}
    texts = [] if text_width else [name for name in others if columns[name].kind == "text"]
    return TableNumbers(
        np.hstack([numbers[pool_rows], encoded[0].to_numpy(dtype=np.float64)]),
        np.hstack([numbers[test_rows], encoded[1].to_numpy(dtype=np.float64)]),
        [str(name) for name in numeric] + origins,
        {str(name): columns[str(name)] for name in table.columns},
        [(name, *_words(pool[name], test[name])) for name in texts],
    )


@with_usual_settings
def table_facts(table: pd.DataFrame) -> TableFacts:
    """Return which columns of a table are text, as the encoder would see it in all rows, and which are identifiers."""
    import pandas as pd

    numbers = {str(name): table[name] for name, dtype in table.dtypes.items() if dtype == np.float64}
    dates = pd.api.types.is_datetime64_any_dtype
    many = [
        name
        for name in table.columns
        if name not in numbers and not dates(table[name].dtype) and _has_many_values(table[name])
    ]
    kinds = _kinds(table[many]) if many else {}
    texts = tuple(name for name in many if kinds.get(name) == "text")
    written = {name: pd.to_numeric(table[name], errors="coerce") for name in many if kinds.get(name) == "number"}
    reasons = {name: number_identifier(name, column.to_numpy()) for name, column in (numbers | written).items()}
    words = [name for name in many if kinds.get(name) in ("text", "category")]
    reasons |= {name: text_identifier(name, table[name]) for name in words}
    return TableFacts(texts, {str(name): reasons[name] for name in table.columns if reasons.get(name)})


def _has_many_values(column: pd.Series[Any]) -> bool:
    n_values = column.nunique()
    return n_values > FEW_VALUES or n_values == len(column)


def _kinds(table: pd.DataFrame) -> dict[str, ColumnKind]:
    from skrub import TableVectorizer

    vectorizer = TableVectorizer(
        cardinality_threshold=FEW_VALUES,
        high_cardinality="drop",
        low_cardinality="drop",
        numeric="drop",
        datetime="drop",
        n_jobs=1,
    )
    with no_warnings():
        vectorizer.fit(table)
    return {name: _KINDS[kind] for name, kind in vectorizer.column_to_kind_.items()}


def _taken(table: pd.DataFrame, columns: list[Any], rows: NDArray[np.intp]) -> pd.DataFrame:
    """Return some rows; categorical columns lose the categories that do not occur in them."""
    import pandas as pd

    part = table[columns].iloc[rows].reset_index(drop=True)
    for name in columns:
        if isinstance(part[name].dtype, pd.CategoricalDtype):
            part[name] = part[name].cat.remove_unused_categories()
    return part


def _encoded_width(column: pd.Series[Any], text_width: int) -> int:
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return _DATE_COLUMNS
    values = column.nunique() + int(column.isna().any())
    return values if values <= FEW_VALUES else text_width


def _number(values: NDArray[np.float64]) -> TableColumn:
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return TableColumn("empty", "left out")
    both = np.array_equal(np.unique(known), (0.0, 1.0))
    return TableColumn("yes/no" if both else "number", "as it is")


def _described(name: str, column: pd.Series[Any], vectorizer: TableVectorizer, text_width: int | None) -> TableColumn:
    kind = _KINDS.get(vectorizer.column_to_kind_.get(name, ""), "empty")
    if kind == "empty":
        return TableColumn(kind, "left out")
    if kind == "number":
        return TableColumn(kind, "read as numbers")
    if kind == "date":
        parts = [output.removeprefix(f"{name}_").replace("_", " ") for output in vectorizer.input_to_outputs_[name]]
        return TableColumn(kind, ", ".join(parts))
    values = int(column.nunique())
    if kind == "category":
        return TableColumn(kind, "one-hot", values)
    return TableColumn(kind, "TF-IDF of its words" if text_width is None else "LSA of its characters", values)


def _words(pool: pd.Series[Any], test: pd.Series[Any]) -> tuple[Any, Any]:
    """Return the TF-IDF of the words of a column in rows of length 3, with the vocabulary of the pool."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(token_pattern=_WORD, sublinear_tf=True)
    try:
        vectorizer.fit(_texts(pool))
    except ValueError:  # there is no word at all
        return sp.csr_array((len(pool), 0)), sp.csr_array((len(test), 0))
    return WORDS_LENGTH * vectorizer.transform(_texts(pool)), WORDS_LENGTH * vectorizer.transform(_texts(test))


def _texts(column: pd.Series[Any]) -> list[str]:
    return ["" if missing else str(value) for value, missing in zip(column, column.isna(), strict=True)]
