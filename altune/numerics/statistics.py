"""Intervals and tests for comparing scores over blocks or data sets: arrays in, numbers out.

Blocks that are scored on the same test rows are treated in :mod:`altune.numerics.crossed`. Here are intervals by the
blocks alone. Blocks are resampled splits of one data set, so their scores are correlated and the plain t interval is
too narrow. Where the sizes of pool and test set are given, the variance is corrected for this:

    C. Nadeau and Y. Bengio, *Inference for the Generalization Error*, Machine Learning 52, 2003.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from altune.core.errors import RequestError
from altune.core.types import Array
from altune.numerics.crossed import VarianceParts
from altune.numerics.hypothesis_tests import holm
from altune.numerics.samples import paired_samples, sample

ROUNDING = 1e-12
"""A spread this small, relative to the values, counts as rounding."""
LEAST_BLOCKS = 5
"""Number of blocks below which there is no interval, as their spread says too little."""
LEVEL = 0.05
"""A difference is called clear if its p value, adjusted for all that are compared side by side, is at most this."""

Basis = Literal[
    "blocks and rows", "blocks and rows, resampled", "blocks alone", "data sets, blocks and rows, resampled"
]
"""What an interval takes into account."""


@dataclass(frozen=True)
class Interval:
    """A mean over blocks with its confidence interval.

    Attributes
    ----------
    mean : the estimate.
    low, high : ends of the interval; −∞ and ∞ below 5 blocks.
    blocks : number of values.
    basis : what the interval takes into account.
    parts : what the variance consists of, None if that is not known.
    """

    mean: float
    low: float
    high: float
    blocks: int
    basis: Basis = "blocks alone"
    parts: VarianceParts | None = field(default=None, repr=False)

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def within(self, least: float, most: float) -> Interval:
        """Return the interval cut to what is possible."""
        if not self.known:
            return self
        return replace(self, low=min(max(self.low, least), most), high=max(min(self.high, most), least))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; an infinite end is None."""
        plain = _plain({"mean": self.mean, "low": self.low, "high": self.high, "blocks": self.blocks})
        return plain | {"basis": self.basis} | ({} if self.parts is None else {"variance": self.parts.to_dict()})


