"""What ends a command that altune did not expect: one line with kind and place, and a traceback that can be found."""

from __future__ import annotations

import errno
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Altune = Callable[..., tuple[object, str, str]]


def fails_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("altune.report.texts.knobs.knob_table", fail)


@pytest.fixture
def unexpected(altune: Altune, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Altune:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("ALTUNE_DEBUG", raising=False)
    fails_with(monkeypatch, ZeroDivisionError("by\n\x1b[31mzero"))
    return altune


def test_an_unexpected_error_is_one_line_and_its_traceback_is_in_a_file(unexpected: Altune, tmp_path: Path) -> None:
    code, out, err = unexpected("knobs")
    found = re.fullmatch(
        r"altune: an error of altune: ZeroDivisionError at altune/cli/knobs\.py:\d+: by \\x1b\[31mzero; please report "
        r"it with the traceback, which is in (.*) \(--debug shows it\)\n",
        err,
    )
    assert found is not None, err
    assert (code, out) == (1, "")
    written = Path(found[1]).read_text("utf-8")
    assert written.startswith("altune knobs\n")
    assert "Traceback (most recent call last)" in written
    assert Path(found[1]).parent == tmp_path
    assert Path(found[1]).stat().st_mode & 0o77 == 0


@pytest.mark.parametrize("words", [["--debug", "knobs"], ["knobs", "--debug"]])
def test_debug_shows_the_traceback_and_writes_no_file(unexpected: Altune, tmp_path: Path, words: list[str]) -> None:
    code, _, err = unexpected(*words)
    assert code == 1
    assert "Traceback (most recent call last)" in err
    assert "\x1b" not in err
    assert not list(tmp_path.iterdir())


def test_the_variable_does_as_the_option(unexpected: Altune, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALTUNE_DEBUG", "1")
    assert "Traceback" in unexpected("knobs")[2]
    monkeypatch.setenv("ALTUNE_DEBUG", "0")
    assert "Traceback" not in unexpected("knobs")[2]


def test_a_traceback_that_no_file_takes_goes_to_standard_error(
    unexpected: Altune, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    code, _, err = unexpected("knobs")
    assert code == 1
    assert "Traceback (most recent call last)" in err


def test_debug_shows_where_an_expected_error_came_from(altune: Altune) -> None:
    assert "Traceback" in altune("spaces", "nowhere", "--debug")[2]
    assert "Traceback" not in altune("knobs", "--nowhere", "--debug")[2]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), "there is not enough memory; give fewer processes (--jobs), a smaller budget or fewer rows"),
        (
            OSError(errno.EMFILE, "Too many open files"),
            "Too many open files; raise the limit on open files",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device; free some disk space"),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "gone"),
            "gone: No such file or directory; its folder",
        ),
    ],
)
def test_what_a_system_may_refuse_is_no_unexpected_error(
    altune: Altune, monkeypatch: pytest.MonkeyPatch, error: Exception, line: str
) -> None:
    fails_with(monkeypatch, error)
    err = altune("knobs")[2]
    assert err.startswith(f"altune: {line}")
    assert err.count("\n") == 1
