"""The evidence on the recommended recipe as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from altune.recipes.evidence import AGAINST, Gains
from altune.report.texts.aligned import table


def gains_table(groups: Sequence[Gains]) -> str:
    """Return a table with a row for each group of data sets."""
    return table([gains_row(group) for group in groups])


def gains_row(group: Gains) -> dict[str, str]:
    """Return the cells of a group by the names of their columns."""
    gains = {f"over {AGAINST[name]}": gain.words for name, gain in group.over.items()}
    return {"classes": group.group, "data sets": str(group.n_data), **gains, "below random": str(len(group.hurt))}
