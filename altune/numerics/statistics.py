"""Comparing honestly: arrays in, numbers out.

Blocks are resampled splits of one data set, so their scores are correlated and the plain t interval is too
narrow. Wherever the sizes of the two parts are known, the variance is corrected for it:

    C. Nadeau and Y. Bengio, *Inference for the Generalization Error*, Machine Learning 52, 2003.

This module knows nothing of curves or recipes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from altune.core.errors import RequestError

Array = NDArray[np.float64]

ROUNDING = 1e-12
"""A spread this small, relative to the values, is rounding and not chance."""


@dataclass(frozen=True)
class Interval:
    """A mean over blocks with its confidence interval.

    Attributes
    ----------
    mean : the estimate.
    low, high : ends of the interval; −∞ and ∞ where a single block says nothing of chance.
    blocks : number of values behind it.
    """

    mean: float
    low: float
    high: float
    blocks: int

    def to_dict(self) -> dict[str, float | int | None]:
        """Return plain JSON values; an infinite end is None."""
        return _plain(asdict(self))


@dataclass(frozen=True)
class PairedDifference:
    """The mean of a − b over the same blocks, with its interval and test.

    Attributes
    ----------
    mean : mean difference; positive where ``a`` is larger.
    low, high : ends of the interval; −∞ and ∞ for a single block.
    p : two-sided p value of no difference, in [0, 1]; 1 for a single block, which says nothing of chance.
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
        """Return plain JSON values; an infinite end is None."""
        return _plain(asdict(self))


