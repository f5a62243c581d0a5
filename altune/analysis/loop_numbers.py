"""The numbers of :mod:`altune.analysis.loops`, from learning curves and the true labels of a data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from altune.analysis.loops import AuditFacts, ClassBalance, LoopFacts, Measure, Series, Uncertainty
from altune.recording import GROUPS, HIGH, LOW, MEASURES, STATISTICS, WRONG_SUSPECTS, uncertainty_key

if TYPE_CHECKING:
    from altune.curve import LearningCurve
    from altune.data import Dataset
    from altune.data.blocks import Block
    from altune.recipe import Recipe

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

MOST_LOOPS = 60
MOST_CLASSES = 10
CHANCE_DRAWS = 200
DIGITS = 5


def loop_facts(
    recipe: Recipe,
    dataset: Dataset,
    metric: str,
    blocks: Sequence[Block],
    curves: Sequence[LearningCurve],
    recorded: Sequence[LearningCurve],
    rng: np.random.Generator,
) -> LoopFacts:
    """Return what each loop did, without the map and the stopping rules.

    Parameters
    ----------
    recipe : what was played.
    dataset : with the true labels.
    metric : what scores are of.
    blocks, curves : the blocks and the recipe's learning curves on them.
    recorded : curves on some of them with what :mod:`altune.recording` notes.
    rng : for the balance that chance would give.
    """
    lengths = np.array([len(curve) for curve in curves])
    loops = _kept(int(lengths.max()))
    wrong = [_facts(curve, "wrong_labels_used", 0.0) for curve in curves]
    return LoopFacts(
        data=dataset.name,
        recipe=recipe.describe(),
        metric=metric,
        blocks=len(curves),
        loops=tuple(loops.tolist()),
        reached=tuple((lengths[:, None] > loops).sum(axis=0).tolist()),
        labels=series_of([curve.labels for curve in curves], loops),
        rows=series_of([curve.loop_rows for curve in curves], loops),
        used=series_of([curve.used for curve in curves], loops),
        steady=_steady(curves),
        balance=_balance(dataset, blocks, curves, loops, rng),
        wrong_used=series_of(wrong, loops) if any(one.any() for one in wrong) else None,
        audit=_audit(recipe, recorded, loops) if recipe.labeling.audit != "none" else None,
        uncertainty=_uncertainty(recorded, loops),
    )


def series_of(values: Sequence[Array | Counts], loops: Counts) -> Series:
    """Return one number of each loop over blocks that may have different numbers of loops.

    Parameters
    ----------
    values : for each block one number of each of its loops, NaN where there is none.
    loops : the loops that are kept, increasing.

    Examples
    --------
    >>> series_of([np.array([1.0, 2.0]), np.array([3.0])], np.array([0, 1])).mean
    (2.0, 2.0)
    """
    table = _table(values, loops)
    low, high = _over_blocks(table, lambda own: np.quantile(own, (LOW, HIGH)), 2).T
    return Series(_plain(_over_blocks(table, np.mean, 1)[:, 0]), _plain(low), _plain(high))


def class_counts(curve: LearningCurve, y: Counts, n_classes: int) -> Counts:
    """Return how many rows of each true class each loop bought, ``(n_loops, n_classes)``."""
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
    """Return KL(bought ‖ pool) in nats for rows of class counts, ``(n,)`` of ``(n, n_classes)``.

    >>> divergence(np.array([[1, 1], [2, 0]]), np.array([50, 50])).round(4).tolist()
    [0.0, 0.6931]
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    own = pool / pool.sum()
    ratio = np.where(shares > 0, shares, 1.0) / np.where(shares > 0, own, 1.0)
    result: Array = np.einsum("ij,ij->i", shares, np.log(ratio))
    return result


def by_chance(pool: Counts, sizes: Sequence[int], rng: np.random.Generator) -> list[float]:
    """Return the mean divergence from the pool of so many rows drawn at random without replacement."""
    found = []
    for size in sizes:
        drawn = rng.multivariate_hypergeometric(pool, min(size, int(pool.sum())), size=CHANCE_DRAWS, method="marginals")
        found.append(float(divergence(drawn, pool).mean()))
    return found


def _balance(
    dataset: Dataset,
    blocks: Sequence[Block],
    curves: Sequence[LearningCurve],
    loops: Counts,
    rng: np.random.Generator,
) -> ClassBalance:
    k = dataset.n_classes
    pools = np.array([np.bincount(dataset.y[block.pool], minlength=k) for block in blocks])
    new = [class_counts(curve, dataset.y, k) for curve in curves]
    bought = [counts.cumsum(axis=0) for counts in new]
    order, names = _classes(dataset, pools)
    shares = [[_shares(_gathered(counts, order)) for counts in own] for own in (bought, new)]
    middle = curves[int(np.argmax([len(curve) for curve in curves]))]
    sizes = np.cumsum(middle.loop_rows)[loops].tolist()
    return ClassBalance(
        classes=names,
        pool=tuple(np.round(_shares(_gathered(pools, order)).mean(axis=0), DIGITS).tolist()),
        bought=tuple(series_of([one[:, place] for one in shares[0]], loops) for place in range(len(names))),
        new=tuple(series_of([one[:, place] for one in shares[1]], loops) for place in range(len(names))),
        evenness=series_of([evenness(counts) for counts in bought], loops),
        pool_evenness=round(float(evenness(pools).mean()), DIGITS),
        imbalance=series_of([divergence(counts, pool) for counts, pool in zip(bought, pools, strict=True)], loops),
        by_chance=tuple(np.round(by_chance(pools[0], sizes, rng), DIGITS).tolist()),
    )


