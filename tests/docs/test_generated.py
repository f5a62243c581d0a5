"""The generated pages hold everything they are generated from, and the pages of the API everything that is public."""

from __future__ import annotations

import re
from typing import get_args

import column_page
import docstrings
import interface_pages
import knob_pages
import pytest
from generate import PAGES

import altune
import altune.knobs
import altune.testing
from altune.cli import COMMANDS
from altune.core.needs import Need
from altune.core.registry import FIELDS, describe_parameters, methods
from altune.core.yaml import read_yaml
from altune.knobs.columns import COLUMNS
from altune.recipes.recipe import DEFAULTS
from altune.simulation.annotators import Annotator
from altune.simulation.objectives import KINDS
from altune.simulation.scenario import Scenario
from tests.helpers.docs_pages import DOCS, ROOT, SITE_PAGES


@pytest.mark.parametrize("knob", FIELDS)
def test_the_page_of_a_knob_has_every_method_with_every_parameter(knob):
    page = knob_pages.knob_page(knob)
    for name, cls in methods(knob).items():
        section = re.search(rf"^## {name} \{{.*?(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
        assert section, name
        for parameter in describe_parameters(cls):
            assert f"| `{parameter}` |" in section[0], f"{name}.{parameter}"
        assert not cls.source or "**Source**" in section[0]
    assert f"`{DEFAULTS[knob]}`" in page


def test_ranges_say_whether_their_ends_are_accepted():
    page = knob_pages.knob_page("query_strategy")
    assert "integer, 10 to 5,000" in page
    assert "number, above 0" in page
    assert "`least_confidence` or `margin` or `entropy`" in page


def test_every_need_and_every_knob_is_explained():
    assert list(knob_pages.NEEDS) == list(get_args(Need))
    assert list(knob_pages.QUESTIONS) == list(FIELDS)


def test_objectives_spaces_data_sets_and_the_scenario_are_complete():
    assert all(f"`{name}`" in knob_pages.objectives_page() for name in KINDS)
    assert all(f"## {row['name']}\n" in knob_pages.spaces_page() for row in altune.list_spaces())
    assert all(f"`{facts.name}`" in knob_pages.datasets_page() for facts in altune.list_datasets())
    fields = {*Scenario.model_fields, *Annotator.model_fields} - {"version"}
    assert all(f"| `{name}` |" in knob_pages.scenario_page() for name in fields)


def test_the_page_of_columns_has_every_column():
    page = column_page.columns_page()
    assert all(f"| `{name}` | {info.version} | {info.carried} |" in page for name, info in COLUMNS.items())


def test_every_command_is_listed_with_its_options():
    page = interface_pages.commands_page()
    assert [f"## altune {name}\n" in page for name in COMMANDS] == [True] * len(COMMANDS)
    assert re.search(r"^\| `--blocks N` \| .+ \| `5` \|$", page, re.MULTILINE)
    assert re.search(r"^\| `--seed N` \| .+ \| `0` \|$", page, re.MULTILINE)
    assert re.search(r"^\| `--confirm, --no-confirm` \| .+ \| `--confirm` \|$", page, re.MULTILINE)


def api_names(module: str) -> list[str]:
    """Return the names of a module that the pages of the API list."""
    pages = [page.read_text("utf-8") for page in SITE_PAGES if page.parent.name == "api"]
    listed = re.findall(
        rf"^::: {re.escape(module)}\.(\w+)$", "\n".join([*pages, interface_pages.report_page()]), re.MULTILINE
    )
    assert len(listed) == len(set(listed)), "a name is listed twice"
    return sorted(listed)


def test_the_pages_of_the_api_list_what_is_public_and_nothing_else():
    assert api_names("altune") == sorted(set(altune.__all__) - {"__version__", "report"})
    assert api_names("altune.report") == sorted(altune.report.__all__)
    assert api_names("altune.knobs") == sorted(altune.knobs.__all__)
    assert api_names("altune.testing") == sorted(altune.testing.__all__)


def test_results_are_what_public_functions_return():
    names = {cls.__name__ for cls in interface_pages.returned_classes()}
    assert {"Simulation", "RecipeComparison", "Ablation", "KnobImportance", "StoppingReplay", "Rescored"} <= names
    assert not names & set(altune.__all__)


def test_the_navigation_has_every_page():
    listed = re.findall(r"[\w/]+\.md", (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:")[2])
    pages = {page.relative_to(DOCS).as_posix() for page in SITE_PAGES} | set(PAGES)
    assert sorted(listed) == sorted(pages)
    assert read_yaml(ROOT / "mkdocs.yml")["theme"]["font"] is False


def test_docstrings_become_markdown():
    assert docstrings.to_markdown("Is 2 * 3 < 7::\n\n    code * 2") == r"Is 2 \* 3 &lt; 7:" + "\n\n    code * 2"
    assert docstrings.to_markdown(">>> 1 + 1\n2") == "```pycon\n>>> 1 + 1\n2\n```"
    link = docstrings.to_markdown("See :func:`altune.tune`.")
    assert link == 'See <autoref optional identifier="altune.tune"><code>tune</code></autoref>.'
    text = "Do it.\n\nParameters\n----------\nlow, high : ends of the interval.\nb : c,\n    continued.\n"
    assert docstrings.numpydoc(text) == (
        "Do it.\n\nParameters\n----------\nlow\n    ends of the interval.\nhigh\n    ends of the interval.\n"
        "b\n    c,\n    continued."
    )
    returns = "Do.\n\nReturns\n-------\nWhere it ended, and the number of steps.\n"
    assert docstrings.numpydoc(returns, "tuple").endswith(
        "-------\ntuple\n    Where it ended, and the number of steps."
    )
