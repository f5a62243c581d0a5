"""Sizes that are shares of the budget, so that a recipe or a search space suits every budget."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Share = Annotated[float, Field(gt=0.0, le=1.0)]
"""The type of a parameter that is a share of the budget."""


def rows_of_share(share: float, budget: int) -> int:
    """Return a share of the budget in rows, rounded, at least 1.

    >>> rows_of_share(0.05, 200), rows_of_share(0.01, 20)
    (10, 1)
    """
    # The product has rounding errors of its own, which must not decide whether 0.05 · 70 is rounded up or down.
    return max(1, round(round(share * budget, 9)))
