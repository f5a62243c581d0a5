"""Standard output and standard error, which may be closed, full, or replaced by an object of the caller.

What code of a recipe prints goes to standard error, and each line names the method. Results alone go to standard
output.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from altune.core.blame import at_work
from altune.core.text import printable_lines

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


def terminal_of(stream: Any) -> Any:
    """Return what takes the controls of a terminal, for a display: a command escapes them in what it prints itself."""
    return getattr(stream, "terminal", stream)


def print_remark(line: str) -> None:
    """Print a text on standard error, without any control of a terminal in it.

    Where it cannot be written it is lost, because no result depends on it.
    """
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{printable_lines(line)}\n")
            sys.stderr.flush()


def output_to_errors() -> int | None:
    """Let all that writes to standard output below Python write to standard error.

    Compiled code and programs that a method starts know only the descriptor.

    Returns
    -------
    A new descriptor of the former standard output, None where there is none.
    """
    try:
        former = os.dup(1)
        os.dup2(2, 1)
    except OSError:
        return None
    return former


class Marked:
    """A stream in the place of standard output or standard error, which marks what code of a recipe writes.

    Parameters
    ----------
    stream : what other code writes to.
    errors : standard error.
    name_of : returns who writes, given the number of callers to leave out; empty for what ``stream`` takes.
    """

    def __init__(self, stream: Any, errors: Any, name_of: Callable[[int], str] = at_work) -> None:
        self._name_of = name_of
        self.stream = stream
        self._errors = errors
        self._begins = True
        self._here = threading.local()

    def write(self, text: str) -> int:
        """Write a text; that of a method goes to standard error, and its name is put before each line."""
        mark = "" if getattr(self._here, "writing", False) else self._name_of(2)
        if not mark:
            return int(self.stream.write(text))
        lines = printable_lines(str(text)).splitlines(keepends=True)
        marked = "".join(f"{mark}: {line}" if number or self._begins else line for number, line in enumerate(lines))
        self._begins = text.endswith(("\n", "\r"))
        # A display of the progress takes the place of standard error while it is shown, and marks nothing.
        errors = self._errors if isinstance(sys.stderr, Marked) or sys.stderr is None else sys.stderr
        self._here.writing = True
        try:
            with contextlib.suppress(OSError, ValueError, AttributeError):
                errors.write(marked)
        finally:
            self._here.writing = False
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what the streams keep."""
        self.stream.flush()

    def close(self) -> None:
        """Do nothing: the stream is the caller's."""

    def fileno(self) -> int:
        """Return the descriptor of standard error, to which a program that a method starts may write."""
        return int(self._errors.fileno() if self._name_of(2) else self.stream.fileno())

    @property
    def buffer(self) -> Any:
        """What bytes are written to."""
        return _Bytes(self) if self._name_of(2) else self.stream.buffer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class _Bytes:
    """Takes bytes for a marked stream."""

    def __init__(self, text: Marked) -> None:
        self._text = text

    def write(self, content: Any) -> int:
        """Write bytes as text."""
        self._text.write(bytes(content).decode("utf-8", "replace"))
        return len(content)

    def flush(self) -> None:
        """Do nothing: text is written at once."""


class MarkedStreams:
    """Puts marked streams in the place of the standard ones, and back."""

    def __init__(self) -> None:
        self._found: tuple[Any, Any] | None = None

    def put(self) -> None:
        """Put marked streams in the place of those that are there."""
        if self._found is None and sys.stdout is not None and sys.stderr is not None:
            self._found = sys.stdout, sys.stderr
            replaced: Any = [Marked(stream, sys.stderr) for stream in self._found]
            sys.stdout, sys.stderr = replaced

    def restore(self) -> None:
        """Put back the streams that were found, whatever a method has put in their place."""
        if self._found is not None:
            (sys.stdout, sys.stderr), self._found = self._found, None
