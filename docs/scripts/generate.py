"""The pages of the site that follow from the code, and those of the repository's root."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from column_page import columns_page
from interface_pages import commands_page, report_page, results_page
from knob_pages import datasets_page, knob_page, methods_index, objectives_page, scenario_page, spaces_page

from altune.core.registry import FIELDS

ROOT = Path(__file__).parents[2]


MOVED = {
    "benchmarks/README.md": "benchmark_scripts.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "README.md": "index.md",
}
"""Where the site has pages of the repository's root."""


def root_page(name: str) -> str:
    """Return a page of the repository's root, with links that work on the site."""
    text = (ROOT / name).read_text("utf-8")
    text = re.sub(r"\]\((?:\.\./)*docs/([^)]+)\)", r"](\1)", text)
    for target, moved in MOVED.items():
        text = re.sub(rf"\]\((?:\.\./)*{re.escape(target)}(#[^)]*)?\)", rf"]({moved}\1)", text)
    return text


PAGES: dict[str, Callable[[], str]] = {
    "methods/index.md": methods_index,
    **{f"methods/{field}.md": partial(knob_page, field) for field in FIELDS},
    "methods/metadata.md": columns_page,
    "methods/objectives.md": objectives_page,
    "methods/spaces.md": spaces_page,
    "methods/datasets.md": datasets_page,
    "reference/scenario.md": scenario_page,
    "reference/commands.md": commands_page,
    "reference/api/report.md": report_page,
    "reference/api/results.md": results_page,
    **{moved: partial(root_page, name) for name, moved in MOVED.items() if name != "README.md"},
}
"""The generated pages by where they go in the site."""
