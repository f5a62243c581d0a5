"""How many blocks an interval needs, from the parts of its variance alone: what was estimated never decides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from altune.numerics.crossed import VarianceParts
from altune.numerics.statistics import t_quantile

_TOO_MANY = 1_000_000
"""Largest number of blocks that counts: an interval that needs more is never narrow enough."""


@dataclass(frozen=True)
class Width:
    """The width of an interval of a mean over blocks × units, for any number of blocks.

    Attributes
    ----------
    parts : what the variance of the mean consists of, estimated on some blocks.
    confidence : coverage of the interval, in (0, 1).
    """

    parts: VarianceParts
    confidence: float = 0.95

    def half(self, blocks: float) -> float:
        """Return half of the width that the interval would have with a number of blocks; ∞ leaves what the units add.

        Examples
        --------
        >>> from altune.numerics.crossed import VarianceParts
        >>> width = Width(VarianceParts(4.0, 9.0, 0.0, 0.0, 0.0, blocks=8, units=100, degrees=12.0))
        >>> [round(width.half(blocks), 2) for blocks in (8, 20, math.inf)]
        [1.72, 1.09, 0.6]
        """
        share = (1 + self.confidence) / 2
        return t_quantile(share, self.parts.degrees_with(blocks)) * math.sqrt(self.parts.variance(blocks))


def blocks_that_pay(widths: Sequence[Width], least: int, most: int, share: float) -> int:
    """Return the smallest number of blocks after which the rest of them narrow no interval by a share or more.

    Parameters
    ----------
    widths : intervals.
    least, most : smallest and largest number of blocks.
    share : by how much the blocks from there up to ``most`` must narrow an interval to be worth playing, in (0, 1).
    """
    for blocks in range(least, most):
        if all(width.half(most) >= (1 - share) * width.half(blocks) for width in widths):
            return blocks
    return most


def blocks_that_reach(widths: Sequence[Width], half: float, least: int, most: int) -> float:
    """Return the smallest number of blocks with which no interval is wider than ± ``half``.

    It is ∞ if no number of blocks is enough, and may be above ``most``, where it is an estimate.

    Parameters
    ----------
    widths : intervals.
    half : half of the largest width.
    least, most : smallest number of blocks, and largest one that is tried one by one.
    """
    if any(width.half(math.inf) > half for width in widths):
        return math.inf
    blocks = least
    while any(width.half(blocks) > half for width in widths):
        blocks += 1 if blocks < most else max(1, blocks // 10)
        if blocks > _TOO_MANY:
            return math.inf
    return blocks