def mean_interval(values: ArrayLike, confidence: float = 0.95, *, overlap: float = 0.0) -> Interval:
    """Return the mean of ``(n_blocks,)`` values with Student's t interval.

    Parameters
    ----------
    values : one number for each block.
    confidence : coverage wanted, in (0, 1).
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
    a, b : values of the two sides on the same blocks, each ``(n_blocks,)``.
    n_train : rows that a block could learn from: its pool; positive.
    n_test : rows that a block was scored on; 0 or more.
    confidence : coverage wanted, in (0, 1).

    Returns
    -------
    PairedDifference
        Equal sides give 0 with p = 1; a constant difference collapses the interval and gives p = 0; a
        single block gives an infinite interval and p = 1.

    Raises
    ------
    RequestError
        For sides of different lengths, no or non-finite values, or sizes that cannot be.
    """
    left, right = _paired(a, b)
    if not n_train > 0 or not n_test >= 0:
        raise RequestError(f"n_train must be positive and n_test 0 or more, got {n_train} and {n_test}")
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
    """Return p values adjusted for testing all of them, ``(n_tests,)``, in the given order.

    Source: S. Holm, *A Simple Sequentially Rejective Multiple Test Procedure*, Scand. J. Statistics 6, 1979.

    >>> holm([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise RequestError("p values must be a flat list of numbers in [0, 1]")
    order = np.argsort(p, kind="stable")
    stepped = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    adjusted = np.empty_like(p)
    adjusted[order] = stepped
    return adjusted


def wilcoxon_signed_rank(a: ArrayLike, b: ArrayLike) -> float:
    """Return the two-sided p value of Wilcoxon's signed-rank test over many data sets, one pair for each.

    Pairs that are equal count half for either side (J. Demšar, *Statistical Comparisons of Classifiers over
    Multiple Data Sets*, JMLR 7, 2006); where all are equal p is 1.
    """
    left, right = _paired(a, b)
    # Rounded, so that differences that are equal on paper are ties and not an order made of rounding errors.
    difference = np.round(left - right, 12)
    if not difference.any():
        return 1.0
    return float(stats.wilcoxon(difference, zero_method="zsplit").pvalue)


def bootstrap_interval(
    values: ArrayLike,
    statistic: Callable[[Array], float],
    rng: np.random.Generator,
    n: int = 2000,
    confidence: float = 0.95,
) -> Interval:
    """Return ``statistic(values)`` with the percentile interval over ``n`` resamples of the first axis.

    Parameters
    ----------
    values : ``(n_blocks,)`` or ``(n_blocks, …)``; whole blocks are drawn with replacement.
    statistic : from an array of the same shape to one number.
    rng : the only source of randomness.
    n : resamples, 1 or more.
    confidence : coverage wanted, in (0, 1).

    Returns
    -------
    Interval
        ``mean`` holds the statistic of the values as they are. A single block gives an infinite interval.
    """
    x = _finite(values)
    low, high = _tails(confidence)
    if n < 1:
        raise RequestError(f"a bootstrap needs 1 resample or more, got {n}")
    blocks = len(x)
    if blocks == 1:
        return Interval(float(statistic(x)), -math.inf, math.inf, 1)
    draws = rng.integers(blocks, size=(n, blocks))
    ends = np.quantile([statistic(x[draw]) for draw in draws], [low, high])
    return Interval(float(statistic(x)), float(ends[0]), float(ends[1]), blocks)


def quantile(values: ArrayLike, level: float) -> float:
    """Return the ``level`` quantile over blocks, linearly interpolated; ``level`` in [0, 1].

    >>> quantile([0.0, 1.0, 2.0], 0.25)
    0.5
    """
    x = _values(values)
    if not 0 <= level <= 1:
        raise RequestError(f"a quantile's level must lie in [0, 1], got {level}")
    return float(np.quantile(x, level))


def cvar(values: ArrayLike, level: float = 0.1) -> float:
    """Return the mean of the worst ``level`` share of the blocks (the lowest values); ``level`` in (0, 1].

    A block that the share cuts counts by its part, so that the result moves smoothly with ``level``.
    Source: R. T. Rockafellar and S. Uryasev, *Optimization of Conditional Value-at-Risk*, J. of Risk 2, 2000.

    >>> cvar([4.0, 1.0, 3.0, 2.0], level=0.375)
    1.3333333333333333
    """
    x = np.sort(_values(values))
    if not 0 < level <= 1:
        raise RequestError(f"the level of CVaR must lie in (0, 1], got {level}")
    weights = np.clip(level * len(x) - np.arange(len(x)), 0.0, 1.0)
    return float(weights @ x / weights.sum())


def shrunken_mean(values: ArrayLike) -> Array:
    """Return each recipe's mean, drawn towards the mean of all by as much as the blocks are noise.

    The best of many noisy means is too good (the winner's curse). μ̂ = x̄ + τ²/(τ² + s²/S)·(x̄ᵢ − x̄) with
    S blocks, τ² the variance between recipes and s² the one within, both estimated from the table by
    moments. Blocks are shared, so what they do to all recipes alike is no noise: s² is what is left after
    removing recipe and block means.

    Parameters
    ----------
    values : ``(n_recipes, n_blocks)``, at least 2 by 2.

    Returns
    -------
    ``(n_recipes,)``, in the given order.
    """
    table = _finite(values)
    if table.ndim != 2 or min(table.shape) < 2:
        raise RequestError(f"shrinking needs 2 recipes on 2 blocks or more, got a table of shape {table.shape}")
    recipes, blocks = table.shape
    means = table.mean(axis=1)
    rest = table - means[:, None] - table.mean(axis=0) + table.mean()
    noise = float((rest**2).sum()) / ((recipes - 1) * (blocks - 1)) / blocks
    between = max(0.0, float(means.var(ddof=1)) - noise)
    weight = between / (between + noise) if between > 0 else 0.0
    shrunken: Array = means.mean() + weight * (means - means.mean())
    return shrunken


def probability_of_improvement(a: ArrayLike, b: ArrayLike) -> float:
    """Return P(A > B): the share of blocks in which a > b, a tie counting half; above .75 is worth having.

    Source: X. Bouthillier et al., *Accounting for Variance in Machine Learning Benchmarks*, MLSys 2021.

    >>> probability_of_improvement([3, 2, 1, 1], [1, 1, 1, 2])
    0.625
    """
    left, right = _paired(a, b)
    return float(np.mean((left > right) + 0.5 * (left == right)))


def wilson_low(hits: int, trials: int, confidence: float = 0.95) -> float:
    """Return the one-sided lower bound of a share of hits (Wilson, JASA 1927), in [0, 1].

    Parameters
    ----------
    hits, trials : ``0 <= hits <= trials``, at least one trial.
    confidence : one-sided, in (0.5, 1).

    >>> round(wilson_low(9, 10, 0.975), 3)
    0.596
    """
    return _wilson(hits, trials, float(stats.norm.ppf(confidence)))[0]


def wilson_interval(hits: int, trials: int, confidence: float = 0.95) -> Interval:
    """Return a share of hits with Wilson's two-sided score interval (JASA 1927), which stays within [0, 1].

    Parameters
    ----------
    hits, trials : ``0 <= hits <= trials``, at least one trial.
    confidence : coverage wanted, in (0, 1).

    >>> wilson_interval(0, 10).high.__round__(3)
    0.278
    """
    if not 0 <= hits <= trials or trials < 1:
        raise RequestError(f"a share needs 0 to trials hits and one trial or more, got {hits} of {trials}")
    low, high = _wilson(hits, trials, float(stats.norm.ppf(_tails(confidence)[1])))
    return Interval(hits / trials, low, high, trials)


def bootstrap_low(values: ArrayLike, confidence: float, rng: np.random.Generator, resamples: int = 1000) -> float:
    """Return the one-sided lower bound of a mean by the percentile bootstrap (Efron & Tibshirani 1993)."""
    x = _finite(values)
    means = rng.choice(x, size=(resamples, len(x))).mean(axis=1)
    return float(np.quantile(means, 1 - confidence))


def _wilson(hits: int, trials: int, z: float) -> tuple[float, float]:
    share, shrink = hits / trials, 1 + z * z / trials
    middle = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, (middle - spread) / shrink), min(1.0, (middle + spread) / shrink)


def _half_width(spread: float, blocks: int, confidence: float, overlap: float) -> float:
    high = _tails(confidence)[1]
    if blocks == 1:
        return math.inf
    return float(stats.t.ppf(high, blocks - 1)) * spread * math.sqrt(1 / blocks + overlap)


def _spread(x: Array, scale: float) -> float:
    """Return the standard deviation, 0 where it is mere rounding."""
    spread = float(x.std(ddof=1)) if len(x) > 1 else 0.0
    return 0.0 if spread <= ROUNDING * scale else spread


def _tails(confidence: float) -> tuple[float, float]:
    if not 0 < confidence < 1:
        raise RequestError(f"confidence must lie between 0 and 1, got {confidence}")
    return (1 - confidence) / 2, (1 + confidence) / 2


def _finite(values: ArrayLike) -> Array:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim == 0 or x.size == 0:
        raise RequestError("there are no values to take a statistic of")
    if not np.isfinite(x).all():
        raise RequestError("a statistic needs finite values; there is a NaN or an infinity among them")
    return x


def _values(values: ArrayLike) -> Array:
    x = _finite(values)
    if x.ndim != 1:
        raise RequestError(f"expected one value for each block, got an array of shape {x.shape}")
    return x


def _paired(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    left, right = _values(a), _values(b)
    if len(left) != len(right):
        raise RequestError(f"paired values need the same blocks, got {len(left)} and {len(right)}")
    return left, right


def _plain(values: dict[str, float | int]) -> dict[str, float | int | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
