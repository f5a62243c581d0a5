"""Linear algebra on one thread.

On small matrices, further threads cost more time than they save. One thread also gives the same numbers on every
machine, whatever its number of cores.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

from altune.core.settings import Shared, usual_settings

P = ParamSpec("P")
T = TypeVar("T")

_limits = contextlib.ExitStack()


def _limit_blas() -> None:
    # Anew each time, because further libraries may have been loaded.
    _limits.enter_context(ThreadpoolController().select(user_api="blas").limit(limits=1))


_blas = Shared(_limit_blas, _limits.close)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS and OpenMP to one thread while the block runs.

    The limit of BLAS belongs to the process, so it is lifted when no thread needs it any more; that of OpenMP belongs
    to the thread.
    """
    with _blas.changed(), ThreadpoolController().select(user_api="openmp").limit(limits=1):
        yield


def on_one_thread(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function that runs on one thread, with :func:`altune.core.settings.usual_settings`."""

    @functools.wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> T:
        with one_thread(), usual_settings():
            return function(*args, **kwargs)

    return limited
