"""What can go wrong, for the person who can mend it.

Two roots below :class:`AltuneError`: a :class:`RequestError` says that what was asked for is wrong (exit code 2),
a :class:`WorkError` that the work itself failed (exit code 1). Each message is one line: what, where, what would
be right.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AltuneError(Exception):
    """Root of every error that altune raises on purpose."""


class RequestError(AltuneError):
    """The request is wrong: an option, a file, a value, a combination."""


class DataError(RequestError):
    """The data set cannot be used as it is."""


class ScenarioError(RequestError):
    """The scenario does not fit the data, or contradicts itself."""


class FormatError(RequestError, ValueError):
    """A recipe, search space or scenario is not well formed.

    It is a ``ValueError`` too, so that pydantic carries it out of a nested method with its place.

    Parameters
    ----------
    problem : what is wrong and what would be right, without the place.
    path : place inside the file, such as ``query_strategy[1].beta``; empty for the file itself.
    file : the file's name; empty for objects made in Python.
    value : the offending value, None where there is none.
    accepted : the values that would have been accepted, if they can be listed.
    """

    def __init__(
        self,
        problem: str,
        *,
        path: str = "",
        file: str = "",
        value: object = None,
        accepted: Iterable[str] = (),
    ) -> None:
        self.problem = problem
        self.path = path
        self.file = file
        self.value = value
        self.accepted = tuple(accepted)
        place = ": ".join(part for part in (file, path) if part)
        super().__init__(f"{place}: {problem}" if place else problem)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_format_error, (self.problem, self.path, self.file, self.value, self.accepted))

    def within(self, *, file: str = "", path: str = "") -> FormatError:
        """Return the same error, placed inside ``path`` of ``file``."""
        joined = join_path(path, self.path)
        return FormatError(self.problem, path=joined, file=file or self.file, value=self.value, accepted=self.accepted)


class MissingExtraError(RequestError):
    """An optional dependency is needed and not installed."""

    def __init__(self, what: str, extra: str) -> None:
        self.what = what
        self.extra = extra
        super().__init__(f"{what} needs the extra '{extra}': pip install 'altune[{extra}]'")

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.what, self.extra))


class WorkError(AltuneError):
    """The request was right and the work failed."""


class StorageError(WorkError):
    """A run's folder or study cannot be read or written."""


def _rebuild_format_error(problem: str, path: str, file: str, value: object, accepted: tuple[str, ...]) -> FormatError:
    return FormatError(problem, path=path, file=file, value=value, accepted=accepted)


def join_path(outer: str, inner: str) -> str:
    """Join two places inside a file: ``join_path('a', 'b') == 'a.b'``, ``join_path('a', '[1]') == 'a[1]'``."""
    if not outer or not inner or inner.startswith("["):
        return outer + inner
    return f"{outer}.{inner}"


def did_you_mean(word: object, accepted: Iterable[str]) -> str:
    """Return ``accepted: a, b, c`` with the nearest spelling in front where one is near.

    >>> did_you_mean("margn", ["random", "margin"])
    "did you mean 'margin'? Accepted: margin, random"
    """
    names = sorted(accepted)
    near = difflib.get_close_matches(str(word), names, n=1, cutoff=0.6)
    hint = f"did you mean '{near[0]}'? " if near else ""
    listed = ", ".join(names)
    return f"{hint}{'Accepted' if hint else 'accepted'}: {listed}"
