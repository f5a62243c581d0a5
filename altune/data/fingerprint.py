"""A hash of the content of a data set, the same in every process and on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from altune.data.features import is_frame

if TYPE_CHECKING:
    import pandas as pd

_CHUNK = 1 << 20  # numbers hashed at a time, so that the data are not copied as a whole


def content_fingerprint(
    X: Any,
    codes: NDArray[np.intp],
    classes: Iterable[object],
    names: Iterable[str] | None,
    further: Mapping[str, NDArray[np.integer[Any]]] | None = None,
) -> str:
    """Return a hash of features, labels, class names and column names as 32 hexadecimal digits.

    Parameters
    ----------
    X : float64 array, canonical CSR array or DataFrame, ``(n_rows, n_features)``.
    codes : labels as positions in ``classes``, ``(n_rows,)``.
    classes : class names; ``1`` and ``"1"`` differ.
    names : column names, None if there are none.
    further : whole numbers of each row by what they are, such as its group, ``(n_rows,)`` each.
    """
    digest = hashlib.blake2b(digest_size=16)
    sparse = bool(sp.issparse(X))
    kind = "table" if is_frame(X) else "sparse" if sparse else "dense"
    _texts(digest, ["altune data 1", kind, str(X.shape[0]), str(X.shape[1])])
    if is_frame(X):
        for position in range(X.shape[1]):
            _column(digest, X.iloc[:, position])
    elif sparse:
        _integers(digest, X.indptr)
        _integers(digest, X.indices)
        _floats(digest, X.data)
    else:
        _floats(digest, X)
    _integers(digest, codes)
    _texts(digest, [_typed(name) for name in classes])
    _texts(digest, ["no names"] if names is None else ["names", *names])
    for what, values in (further or {}).items():
        _texts(digest, [what])
        _integers(digest, values)
    return digest.hexdigest()


def _column(digest: Any, column: pd.Series[Any]) -> None:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        _texts(digest, ["numbers"])
        _floats(digest, column.to_numpy(dtype=np.float64))
        return
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        _texts(digest, ["instants"])
        moments = column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column
        _integers(digest, moments.to_numpy(dtype="datetime64[ns]").view(np.int64))
        return
    codes, values = pd.factorize(column)
    _texts(digest, ["categories" if isinstance(column.dtype, pd.CategoricalDtype) else "values"])
    _integers(digest, np.asarray(codes))
    _texts(digest, [_typed(value) for value in values])


def _floats(digest: Any, values: NDArray[np.float64]) -> None:
    flat = values.reshape(-1)
    for start in range(0, flat.size, _CHUNK):
        part = flat[start : start + _CHUNK].astype("<f8") + 0.0  # -0.0 becomes 0.0
        part[np.isnan(part)] = np.nan  # one bit pattern for every missing value
        digest.update(part.tobytes())


def _integers(digest: Any, values: NDArray[np.integer[Any]]) -> None:
    for start in range(0, values.size, _CHUNK):
        digest.update(values[start : start + _CHUNK].astype("<i8").tobytes())


def _texts(digest: Any, texts: Iterable[str]) -> None:
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)


def _typed(value: object) -> str:
    plain = value.item() if isinstance(value, np.generic) else value
    kind = "str" if isinstance(plain, str) else type(plain).__name__
    return f"{kind}:{plain}"
