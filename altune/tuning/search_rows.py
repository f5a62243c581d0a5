"""The rows of search blocks: a search may play on a part of the rows, while the confirmation plays on all.

A trajectory costs what its fits, predictions and queries cost, and all but the fits grow with the rows. By default a
search plays on all rows, because the order of recipes does not always survive on a part: see
``benchmarks/search_rows.py``. A number that is given is raised to :data:`POOL_ROWS_PER_LABEL` pool rows for each label
of the budget, so that a recipe still chooses among many rows, and to :data:`TEST_ROWS_PER_CLASS` test rows for each
class.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from altune.core.errors import RequestError
from altune.data.blocks import TEST_SHARE, rows_of_block
from altune.simulation.environment import Environment

POOL_ROWS_PER_LABEL = 20
"""Pool rows of a search block for each label of the budget, below which no search block goes."""
TEST_ROWS_PER_CLASS = 10
"""Test rows of a search block for each class on average, below which no search block goes."""


def most_search_rows(environments: Sequence[Environment], asked: int | None) -> int | None:
    """Return the number of rows that no search block exceeds; None if every search block has all rows.

    Raises
    ------
    RequestError
        If a number is given together with explicit blocks.
    """
    if asked is None:
        return None
    if any(environment.explicit for environment in environments):
        raise RequestError("search rows need drawn blocks; leave out search_rows (--search-rows) or --splits")
    most = max(asked, *(least_search_rows(environment) for environment in environments))
    return most if any(most < rows_of_block(environment.dataset) for environment in environments) else None


def least_search_rows(environment: Environment) -> int:
    """Return the smallest number of rows of a search block that suits budget and classes of an environment."""
    pool = environment.scenario.labels * POOL_ROWS_PER_LABEL / (1 - TEST_SHARE)
    return math.ceil(max(pool, environment.dataset.n_classes * TEST_ROWS_PER_CLASS / TEST_SHARE))


def with_search_rows(environments: Sequence[Environment], asked: int | None) -> list[Environment]:
    """Return the environments with search blocks of the rows that are asked for."""
    most = most_search_rows(environments, asked)
    return [
        replace(
            environment, search_rows=most if most is not None and most < rows_of_block(environment.dataset) else None
        )
        for environment in environments
    ]


def search_rows_notes(environments: Sequence[Environment], asked: int | None) -> list[str]:
    """Return on which part of the rows the search plays, one line for each data set of which it is a part."""
    lines = []
    for environment in environments:
        if (rows := environment.search_rows) is None:
            continue
        labels, n_classes = environment.scenario.labels, environment.dataset.n_classes
        raised = f" ({asked} are too few for {labels} labels and {n_classes} classes)" if asked != rows else ""
        lines.append(
            f"the search plays on {rows} of the {rows_of_block(environment.dataset)} rows of "
            f"{environment.dataset.name} that are not held back{raised}, another part in each block, and the "
            "confirmation on all"
        )
    return lines