def _classes(dataset: Dataset, pools: Counts) -> tuple[list[NDArray[np.intp]], tuple[str, ...]]:
    """Return codes of the classes that are told apart, the last of them all others together, and their names."""
    order = np.argsort(-pools.sum(axis=0), kind="stable")
    most = len(order) if len(order) <= MOST_CLASSES else MOST_CLASSES - 1
    first, rest = np.sort(order[:most]), order[most:]
    names = tuple(str(dataset.classes[code]) for code in first)
    alone = [np.array([code]) for code in first]
    return ([*alone, rest], (*names, f"{len(rest)} other classes")) if len(rest) else (alone, names)


def _gathered(counts: Counts, groups: Sequence[NDArray[np.intp]]) -> Counts:
    return np.stack([counts[:, codes].sum(axis=1) for codes in groups], axis=1)


def _shares(counts: Counts) -> Array:
    """Return shares of each row; NaN where a loop bought no new row."""
    sums = counts.sum(axis=1, keepdims=True)
    return np.where(sums > 0, counts / np.maximum(sums, 1), np.nan)


def _steady(curves: Sequence[LearningCurve]) -> bool:
    """Return whether loops differ in size by no more than what spreads rows evenly, the last of each block aside."""
    sizes = [size for curve in curves for size in curve.loop_rows[1:-1].tolist()]
    return not sizes or max(sizes) - min(sizes) <= 1


def _audit(recipe: Recipe, recorded: Sequence[LearningCurve], loops: Counts) -> AuditFacts | None:
    if not recorded:
        return None

    def told(name: str) -> Series:
        return series_of([_facts(curve, name, 0.0) for curve in recorded], loops)

    dropping = recipe.labeling.action == "drop"
    return AuditFacts(
        detector=recipe.labeling.audit,
        action=recipe.labeling.action,
        blocks=len(recorded),
        suspects=told("audit_suspects"),
        right=told(WRONG_SUSPECTS),
        bought_again=told("labels_bought_again"),
        corrected=told("labels_corrected"),
        wrong_bought=series_of([_wrong_bought(curve, dropping) for curve in recorded], loops),
        wrong_used=told("wrong_labels_used"),
    )


def _wrong_bought(curve: LearningCurve, dropping: bool) -> Array:
    """Return the share of wrong labels among the rows bought, those that are left out of training included."""
    wrong = _facts(curve, "wrong_labels_used", 0.0) * curve.used
    left_out = np.zeros((2, len(curve)))
    if dropping:
        # Between two audits the suspects of the last one stay out.
        suspects, right = _facts(curve, "audit_suspects", np.nan), _facts(curve, WRONG_SUSPECTS, np.nan)
        latest = np.maximum.accumulate(np.where(np.isnan(suspects), -1, np.arange(len(curve))))
        known = latest >= 0
        left_out[:, known] = suspects[latest[known]], right[latest[known]]
    return (wrong + np.nan_to_num(left_out[1])) / np.maximum(curve.used + left_out[0], 1)


def _uncertainty(recorded: Sequence[LearningCurve], loops: Counts) -> Uncertainty | None:
    measures = []
    for name in MEASURES:
        groups = []
        for group in GROUPS:
            means = [
                _plain(
                    _over_blocks(
                        _table([_facts(one, uncertainty_key(group, name, what)) for one in recorded], loops), np.mean, 1
                    )[:, 0]
                )
                for what in STATISTICS
            ]
            groups.append(Series(*means))
        measures.append(Measure(name, *groups))
    if all(value is None for measure in measures for value in measure.picked.mean):
        return None
    return Uncertainty(len(recorded), tuple(measures))


def _facts(curve: LearningCurve, name: str, absent: float = np.nan) -> Array:
    return np.array([facts.get(name, absent) for facts in curve.facts], dtype=np.float64)


def _kept(count: int) -> Counts:
    if count <= MOST_LOOPS:
        return np.arange(count, dtype=np.int64)
    return np.unique(np.linspace(0, count - 1, MOST_LOOPS).round().astype(np.int64))


def _table(values: Sequence[Array | Counts], loops: Counts) -> Array:
    """Return one row for each block and one column for each loop kept, NaN where there is no number."""
    table = np.full((len(values), len(loops)), np.nan)
    for row, own in zip(table, values, strict=True):
        inside = loops < len(own)
        row[inside] = np.asarray(own, dtype=np.float64)[loops[inside]]
    return table


def _over_blocks(table: Array, number: Callable[[Array], Array], width: int) -> Array:
    """Return what ``number`` says of the known values of each column, ``(n_loops, width)``, NaN where none is."""
    found = np.full((table.shape[1], width), np.nan)
    for place, column in enumerate(table.T):
        known = column[np.isfinite(column)]
        if len(known):
            found[place] = number(known)
    return found


def _plain(values: Array) -> tuple[float | None, ...]:
    return tuple(round(value, DIGITS) if np.isfinite(value) else None for value in values.tolist())
