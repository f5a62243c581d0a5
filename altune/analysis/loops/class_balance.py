"""The true classes of the rows that a recipe bought, loop by loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from altune.analysis.loops.series import DIGITS, Array, Counts, Series, series_of

if TYPE_CHECKING:
    from altune.data import Dataset
    from altune.data.blocks import Block
    from altune.simulation.curve import LearningCurve

MOST_CLASSES = 10
CHANCE_DRAWS = 200


@dataclass(frozen=True)
class ClassBalance:
    """The true classes of the rows bought.

    Attributes
    ----------
    classes : names in the data set's order; of more than ten, the nine with most pool rows, and all others together.
    others : number of classes that the last name sums up; 0 if it is a class.
    pool : share of each class in the pool.
    bought : share of each class among all rows bought so far.
    new : share of each class among the rows of the loop.
    evenness : entropy of the classes bought so far as a share of ln K; 1 if all K classes are equally frequent.
    pool_evenness : the evenness of the pool.
    imbalance : divergence KL(bought so far ‖ pool) in nats, over all K classes; 0 if both have the same shares.
    by_chance : mean imbalance of the same number of rows drawn at random.
    """

    classes: tuple[str, ...]
    others: int
    pool: tuple[float, ...]
    bought: tuple[Series, ...]
    new: tuple[Series, ...]
    evenness: Series
    pool_evenness: float
    imbalance: Series
    by_chance: tuple[float, ...]


def class_counts(curve: LearningCurve, y: Counts, n_classes: int) -> Counts:
    """Return the number of rows of each true class that each loop bought, ``(n_loops, n_classes)``."""
    loop = np.repeat(np.arange(len(curve)), curve.loop_rows)
    counts: Counts = np.bincount(loop * n_classes + y[curve.rows], minlength=len(curve) * n_classes)
    return counts.reshape(len(curve), n_classes)


def evenness(counts: Array | Counts) -> Array:
    """Return the entropy of class counts as a share of ln K, ``(n,)`` of ``(n, n_classes)``.

    >>> evenness(np.array([[2, 2], [4, 0]])).tolist()
    [1.0, 0.0]
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    logs = np.log(np.where(shares > 0, shares, 1.0))
    result: Array = np.abs(np.einsum("ij,ij->i", shares, logs)) / np.log(counts.shape[1])
    return result


def divergence(counts: Array | Counts, pool: Array | Counts) -> Array:
    """Return KL(bought ‖ pool) in nats of class counts, ``(n,)`` of ``(n, n_classes)``.

    >>> divergence(np.array([[1, 1], [2, 0]]), np.array([50, 50])).round(4).tolist()
    [0.0, 0.6931]
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    pool_shares = pool / pool.sum()
    ratio = np.where(shares > 0, shares, 1.0) / np.where(shares > 0, pool_shares, 1.0)
    result: Array = np.einsum("ij,ij->i", shares, np.log(ratio))
    return result


def by_chance(pool: Counts, sizes: Sequence[int], rng: np.random.Generator) -> list[float]:
    """Return the mean divergence from the pool of rows drawn at random without replacement, for each sample size."""
    means = []
    for size in sizes:
        drawn = rng.multivariate_hypergeometric(pool, min(size, int(pool.sum())), size=CHANCE_DRAWS, method="marginals")
        means.append(float(divergence(drawn, pool).mean()))
    return means


def balance_of(
    dataset: Dataset,
    blocks: Sequence[Block],
    curves: Sequence[LearningCurve],
    loops: Counts,
    rng: np.random.Generator,
) -> ClassBalance:
    """Return the true classes of the rows that each loop bought.

    Parameters are those of :func:`altune.analysis.loops.numbers.loop_facts`; ``loops`` are the loops to keep.
    """
    k = dataset.n_classes
    pools = np.array([np.bincount(dataset.y[block.pool], minlength=k) for block in blocks])
    new = [class_counts(curve, dataset.y, k) for curve in curves]
    bought = [counts.cumsum(axis=0) for counts in new]
    groups, names = _classes(dataset, pools)
    bought_shares, new_shares = (
        [_shares(_summed(counts, groups)) for counts in of_blocks] for of_blocks in (bought, new)
    )
    longest = curves[int(np.argmax([len(curve) for curve in curves]))]
    sizes = np.cumsum(longest.loop_rows)[loops].tolist()
    return ClassBalance(
        classes=names,
        others=k - len(names) + 1 if k > len(names) else 0,
        pool=tuple(np.round(_shares(_summed(pools, groups)).mean(axis=0), DIGITS).tolist()),
        bought=tuple(series_of([shares[:, group] for shares in bought_shares], loops) for group in range(len(names))),
        new=tuple(series_of([shares[:, group] for shares in new_shares], loops) for group in range(len(names))),
        evenness=series_of([evenness(counts) for counts in bought], loops),
        pool_evenness=round(float(evenness(pools).mean()), DIGITS),
        imbalance=series_of([divergence(counts, pool) for counts, pool in zip(bought, pools, strict=True)], loops),
        by_chance=tuple(np.round(by_chance(pools[0], sizes, rng), DIGITS).tolist()),
    )


def _classes(dataset: Dataset, pools: Counts) -> tuple[list[NDArray[np.intp]], tuple[str, ...]]:
    """Return groups of class codes and their names: each frequent class alone, and all others together."""
    order = np.argsort(-pools.sum(axis=0), kind="stable")
    most = len(order) if len(order) <= MOST_CLASSES else MOST_CLASSES - 1
    first, rest = np.sort(order[:most]), order[most:]
    names = tuple(str(dataset.classes[code]) for code in first)
    alone = [np.array([code]) for code in first]
    return ([*alone, rest], (*names, f"{len(rest)} other classes")) if len(rest) else (alone, names)


def _summed(counts: Counts, groups: Sequence[NDArray[np.intp]]) -> Counts:
    return np.stack([counts[:, codes].sum(axis=1) for codes in groups], axis=1)


def _shares(counts: Counts) -> Array:
    """Return the shares of each loop; NaN if it bought no row."""
    sums = counts.sum(axis=1, keepdims=True)
    return np.where(sums > 0, counts / np.maximum(sums, 1), np.nan)
