"""Read svmlight text, in which each line is ``label index:value index:value …``."""

from __future__ import annotations

import io
from typing import IO, Any

import numpy as np

from altune.core.errors import DataError
from altune.data.files import BROKEN_GZIP

_INEXACT = 2.0**53  # labels are read as floats, of which whole numbers are exact below


def read_svmlight(stream: IO[bytes], where: str) -> tuple[Any, Any]:
    """Return the features as CSR, ``(n_rows, n_features)``, and the labels, ``(n_rows,)``.

    Parameters
    ----------
    stream : an open file; indices may start at 0 or at 1.
    where : name of the file, for messages.

    Raises
    ------
    DataError
        With the number of the first line that cannot be read, and the reason.
    """
    from sklearn.datasets import load_svmlight_file  # slow to import

    try:
        content = stream.read()
    except BROKEN_GZIP as error:
        raise DataError(f"{where}: a damaged gzip file ({error}); write it again") from None
    try:
        X, y = load_svmlight_file(io.BytesIO(content), zero_based="auto")
    except (ValueError, OverflowError) as error:
        fault = first_fault(content) or str(error)
        raise DataError(f"{where}: {fault}; each line is `label index:value index:value …`") from None
    large = y[np.abs(y) >= _INEXACT]
    if large.size:
        raise DataError(f"{where}: the label {large[0]:.0f} is not exact in this kind of file; number the classes")
    if X.shape[0] == 0:
        raise DataError(f"{where} has no rows; each line is `label index:value index:value …`")
    return X, y


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
        if position <= before:
            return f"index {position} follows {before}, but indices must increase"
        before = position
    return None


def _shown(field: bytes) -> str:
    return repr(field.decode("utf-8", "replace"))
