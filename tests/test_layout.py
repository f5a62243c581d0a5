"""The layers of the package, as CONTRIBUTING.md lists them: imports go down only, and no files import each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import altune

PACKAGE = Path(altune.__file__).parent

LAYERS = {
    "core": 1,
    "numerics": 2,
    "data": 2,
    "models": 2,
    "knobs": 3,
    "recipes": 4,
    "loop": 5,
    "testing": 5,
    "simulation": 6,
    "tuning": 7,
    "analysis": 8,
    "learning": 8,
    "report": 9,
    "workflows": 10,
    "campaign": 11,
    "cli": 12,
}
"""The layer of each package."""

ONLY_IN = {"plotly": {"report"}, "typer": {"cli"}}
"""Libraries that belong to some packages alone."""

NEVER_IN = {"optuna": {package for package, layer in LAYERS.items() if layer <= LAYERS["simulation"]}}
"""Libraries that some packages must not know."""


def modules(package: Path = PACKAGE) -> dict[str, Path]:
    """Return every module of a package by its dotted name, without the name of the package."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Yield what a module imports: modules of altune without its name, and others in full.

    Imports under TYPE_CHECKING and inside functions count as any other.
    """
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: relative imports hide where a name comes from"
            base = str(node.module)
            names = [f"{base}.{alias.name}" for alias in node.names]
            names = [full if full.removeprefix("altune.") in known else base for full in names]
        else:
            continue
        yield from (full.removeprefix("altune.") if full.split(".")[0] == "altune" else full for full in names)


def graph(package: Path = PACKAGE) -> dict[str, set[str]]:
    """Return what each module of altune imports."""
    known = modules(package)
    return {name: set(imports(name, path, known)) for name, path in known.items()}


def upward(found: dict[str, set[str]]) -> list[str]:
    """Return the imports that do not go down to a lower layer."""
    return [
        f"{name} -> {other}"
        for name, others in found.items()
        for other in sorted(others)
        if (here := LAYERS.get(name.split(".")[0])) is not None
        and (there := LAYERS.get(other.split(".")[0])) is not None
        and name.split(".")[0] != other.split(".")[0]
        and there >= here
    ]


def cycles(found: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other, directly or through others (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in found[name] & found.keys():
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                groups.append(sorted(group))

    for name in found:
        if name not in index:
            visit(name)
    return groups


def test_the_package_is_its_layers_and_nothing_else():
    held = {path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"}
    assert held == {*LAYERS, "__init__.py", "__main__.py", "py.typed"}


def test_imports_go_down():
    assert upward(graph()) == []


def test_no_modules_import_each_other():
    assert cycles(graph()) == []


def test_only_an_entry_of_altune_imports_from_its_top():
    """The top of altune holds the public names, which a layer would take from above."""
    assert [name for name, others in graph().items() if "altune" in others] == ["recipes.space.shipped"]


@pytest.mark.parametrize("library", [*ONLY_IN, *NEVER_IN])
def test_libraries_stay_where_they_belong(library):
    users = {
        name.split(".")[0] for name, others in graph().items() if any(one.split(".")[0] == library for one in others)
    }
    assert users
    assert users <= ONLY_IN.get(library, LAYERS.keys() - NEVER_IN.get(library, set()))


@pytest.fixture
def small(tmp_path):
    """A package with an upward import inside a function and a cycle under TYPE_CHECKING."""
    for name, text in {
        "__init__": "",
        "core/__init__": "",
        "core/a": "def f():\n    from altune.cli import b\n",
        "core/c": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from altune.core.d import D\n",
        "core/d": "import altune.core.c\n",
        "cli/__init__": "",
        "cli/b": "from altune.core.a import f\n",
    }.items():
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return graph(tmp_path)


def test_what_breaks_the_layout_is_found(small):
    assert upward(small) == ["core.a -> cli.b"]
    assert cycles(small) == [["cli.b", "core.a"], ["core.c", "core.d"]]
