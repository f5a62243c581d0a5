"""Names with controls of a terminal: what a command prints has escapes in their place, and JSON has the names."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from altune.cli.streams import end_streams, prepare_streams
from altune.core.standard_streams import print_remark, terminal_of
from altune.core.text import printable_lines

Altune = Callable[..., tuple[object, str, str]]
CONTROLS = {"\x1b[31m": r"\x1b[31m", "\x07": r"\x07", "\x9b": r"\x9b", "\u202e": r"\u202e", "\u200b": r"\u200b"}


@pytest.mark.parametrize("sign", [*CONTROLS, "\r", "\b", "\x7f", "\u2028", "\U000e0041"], ids=ascii)
def test_controls_become_escapes_on_both_streams_and_json_stays_json(
    sign: str, altune: Altune, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_streams()
    print(f"a{sign}b\n\tc")
    print_remark(f"a{sign}b")
    sys.stderr.write(f"of another library: {sign}\n")
    terminal_of(sys.stderr).write("\x1b[0m")
    end_streams(0)
    out, err = capsys.readouterr()
    assert out == f"{printable_lines(f'a{sign}b')}\n\tc\n"
    assert sign not in out + err.replace("\x1b[0m", "")
    assert err.endswith("\x1b[0m")
    name = f"a\\U{ord(sign[0]):08x}{sign[1:]}b"
    (tmp_path / "s.yaml").write_text(f'version: 1\nname: "{name}"\nquery_strategy: margin\n')
    code, out, _ = altune("spaces", "s.yaml", "--json")
    assert code == 0
    assert json.loads(out)["name"] == f"a{sign}b"
    assert sign not in out


def test_names_in_data_and_spaces_reach_no_terminal(altune: Altune, tmp_path: Path) -> None:
    rows = "".join(f"{i % 7},{i % 3},{'ab'[i % 2]}{''.join(CONTROLS)}\n" for i in range(80))
    (tmp_path / "data.csv").write_text(f"x{''.join(CONTROLS)},z,label\n{rows}", "utf-8")
    name = "".join(f"\\u{ord(sign[0]):04x}{sign[1:]}" for sign in CONTROLS)
    space = f'version: 1\nname: "{name}"\nquery_strategy: [margin, random]\nbaselines: {{"{name}": {{}}}}\n'
    (tmp_path / "space.yaml").write_text(space)
    for words in (["--dry-run"], ["--target", "none"], ["--metric", "x\x1b[2J"], ["--positive", "\x1b[2J"]):
        out, err = altune("tune", "data.csv", "--space", "space.yaml", *words)[1:]
        assert not any(sign in out + err for sign in CONTROLS), words
        assert r"\x1b[" in out + err, words
