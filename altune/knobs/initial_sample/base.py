"""Knob 1: which rows, and how many, are labelled before any model exists."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from pydantic import Field

from altune.pool import Pool, Rows
from altune.registry import Method


class InitialSample(Method):
    """Base of every method of ``initial_sample``.

    Called once, before the first label is bought. It sees features only: ``pool.labelled`` is empty and there is
    neither model nor metadata.
    """

    knob: ClassVar[str] = "initial_sample"

    size: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="rows labelled before the first model; by default budget/20, at least one for each class",
    )

    @abstractmethod
    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> Rows:
        """Return ``size`` distinct rows of ``pool.candidates`` (all of them where there are fewer).

        Parameters
        ----------
        pool : features and shared structures.
        size : rows wanted, 1 or more; ``self.size`` with its default filled in and cut to the budget.
        rng : the only source of randomness.
        """


def default_initial_size(budget: int, n_classes: int) -> int:
    """Return budget/20, at least one row for each class.

    >>> default_initial_size(200, 10), default_initial_size(1000, 2)
    (10, 50)
    """
    return max(n_classes, round(budget / 20))
