"""Tests of several hypotheses at once, and of paired values over data sets."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from altune.core.errors import RequestError
from altune.core.types import Array
from altune.numerics.samples import paired_samples


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
    left, right = paired_samples(a, b)
    # Rounded, so that differences that are equal up to rounding are tied instead of ranked.
    difference = np.round(left - right, 12)
    if not difference.any():
        return 1.0
    return float(stats.wilcoxon(difference, zero_method="zsplit").pvalue)
