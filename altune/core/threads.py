"""Linear algebra on one thread.

On small matrices, further threads cost more time than they save. One thread also gives the same numbers on every
machine, whatever its number of cores.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

P = ParamSpec("P")
T = TypeVar("T")


def on_one_thread(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function that runs with BLAS and OpenMP limited to one thread.

    The decorator of threadpoolctl has no types and, before version 3.8, limits only the libraries that were loaded when
    it was applied.
    """

    @functools.wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> T:
        with threadpool_limits(limits=1):
            return function(*args, **kwargs)

    return limited
