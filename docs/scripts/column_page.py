"""The page of the columns of metadata, from their registry."""

from __future__ import annotations

from tables import page, table

from altune.knobs.column_formulas import NEIGHBOURS
from altune.knobs.columns import COLUMNS, MOST_BACK


def columns_page() -> str:
    """Return every column with its version, its meaning and the form that carries over."""
    rows = [(f"`{name}`", info.version, info.carried, info.meaning) for name, info in COLUMNS.items()]
    return page(
        "Columns of metadata",
        "Numbers about each candidate that a query strategy may rank rows by, as `altune knobs --metadata` lists them. "
        "`altune.knobs.column` returns raw values, and `altune.knobs.carried` the form that carries over between data "
        "sets: **z** is the z-score within the candidates of the loop, cut off at ±6, and **rank** the rank within "
        "them, from −1 to 1. Both are 0 where a column is not known. "
        "[A strategy that looks back](../guides/history.md) uses some of them.",
        table(("column", "version", "form", "what it is"), rows),
        "## How to read them",
        f"Neighbours of a row are the {NEIGHBOURS} rows of the pool nearest to it, with the similarity "
        "s_ij = exp(−(d_ij/σ)²), σ the median distance to the 10th neighbour; these are the neighbours of "
        "[`margin_cover`](query_strategy.md#margin_cover). The class of a row is its label if it has one, and else the "
        "class that the model predicts. In a pool of more than 20,000 rows the columns of neighbours and of coverage "
        "are known for 10,000 random rows only.",
        f"Each column can be read as it was up to {MOST_BACK} loops ago, for the current candidates. It is kept in the "
        "loops in which it was read, so a strategy that wants earlier values reads the column in every loop. Columns "
        "of the class scores alone (`u` to `log_odds`) exist for every loop in which the class scores were used.",
        "A version grows when a formula changes. A method that was trained on columns names their versions.",
    )
