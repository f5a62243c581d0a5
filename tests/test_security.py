"""The code does what SECURITY.md promises, and the table of dependencies is that of ``pyproject.toml``."""

from __future__ import annotations

import ast
import itertools
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8"))
    for path in sorted((ROOT / "altune").rglob("*.py"))
}
OWN_PICKLES = {
    "altune/simulation/execution/processes.py",
    "altune/simulation/execution/serving.py",
    "altune/simulation/execution/shared_arrays.py",
    "altune/testing/form.py",
}
"""What a process and its own workers send each other, and the check that a method can be sent to one."""
NETWORK = {"urllib", "http", "requests", "httpx", "ftplib", "smtplib", "subprocess", "telnetlib", "xmlrpc"}
STARTS_WORKERS = "altune/simulation/execution/crews.py"
"""It starts this Python, and nothing else."""


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Yield the file, the function as it is written, and each call of the package."""
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield name, ast.unparse(node.func), node


def test_nothing_that_is_read_is_unpickled() -> None:
    unpickled = {name for name, function, _ in calls() if re.search(r"(pickle|joblib|dill)\.loads?$", function)}
    assert unpickled == OWN_PICKLES
    for name, function, call in calls():
        named = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert named.get("allow_pickle", "False") == "False", name
        assert not function.endswith("read_pickle"), name


def test_nothing_is_evaluated_or_started_and_yaml_has_no_constructors() -> None:
    for name, function, call in calls():
        assert function not in ("eval", "exec", "compile", "__import__", "os.system", "os.popen"), name
        if function == "YAML":
            assert "typ='safe'" in ast.unparse(call), name
        assert not function.startswith("yaml.load"), name


def test_no_program_is_started_and_no_address_is_opened_by_altune_itself() -> None:
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            modules = [entry.name for entry in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            allowed = {"subprocess"} if name == STARTS_WORKERS else set()
            assert not (NETWORK - allowed) & {module.partition(".")[0] for module in modules}, name
    started = [name for name, function, _ in calls() if re.match(r"subprocess\.(Popen|run|call|check)", function)]
    assert started == [STARTS_WORKERS]
    assert "words = [sys.executable" in ast.unparse(TREES[STARTS_WORKERS])


# dependencies ---------------------------------------------------------------------------------------------------------

ROWS = {
    cells[0].strip(" `"): [cell.strip() for cell in cells[1:]]
    for line in (ROOT / "docs/reference/dependencies.md").read_text("utf-8").splitlines()
    if line.startswith("| `")
    for cells in [line.strip("|").split("|")]
}


def declared() -> set[str]:
    """Return the names of all packages of ``pyproject.toml``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    listed = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    names = {found[0] for word in listed if (found := re.match(r"[\w.-]+", word))}
    return names - {"altune"}


def test_the_table_of_dependencies_has_every_package_and_no_other() -> None:
    assert set(ROWS) == declared()
    assert all(len(cells) == 5 and all(cells[place] for place in (0, 1, 2, 4)) for cells in ROWS.values())


@pytest.mark.parametrize("name", sorted(ROWS))
def test_the_licence_is_that_of_the_package(name: str) -> None:
    try:
        stated = metadata(name)
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed")
    classes = [text for text in stated.get_all("Classifier") or [] if text.startswith("License")]
    words = " ".join([stated.get("License-Expression") or "", *classes, (stated.get("License") or "")[:200]])
    families = re.findall(r"\b(MIT|BSD|Apache|MPL|ISC|A?GPL|LGPL)", words)
    assert families[:1] == [ROWS[name][1]]
