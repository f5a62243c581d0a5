"""One self-contained HTML page: the answer first, then the evidence, then how to use it.

The page makes no network request (its content security policy forbids it) and opens from disk. It shows every text as
it is: no name can become markup or script.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.io import to_json
from plotly.offline import get_plotlyjs

from altune.report.html.blocks import FigureBlock, PageBlock

Verdict = Literal["better", "not better", "unclear"]

VERDICTS: dict[Verdict, str] = {
    "better": "✓ Better than every baseline",
    "not better": "✕ Worse than a baseline",
    "unclear": "? Not shown to be better than every baseline",
}


@dataclass(frozen=True)
class PageContent:
    """The content of a report page; texts are shown as they are, never as HTML.

    Attributes
    ----------
    title : what was tuned on what.
    answer : the answer, the most important text first; its first sentence is shown large.
    verdict : ``better``, ``not better`` or ``unclear``.
    verdict_text : words of the verdict; empty for the usual ones.
    highlights : up to three (number, what it is).
    advice : warnings and what would help.
    parts : the evidence in blocks; those of one heading form a section, and sections follow the order of the first.
    intros : by heading, one sentence on what the section shows.
    """

    title: str
    answer: Sequence[str]
    verdict: Verdict
    verdict_text: str = ""
    highlights: Sequence[tuple[str, str]] = ()
    advice: Sequence[str] = ()
    parts: Sequence[PageBlock] = ()
    intros: Mapping[str, str] = field(default_factory=dict)


@cache
def templates() -> Environment:
    """Return the templates, which are the files of this folder.

    They escape every value, and fail on a name that is not defined.
    """
    environment = Environment(
        loader=PackageLoader("altune.report", "html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies |= {"json.dumps_function": to_json, "json.dumps_kwargs": {}}
    return environment


def render_page(content: PageContent) -> str:
    """Return the page as HTML text that needs no other file and no network."""
    sections: dict[str, list[tuple[int, str, PageBlock]]] = {}
    for number, block in enumerate(content.parts):
        sections.setdefault(block.heading, []).append((number, type(block).__name__, block))
    has_figures = any(isinstance(block, FigureBlock) for block in content.parts)
    template = templates().get_template("page.html")
    return template.render(
        page=content,
        verdict=content.verdict_text or VERDICTS[content.verdict],
        sections=sections,
        plotly=_inside_script(get_plotlyjs()) if has_figures else "",
    )


def _inside_script(code: str) -> Markup:
    """Return JavaScript that cannot end its own element, because such a sequence occurs in its strings only."""
    return Markup(re.sub(r"(?i)<(?=/script|!--)", r"\\u003c", code))
