"""Computing that neither depends on the settings of the process nor changes them.

The caller may have changed how scikit-learn returns tables, what numpy does on a division by zero, or which warnings
are errors. Worker processes know nothing of it, so a result must not depend on it. What altune changes in its turn is
either a setting of the thread, or it is shared: changed while any thread needs it, and restored after the last one. To
save a setting and to restore it in each thread would leave it changed where two threads overlap.
"""

from __future__ import annotations

import contextlib
import functools
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

from altune.core.standard_streams import MarkedStreams

P = ParamSpec("P")
T = TypeVar("T")


class Shared:
    """A setting of the whole process that is changed while any thread needs it.

    Parameters
    ----------
    begin : changes the setting; called by each thread that needs it.
    end : restores the setting; called after the last of them.
    """

    def __init__(self, begin: Callable[[], object], end: Callable[[], object]) -> None:
        self._begin = begin
        self._end = end
        self._users = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def changed(self) -> Iterator[None]:
        """Keep the setting changed while the block runs."""
        with self._lock:
            self._begin()
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._end()


class _OfThisThread(threading.local):
    """Takes the place of a pattern of messages in a filter of warnings; matches in threads that want no warnings."""

    wants_none = False
    pattern = ""
    """What scikit-learn hands on to the threads and processes that it starts: all warnings."""

    def match(self, message: str) -> bool:
        """Return whether a warning of the current thread is left out."""
        return self.wants_none

    def __reduce__(self) -> tuple[Any, ...]:
        return re.compile, (self.pattern,)


class _Filters:
    """Puts a filter before all others; a list of filters that was found is never changed."""

    def __init__(self) -> None:
        self.of_this_thread = _OfThisThread()
        self._filter: Any = ("ignore", self.of_this_thread, Warning, None, 0)
        self._found: list[list[Any]] = []

    def put(self) -> None:
        """Put the filter first, for one thread more."""
        filters: list[Any] = warnings.filters  # type: ignore[assignment]
        if not self._found:
            self._found.append(filters)
        if filters[:1] != [self._filter]:
            _set_filters([self._filter, *filters])

    def restore(self) -> None:
        """Restore the filters that were found, whatever threads that overlapped have made of them."""
        _set_filters(self._found.pop())


def _set_filters(filters: list[Any]) -> None:
    warnings.filters = filters  # type: ignore[assignment,unused-ignore]


_filters = _Filters()
_filtered = Shared(_filters.put, _filters.restore)
_streams = MarkedStreams()
_marked = Shared(_streams.put, _streams.restore)


@contextlib.contextmanager
def no_warnings() -> Iterator[None]:
    """Leave out the warnings of this thread while the block runs; those of other threads are shown as usual."""
    thread = _filters.of_this_thread
    if thread.wants_none:
        yield
        return
    with _filtered.changed():
        thread.wants_none = True
        try:
            yield
        finally:
            thread.wants_none = False


@contextlib.contextmanager
def usual_settings() -> Iterator[None]:
    """Compute with the default settings of scikit-learn and numpy, and without warnings, while the block runs.

    What code of a recipe prints goes to standard error.
    """
    import numpy as np
    import sklearn

    with (
        no_warnings(),
        _marked.changed(),
        np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"),
        sklearn.config_context(**_defaults_of_sklearn()),
    ):
        yield


@functools.cache
def _defaults_of_sklearn() -> dict[str, Any]:
    """Return the configuration that scikit-learn has in a new thread, where nothing was changed."""
    import sklearn

    found: dict[str, Any] = {}
    thread = threading.Thread(target=lambda: found.update(sklearn.get_config()))
    thread.start()
    thread.join()
    return found


def with_usual_settings(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function that runs with :func:`usual_settings`."""

    @functools.wraps(function)
    def undisturbed(*args: P.args, **kwargs: P.kwargs) -> T:
        with usual_settings():
            return function(*args, **kwargs)

    return undisturbed
