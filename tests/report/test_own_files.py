"""Files that altune did not write are never replaced."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from altune.analysis.comparison.result import RecipeComparison
from altune.core.errors import RequestError
from altune.report.own_files import COMPARISON_TABLE, CURVE_TABLE, PAGE, require_own
from altune.report.write import write_comparison


def test_a_comparison_replaces_its_own_files_and_no_others(tmp_path: Path, one: RecipeComparison) -> None:
    write_comparison(one, tmp_path / "new")
    written = (tmp_path / "new" / "results.csv").read_text()
    write_comparison(one, tmp_path / "new")
    assert (tmp_path / "new" / "results.csv").read_text() == written
    for name, text in (("results.csv", "cell,recipe\na,b\n"), ("compare.html", "<html>data,recipe,</html>")):
        folder = tmp_path / name.replace(".", "-")
        folder.mkdir()
        (folder / name).write_text(text)
        line = f"{folder / name}: exists and was not written by altune; give another name, or move it away"
        with pytest.raises(RequestError, match=re.escape(line)):
            write_comparison(one, folder)
        assert [path.name for path in folder.iterdir()] == [name]
        assert (folder / name).read_text() == text


@pytest.mark.parametrize(
    ("text", "marks", "accepted"),
    [
        ("", CURVE_TABLE, True),
        ("loop,labels,used\n", CURVE_TABLE, True),
        ("loops,labels\n", CURVE_TABLE, False),
        ("a,loop,labels\n", CURVE_TABLE, False),
        ("data,recipe,block\n", COMPARISON_TABLE, True),
        ('<!doctype html>\n<meta name="generator" content="altune">\n', PAGE, True),
        ('<!doctype html>\n<p class="kicker">altune report</p>\n', PAGE, True),
        ("<!doctype html>\n<p>mine</p>\n", PAGE, False),
        ("\x00\xff", PAGE, False),
    ],
)
def test_what_counts_as_written_by_altune(tmp_path: Path, text: str, marks: tuple[str, ...], accepted: bool) -> None:
    path = tmp_path / "file"
    path.write_text(text, "latin-1")
    if accepted:
        require_own(path, marks)
    else:
        with pytest.raises(RequestError, match="was not written by altune"):
            require_own(path, marks)


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    require_own(tmp_path / "none", PAGE)
    with pytest.raises(RequestError, match="give a file, not a folder"):
        require_own(tmp_path, PAGE)
