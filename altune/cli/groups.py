"""Commands whose names begin with the same word, and the command of that word, which lists them."""

from __future__ import annotations

from altune.cli import COMMANDS
from altune.core.errors import RequestError, did_you_mean


def list_commands(group: str, what: str | None) -> None:
    """Print the commands of a group whose names begin with the same word.

    Raises
    ------
    RequestError
        If ``what`` is none of them.
    """
    from altune.report.texts.aligned import table

    parts = {name.partition(" ")[2]: each for name, each in COMMANDS.items() if name.startswith(f"{group} ")}
    if what is not None:
        raise RequestError(f"there is no command {f'altune {group} {what}'!r}; {did_you_mean(what, parts)}")
    rows = [{"command": f"altune {group} {name}", "summary": command.summary} for name, command in parts.items()]
    print(table(rows, wide="summary"))
