"""Every option of every command with wrong values: one line and exit code 2, or it is taken; nothing is written.

The options are read from the commands, so that a new one is covered. Options that commands share are tried once.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from altune.cli import COMMANDS
from altune.cli.commands import build_command

HUGE = str(10**30)
WRONG = ("", "a,,b", "1e400", HUGE, "-1")
WORDS = {
    "tune": ("a.csv", "--dry-run", "--jobs", "1"),
    "sweep": ("sweep.yaml",),
    "simulate": ("none.csv",),
    "compare": ("none.csv", "margin"),
    "compare-runs": ("none", "none"),
    "ablate": ("none.csv", "margin"),
    "examine": ("none.csv", "margin"),
    "stopping": ("none.csv",),
    "recommend": ("none.csv",),
    "learn ranker": ("none.csv",),
    "learn lal": ("none.csv",),
    "learn portfolio": ("none.csv",),
    "learn evidence": ("none.csv",),
    "campaign start": ("none.csv",),
    "campaign next": ("none",),
    "campaign predict": ("none",),
    "worker": ("--storage", "postgresql://127.0.0.1:9/x"),
    "report": ("none",),
    "rescore": ("none",),
    "importance": ("none",),
    "watch": ("none",),
    "repair": ("none",),
    "spaces check": ("quick", "--data", "none.csv"),
}
"""Further words of each command; tune plans a run on a small table, the others end at a file that is missing."""


def options():
    """Return command and name of each option that takes a value, those of tune first, each shared one once."""
    seen = {}
    for command in COMMANDS:
        for param in build_command(command, COMMANDS[command].function()).params:
            if param.param_type_name == "option" and not param.is_flag:
                seen.setdefault((param.opts[0], param.help), (command, param.opts[0]))
    return list(seen.values())


@pytest.fixture(scope="module")
def table():
    rows = [f"{row % 7},{row % 5},{'ab'[row % 2]}" for row in range(40)]
    return "\n".join(["f,g,target", *rows, ""])


def test_every_command_with_options_is_tried():
    assert {command for command, _ in options()} <= set(WORDS)


@pytest.mark.parametrize(("command", "option"), options(), ids=lambda word: word)
def test_a_wrong_value_is_one_line_and_nothing_is_written(altune, table, command, option):
    Path("a.csv").write_text(table)
    Path("sweep.yaml").write_text("version: 1\ndata: [none.csv]\n")
    for value in WRONG:
        words = list(WORDS[command])
        if option in words:
            del words[words.index(option) : words.index(option) + 2]
        code, out, err = altune(*command.split(), *words, option, value)
        where = f"{command} {option} {value!r}: {err}"
        assert code in (0, 1, 2), where
        if code:
            lines = err.splitlines()
            assert len(lines) == 1, where
            assert lines[0].startswith("altune: "), where
            assert not out, where
        assert sorted(path.name for path in Path().iterdir()) == ["a.csv", "sweep.yaml"], where
        if not value and option not in ("--sep", "--missing", "--positive"):
            assert err.startswith(f"altune: {option} is empty; give a "), where
