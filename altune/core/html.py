"""Small pieces of HTML made of plain values, for notebooks. Every value is escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence


def html_text(value: object) -> str:
    """Return a value as text that is safe within HTML.

    >>> html_text("a<b>"), html_text(3)
    ('a&lt;b&gt;', '3')
    """
    return html.escape(str(value))


def html_table(rows: Sequence[Sequence[object]], head: Sequence[object] = ()) -> str:
    """Return a table of values. Without a head, the first cell of each row is the head of its row.

    Parameters
    ----------
    rows : cells of each row.
    head : titles of the columns; empty for none.

    >>> html_table([("data", "a<b>")])
    '<table><tbody><tr><th>data</th><td>a&lt;b&gt;</td></tr></tbody></table>'
    """
    titles = "".join(f"<th>{html_text(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{_cells(row, first='td' if head else 'th')}</tr>" for row in rows)
    return f"<table>{f'<thead><tr>{titles}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"


def _cells(row: Sequence[object], first: str) -> str:
    tags = [first, *["td"] * (len(row) - 1)]
    return "".join(f"<{tag}>{html_text(cell)}</{tag}>" for tag, cell in zip(tags, row, strict=True))
