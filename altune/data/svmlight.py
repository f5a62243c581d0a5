"""Read svmlight text, in which each line is ``label index:value index:value …``."""

from __future__ import annotations

import codecs
import io
import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp

from altune.core.errors import AltuneWarning, DataError
from altune.data.files import DataFile, readable
from altune.data.sizes import opened

MOST_UNUSED = 10**6
"""Number of columns up to which those that no row has are kept."""
_MOST_INDEX = 2**31 - 1
_INEXACT = 2.0**53  # labels are read as floats, of which whole numbers are exact below


def read_svmlight(file: DataFile) -> tuple[Any, Any]:
    """Return the features as CSR, ``(n_rows, n_features)``, and the labels, ``(n_rows,)``.

    Parameters
    ----------
    file : indices may start at 0 or at 1.

    Raises
    ------
    DataError
        With the number of the first line that cannot be read, and the reason.
    """
    from sklearn.datasets import load_svmlight_file  # slow to import

    with readable(file, "svmlight"), opened(file) as stream:
        content = stream.read().removeprefix(codecs.BOM_UTF8)
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        X, y = load_svmlight_file(io.BytesIO(content), zero_based="auto")
    except (ValueError, OverflowError) as error:
        fault = first_fault(content) or str(error)
        raise DataError(f"{file}: {fault}; each line is `label index:value index:value …`") from None
    if X.shape[0] == 0:
        raise DataError(f"{file} has no rows; each line is `label index:value index:value …`")
    large = y[np.abs(y) >= _INEXACT]
    if large.size:
        raise DataError(f"{file}: the label {large[0]:.0f} is not exact in this kind of file; number the classes")
    return without_unused(X, file), y


def without_unused(X: Any, file: DataFile) -> Any:
    """Return a CSR matrix without the columns that no row has, if it has more than a million columns.

    A single large index would else take gigabytes in each model, whose coefficients are dense.
    """
    if X.shape[1] <= MOST_UNUSED:
        return X
    used, positions = np.unique(X.indices, return_inverse=True)
    if not 0 < len(used) < X.shape[1]:
        return X
    message = f"{file}: {X.shape[1] - len(used)} of {X.shape[1]} columns are 0 in all rows and are left out"
    warnings.warn(message, AltuneWarning, 2)
    return sp.csr_array((X.data, positions.reshape(-1), X.indptr), shape=(X.shape[0], len(used)))


def first_fault(content: bytes) -> str | None:
    r"""Return the number of the first line that cannot be read with the reason, None if all can be read.

    >>> first_fault(b"1 1:0.5\n0 1:x\n")
    "line 2: '1:x' is not an index:value pair"
    """
    for number, line in enumerate(content.splitlines(), start=1):
        fields = line.split(b"#", 1)[0].split()
        fault = _fault(fields) if fields else None
        if fault:
            return f"line {number}: {fault}"
    return None


def _fault(fields: list[bytes]) -> str | None:
    try:
        float(fields[0])
    except ValueError:
        return f"the label {_shown(fields[0])} is not a number"
    before = -1
    for field in fields[1:]:
        index, _, value = field.partition(b":")
        if index == b"qid":
            continue
        try:
            position, _ = int(index), float(value)
        except ValueError:
            return f"{_shown(field)} is not an index:value pair"
        if position > _MOST_INDEX:
            return f"index {position} is larger than {_MOST_INDEX}"
        if position <= before:
            return f"index {position} follows {before}, but indices must increase"
        before = position
    return None


def _shown(field: bytes) -> str:
    return repr(field.decode("utf-8", "replace"))