@dataclass(frozen=True)
class PairedDifference:
    """The mean of a − b over the same blocks, with its interval and test.

    Attributes
    ----------
    mean : mean difference; positive where ``a`` is larger.
    low, high : ends of the 95 % interval of this difference alone; −∞ and ∞ below 5 blocks.
    p : two-sided p value of the hypothesis of no difference, in [0, 1]; 1 below 5 blocks.
    blocks : number of pairs.
    better : share of blocks in which a > b, in [0, 1].
    basis : what the interval takes into account.
    parts : what the variance consists of, None if that is not known.
    error, degrees : standard error and degrees of freedom of the t interval; ``error`` is None for other intervals.
    draws : resampled differences in ascending order, empty for t intervals.
    p_holm : p value adjusted for all differences that are compared side by side, in [0, 1].
    together : ends of the interval of the confidence at which Holm's method tested the difference. Between recipes on
        the same blocks it excludes zero if, and only if, ``p_holm`` is at most 0.05.
    """

    mean: float
    low: float
    high: float
    p: float
    blocks: int
    better: float
    basis: Basis = "blocks alone"
    parts: VarianceParts | None = field(default=None, repr=False)
    error: float | None = field(default=None, repr=False)
    degrees: float = field(default=math.inf, repr=False)
    draws: tuple[float, ...] = field(default=(), repr=False)
    p_holm: float = math.nan
    together: tuple[float, float] = (math.nan, math.nan)

    def __post_init__(self) -> None:
        if math.isnan(self.p_holm):
            object.__setattr__(self, "p_holm", self.p)
            object.__setattr__(self, "together", (self.low, self.high))

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def clear(self) -> bool:
        """Whether the difference is clear among all that are compared side by side; this is the one rule for it."""
        return self.known and self.p_holm <= LEVEL

    @property
    def probability_larger(self) -> float:
        """How likely ``a`` is larger than ``b``, in [0, 1]: one minus the one-sided p value."""
        return 1 - self.p / 2 if self.mean > 0 else self.p / 2

    def ends(self, confidence: float) -> tuple[float, float]:
        """Return the ends of the interval of another confidence, in (0, 1)."""
        if not self.known:
            return self.low, self.high
        if self.draws:
            return resampled_ends(np.array(self.draws), confidence)
        if self.error is None:
            return self.low, self.high
        half = t_quantile(_tails(confidence)[1], self.degrees) * self.error
        return self.mean - half, self.mean + half

    def turned(self) -> PairedDifference:
        """Return b − a."""
        return replace(
            self,
            mean=-self.mean,
            low=-self.high,
            high=-self.low,
            better=1 - self.better,
            draws=tuple(-draw for draw in reversed(self.draws)),
            together=(-self.together[1], -self.together[0]),
        )

    def within(self, least: float, most: float) -> PairedDifference:
        """Return the difference with its intervals cut to what is possible."""
        if not self.known:
            return self
        low, high, *together = (min(max(end, least), most) for end in (self.low, self.high, *self.together))
        return replace(self, low=low, high=high, together=(together[0], together[1]))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; an infinite end is None."""
        numbers = {name: getattr(self, name) for name in ("mean", "low", "high", "p", "blocks", "better", "p_holm")}
        numbers |= {"low_together": self.together[0], "high_together": self.together[1]}
        plain = _plain(numbers) | {"clear": self.clear, "basis": self.basis}
        return plain | ({} if self.parts is None else {"variance": self.parts.to_dict()})


def side_by_side(differences: Sequence[PairedDifference], least: float, most: float) -> list[PairedDifference]:
    """Return differences that are compared side by side, with adjusted p values and intervals.

    The p values are adjusted by Holm's method. The interval of a difference has the confidence at which that method
    tested it, so a picture of the intervals shows what the tests say.

    Parameters
    ----------
    differences : differences of one comparison.
    least, most : least and largest possible difference.
    """
    adjusted = holm([difference.p for difference in differences]).tolist()
    # The first difference that is not rejected is tested at this level, and so are all after it.
    rejected = min(sum(p <= LEVEL for p in adjusted), len(adjusted) - 1)
    order = np.argsort([difference.p for difference in differences], kind="stable").tolist()
    judged = list(differences)
    for rank, index in enumerate(order):
        confidence = 1 - LEVEL / (len(order) - min(rank, rejected))
        together = differences[index].ends(confidence)
        judged[index] = replace(differences[index], p_holm=adjusted[index], together=together).within(least, most)
    return judged


def resampled_ends(draws: Array, confidence: float) -> tuple[float, float]:
    """Return the ends of a percentile interval; infinite where there are too few draws for this confidence.

    They are order statistics, so that zero is outside if, and only if, :func:`resampled_p` is at most
    ``1 - confidence``.

    Parameters
    ----------
    draws : resampled values in ascending order, ``(n_draws,)``.
    confidence : coverage of the interval, in (0, 1).
    """
    rank = math.floor(_tails(confidence)[0] * (len(draws) + 1) + ROUNDING)
    return (float(draws[rank - 1]), float(draws[-rank])) if rank else (-math.inf, math.inf)


def resampled_p(draws: Array) -> float:
    """Return the two-sided p value of the hypothesis that a resampled statistic is 0, in (0, 1].

    >>> resampled_p(np.array([0.1, 0.2, 0.3]))
    0.5
    """
    below, above = np.sum(draws <= 0), np.sum(draws >= 0)
    return float(min(1.0, 2 * (1 + min(below, above)) / (1 + len(draws))))


def over_data_sets(differences: Sequence[PairedDifference]) -> PairedDifference:
    """Return the mean of a difference over data sets that count alike, with their variances combined.

    It speaks of these data sets, not of others. Where a data set has no standard error, there is no interval.

    Parameters
    ----------
    differences : the difference on each data set, one or more; on different rows, so they are independent.
    """
    count, mean = len(differences), float(np.mean([difference.mean for difference in differences]))
    blocks = sum(difference.blocks for difference in differences)
    better = float(np.average([each.better for each in differences], weights=[each.blocks for each in differences]))
    if any(difference.error is None or not difference.known for difference in differences):
        return PairedDifference(mean, -math.inf, math.inf, 1.0, blocks, better)
    variances = [(difference.error or 0.0) ** 2 / count**2 for difference in differences]
    error = math.sqrt(sum(variances))
    spread = sum(variance**2 / difference.degrees for variance, difference in zip(variances, differences, strict=True))
    degrees = error**4 / spread if spread else math.inf
    half = t_quantile(0.975, degrees) * error
    p = float(2 * stats.t.sf(abs(mean) / error, degrees)) if error else float(abs(mean) < ROUNDING)
    basis = differences[0].basis
    return PairedDifference(mean, mean - half, mean + half, p, blocks, better, basis, error=error, degrees=degrees)


def mean_interval(values: ArrayLike, confidence: float = 0.95, *, overlap: float = 0.0) -> Interval:
    """Return the mean of ``(n_blocks,)`` values with Student's t interval.

    Parameters
    ----------
    values : one number per block.
    confidence : coverage of the interval, in (0, 1).
    overlap : n_test / n_train of resampled blocks, which widens the interval (Nadeau and Bengio 2003); 0 for
        independent values.

    >>> mean_interval([1.0, 2.0, 3.0]).mean
    2.0
    """
    x = sample(values)
    spread = _spread(x, float(np.abs(x).max()))
    mean = float(x.mean())
    half = _half_width(spread, len(x), confidence, overlap)
    return Interval(mean, mean - half, mean + half, len(x))


def paired_difference(
    a: ArrayLike, b: ArrayLike, *, overlap: float = 0.0, confidence: float = 0.95
) -> PairedDifference:
    """Return the mean of a − b over the same blocks with the corrected resampled t interval and test.

    The variance of the mean is (1/J + n_test/n_train)·s² over J blocks.

    Parameters
    ----------
    a, b : values on the same blocks, ``(n_blocks,)`` each.
    overlap : n_test / n_train, the rows of a block's test set over those of its pool, 0 or more; 0 for independent
        values.
    confidence : coverage of the interval, in (0, 1).

    Returns
    -------
    PairedDifference
        Equal values give 0 with p = 1. A constant difference gives an interval of width 0 and p = 0. Below 5 blocks
        there is an infinite interval and p = 1.

    Raises
    ------
    RequestError
        If ``a`` and ``b`` have different lengths, there are no values, or a value is not finite.
    """
    left, right = paired_samples(a, b)
    difference = left - right
    scale = float(max(np.abs(left).max(), np.abs(right).max()))
    mean, spread, blocks = float(difference.mean()), _spread(difference, scale), len(difference)
    half = _half_width(spread, blocks, confidence, overlap)
    error = spread * math.sqrt(1 / blocks + overlap)
    if blocks < LEAST_BLOCKS or (spread == 0.0 and abs(mean) <= ROUNDING * scale):
        p = 1.0
    elif spread == 0.0:
        p = 0.0
    else:
        p = float(2 * stats.t.sf(abs(mean) / error, blocks - 1))
    better = float(np.mean(left > right))
    return PairedDifference(mean, mean - half, mean + half, p, blocks, better, error=error, degrees=blocks - 1)


def wilson_interval(hits: int, trials: int, confidence: float = 0.95) -> Interval:
    """Return a share of hits with Wilson's two-sided score interval (JASA 1927), which lies within [0, 1].

    Parameters
    ----------
    hits, trials : ``0 <= hits <= trials``, at least one trial.
    confidence : coverage of the interval, in (0, 1).

    >>> wilson_interval(0, 10).high.__round__(3)
    0.278
    """
    if not 0 <= hits <= trials or trials < 1:
        raise RequestError(f"hits must lie between 0 and a positive number of trials, got {hits} of {trials}")
    low, high = _wilson(hits, trials, float(stats.norm.ppf(_tails(confidence)[1])))
    return Interval(hits / trials, low, high, trials)


def _wilson(hits: int, trials: int, z: float) -> tuple[float, float]:
    share, shrink = hits / trials, 1 + z * z / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, (centre - spread) / shrink), min(1.0, (centre + spread) / shrink)


def t_quantile(share: float, degrees: float) -> float:
    """Return a quantile of Student's t distribution, of the normal one for infinite degrees of freedom."""
    return float(stats.norm.ppf(share) if math.isinf(degrees) else stats.t.ppf(share, degrees))


def _half_width(spread: float, blocks: int, confidence: float, overlap: float) -> float:
    if not overlap >= 0:
        raise RequestError(f"the overlap of blocks must be 0 or more, got {overlap}")
    high = _tails(confidence)[1]
    if blocks < LEAST_BLOCKS:
        return math.inf
    return t_quantile(high, blocks - 1) * spread * math.sqrt(1 / blocks + overlap)


def _spread(x: Array, scale: float) -> float:
    """Return the standard deviation, 0 if it is only rounding."""
    spread = float(x.std(ddof=1)) if len(x) > 1 else 0.0
    return 0.0 if spread <= ROUNDING * scale else spread


def _tails(confidence: float) -> tuple[float, float]:
    if not 0 < confidence < 1:
        raise RequestError(f"confidence must lie between 0 and 1, got {confidence}")
    return (1 - confidence) / 2, (1 + confidence) / 2


def _plain(values: dict[str, float | int]) -> dict[str, float | int | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
