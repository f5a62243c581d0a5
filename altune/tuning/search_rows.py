"""The rows of search blocks: on large data, the search plays on a part of the rows, and the confirmation on all.

A trajectory costs what its fits, predictions and queries cost, and all but the fits grow with the rows. By default a
search block has at most :data:`SEARCH_ROWS` rows, pool and test together, which changes nothing for data sets of up to
12,500 rows: a fifth of the rows is held back. A number of rows, given or default, is raised to
:data:`POOL_ROWS_PER_LABEL` pool rows for each label of the budget, so that a recipe still chooses among many rows, and
to :data:`TEST_ROWS_PER_CLASS` test rows for each class. The numbers follow from ``benchmarks/search_rows.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from altune.core.errors import RequestError
from altune.data.blocks import TEST_SHARE, rows_of_block
from altune.simulation.environment import Environment

SEARCH_ROWS = 10_000
"""Rows of a search block by default."""
POOL_ROWS_PER_LABEL = 20
"""Pool rows of a search block for each label of the budget, below which no search block goes."""
TEST_ROWS_PER_CLASS = 10
"""Test rows of a search block for each class on average, below which no search block goes."""

AskedRows = int | Literal["all"] | None
"""Number of rows of a search block, ``all``, or None for the default."""


def most_search_rows(environments: Sequence[Environment], asked: AskedRows) -> int | None:
    """Return the number of rows that no search block exceeds; None if every search block has all rows.

    Raises
    ------
    RequestError
        If a number is given together with explicit blocks.
    """
    if any(environment.explicit for environment in environments):
        if isinstance(asked, int):
            raise RequestError("search rows need drawn blocks; leave out search_rows (--search-rows) or --splits")
        return None
    if asked == "all":
        return None
    most = max(
        SEARCH_ROWS if asked is None else asked, *(least_search_rows(environment) for environment in environments)
    )
    return most if any(most < rows_of_block(environment.dataset) for environment in environments) else None


def least_search_rows(environment: Environment) -> int:
    """Return the smallest number of rows of a search block that suits budget and classes of an environment."""
    pool = environment.scenario.labels * POOL_ROWS_PER_LABEL / (1 - TEST_SHARE)
    return math.ceil(max(pool, environment.dataset.n_classes * TEST_ROWS_PER_CLASS / TEST_SHARE))


def with_search_rows(environments: Sequence[Environment], asked: AskedRows) -> list[Environment]:
    """Return the environments with search blocks of the rows that are asked for."""
    most = most_search_rows(environments, asked)
    return [
        replace(
            environment, search_rows=most if most is not None and most < rows_of_block(environment.dataset) else None
        )
        for environment in environments
    ]


def search_rows_notes(environments: Sequence[Environment], asked: AskedRows) -> list[str]:
    """Return on which part of the rows the search plays, one line for each data set of which it is a part."""
    lines = []
    for environment in environments:
        if (rows := environment.search_rows) is None:
            continue
        few = SEARCH_ROWS if asked is None else asked
        labels, n_classes = environment.scenario.labels, environment.dataset.n_classes
        raised = f" ({few} are too few for {labels} labels and {n_classes} classes)" if few != rows else ""
        lines.append(
            f"the search plays on {rows} of the {rows_of_block(environment.dataset)} rows of "
            f"{environment.dataset.name} that are not held back{raised}, another part in each block, and the "
            "confirmation on all; --search-rows all plays the search on all"
        )
    return lines
