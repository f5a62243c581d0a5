"""One self-contained HTML page: the answer first, then the evidence, then how to use it.

The page makes no network request (its content security policy forbids it), runs from disk, and treats every
text that it is given as data: nothing in a name can become markup or script.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Literal, NamedTuple

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

Verdict = Literal["better", "not better", "unclear"]

VERDICTS: dict[Verdict, str] = {
    "better": "✓ Better than the baselines",
    "not better": "✕ Not better than the baselines",
    "unclear": "? Not decided",
}

NUMBER = re.compile(r"[+−<>≈-]? ?[\d.,]+ ?%?( ?(to|±|/|–) ?[+−-]?[\d.,]+ ?%?)?( \[.*\])?|[–—-]?")
"""Cells that are set to the right: a number, an interval, or a gap."""


class FigurePart(NamedTuple):
    """A figure with what to see in it.

    Consecutive figures of one heading share it. ``description`` says in words what it shows, for those
    who cannot see it; by default the explanation does.
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
    figures : shown in this order, after the answer.
    recipe_yaml : text of the confirmed recipe.
    commands : shell or Python lines that use it, each with one line of explanation: (explanation, command).
    tables : shown after the recipe.
    facts : (name, value): how it was measured.
    advice : warnings and what would help.
    """

    title: str
    answer: Sequence[str]
    verdict: Verdict
    verdict_text: str = ""
    highlights: Sequence[tuple[str, str]] = ()
    figures: Sequence[FigurePart] = ()
    recipe_yaml: str = ""
    commands: Sequence[tuple[str, str]] = ()
    tables: Sequence[TablePart] = ()
    facts: Sequence[tuple[str, str]] = ()
    advice: Sequence[str] = ()


def render_page(content: PageContent) -> str:
    """Return the page as HTML text that needs no other file and no network."""
    sections = [
        _answer(content),
        _advice(content.advice),
        _figures(content.figures),
        _recipe(content.recipe_yaml, content.commands),
        *(_table(part, number) for number, part in enumerate(content.tables)),
        _facts(content.facts),
        '<p id="status" class="visually-hidden" role="status"></p>',
    ]
    return Template(_resource("page.html")).substitute(
        title=_escape(content.title),
        css=_resource("page.css"),
        body="\n".join(section for section in sections if section),
        plotly=_inside_script(get_plotlyjs()) if content.figures else "",
        script=_inside_script(_resource("page.js")),
    )


def _answer(content: PageContent) -> str:
    sentences = [f"<p>{_escape(sentence)}</p>" for sentence in content.answer]
    if sentences:
        sentences[0] = sentences[0].replace("<p>", '<p class="first">', 1)
    numbers = "".join(
        f"<div><dt>{_escape(label)}</dt><dd>{_escape(number)}</dd></div>" for number, label in content.highlights
    )
    highlights = f'<dl class="highlights">{numbers}</dl>' if numbers else ""
    verdict = _escape(content.verdict_text or VERDICTS[content.verdict])
    return (
        f'<section id="answer" class="answer {content.verdict.replace(" ", "-")}" aria-labelledby="verdict">'
        f'<h2 id="verdict">{verdict}</h2>{"".join(sentences)}{highlights}</section>'
    )


def _advice(advice: Sequence[str]) -> str:
    if not advice:
        return ""
    items = "".join(f"<li>{_escape(item)}</li>" for item in advice)
    return (
        '<section class="advice" aria-labelledby="advice">'
        f'<h2 id="advice">Before you rely on it</h2><ul>{items}</ul></section>'
    )


def _figures(figures: Sequence[FigurePart]) -> str:
    parts, heading = [], None
    for number, part in enumerate(figures):
        if part.heading != heading:
            heading = part.heading
            parts.append(f"<h2>{_escape(heading)}</h2>")
        name = f"figure-{number}"
        described = _escape(part.description or part.explanation or part.heading)
        parts.append(
            f"<figure><figcaption>{_escape(part.explanation)}</figcaption>"
            f'<div class="plot" id="{name}" role="img" aria-label="{described}"></div>'
            f'<script type="application/json" id="{name}-data">{_figure_data(part.figure)}</script></figure>'
        )
    if parts:
        parts.append("<noscript><p>The figures need JavaScript; the tables below do not.</p></noscript>")
    return "\n".join(parts)


def _recipe(recipe_yaml: str, commands: Sequence[tuple[str, str]]) -> str:
    parts = []
    if recipe_yaml:
        parts += ["<h2>The recipe</h2>", _code(recipe_yaml.rstrip("\n"), "recipe", "the recipe")]
    if commands:
        parts.append("<h2>How to use it</h2>")
    for number, (explanation, command) in enumerate(commands):
        parts += [f"<p>{_escape(explanation)}</p>", _code(command, f"command-{number}", "the command")]
    return "\n".join(parts)


def _code(text: str, name: str, what: str) -> str:
    return (
        f'<div class="code"><pre tabindex="0" role="group" aria-label="{what}">'
        f'<code id="{name}">{_escape(text)}</code></pre><button type="button" class="copy" '
        f'data-copies="{name}" aria-label="Copy {what}">Copy</button></div>'
    )


def _table(part: TablePart, number: int) -> str:
    numeric = [
        bool(part.rows) and all(NUMBER.fullmatch(row[column].strip()) for row in part.rows)
        for column in range(len(part.columns))
    ]
    mark = [' class="number"' if is_number else "" for is_number in numeric]
    head = "".join(f'<th scope="col"{m}>{_escape(c)}</th>' for c, m in zip(part.columns, mark, strict=True))
    rows = "".join(
        f'<tr><th scope="row"{mark[0]}>{_escape(row[0])}</th>'
        + "".join(f"<td{m}>{_escape(cell)}</td>" for cell, m in zip(row[1:], mark[1:], strict=True))
        + "</tr>"
        for row in part.rows
    )
    caption = _escape(part.caption or part.heading)
    name = f"table-{number}"
    return (
        f'<h2 id="{name}">{_escape(part.heading)}</h2>'
        f'<div class="scroll" tabindex="0" role="region" aria-labelledby="{name}">'
        f"<table><caption><span>{caption}</span></caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    if not facts:
        return ""
    items = "".join(f"<dt>{_escape(name)}</dt><dd>{_escape(value)}</dd>" for name, value in facts)
    return f'<h2>How it was measured</h2><dl class="facts">{items}</dl>'


def _escape(text: object) -> str:
    return html.escape(str(text), quote=True)


def _figure_data(figure: go.Figure) -> str:
    # In JSON a "<" stands in strings only, where the escape is the same character; none may end the element.
    return str(figure.to_json()).replace("<", "\\u003c")


def _inside_script(text: str) -> str:
    """Return JavaScript that cannot end its own element: such a sequence stands in strings only."""
    return re.sub(r"<(?=/script|!--)", r"\\u003c", text, flags=re.IGNORECASE)


def _resource(name: str) -> str:
    return files("altune.report").joinpath(name).read_text(encoding="utf-8")
