"""First samples that look at classes: one as labels come in, one by labels that nobody has paid for."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, SerializeAsAny, field_validator

from altune.core.errors import RequestError
from altune.core.pool import Pool
from altune.core.registry import parse_method, register
from altune.core.types import RowNumbers
from altune.knobs.initial_sample.base import InitialSample
from altune.knobs.initial_sample.random import RandomSample
from altune.knobs.pool_geometry import covered_rows

NO_ROWS: RowNumbers = np.empty(0, dtype=np.intp)


def read_sample(value: Any) -> Any:
    """Read a first sample nested in a parameter, wherever a method may stand."""
    return parse_method("initial_sample", value)


NestedSample = Annotated[SerializeAsAny[InitialSample], BeforeValidator(read_sample)]
"""The type of a parameter that holds a first sample."""


@register
class UntilAllClasses(InitialSample):
    """Another first sample, continued in small steps until each class was seen or a cap is hit.

    All labels are bought and charged as usual; the first model is trained when the sample ends. It ends, whatever
    was seen, at ``cap`` rows, by default when half of the budget is spent.
    """

    source: ClassVar[str] = "sequential sampling until coverage of all classes (coupon collector)"

    method: Literal["until_all_classes"] = "until_all_classes"
    sample: NestedSample = Field(default=RandomSample(), description="the first sample that is continued")
    step: int = Field(default=5, ge=1, le=1000, description="rows labelled in each step beyond `size`")
    cap: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="most rows labelled before the first model; by default until half of the budget is spent",
    )

    @field_validator("sample")
    @classmethod
    def _can_be_continued(cls, sample: InitialSample) -> InitialSample:
        if sample.size is not None:
            raise ValueError("give `size` to until_all_classes itself, not to its sample")
        if isinstance(sample, UntilAllClasses) or sample.uses_oracle:
            raise ValueError(f"until_all_classes cannot continue {sample.method!r}")
        return sample

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the first rows of the sample, no more than ``cap``."""
        return self.sample.select(pool, size if self.cap is None else min(size, max(1, self.cap)), rng)

    def more(self, pool: Pool, rng: np.random.Generator) -> RowNumbers:
        """Return the rows of one more step while a class is missing and the cap allows."""
        if len(np.unique(pool.labels)) == pool.n_classes or not len(pool.candidates):
            return NO_ROWS
        if self.cap is None:
            left = self.step if pool.labels_bought < pool.budget / 2 else 0
        else:
            left = self.cap - len(covered_rows(pool))
        return self.sample.select(pool, min(self.step, left), rng) if left > 0 else NO_ROWS


@register
class OracleStratified(InitialSample):
    """Stratified by the true labels: an upper bound of what any first sample can do about classes, no method.

    It looks at labels that nobody has paid for, so it exists in simulations alone and a labelling campaign
    refuses it. RowNumbers are drawn at random within the classes, which get as equal shares as their rows allow
    (``balanced``), or shares as in the pool, at least one row each while the size allows (``proportional``).
    """

    source: ClassVar[str] = "stratified sampling; an upper bound, not a method"
    uses_oracle: ClassVar[bool] = True

    method: Literal["oracle_stratified"] = "oracle_stratified"
    shares: Literal["balanced", "proportional"] = Field(
        default="balanced", description="rows of each class: alike, or as in the pool"
    )

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Refuse: the true labels are not in the pool."""
        raise RequestError("oracle_stratified needs labels that nobody has paid for; only a simulation has them")

    def select_knowing(self, pool: Pool, size: int, rng: np.random.Generator, truth: RowNumbers) -> RowNumbers:
        """Return ``size`` distinct candidates, stratified by their true labels."""
        rows = rng.permutation(pool.candidates)
        _, codes, counts = np.unique(truth[rows], return_inverse=True, return_counts=True)
        order = np.argsort(codes, kind="stable")
        turn = np.empty(len(rows))
        # the turn of a row within its class, 0, 1, …
        turn[order] = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        if self.shares == "proportional":
            first = turn == 0
            turn = (turn + 0.5) / counts[codes]
            turn[first] = -1.0  # each class once before any class twice
        return rows[np.lexsort((rng.random(len(rows)), turn))[:size]]
