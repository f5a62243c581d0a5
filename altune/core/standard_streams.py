"""Standard output and standard error, which may be closed, full, or replaced by an object of the caller."""

from __future__ import annotations

import contextlib
import os
import sys

_CANNOT_MOVE = frozenset({"dumb", "unknown"})


def is_terminal(stream: object) -> bool:
    """Return whether a stream is a terminal; one that cannot say so is none."""
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError, OSError):
        return False


def can_redraw(stream: object) -> bool:
    """Return whether a stream is a terminal that can move back to lines it has shown.

    >>> import io
    >>> can_redraw(io.StringIO())
    False
    """
    return is_terminal(stream) and os.environ.get("TERM", "") not in _CANNOT_MOVE


def print_remark(line: str) -> None:
    """Print a line on standard error. Where it cannot be written it is lost, because no result depends on it."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
