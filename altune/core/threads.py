"""Numbers worked out on one thread: small matrices lose more by waiting for a second one than it gives.

It also makes them the same on every machine, whatever its number of cores.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

P = ParamSpec("P")
T = TypeVar("T")


def on_one_thread(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function during which the libraries of linear algebra keep to one thread.

    threadpoolctl's own decorator has no types and, before 3.8, limits only what was loaded when it was applied.
    """

    @functools.wraps(function)
    def limited(*given: P.args, **named: P.kwargs) -> T:
        with threadpool_limits(limits=1):
            return function(*given, **named)

    return limited
