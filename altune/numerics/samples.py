"""Checks of the samples that statistics are computed from."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from altune.core.errors import RequestError
from altune.core.types import Array


def sample(values: ArrayLike) -> Array:
    """Return one value for each block or data set, ``(n_values,)``.

    Raises
    ------
    RequestError
        If there are no values, they are not a flat list, or one is not finite.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim == 0 or x.size == 0:
        raise RequestError("a statistic needs at least one value, got none")
    if not np.isfinite(x).all():
        raise RequestError("a statistic needs finite values, got NaN or infinity")
    if x.ndim != 1:
        raise RequestError(f"expected one value per block, got an array of shape {x.shape}")
    return x


def paired_samples(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    """Return two samples of the same blocks or data sets.

    Raises
    ------
    RequestError
        As :func:`sample`, and if they have different lengths.
    """
    left, right = sample(a), sample(b)
    if len(left) != len(right):
        raise RequestError(f"paired values need the same blocks, got {len(left)} and {len(right)}")
    return left, right
