"""Commands where the surroundings lack something: a working directory, room for files, a terminal that can redraw."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import altune as package
from altune.core.errors import RequestError, StorageError
from altune.core.standard_streams import can_redraw
from altune.simulation.execution.processes import stop_workers
from altune.workflows.progress.displays import TerminalDisplay, terminal_console
from altune.workflows.progress.shown import Shown

Altune = Callable[..., tuple[object, str, str]]
PLAY = ["simulate", "iris", "--budget", "20", "--blocks", "2"]


@pytest.fixture
def removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a directory that was removed."""
    folder = tmp_path / "removed"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()


@pytest.fixture
def terminal() -> Iterator[tuple[Any, Callable[[], str]]]:
    """A stream to a real terminal, and what it was sent so far."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:

        def sent() -> str:
            stream.flush()
            parts = []
            with contextlib.suppress(BlockingIOError):
                while True:
                    parts.append(os.read(ours, 65536))
            return b"".join(parts).decode("utf-8")

        yield stream, sent
    os.close(ours)


@pytest.mark.skipif(os.name != "posix", reason="a working directory cannot be removed")
@pytest.mark.usefixtures("removed")
def test_a_working_directory_that_was_removed_is_one_line(monkeypatch: pytest.MonkeyPatch, altune: Altune) -> None:
    folder = Path("gone").absolute()
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    for words in (["spaces"], [*PLAY, "--jobs", "2"], ["tune", "iris"], ["learn", "evidence", "iris"]):
        assert altune(*words) == (2, "", "altune: the working directory was removed; change to one that exists\n")


@pytest.mark.skipif(os.name != "posix", reason="a working directory cannot be removed")
@pytest.mark.usefixtures("removed")
def test_calls_need_the_working_directory_only_for_relative_paths_and_workers(tmp_path: Path) -> None:
    stop_workers()
    sizes: dict[str, Any] = {"budget": 20, "n_blocks": 1}
    search: dict[str, Any] = sizes | {"n_trials": 1, "confirm": False, "portfolio": 0}
    assert package.tune("iris", "quick", out=tmp_path / "run", **search).trials
    for more in ({"out": "run"}, {"cache": "cache"}, {"n_jobs": 2}):
        with pytest.raises(RequestError, match=r"^the working directory was removed; change to one that exists$"):
            package.tune("iris", "quick", **search, **more)


def test_no_room_for_the_blocks_of_workers_names_their_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*arguments: object, **keywords: object) -> None:
        raise OSError("68928 requested and 25584 written")  # what numpy says of a full disk

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(StorageError, match=r"^/.*altune-\w+: cannot write: not all could be written; .*TMPDIR"):
        package.simulate("vanilla", "iris", budget=20, n_blocks=2, n_jobs=2)
    search: dict[str, Any] = {"budget": 20, "n_trials": 1, "n_blocks": 1, "confirm": False, "n_jobs": 2}
    with pytest.raises(StorageError, match=r"^/.*run/blocks/\w+: cannot write: .*; run the same command again"):
        package.tune("iris", "quick", out=tmp_path / "run", **search)


def test_no_folder_for_temporary_files_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr("tempfile.gettempdir", none)
    with pytest.raises(StorageError, match=r"^temporary files: cannot write: No usable temporary .*; .*TMPDIR"):
        package.simulate("vanilla", "iris", budget=20, n_blocks=2, n_jobs=2)


@pytest.mark.parametrize("width", ["0", "00", "1", "20", "abc"])
def test_progress_fits_a_terminal_of_any_width(
    width: str, terminal: tuple[Any, Callable[[], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setenv("LINES", "0" if width == "0" else "24")
    monkeypatch.setattr(sys, "stderr", terminal[0])
    display = TerminalDisplay(terminal_console(stderr=True))
    display.show(lambda: Shown("search", 2, 9, None, "2 of 4 trials"))
    display.close()
    shown = terminal[1]()
    assert "\x1b[" in shown
    if width in ("0", "00", "abc"):  # the size is not known
        assert "2 of 9 trajectories" in shown
        assert "2 of 4 trials" in shown


def test_only_a_terminal_that_can_redraw_is_sent_sequences(
    terminal: tuple[Any, Callable[[], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = terminal[0]
    for term, can in (("xterm", True), ("", True), ("dumb", False), ("unknown", False)):
        monkeypatch.setenv("TERM", term)
        assert can_redraw(stream) == can
    monkeypatch.setenv("FORCE_COLOR", "1")
    with open(os.devnull, "w", encoding="utf-8") as file:
        assert not can_redraw(file)
