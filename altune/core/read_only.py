"""Arrays that nothing can be written to.

All trajectories of a block share its features and what is built from them. A method that changed them in place would
change the results of all recipes that are played after it, and which these are depends on the number of processes.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from scipy import sparse

T = TypeVar("T")


def read_only(value: T) -> T:
    """Make the arrays in a value read-only, and return it.

    Parameters
    ----------
    value : an array, a sparse matrix, or tuples, lists, dictionaries and frozen dataclasses of them; anything else is
        left as it is.
    """
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    elif sparse.issparse(value):
        for part in ("data", "indices", "indptr"):
            if hasattr(value, part):
                getattr(value, part).setflags(write=False)
    elif isinstance(value, (tuple, list)):
        for item in value:
            read_only(item)
    elif isinstance(value, dict):
        for item in value.values():
            read_only(item)
    elif getattr(getattr(type(value), "__dataclass_params__", None), "frozen", False):
        for name in type(value).__dataclass_fields__:  # type: ignore[attr-defined]
            read_only(getattr(value, name))
    return value


def read_only_view(array: Any) -> Any:
    """Return a view of an array that cannot be written to; the array itself stays as it is."""
    view = array.view()
    view.setflags(write=False)
    return view


def locked(X: Any) -> Any:
    """Return features that cannot be written to, without a copy; a dense array cannot be made writable again either."""
    if isinstance(X, np.ndarray) and X.size and X.flags.c_contiguous and X.dtype.kind in "biuf":
        return np.frombuffer(memoryview(X).toreadonly(), X.dtype).reshape(X.shape)  # type: ignore[arg-type]
    return read_only(X)
