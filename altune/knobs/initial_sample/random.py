"""A first sample by chance."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import RowNumbers
from altune.knobs.initial_sample.base import InitialSample


@register
class RandomSample(InitialSample):
    """RowNumbers drawn uniformly without replacement. Pr[class c missing] ≈ (1 − π_c)^size."""

    source: ClassVar[str] = "simple random sampling without replacement"

    method: Literal["random"] = "random"

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` distinct candidates, uniformly."""
        return rng.permutation(pool.candidates)[:size]
