"""The words that CONTRIBUTING.md asks to avoid, looked for in all that a user or an engineer reads."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

GUIDE = ROOT / "CONTRIBUTING.md"
HEADING = "## Words to avoid"


def avoided(guide: str) -> list[str]:
    """Return the first column of the table below the heading."""
    table = guide.split(HEADING, 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


def pattern(words: list[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(re.escape(word) for word in words)})\b", re.IGNORECASE)


def code_texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield the strings and comments of Python code, but names; docstrings and the text of f-strings are strings."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not node.value.isidentifier():
            yield node.lineno, node.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line numbers and texts of a file that a person reads."""
    content = path.read_text("utf-8")
    if path.suffix == ".py":
        yield from code_texts(content)
    elif path.suffix == ".ipynb":
        for number, cell in enumerate(json.loads(content)["cells"]):
            text = "".join(cell["source"])
            yield from [(number, text)] if cell["cell_type"] == "markdown" else code_texts(text)
    else:
        before, _, after = re.sub("`[^`\n]+`", "", content).partition(HEADING)  # without code, such as old names
        yield from enumerate(before.splitlines(), start=1)
        yield from enumerate(after.partition("\n## ")[2].splitlines(), start=1)


def found(path: Path, words: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line}: {match[0]}" for line, text in texts(path) for match in words.finditer(text)
    ]


FILES = sorted(
    path
    for files in ("altune/**/*", "docs/**/*.md", "*.md", "benchmarks/**/*", "search_spaces/*", "notebooks/*")
    for path in ROOT.glob(files)
    if path.suffix in (".py", ".html", ".md", ".yaml", ".ipynb")
)


@pytest.mark.parametrize("folder", sorted({path.relative_to(ROOT).parts[0] for path in FILES}))
def test_words_are_plain(folder):
    words = pattern(avoided(GUIDE.read_text("utf-8")))
    here = [path for path in FILES if path.relative_to(ROOT).parts[0] == folder]
    assert [line for path in here for line in found(path, words)] == []


def test_the_table_is_read():
    words = avoided(GUIDE.read_text("utf-8"))
    assert {"told", "in hand", "so many", "mend", "bettered", "gone on with", "whence", "nobody"} <= set(words)


def test_an_avoided_word_is_found_wherever_it_may_hide(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    words = pattern(["mend", "in hand"])
    (tmp_path / "a.py").write_text('"""The model in hand."""\nx = f"{1} to mend"  # mend it\nrecommend = 1\n', "utf-8")
    assert sorted(line.split(": ", 1)[1] for line in found(tmp_path / "a.py", words)) == ["in hand", "mend", "mend"]
    (tmp_path / "b.md").write_text(
        f"I mend, not `mend`.\n\n{HEADING}\n\n| `mend` | repair |\n\n## Next\n\nMend!\n", "utf-8"
    )
    assert found(tmp_path / "b.md", words) == ["b.md:1: mend", "b.md:3: Mend"]
