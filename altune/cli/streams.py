"""Standard output of a command in any encoding; where it cannot be written, one line and an exit code say so."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import Any

from altune.cli.output import print_error
from altune.core.errors import WorkError

CLOSED_PIPE = 141
"""Exit code where the reader of standard output has gone, as a shell reports it: 128 and the number of SIGPIPE."""
_PLAIN = str.maketrans({"−": "-", "–": "-", "×": "x", "²": "^2", "…": "...", "≥": ">=", "≤": "<=", "·": "*"})


def prepare_streams() -> None:
    """Let standard output take every character, and make sure that no file takes the place of a closed stream.

    Raises
    ------
    WorkError
        If standard output is closed.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the smallest number that is free
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        raise WorkError("standard output is closed; send it to a file, or to a program that reads it")
    if isinstance(sys.stdout, io.TextIOWrapper):
        codecs.register_error("altune", _readable)
        sys.stdout.reconfigure(errors="altune")


def lost_output(error: OSError | None = None) -> int | None:
    """Report that standard output cannot be written, and return the exit code; None if it can.

    Parameters
    ----------
    error : an error that may be due to it, None if there was none.
    """
    _flush(sys.stderr)
    found = _flush(sys.stdout)
    if found is None and error is not None and error.filename is None and getattr(sys.stdout, "write_through", False):
        found = error  # nothing is kept that could be written again
    if found is None:
        return None
    if isinstance(found, BrokenPipeError):
        return CLOSED_PIPE
    print_error(f"standard output cannot be written: {found.strerror}")
    return 1


def _flush(stream: Any) -> OSError | None:
    """Write what a stream keeps. If that fails it is dropped, so that Python does not try again when it exits."""
    try:
        stream.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return error
    except (AttributeError, ValueError):  # closed, or an object of the caller
        return None
    return None


def _readable(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replace what an encoding lacks: a sign by plain ones, anything else by its number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_PLAIN)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end
