"""The random initial sample."""

from __future__ import annotations

from typing import Literal

import numpy as np

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import RowNumbers
from altune.knobs.initial_sample.base import InitialSample


@register
class RandomSample(InitialSample):
    """Random rows, drawn uniformly without replacement.

    A class with the share π_c of the pool is missing from the sample with probability (1 − π_c)^size, approximately.
    """

    source = "simple random sampling without replacement"

    method: Literal["random"] = "random"

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` random candidates."""
        return rng.permutation(pool.candidates)[:size]
