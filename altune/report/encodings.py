"""How data became numbers, in words: for the terminal, for the page of a run and for that of a comparison."""

from __future__ import annotations

from collections.abc import Mapping

from altune.data.description import ColumnEncoding, Encoding
from altune.report.html.blocks import PageBlock, TableBlock

MOST_SHOWN = 40
"""Columns of a table that are shown one by one."""
NOTHING = "–"


def encoding_facts(encodings: Mapping[str, Encoding]) -> list[tuple[str, str]]:
    """Return how each data set became numbers and what is odd about its columns, each fact as (name, value)."""
    facts = []
    for name, encoding in encodings.items():
        of_data = f" of {name}" if len(encodings) > 1 else ""
        facts.append((f"Features{of_data}", encoding.summary))
        odd = [*encoding.identifiers, *encoding.remarks]
        if odd:
            facts.append((f"Columns{of_data} to check", "; ".join(odd)))
    return facts


def column_tables(encodings: Mapping[str, Encoding], heading: str) -> list[PageBlock]:
    """Return a table of the columns of each data set that has other columns than numbers."""
    tables: list[PageBlock] = []
    for name, encoding in encodings.items():
        if has_other_columns(encoding):
            rows = column_rows(encoding)
            hidden = encoding.columns - len(rows)
            more = f" {hidden} more columns are not shown." if hidden else ""
            tables.append(
                TableBlock(
                    heading,
                    [title.capitalize() for title in rows[0]],
                    [list(row.values()) for row in rows],
                    caption=f"How the columns became numbers, on the pool of one block.{more}",
                    title=f"Columns of {name}",
                )
            )
    return tables


def column_rows(encoding: Encoding) -> list[dict[str, str]]:
    """Return a row for each column that is listed, at most 40; those with a remark come first if there are more.

    What no column has, such as gaps, is left out of all rows.
    """
    listed = encoding.listed
    if len(listed) > MOST_SHOWN:
        listed = tuple(sorted(listed, key=lambda column: not column.remarks))[:MOST_SHOWN]
    rows = [_row(column) for column in listed]
    return [
        {title: cell for title, cell in row.items() if any(other[title] != NOTHING for other in rows)} for row in rows
    ]


def has_other_columns(encoding: Encoding) -> bool:
    """Return whether there are other columns than numbers, so that a list says something."""
    return any(column.kind not in ("number", "empty") for column in encoding.listed)


def _row(column: ColumnEncoding) -> dict[str, str]:
    return {
        "column": column.name,
        "holds": column.kind,
        "features": str(column.features),
        "becomes": column.becomes,
        "values": NOTHING if column.values is None else str(column.values),
        "gaps": f"{column.gaps:.0%}" if column.gaps else NOTHING,
        "note": ", ".join(column.remarks) or NOTHING,
    }
