"""What is displayed: lines that fit a terminal, a bar in a real notebook, and lines of a log."""

from __future__ import annotations

import io
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from rich.console import Console

from altune.workflows.progress.displays import LogDisplay, TerminalDisplay
from altune.workflows.progress.shown import STAGES, Shown
from tests.helpers.paths import ROOT

LONG = "12 of 60 trials, best so far 0.912 (mean over 3 data sets) with 120 labels bought, random sampling 0.810, "
LONG += "vanilla 0.830, margin 0.840, 4 dropped early, 1 failed"


def line_of(shown: Shown, width: int) -> str:
    filled, left = shown.bar(width)
    return f"{shown.label} {'#' * filled}{'-' * left} {shown.count}"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("seconds", [None, 0.0, 89.0, 5399.0, 3e6])
def test_every_line_fits_80_columns(stage: str, seconds: float | None) -> None:
    for done, total in ((0, 7), (7, 7), (1234, 12345)):
        shown = Shown(stage, done, total, seconds, LONG)
        assert len(line_of(shown, 80)) <= 80
        assert all(len(line) <= 80 for line in shown.notes(80))
    assert " ".join(" ".join(shown.notes(80)).split()) == LONG


def test_the_bar_keeps_its_length_and_fills() -> None:
    bars = [Shown("search", done, 640, seconds).bar(80) for done, seconds in ((0, None), (320, 90.0), (640, 0.0))]
    assert len({filled + left for filled, left in bars}) == 1
    assert (bars[0][0], bars[2][1]) == (0, 0)
    assert abs(bars[1][0] - bars[1][1]) <= 1


def test_a_terminal_of_80_columns_shows_whole_lines_and_is_left_clean() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, height=24, legacy_windows=False, color_system=None)
    display = TerminalDisplay(console)
    display.show(lambda: Shown("search", 233, 640, 80.0, LONG))
    display.close()
    text = file.getvalue()
    assert "233 of 640 trajectories, about 80 s left" in text
    assert "4 dropped early" in text
    assert "…" not in text
    assert text.rstrip().endswith("\x1b[2K"), "the last thing done is to erase the lines"


def test_a_log_has_a_line_for_each_stage_and_then_from_time_to_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("altune.workflows.progress.displays.time.monotonic", lambda: now[0])
    display = LogDisplay()
    for done in range(4):
        display.show(lambda done=done: Shown("search", done, 9))  # type: ignore[misc]
    now[0] += 11
    display.show(lambda: Shown("search", 5, 9, 30.0, "2 of 4 trials"))
    display.show(lambda: Shown("confirmation", 6, 9))
    LogDisplay(quiet=True).show(lambda: Shown("search", 0, 9))
    assert capsys.readouterr().err.splitlines() == [
        "searching: 0 of 9 trajectories",
        "searching: 5 of 9 trajectories, about 30 s left; 2 of 4 trials",
        "confirming: 6 of 9 trajectories",
    ]


def test_a_bar_in_a_notebook_escapes_its_note() -> None:
    html = Shown("search", 3, 9, None, "cell 1 of 2, <script>alert(1)</script>").html()
    assert '<progress value="3" max="9"></progress>' in html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.slow
def test_a_real_notebook_shows_one_bar_that_ends_full_and_no_widget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    code = [
        "import altune",
        "simulation = altune.simulate('vanilla', 'iris', budget=20, n_blocks=4)",
        "altune.simulate('vanilla', 'iris', budget=20, n_blocks=4, progress=False).mean > 0",
        "altune.compare({'<script>': 'vanilla', 'b': 'random_sampling'}, 'iris', budget=20, n_blocks=5)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(line) for line in code])
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown, silent, compared = (cell.outputs for cell in notebook.cells[1:])
    assert len(compared) == 2, "a bar and a table"
    [bar] = shown
    assert bar.data["text/plain"] == "done: 4 of 4 trajectories"
    assert bar.data["text/html"].startswith('<div>done <progress value="4" max="4"></progress> 4 of 4')
    assert set(bar.data) == {"text/plain", "text/html"}
    assert [output.output_type for output in silent] == ["execute_result"]
    assert "<td>&lt;script&gt;</td>" in compared[1].data["text/html"]
    assert "<script>" not in compared[1].data["text/html"]
    assert compared[1].data["text/plain"].startswith("RecipeComparison('iris', 2 recipes on 5 blocks, best ")
