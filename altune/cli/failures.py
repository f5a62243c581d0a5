"""What ended a command, as one line on standard error and an exit code."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from altune.cli.output import print_error
from altune.cli.streams import OutputLost
from altune.core.errors import RequestError, WorkError
from altune.core.standard_streams import print_remark
from altune.core.system_errors import system_error
from altune.core.version import __version__

DEBUG = "--debug"
DEBUG_VARIABLE = "ALTUNE_DEBUG"


def taken_debug(words: list[str]) -> tuple[list[str], bool]:
    """Return the words of a command line without ``--debug``, and whether it or the variable asks for tracebacks.

    >>> taken_debug(["tune", "iris", "--debug"])[0]
    ['tune', 'iris']
    """
    options = words.index("--") if "--" in words else len(words)
    left = [word for number, word in enumerate(words) if word != DEBUG or number > options]
    return left, len(left) < len(words) or os.environ.get(DEBUG_VARIABLE, "") not in ("", "0")


def report_failure(error: BaseException, debug: bool = False) -> int:
    """Print what ended a command as one line, and return the exit code.

    Parameters
    ----------
    error : what ended it.
    debug : whether to print the traceback of what is no error of altune or of the parser.
    """
    known = system_error(error) if isinstance(error, OSError) else error
    if isinstance(error, OutputLost):
        return error.code
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "Abort":
        print_error("interrupted")
        return 130
    if isinstance(known, (RequestError, WorkError)):
        print_error(str(known))
        code = 2 if isinstance(known, RequestError) else 1
    elif isinstance(error, MemoryError):
        print_error("there is not enough memory; give fewer processes (--jobs), a smaller budget or fewer rows")
        code = 1
    elif hasattr(error, "format_message"):
        return _usage_error(error)
    else:
        print_error(_unexpected(error, debug))
        code = 1
    if debug:
        print_remark(_traceback(error))
    return code


def _usage_error(error: Any) -> int:
    """Print an error of the command-line parser as one line and return the exit code."""
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message())
        return 2
    context = getattr(error, "ctx", None)
    where = f" (see `{context.command_path} --help`)" if context is not None else ""
    print_error(f"{error.format_message()}{where}")
    return 2


def _unexpected(error: BaseException, debug: bool) -> str:
    """Return kind and place of an error that altune does not know, and write its traceback to a file."""
    own = Path(__file__).parents[1]
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if own in Path(frame.filename).absolute().parents
    ]
    place = f" at {Path(frames[-1].filename).relative_to(own.parent)}:{frames[-1].lineno}" if frames else ""
    line = f"an error of altune: {type(error).__name__}{place}: {error}"
    if debug:
        return line
    try:
        descriptor, name = tempfile.mkstemp(prefix="altune-error-", suffix=".txt")
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(_traceback(error))
    except OSError:
        print_remark(_traceback(error))
        return line
    return f"{line}; please report it with the traceback, which is in {name} ({DEBUG} shows it)"


def _traceback(error: BaseException) -> str:
    words = shlex.join(["altune", *sys.argv[1:]])
    about = f"{words}\naltune {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
    return about + "".join(traceback.format_exception(error)).rstrip("\n")
