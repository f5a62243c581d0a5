"""Output that all commands share."""

from __future__ import annotations

import json
import sys
from typing import Any

from altune.core.errors import RequestError, did_you_mean
from altune.core.standard_streams import print_remark
from altune.core.text import printable


def print_json(plain: Any) -> None:
    """Print one JSON object on standard output."""
    text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in text)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(plain, indent=2, allow_nan=False)
    print(text)


def list_commands(group: str, what: str | None) -> None:
    """Print the commands of a group whose names begin with the same word.

    Raises
    ------
    RequestError
        If ``what`` is none of them.
    """
    from altune.cli import COMMANDS
    from altune.report.texts.aligned import table

    parts = {name.partition(" ")[2]: each for name, each in COMMANDS.items() if name.startswith(f"{group} ")}
    if what is not None:
        raise RequestError(f"there is no command {f'altune {group} {what}'!r}; {did_you_mean(what, parts)}")
    rows = [{"command": f"altune {group} {name}", "summary": command.summary} for name, command in parts.items()]
    print(table(rows, wide="summary"))


def print_error(line: str) -> None:
    """Print an error as one line on standard error."""
    print_remark(f"altune: {printable(' '.join(line.split()))}")
