"""Aligned text for a terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

NARROWEST = 24
"""Smallest width of a wide column, however narrow the terminal."""


def table(rows: Sequence[Mapping[str, Any]], wide: str | Sequence[str] = "") -> str:
    """Return rows with the same keys as aligned text; ``wide`` columns share the space that the others leave.

    >>> print(table([{"name": "a", "rows": 5}]))
    name  rows
    a        5
    """
    if not rows:
        return "(none)"
    columns = list(rows[0])
    cells = [[_cell(row[column]) for column in columns] for row in rows]
    numeric = [all(isinstance(row[column], (int, float)) for row in rows) for column in columns]
    widths = [max(len(column), *(len(line[index]) for line in cells)) for index, column in enumerate(columns)]
    wide_names = [wide] if isinstance(wide, str) else wide
    _share_the_line(widths, [columns.index(name) for name in wide_names if name in columns])
    lines = [_line(columns, widths, numeric)]
    for line in cells:
        wrapped = [textwrap.wrap(cell, width) or [""] for cell, width in zip(line, widths, strict=True)]
        for depth in range(max(len(parts) for parts in wrapped)):
            lines.append(_line([parts[depth] if depth < len(parts) else "" for parts in wrapped], widths, numeric))
    return "\n".join(lines)


def _share_the_line(widths: list[int], wide: Sequence[int]) -> None:
    """Narrow the wide columns to the space that the others leave; a column that needs less leaves more to the rest."""
    line = shutil.get_terminal_size((110, 24)).columns - 2 * (len(widths) - 1)
    left = line - sum(width for column, width in enumerate(widths) if column not in wide)
    for count, column in enumerate(sorted(wide, key=lambda column: widths[column])):
        widths[column] = min(widths[column], max(NARROWEST, left // (len(wide) - count)))
        left -= widths[column]


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 1000 else f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(part) for part in value)
    return str(value)


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    aligned = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, numeric, strict=True)
    ]
    return "  ".join(aligned).rstrip()
