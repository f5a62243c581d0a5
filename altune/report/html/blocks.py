"""The parts of a page: figures, tables, texts to copy, facts and sentences, each as HTML in which all texts are data.

The ``heading`` of a part is the question that its section answers; parts of one heading share the section.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

NUMBER = re.compile(r"[+−<>≈-]? ?[\d.,]+ ?%?( ?(to|±|/|–) ?[+−-]?[\d.,]+ ?%?)?( \[.*\])?|[–—-]?")
"""Cells that are set to the right: a number, an interval, or a gap."""


class FigurePart(NamedTuple):
    """A figure with what to see in it.

    ``description`` says in words what it shows, for those who cannot see it; by default the explanation does.
    """

    heading: str
    explanation: str
    figure: go.Figure
    description: str = ""


class TablePart(NamedTuple):
    """A table of texts; the first column names the row. ``caption`` says what the numbers are."""

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    title: str = ""


class CodePart(NamedTuple):
    """A text to copy, such as a recipe or a command; ``what`` names it for the button."""

    heading: str
    explanation: str
    text: str
    what: str = "the command"


class FactsPart(NamedTuple):
    """Facts, each as (name, value)."""

    heading: str
    facts: Sequence[tuple[str, str]]


class TextPart(NamedTuple):
    """Sentences, each a paragraph."""

    heading: str
    sentences: Sequence[str]


Part = FigurePart | TablePart | CodePart | FactsPart | TextPart


def part_html(part: Part, number: int) -> str:
    """Return a part as HTML; ``number`` tells the parts of a page apart."""
    match part:
        case FigurePart():
            return _figure(part, number)
        case TablePart():
            return _table(part, number)
        case CodePart():
            return _code(part, number)
        case FactsPart():
            items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in part.facts)
            return f'<dl class="facts">{items}</dl>'
        case TextPart():
            return "".join(f"<p>{escape(sentence)}</p>" for sentence in part.sentences)


def escape(text: object) -> str:
    """Return a text as HTML that shows it as it is."""
    return html.escape(str(text), quote=True)


def _figure(part: FigurePart, number: int) -> str:
    name = f"figure-{number}"
    described = escape(part.description or part.explanation or part.heading)
    # The height is kept free before the figure is drawn, so that nothing moves under a reader's eyes.
    height = int(part.figure.layout.height or 450)
    return (
        f"<figure><figcaption>{escape(part.explanation)}</figcaption>"
        f'<div class="plot" id="{name}" role="img" aria-label="{described}" style="min-height:{height}px"></div>'
        f'<script type="application/json" id="{name}-data">{_figure_data(part.figure)}</script></figure>'
    )


def _code(part: CodePart, number: int) -> str:
    name = f"code-{number}"
    explanation = f"<p>{escape(part.explanation)}</p>" if part.explanation else ""
    return (
        f'{explanation}<div class="code"><pre tabindex="0" role="group" aria-label="{escape(part.what)}">'
        f'<code id="{name}">{escape(part.text)}</code></pre><button type="button" class="copy" '
        f'data-copies="{name}" aria-label="Copy {escape(part.what)}">Copy</button></div>'
    )


def _table(part: TablePart, number: int) -> str:
    numeric = [
        bool(part.rows) and all(NUMBER.fullmatch(row[column].strip()) for row in part.rows)
        for column in range(len(part.columns))
    ]
    mark = [' class="number"' if is_number else "" for is_number in numeric]
    head = "".join(
        f'<th scope="col"{m}>{escape(c)}</th>' if c else f"<td{m}></td>"
        for c, m in zip(part.columns, mark, strict=True)
    )
    rows = "".join(
        f'<tr><th scope="row"{mark[0]}>{escape(row[0])}</th>'
        + "".join(f"<td{m}>{escape(cell)}</td>" for cell, m in zip(row[1:], mark[1:], strict=True))
        + "</tr>"
        for row in part.rows
    )
    title = f"<h3>{escape(part.title)}</h3>" if part.title else ""
    name = f"table-{number}"
    return (
        f'{title}<div class="scroll" tabindex="0" role="group" aria-labelledby="{name}">'
        f'<table><caption id="{name}"><span>{escape(part.caption or part.title or part.heading)}</span></caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _figure_data(figure: go.Figure) -> str:
    # In JSON a "<" stands in strings only, where the escape is the same character; none may end the element.
    return str(figure.to_json()).replace("<", "\\u003c")
