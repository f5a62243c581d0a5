"""The exceptions of altune.

:class:`AltuneError` has two subclasses: :class:`RequestError` means that the request is wrong (exit code 2), and
:class:`WorkError` that the work itself failed (exit code 1). Each message is one line that states what was wrong,
where, and what would be right.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Iterator

from altune.core.text import printable

_MOST_CHARACTERS = 500


class AltuneError(Exception):
    """Base of all exceptions that altune raises on purpose; its message is one line, whatever names it quotes."""

    def __str__(self) -> str:
        return printable(super().__str__())


class RequestError(AltuneError):
    """The request is wrong: an option, a file, a value or a combination of them."""


class DataError(RequestError):
    """The data set cannot be used."""


class ScenarioError(RequestError):
    """The scenario does not fit the data or contradicts itself."""


class FormatError(RequestError, ValueError):
    """A recipe, search space or scenario is not well formed.

    It is also a ``ValueError``, so that pydantic passes it on from a nested method with its path.

    Parameters
    ----------
    problem : what is wrong and what would be right, without the path.
    path : path inside the file, such as ``query_strategy[1].beta``; empty for the file itself.
    file : name of the file; empty for objects made in Python.
    value : the wrong value, None if there is none.
    accepted : the accepted values, if they can be listed.
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
        super().__init__(": ".join(part for part in (file, path, problem) if part))

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_format_error, (self.problem, self.path, self.file, self.value, self.accepted))

    def within(self, *, file: str = "", path: str = "") -> FormatError:
        """Return the same error with its path below ``path`` of ``file``."""
        joined = join_path(path, self.path)
        return FormatError(self.problem, path=joined, file=file or self.file, value=self.value, accepted=self.accepted)


class Interruption(BaseException):
    """Interrupts code of a user; like ``KeyboardInterrupt`` it is no failure of that code."""


class AltuneWarning(UserWarning):
    """A request that is carried out otherwise than one may think; the command line prints it as one line."""


class MissingExtraError(RequestError):
    """An optional dependency is needed but not installed."""

    def __init__(self, what: str, extra: str) -> None:
        self.what = what
        self.extra = extra
        super().__init__(f"{what} needs the extra '{extra}': pip install 'altune[{extra}]'")

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.what, self.extra))


class WorkError(AltuneError):
    """The request was right, but the work failed."""


class EstimatorError(WorkError):
    """A method of an estimator failed, as it does for some estimators that have seen too few labels."""


class StorageError(WorkError):
    """The folder or study of a run cannot be read or written."""


class DamagedError(StorageError):
    """A part of a study is not what altune wrote; its cause is the error of reading it."""


@contextlib.contextmanager
def reading(what: str, *, file: str = "", path: str = "") -> Iterator[None]:
    """Turn the errors that values of a wrong type lead to into a :class:`FormatError` of one line.

    Parameters
    ----------
    what : what the values should be, for the message.
    file, path : the file that they are from, and the path inside it, for the message.

    Examples
    --------
    >>> with reading("a table", file="mine.yaml"):
    ...     {}["columns"]
    Traceback (most recent call last):
    altune.core.errors.FormatError: mine.yaml: not a table: 'columns' is missing
    """
    try:
        yield
    except FormatError as error:
        raise error.within(file=file, path=path) from None
    except KeyError as error:
        raise FormatError(f"not {what}: {error.args[0]!r} is missing", file=file, path=path) from None
    except (AttributeError, IndexError, OverflowError, TypeError, ValueError) as error:
        raise FormatError(f"not {what}: {' '.join(str(error).split())[:200]}", file=file, path=path) from None


def _rebuild_format_error(problem: str, path: str, file: str, value: object, accepted: tuple[str, ...]) -> FormatError:
    return FormatError(problem, path=path, file=file, value=value, accepted=accepted)


def first_line(error: BaseException) -> str:
    r"""Return the first line of an exception's message, at most 500 characters; empty if it has none.

    >>> first_line(ValueError("wrong\nand more"))
    'wrong'
    """
    try:
        text = str(error)[: 20 * _MOST_CHARACTERS]
    except Exception:
        return "its message cannot be read"
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = line if len(line) <= _MOST_CHARACTERS else f"{line[:_MOST_CHARACTERS]} …"
    return line.encode("utf-8", "backslashreplace").decode("utf-8")


def reason_of(error: BaseException) -> str:
    """Return an error in one line: its kind and its message, or the message alone of an error of altune.

    >>> reason_of(KeyError("size")), reason_of(SystemExit())
    ("KeyError: 'size'", 'SystemExit: no message')
    """
    line = first_line(error) or "no message"
    return line if isinstance(error, AltuneError) else f"{type(error).__name__}: {line}"


def join_path(outer: str, inner: str) -> str:
    """Join two paths inside a file.

    >>> join_path("a", "b"), join_path("a", "[1]")
    ('a.b', 'a[1]')
    """
    if not outer or not inner or inner.startswith("["):
        return outer + inner
    return f"{outer}.{inner}"


def did_you_mean(word: object, accepted: Iterable[str]) -> str:
    """Return ``accepted: a, b, c``, after the nearest spelling if there is a close one.

    >>> did_you_mean("margn", ["random", "margin"])
    "did you mean 'margin'? Accepted: margin, random"
    """
    names = sorted(accepted)
    near = difflib.get_close_matches(str(word), names, n=1, cutoff=0.6)
    hint = f"did you mean '{near[0]}'? " if near else ""
    listed = ", ".join(names)
    return f"{hint}{'Accepted' if hint else 'accepted'}: {listed}"
