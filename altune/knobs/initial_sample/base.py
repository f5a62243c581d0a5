"""Knob 1: which rows, and how many, are labelled before any model exists."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from pydantic import Field

from altune.core.pool import Pool
from altune.core.registry import Method
from altune.core.types import RowNumbers


class InitialSample(Method):
    """Base of every method of ``initial_sample``.

    ``select`` is called once, before the first label is bought. It sees features only: ``pool.labelled`` is empty
    and there is neither model nor metadata. ``more`` is called after each answer until it asks for nothing; then
    the first model is trained.

    A class with ``uses_oracle`` looks at labels that nobody has paid for. It is an upper bound, not a method: the
    loop hands the true labels to ``select_knowing`` in a simulation and refuses it in a campaign, the first loop
    of its curves notes ``uses_oracle``, no shipped space holds one, and checks that nothing leaks leave it out by
    this mark.
    """

    knob: ClassVar[str] = "initial_sample"
    uses_oracle: ClassVar[bool] = False

    size: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="rows labelled before the first model; by default budget/20, at least one for each class",
    )

    @abstractmethod
    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` distinct rows of ``pool.candidates`` (all of them where there are fewer).

        Parameters
        ----------
        pool : features and shared structures.
        size : rows wanted, 1 or more; ``self.size`` with its default filled in and cut to the budget.
        rng : the only source of randomness.
        """

    def more(self, pool: Pool, rng: np.random.Generator) -> RowNumbers:
        """Return further rows to be labelled before the first model, charged like all others; none by default.

        Parameters
        ----------
        pool : with the labels of all rows bought so far; there is no model yet.
        rng : the only source of randomness; another stream at each call.
        """
        return np.empty(0, dtype=np.intp)

    def select_knowing(self, pool: Pool, size: int, rng: np.random.Generator, truth: RowNumbers) -> RowNumbers:
        """Return the rows of an upper bound that ``uses_oracle``; no other first sample is asked this way.

        Parameters
        ----------
        pool, size, rng : as for ``select``.
        truth : true class codes of all pool rows, ``(n_rows,)``.
        """
        return self.select(pool, size, rng)


def default_initial_size(budget: int, n_classes: int) -> int:
    """Return budget/20, at least one row for each class.

    >>> default_initial_size(200, 10), default_initial_size(1000, 2)
    (10, 50)
    """
    return max(n_classes, round(budget / 20))
