"""Initial samples that depend on classes: by the labels bought so far, or by all true labels as an upper bound."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import BeforeValidator, Field, SerializeAsAny, field_validator

from altune.core.errors import RequestError
from altune.core.pool import Pool
from altune.core.registry import RowCount, parse_method, register
from altune.core.types import Codes, RowNumbers
from altune.knobs.initial_sample.base import InitialSample
from altune.knobs.initial_sample.random import RandomSample
from altune.knobs.pool_geometry import covered_rows

NO_ROWS: RowNumbers = np.empty(0, dtype=np.intp)


NestedSample = Annotated[
    SerializeAsAny[InitialSample], BeforeValidator(lambda value: parse_method("initial_sample", value))
]
"""The type of a parameter that holds an initial sample."""


@register
class UntilAllClasses(InitialSample):
    """Another initial sample, continued in small steps until every class has been seen.

    All labels are bought as usual; the first model is trained when the sample ends. It ends at ``cap`` rows even if a
    class is missing.
    """

    source = "sequential sampling until coverage of all classes (coupon collector)"

    method: Literal["until_all_classes"] = "until_all_classes"
    sample: NestedSample = Field(default=RandomSample(), description="initial sample that is continued")
    step: int = Field(default=5, ge=1, le=1000, description="number of rows labelled in each step after `size`")
    cap: RowCount | None = Field(
        default=None,
        description="maximum number of rows labelled before the first model; by default, half the budget in labels",
    )

    @field_validator("sample")
    @classmethod
    def _can_be_continued(cls, sample: InitialSample) -> InitialSample:
        if sample.size is not None or sample.share is not None:
            raise ValueError("`size` and `share` are parameters of until_all_classes; its sample must not have them")
        if isinstance(sample, UntilAllClasses) or sample.uses_oracle:
            raise ValueError(f"until_all_classes cannot continue {sample.method!r}")
        return sample

    def sized_alike(self, sample: InitialSample) -> InitialSample:
        """Return another initial sample that is continued in the same way."""
        return sample if isinstance(sample, UntilAllClasses) else self.model_copy(update={"sample": sample})

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the rows of the nested sample, at most ``cap``."""
        return self.sample.select(pool, size if self.cap is None else min(size, max(1, self.cap)), rng)

    def more(self, pool: Pool, rng: np.random.Generator) -> RowNumbers:
        """Return the rows of the next step while a class is missing and ``cap`` is not reached."""
        if len(np.unique(pool.labels)) == pool.n_classes or not len(pool.candidates):
            return NO_ROWS
        if self.cap is None:
            left = self.step if pool.labels_bought < pool.budget / 2 else 0
        else:
            left = self.cap - len(covered_rows(pool))
        return self.sample.select(pool, min(self.step, left), rng) if left > 0 else NO_ROWS


@register
class OracleStratified(InitialSample):
    """Rows stratified by their true labels: an upper bound for any initial sample, not a method for practice.

    It reads labels that were not bought, so it works in simulations only. Rows are drawn at random within each class.
    The classes get equal shares as far as their rows allow (``balanced``), or their shares in the pool, with at least
    one row per class if the size allows (``proportional``).
    """

    source = "stratified sampling; an upper bound, not a method"
    uses_oracle = True

    method: Literal["oracle_stratified"] = "oracle_stratified"
    shares: Literal["balanced", "proportional"] = Field(
        default="balanced", description="shares of the classes: equal, or as in the pool"
    )

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Raise an error: the pool has no true labels."""
        raise RequestError("oracle_stratified needs all true labels, which only a simulation has")

    def select_knowing(self, pool: Pool, size: int, rng: np.random.Generator, truth: Codes) -> RowNumbers:
        """Return ``size`` distinct candidates, stratified by their true labels."""
        rows = rng.permutation(pool.candidates)
        _, codes, counts = np.unique(truth[rows], return_inverse=True, return_counts=True)
        order = np.argsort(codes, kind="stable")
        turn = np.empty(len(rows))  # position of a row within its class: 0, 1, …
        turn[order] = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        if self.shares == "proportional":
            first = turn == 0
            turn = (turn + 0.5) / counts[codes]
            turn[first] = -1.0  # one row of every class comes before a second row of any
        return rows[np.lexsort((rng.random(len(rows)), turn))[:size]]
