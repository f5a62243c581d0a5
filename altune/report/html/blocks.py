"""The blocks of a page: figures, tables, texts to copy, facts and sentences.

The heading of a block is the question that its section answers; blocks of one heading share a section. A macro of
``blocks.html`` with the name of the class renders a block.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

NUMBER = re.compile(r"[+−<>≈-]? ?[\d.,]+ ?%?( ?(to|±|/|–) ?[+−-]?[\d.,]+ ?%?)?( \[.*\])?|[–—-]?")
"""A cell of a column of numbers: a number, an interval, or a gap."""


class FigureBlock(NamedTuple):
    """A figure and its explanation.

    ``description`` replaces the explanation for readers who cannot see the figure.
    """

    heading: str
    explanation: str
    figure: go.Figure
    description: str = ""


class TableBlock(NamedTuple):
    """A table of texts; the first column names the row.

    ``caption`` explains the numbers. ``links`` holds the address that the name of each row links to; an empty text is
    no link.
    """

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    title: str = ""
    links: Sequence[str] = ()

    @property
    def numeric(self) -> list[bool]:
        """Whether each column holds numbers only."""
        columns = zip(self.columns, *self.rows, strict=True)
        return [bool(cells) and all(NUMBER.fullmatch(cell.strip()) for cell in cells) for _, *cells in columns]


class CodeBlock(NamedTuple):
    """A text to copy, such as a recipe or a command; ``what`` names it on the button."""

    heading: str
    explanation: str
    text: str
    what: str = "the command"


class FactsBlock(NamedTuple):
    """Facts, each as (name, value)."""

    heading: str
    facts: Sequence[tuple[str, str]]


class TextBlock(NamedTuple):
    """Sentences, each a paragraph."""

    heading: str
    sentences: Sequence[str]


PageBlock = FigureBlock | TableBlock | CodeBlock | FactsBlock | TextBlock
