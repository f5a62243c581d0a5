"""Tests use what is public: no name with a leading underscore that the test file does not define itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

FILES = sorted({*(ROOT / "tests").rglob("*.py")} - {Path(__file__)})
ALLOWED_NAMES = {"_repr_html_"}  # the protocol of notebooks
ALLOWED = {"os._exit"}  # the standard library's documented way to die without cleaning up
PRIVATE = re.compile(r"_[A-Za-z]\w*")
CODE = re.compile(r"\b(from|import) (altune|tests)\b")
CALL = re.compile(r"\b\w+\._[A-Za-z]\w*")
PATH = re.compile(r"altune(\.\w+)*\._[A-Za-z]\w*")


def defined_in(tree: ast.Module) -> set[str]:
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    stored = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)]
    return names | {node.attr for node in stored if isinstance(node.value, ast.Name) and node.value.id == "self"}


def private_uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each private attribute, import, and name or path in a string."""
    own = defined_in(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and PRIVATE.fullmatch(node.attr) and node.attr not in own:
            yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None) or ""
            parts = [part for alias in node.names for part in [*module.split("."), *alias.name.split(".")]]
            if any(PRIVATE.fullmatch(part) for part in parts):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if PATH.fullmatch(node.value):
                yield node.lineno, node.value
            elif CODE.search(node.value):
                yield from ((node.lineno, text) for text in CALL.findall(node.value))
        elif isinstance(node, ast.Call) and re.search(r"(set|get|del)attr$", ast.unparse(node.func)):
            names = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            yield from ((node.lineno, name) for name in names if PRIVATE.fullmatch(name) and name not in own)


def test_tests_use_only_what_is_public() -> None:
    uses = [
        f"{path.relative_to(ROOT)}, line {line}: {text}"
        for path in FILES
        for line, text in private_uses(ast.parse(path.read_text()))
        if text not in ALLOWED and text.rsplit(".", 1)[-1] not in ALLOWED_NAMES
    ]
    assert uses == [], "use the public interface, or make the name public"


@pytest.mark.parametrize(
    "text",
    [
        "loop._errors",
        "from altune.models.logistic import _Loss",
        "import altune._private",
        "monkeypatch.setattr(loop, '_errors', 1)",
        "monkeypatch.setattr('altune.loop.loop._first_mentions', None)",
        "script = 'from altune.loop import loop; loop._first_mentions([])'",
        "class Mine(Trajectory):\n    def advance(self):\n        self._recipe",
    ],
)
def test_each_way_to_reach_a_private_name_is_seen(text: str) -> None:
    assert list(private_uses(ast.parse(text)))


def test_names_of_the_file_itself_may_be_private() -> None:
    text = "class Mine:\n    def _own(self):\n        self._kept = self._own()\nMine()._kept"
    assert not list(private_uses(ast.parse(text)))
