"""One self-contained HTML page: the answer first, then the evidence, then how to use it.

The page makes no network request (its content security policy forbids it), runs from disk, and treats every
text that it is given as data: nothing in a name can become markup or script.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Literal

from plotly.offline import get_plotlyjs

from altune.report.html.parts import FigurePart, Part, escape, part_html

Verdict = Literal["better", "not better", "unclear"]

VERDICTS: dict[Verdict, str] = {
    "better": "✓ Better than the baselines",
    "not better": "✕ Not better than the baselines",
    "unclear": "? Not decided",
}

FEWEST_LISTED = 3
"""Sections from which on they are listed under the answer."""


@dataclass(frozen=True)
class PageContent:
    """What a report page says, in plain parts; all texts are shown as they are, never as HTML.

    Attributes
    ----------
    title : what was tuned on what.
    answer : the answer in sentences, the most important first.
    verdict : ``better``, ``not better`` or ``unclear``.
    verdict_text : words of the verdict; empty for the usual ones.
    highlights : up to three (number, what it is).
    advice : warnings and what would help.
    parts : the evidence, after the answer; parts of one heading make a section, in the order of the first of each.
    """

    title: str
    answer: Sequence[str]
    verdict: Verdict
    verdict_text: str = ""
    highlights: Sequence[tuple[str, str]] = ()
    advice: Sequence[str] = ()
    parts: Sequence[Part] = ()


def render_page(content: PageContent) -> str:
    """Return the page as HTML text that needs no other file and no network."""
    sections = _sections(content.parts)
    drawn = any(isinstance(part, FigurePart) for parts in sections.values() for _, part in parts)
    body = [
        _answer(content),
        _advice(content.advice),
        _contents(list(sections)),
        "<noscript><p>The figures need JavaScript; the tables do not.</p></noscript>" if drawn else "",
        *(_section(number, heading, parts) for number, (heading, parts) in enumerate(sections.items(), start=1)),
        '<p id="status" class="visually-hidden" role="status"></p>',
    ]
    return Template(_resource("page.html")).substitute(
        title=escape(content.title),
        css=_resource("page.css"),
        body="\n".join(one for one in body if one),
        plotly=_inside_script(get_plotlyjs()) if drawn else "",
        script=_inside_script(_resource("page.js")),
    )


def _sections(parts: Sequence[Part]) -> dict[str, list[tuple[int, Part]]]:
    """Return the parts with their numbers, by heading."""
    found: dict[str, list[tuple[int, Part]]] = {}
    for number, part in enumerate(parts):
        found.setdefault(part.heading, []).append((number, part))
    return found


def _section(number: int, heading: str, parts: Sequence[tuple[int, Part]]) -> str:
    name = f"section-{number}"
    inside = "\n".join(part_html(part, place) for place, part in parts)
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(heading)}</h2>\n{inside}</section>'


def _contents(headings: Sequence[str]) -> str:
    """Return links to the sections, where there are enough to get lost in."""
    if len(headings) < FEWEST_LISTED:
        return ""
    links = "".join(
        f'<li><a href="#section-{number}">{escape(heading)}</a></li>'
        for number, heading in enumerate(headings, start=1)
    )
    return f'<nav aria-label="On this page"><ul>{links}</ul></nav>'


def _answer(content: PageContent) -> str:
    sentences = [f"<p>{escape(sentence)}</p>" for sentence in content.answer]
    if sentences:
        sentences[0] = sentences[0].replace("<p>", '<p class="first">', 1)
    numbers = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(number)}</dd></div>" for number, label in content.highlights
    )
    highlights = f'<dl class="highlights">{numbers}</dl>' if numbers else ""
    verdict = escape(content.verdict_text or VERDICTS[content.verdict])
    return (
        f'<section id="answer" class="answer {content.verdict.replace(" ", "-")}" aria-labelledby="verdict">'
        f'<h2 id="verdict">{verdict}</h2>{"".join(sentences)}{highlights}</section>'
    )


def _advice(advice: Sequence[str]) -> str:
    if not advice:
        return ""
    items = "".join(f"<li>{escape(item)}</li>" for item in advice)
    return (
        '<section class="advice" aria-labelledby="advice">'
        f'<h2 id="advice">Before you rely on it</h2><ul>{items}</ul></section>'
    )


def _inside_script(text: str) -> str:
    """Return JavaScript that cannot end its own element: such a sequence stands in strings only."""
    return re.sub(r"<(?=/script|!--)", r"\\u003c", text, flags=re.IGNORECASE)


def _resource(name: str) -> str:
    return files("altune.report.html").joinpath(name).read_text(encoding="utf-8")
