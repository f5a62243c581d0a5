"""The written pages: their Python runs, their shell lines parse, their YAML reads, their links lead somewhere."""

from __future__ import annotations

import ast
import doctest
import functools
import inspect
import re
import shlex
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import altune
import altune.cli
from altune.analysis.sweep.request import SweepRequest
from altune.core.registry import FIELDS, unregister
from altune.core.yaml import read_yaml_text
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.simulation.scenario import Scenario
from tests.helpers.docs_pages import DOCS, PAGES, ROOT, SITE_PAGES, code_blocks, name_of

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


def pages_with(*languages: str) -> list[Path]:
    return [page for page in PAGES if code_blocks(page, *languages)]


@pytest.fixture
def clean_registry() -> Iterator[None]:
    """What a page registers is forgotten afterwards."""
    from altune.core.registry import methods

    before = {knob: set(methods(knob)) for knob in FIELDS}
    yield
    for knob in FIELDS:
        for name in set(methods(knob)) - before[knob]:
            unregister(knob, name)


@pytest.mark.parametrize("page", pages_with("pycon"), ids=name_of)
@pytest.mark.usefixtures("clean_registry")
def test_python_sessions_print_what_the_page_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "\n".join(code_blocks(page, "pycon"))
    session = doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, name_of(page), str(page), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        runner.run(session)
    assert runner.summarize(verbose=False).failed == 0


@pytest.mark.parametrize("page", pages_with("python"), ids=name_of)
def test_python_that_is_not_run_names_what_exists(page):
    for block in code_blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            name = ast.unparse(node.func if isinstance(node, ast.Call) else node)
            if isinstance(node, (ast.Attribute, ast.Call)) and re.fullmatch(r"altune(\.\w+)+", name):
                named = functools.reduce(getattr, name.split(".")[1:], altune)
                if isinstance(node, ast.Call):
                    assert {keyword.arg for keyword in node.keywords} <= accepted_keywords(named), ast.unparse(node)


def accepted_keywords(function: Callable[..., Any]) -> set[str]:
    parameters = inspect.signature(function).parameters
    overrides = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    return {*parameters, *((*Scenario.model_fields, *FIELDS) if overrides else ())}


def shell_lines(page: Path) -> list[list[str]]:
    """Return the words of every line that calls altune, without comments, redirections and later commands."""
    found = []
    for block in code_blocks(page, "sh", "console", ""):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0].rpartition("/")[2] == "altune":
                ends = [index for index, word in enumerate(words) if word in (">", "2>", "|", "&&", ";")]
                found.append(words[1 : min(ends, default=len(words))])
    return found


@pytest.mark.parametrize("page", [page for page in PAGES if shell_lines(page)], ids=name_of)
def test_shell_lines_are_what_the_command_line_accepts(page):
    group = typer.main.get_command(altune.cli.app)
    for words in shell_lines(page):
        context = group.make_context("altune", [], resilient_parsing=True)
        try:
            _, command, rest = group.resolve_command(context, words)
            assert command is not None, "there is no such command"
            command.make_context(command.name, rest)
        except Exception as error:
            pytest.fail(f"altune {shlex.join(words)}: {getattr(error, 'message', error)}")


@pytest.mark.parametrize("page", pages_with("yaml"), ids=name_of)
def test_yaml_reads(page):
    for block in code_blocks(page, "yaml"):
        plain = read_yaml_text(block)
        if "data" in plain:
            plain["data"] = [entry for entry in plain["data"] if isinstance(entry, str)]
            SweepRequest.model_validate(plain)
        elif plain.keys() & Scenario.model_fields.keys() - {"version"}:
            Scenario.from_dict(plain)
        elif "far_and_unsure" not in block:
            SearchSpace.from_dict(plain)
            if "recipe.yaml" in block:
                Recipe.from_dict(plain)


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere_and_pictures_have_texts(page):
    from generate import PAGES as generated

    for picture, text, target, anchor in LINK.findall(page.read_text("utf-8")):
        assert text or not picture, f"{target}: a picture without a text for those who cannot see it"
        if target.startswith("http"):
            continue
        path = (page.parent / target).resolve() if target else page
        if page in SITE_PAGES and path.is_relative_to(DOCS) and path.relative_to(DOCS).as_posix() in generated:
            continue
        assert path.exists(), f"{target} is not there"
        assert not anchor or anchor in anchors_of(path), f"{target} has no heading #{anchor}"


def test_pictures_are_readable_on_light_and_dark_and_have_descriptions():
    pictures = sorted((DOCS / "images").glob("*.svg"))
    assert pictures
    for picture in pictures:
        text = picture.read_text("utf-8")
        assert "prefers-color-scheme: dark" in text, picture.name
        assert re.search(r"<title id=\"title\">.+</title>\s*<desc id=\"desc\">.+</desc>", text), picture.name
        assert "http" not in text.replace("http://www.w3.org/2000/svg", ""), picture.name


def test_every_picture_is_shown():
    shown = "".join(page.read_text("utf-8") for page in PAGES)
    assert [path.name for path in (DOCS / "images").iterdir() if path.name not in shown] == []


def test_contributing_names_files_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    paths = re.findall(r"`((?:altune|docs|tests|benchmarks|search_spaces)/[^`\s]*|[\w.]+\.(?:md|yml|toml))`", text)
    assert len(paths) > 20
    assert [
        path for path in paths if not re.search(r"[A-Z]{4,}/|NAME|FAMILY", path) and not (ROOT / path).exists()
    ] == []


def test_contributing_lists_every_folder_of_the_package():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    listed = re.findall(r"^\| \d+ \| `(\w+)/` \|", text, re.MULTILINE)
    folders = {path.parent.name for path in (ROOT / "altune").glob("*/__init__.py")}
    assert sorted(listed) == sorted(folders)


def test_words_to_avoid_are_a_table_that_reads():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    _, _, table = text.partition("## Words to avoid")
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", table, re.MULTILINE)[2:]
    assert len(rows) > 15
    assert all(re.fullmatch(r"`[a-z ]+`", avoid) and instead for avoid, instead in rows)
