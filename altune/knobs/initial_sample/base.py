"""The base of every initial sample, and its default size."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from pydantic import Field

from altune.core.pool import Pool
from altune.core.registry import Method, RowCount
from altune.core.types import Codes, RowNumbers
from altune.knobs.shares import Share, rows_of_share


class InitialSample(Method):
    """Base of every method of ``initial_sample``.

    ``select`` is called once, before the first label is bought. It sees features only: ``pool.labelled`` is empty, and
    there is no model and no metadata. ``more`` is then called after each purchase until it returns no rows, and the
    first model is trained.

    A class with ``uses_oracle`` reads true labels that were not bought. It is an upper bound, not a method for
    practice. The loop passes the true labels to ``select_knowing`` in a simulation and refuses the class in a campaign;
    curves record ``uses_oracle`` in their first loop; no shipped space contains such a class.
    """

    knob = "initial_sample"
    uses_oracle: ClassVar[bool] = False
    either = ("size", "share")

    size: RowCount | None = Field(
        default=None,
        description="number of rows labelled before the first model; by default budget/20, at least one per class",
    )
    share: Share | None = Field(
        default=None,
        description="number of rows as a share of the budget in labels, at least one per class, in place of `size`",
    )

    def n_rows(self, budget: int, n_classes: int) -> int:
        """Return the number of rows: `size`, or `share` of a budget of labels, or the default."""
        if self.size is not None:
            return self.size
        if self.share is None:
            return default_initial_size(budget, n_classes)
        return max(n_classes, rows_of_share(self.share, budget))

    @abstractmethod
    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` distinct rows of ``pool.candidates``; all candidates if there are fewer.

        Parameters
        ----------
        pool : features and shared structures.
        size : number of rows, 1 or more: :meth:`n_rows`, cut to the budget.
        rng : the only source of randomness.
        """

    def more(self, pool: Pool, rng: np.random.Generator) -> RowNumbers:
        """Return more rows to label before the first model, bought as all others are; none by default.

        Parameters
        ----------
        pool : with the labels of all rows bought so far; there is no model yet.
        rng : the only source of randomness; a new stream at each call.
        """
        return np.empty(0, dtype=np.intp)

    def sized_alike(self, sample: InitialSample) -> InitialSample:
        """Return another initial sample with as many rows as this one."""
        return sample.model_copy(update={name: getattr(self, name) for name in self.either})

    def select_knowing(self, pool: Pool, size: int, rng: np.random.Generator, truth: Codes) -> RowNumbers:
        """Return the rows of an upper bound; called in place of ``select`` for classes with ``uses_oracle``.

        Parameters
        ----------
        pool, size, rng : as for ``select``.
        truth : true class codes of all pool rows, ``(n_rows,)``.
        """
        return self.select(pool, size, rng)


def default_initial_size(budget: int, n_classes: int) -> int:
    """Return budget/20, at least one row per class.

    >>> default_initial_size(200, 10), default_initial_size(1000, 2)
    (10, 50)
    """
    return max(n_classes, round(budget / 20))
