"""Intervals and tests for comparing scores over blocks or data sets: arrays in, numbers out.

Blocks are resampled splits of one data set, so their scores are correlated and the plain t interval is too narrow.
Where the sizes of pool and test set are given, the variance is corrected for this:

    C. Nadeau and Y. Bengio, *Inference for the Generalization Error*, Machine Learning 52, 2003.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from altune.core.errors import RequestError
from altune.core.types import Array

ROUNDING = 1e-12
"""A spread this small, relative to the values, counts as rounding."""


@dataclass(frozen=True)
class Interval:
    """A mean over blocks with its confidence interval.

    Attributes
    ----------
    mean : the estimate.
    low, high : ends of the interval; −∞ and ∞ for a single block.
    blocks : number of values.
    """

    mean: float
    low: float
    high: float
    blocks: int

    def to_dict(self) -> dict[str, float | int | None]:
        """Return JSON values; an infinite end is None."""
        return _plain(asdict(self))


@dataclass(frozen=True)
class PairedDifference:
    """The mean of a − b over the same blocks, with its interval and test.

    Attributes
    ----------
    mean : mean difference; positive where ``a`` is larger.
    low, high : ends of the interval; −∞ and ∞ for a single block.
    p : two-sided p value of the hypothesis of no difference, in [0, 1]; 1 for a single block.
    blocks : number of pairs.
    better : share of blocks in which a > b, in [0, 1].
    """

    mean: float
    low: float
    high: float
    p: float
    blocks: int
    better: float

    def to_dict(self) -> dict[str, float | int | None]:
        """Return JSON values; an infinite end is None."""
        return _plain(asdict(self))


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
    x = _values(values)
    spread = _spread(x, float(np.abs(x).max()))
    mean = float(x.mean())
    half = _half_width(spread, len(x), confidence, overlap)
    return Interval(mean, mean - half, mean + half, len(x))


def paired_difference(
    a: ArrayLike, b: ArrayLike, *, n_train: float, n_test: float, confidence: float = 0.95
) -> PairedDifference:
    """Return the mean of a − b over the same blocks with the corrected resampled t interval and test.

    The variance of the mean is (1/J + n_test/n_train)·s² over J blocks.

    Parameters
    ----------
    a, b : values on the same blocks, ``(n_blocks,)`` each.
    n_train : rows of a block's pool; positive.
    n_test : rows of a block's test set; 0 or more.
    confidence : coverage of the interval, in (0, 1).

    Returns
    -------
    PairedDifference
        Equal values give 0 with p = 1. A constant difference gives an interval of width 0 and p = 0. A single block
        gives an infinite interval and p = 1.

    Raises
    ------
    RequestError
        If ``a`` and ``b`` have different lengths, there are no values, a value is not finite, or a size is impossible.
    """
    left, right = _paired(a, b)
    if not n_train > 0 or not n_test >= 0:
        raise RequestError(f"n_train must be positive and n_test must be 0 or more, got {n_train} and {n_test}")
    difference = left - right
    scale = float(max(np.abs(left).max(), np.abs(right).max()))
    mean, spread, blocks = float(difference.mean()), _spread(difference, scale), len(difference)
    overlap = n_test / n_train
    half = _half_width(spread, blocks, confidence, overlap)
    if blocks == 1 or (spread == 0.0 and abs(mean) <= ROUNDING * scale):
        p = 1.0
    elif spread == 0.0:
        p = 0.0
    else:
        p = float(2 * stats.t.sf(abs(mean) / (spread * math.sqrt(1 / blocks + overlap)), blocks - 1))
    return PairedDifference(mean, mean - half, mean + half, p, blocks, float(np.mean(left > right)))


def holm(p_values: ArrayLike) -> Array:
    """Return p values adjusted for multiple testing, ``(n_tests,)``, in the given order.

    Source: S. Holm, *A Simple Sequentially Rejective Multiple Test Procedure*, Scand. J. Statistics 6, 1979.

    >>> holm([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise RequestError("p values must be a flat list of numbers between 0 and 1")
    order = np.argsort(p, kind="stable")
    stepped = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    adjusted = np.empty_like(p)
    adjusted[order] = stepped
    return adjusted


def wilcoxon_signed_rank(a: ArrayLike, b: ArrayLike) -> float:
    """Return the two-sided p value of Wilcoxon's signed-rank test over data sets, with one pair per data set.

    Equal pairs count half for each side (J. Demšar, *Statistical Comparisons of Classifiers over Multiple Data Sets*,
    JMLR 7, 2006). If all pairs are equal, p is 1.
    """
    left, right = _paired(a, b)
    # Rounded, so that differences that are equal up to rounding are tied instead of ranked.
    difference = np.round(left - right, 12)
    if not difference.any():
        return 1.0
    return float(stats.wilcoxon(difference, zero_method="zsplit").pvalue)


def wilson_low(hits: int, trials: int, confidence: float = 0.95) -> float:
    """Return Wilson's one-sided lower bound of a share of hits (JASA 1927), in [0, 1].

    Parameters
    ----------
    hits, trials : ``0 <= hits <= trials``, at least one trial.
    confidence : one-sided confidence, in (0.5, 1).

    >>> round(wilson_low(9, 10, 0.975), 3)
    0.596
    """
    return _wilson(hits, trials, float(stats.norm.ppf(confidence)))[0]


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


def bootstrap_low(values: ArrayLike, confidence: float, rng: np.random.Generator, resamples: int = 1000) -> float:
    """Return the one-sided lower bound of a mean by the percentile bootstrap (Efron & Tibshirani 1993).

    Parameters
    ----------
    values : ``(n_values,)``.
    confidence : one-sided confidence, in (0.5, 1).
    rng : draws the resamples.
    resamples : number of resamples.
    """
    x = _finite(values)
    means = rng.choice(x, size=(resamples, len(x))).mean(axis=1)
    return float(np.quantile(means, 1 - confidence))


def _wilson(hits: int, trials: int, z: float) -> tuple[float, float]:
    share, shrink = hits / trials, 1 + z * z / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, (centre - spread) / shrink), min(1.0, (centre + spread) / shrink)


def _half_width(spread: float, blocks: int, confidence: float, overlap: float) -> float:
    high = _tails(confidence)[1]
    if blocks == 1:
        return math.inf
    return float(stats.t.ppf(high, blocks - 1)) * spread * math.sqrt(1 / blocks + overlap)


def _spread(x: Array, scale: float) -> float:
    """Return the standard deviation, 0 if it is only rounding."""
    spread = float(x.std(ddof=1)) if len(x) > 1 else 0.0
    return 0.0 if spread <= ROUNDING * scale else spread


def _tails(confidence: float) -> tuple[float, float]:
    if not 0 < confidence < 1:
        raise RequestError(f"confidence must lie between 0 and 1, got {confidence}")
    return (1 - confidence) / 2, (1 + confidence) / 2


def _finite(values: ArrayLike) -> Array:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim == 0 or x.size == 0:
        raise RequestError("a statistic needs at least one value, got none")
    if not np.isfinite(x).all():
        raise RequestError("a statistic needs finite values, got NaN or infinity")
    return x


def _values(values: ArrayLike) -> Array:
    x = _finite(values)
    if x.ndim != 1:
        raise RequestError(f"expected one value per block, got an array of shape {x.shape}")
    return x


def _paired(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    left, right = _values(a), _values(b)
    if len(left) != len(right):
        raise RequestError(f"paired values need the same blocks, got {len(left)} and {len(right)}")
    return left, right


def _plain(values: dict[str, float | int]) -> dict[str, float | int | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
