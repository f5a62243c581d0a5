"""Errors of the operating system as errors of altune: one line that names the file and what would be right."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from altune.core.errors import AltuneError, FormatError, RequestError, StorageError

_AGAIN = "free some disk space and give the same command again"
_OF_REQUEST = {
    errno.EACCES: "change the permissions, or give another path",
    errno.EPERM: "change the permissions, or give another path",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ENOTDIR: "a part of this path is a file, not a folder",
    errno.EISDIR: "give a file, not a folder",
    errno.EEXIST: "a file, or a link to nothing, has this name; give another path",
    errno.ELOOP: "its symbolic links lead in a circle; give another path",
    errno.EROFS: "give a path that can be written to",
    errno.ENOENT: "its folder is missing, or it was removed meanwhile; make it, or give another path",
}
_OF_WORK = {
    errno.ENOSPC: _AGAIN,
    errno.EDQUOT: _AGAIN,
    errno.EFBIG: "raise the limit on the size of files (`ulimit -f`) and give the same command again",
    errno.EIO: "the disk fails; check it, or give a path on another one",
    errno.EMFILE: "raise the limit on open files (`ulimit -n`) and give the same command again",
    errno.ENFILE: "close other programs and give the same command again",
}


def system_error(error: OSError, where: str | Path = "", *, writing: bool = False) -> AltuneError | None:
    """Return an error of a file as one of altune; None for any other one, such as that of a connection.

    Parameters
    ----------
    error : the error.
    where : the file or folder; by default the one that the error names.
    writing : whether the file is written.

    Returns
    -------
    AltuneError or None
        A :class:`RequestError` if another path would be right, a :class:`StorageError` if the disk is full or fails.

    Examples
    --------
    >>> print(system_error(PermissionError(13, "Permission denied", "a.csv")))
    a.csv: Permission denied; change the permissions, or give another path
    """
    path = str(where) or _file_of(error)
    if not path and error.errno not in _OF_WORK:
        return None
    kind = RequestError if error.errno in _OF_REQUEST else StorageError
    return kind(": ".join(part for part in (path, "cannot be written" * writing, _problem(error)) if part))


def _file_of(error: OSError) -> str:
    return os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes, os.PathLike)) else ""


def _problem(error: OSError) -> str:
    """Return what is wrong and what would be right, without the file."""
    advice = {**_OF_REQUEST, **_OF_WORK}.get(error.errno or errno.ENOSPC, "")
    return f"{reason_of(error)}; {advice}" if advice else reason_of(error)


def reason_of(error: OSError) -> str:
    """Return the system's reason; numpy and joblib leave it out where not all of an array could be written."""
    return error.strerror or "not all could be written; the disk may be full"


@contextlib.contextmanager
def system_errors(
    where: str | Path = "", kind: type[AltuneError] | None = None, *, writing: bool = False
) -> Iterator[None]:
    """Raise errors of files in the block as errors of altune; see :func:`system_error`.

    Parameters
    ----------
    where : the file or folder; by default the one that the error names.
    kind : the exception, in place of that which the error of the system has.
    writing : whether the file is written.
    """
    try:
        yield
    except OSError as error:
        known = system_error(error, where, writing=writing)
        if known is None:
            raise
        if kind is FormatError:
            raise FormatError(_problem(error), file=str(where) or _file_of(error)) from error
        raise (known if kind is None else kind(str(known))) from error
