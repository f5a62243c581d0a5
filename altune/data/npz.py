"""Read arrays from npz files. Nothing is unpickled, so nothing in a file can run."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from altune.core.errors import DataError
from altune.core.plain import shown
from altune.data.files import DataFile, one_line, readable
from altune.data.sizes import NPZ_KEYS, npz_headers, opened
from altune.data.svmlight import without_unused

_SPARSE_KEYS = ("data", "indices", "indptr", "shape")


def read_npz(file: DataFile, labelled: bool = True) -> tuple[Any, Any]:
    """Return the features, an array or a CSR matrix, and the labels; None for the labels where they are not wanted.

    Raises
    ------
    DataError
        If the file is damaged, holds Python objects, lacks an array, or needs too much memory.
    """
    with readable(file, "npz"), opened(file) as stream:
        for name, (_, dtype) in npz_headers(stream).items():
            if dtype.hasobject:
                raise DataError(
                    f"{file}: the array {name} holds Python objects, which may run code; save numbers and fixed-width "
                    "text, such as y.astype(str)"
                )
        stream.seek(0)
        with np.load(stream, allow_pickle=False) as archive:
            names = set(archive.files)
            dense, sparse = "X" in names, all(key in names for key in _SPARSE_KEYS)
            if not (dense or sparse) or (labelled and "y" not in names):
                needed = (
                    "arrays X and y (or data, indices, indptr, shape and y) are needed"
                    if labelled
                    else "an array X (or data, indices, indptr and shape) is needed"
                )
                raise DataError(f"{file}: {needed}; present: {', '.join(sorted(names)) or 'none'}")
            arrays = {name: archive[name] for name in NPZ_KEYS if name in names}
    return arrays["X"] if dense else _csr(arrays, file), arrays["y"] if labelled else None


def _csr(arrays: dict[str, Any], file: DataFile) -> Any:
    """Return the CSR matrix of its parts."""
    stored = np.asarray(arrays.get("format", "csr")).tolist()
    if stored not in ("csr", b"csr"):
        raise DataError(f"{file}: the sparse format is {shown(stored)}; save X.tocsr()")
    try:
        n_rows, n_columns = map(int, arrays["shape"])
        parts = np.asarray(arrays["data"], dtype=np.float64), arrays["indices"], arrays["indptr"]
        matrix = sp.csr_array(parts, shape=(n_rows, n_columns))
        matrix.check_format(full_check=True)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise DataError(f"{file}: the CSR arrays do not fit together ({one_line(error)})") from None
    return without_unused(matrix, file)
