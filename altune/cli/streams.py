"""Standard streams of a command: any encoding, no controls of a terminal, and one line where output is lost."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import Any

from altune.cli.output import print_error
from altune.core.errors import WorkError
from altune.core.standard_streams import output_to_errors, terminal_of
from altune.core.text import printable_lines

CLOSED_PIPE = 141
"""Exit code where the reader of standard output has gone, as a shell reports it: 128 and the number of SIGPIPE."""
_PLAIN = str.maketrans({"−": "-", "–": "-", "×": "x", "²": "^2", "…": "...", "≥": ">=", "≤": "<=", "·": "*"})


class OutputLost(WorkError):
    """Standard output cannot be written. Standard error says why, unless the reader has just gone.

    Attributes
    ----------
    code : the exit code.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output cannot be written: {error.strerror}")
        self.code = CLOSED_PIPE if isinstance(error, BrokenPipeError) else 1
        if self.code == 1:
            print_error(str(self))


class _Shown:
    """A stream whose texts hold names and messages of anyone, none of which a terminal may take as a command.

    Attributes
    ----------
    terminal : the stream itself.
    """

    def __init__(self, stream: Any) -> None:
        self.terminal = stream

    def write(self, text: str) -> int:
        """Write a text with escapes in place of controls."""
        self.terminal.write(printable_lines(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.terminal, name)


class _Output(_Shown):
    """Standard output, whose errors differ from those of other files."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._lost: OutputLost | None = None

    def write(self, text: str) -> int:
        """Write a text with escapes in place of controls."""
        try:
            return super().write(text)
        except OSError as error:
            raise self._loss(error) from None

    def flush(self) -> None:
        """Write what is kept."""
        try:
            self.terminal.flush()
        except OSError as error:
            raise self._loss(error) from None

    def _loss(self, error: OSError) -> OutputLost:
        if self._lost is None:
            self._lost = OutputLost(error)
        return self._lost


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
        sys.stdout = _with_own_descriptor(sys.stdout)
    output: Any = _Output(sys.stdout)
    errors: Any = _Shown(sys.stderr)
    sys.stdout, sys.stderr = output, errors


def _with_own_descriptor(output: io.TextIOWrapper) -> io.TextIOWrapper:
    """Return standard output with a descriptor that nothing but altune knows."""
    try:
        former = output_to_errors() if output.fileno() == 1 else None
    except (OSError, ValueError):
        former = None
    if former is None:
        return output
    return io.TextIOWrapper(
        open(former, "wb", buffering=0 if output.write_through else -1),
        encoding=output.encoding,
        errors=output.errors,
        line_buffering=output.line_buffering,
        write_through=output.write_through,
    )


def end_streams(code: int) -> int:
    """Write what the streams keep, and return the exit code of a command that has ended with ``code``."""
    output: Any = sys.stdout
    try:
        output.flush()
    except OutputLost as lost:
        code = lost.code
    except (AttributeError, ValueError):  # closed, or not of this module
        pass
    _drop_rest(sys.stderr)
    sys.stdout, sys.stderr = terminal_of(output), terminal_of(sys.stderr)
    _drop_rest(sys.stdout)
    return code


def _drop_rest(stream: Any) -> None:
    """Drop what a stream keeps and cannot write, so that Python does not try again when it exits."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (AttributeError, ValueError):
        pass


def _readable(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replace what an encoding lacks: a sign by plain ones, anything else by its number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_PLAIN)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end
