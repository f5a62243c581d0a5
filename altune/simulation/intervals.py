"""Intervals of objectives over blocks: of the mean of a recipe, and of the difference of two recipes.

Which rule applies depends on what the curves hold.

- Blocks that share their test rows have scores by unit of them. An objective that is linear in the scores is a mean
  over blocks × units; its variance has parts of both (:mod:`altune.numerics.crossed`). For any other objective and for
  a risk, blocks and units are resampled.
  Units are test rows or groups of them; if the data have groups, no unit separates their rows.
- Without scores by unit (blocks with test rows of their own, curves stored by an earlier version, models refitted on a
  grid), the interval is by the blocks alone, corrected for pools that share rows (Nadeau and Bengio 2003).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from altune.core.types import Array
from altune.numerics.crossed import VarianceParts, likeness, resampled_blocks_and_units, variance_parts
from altune.numerics.statistics import (
    LEAST_BLOCKS,
    Interval,
    PairedDifference,
    mean_interval,
    paired_difference,
    resampled_ends,
    resampled_p,
    t_quantile,
)
from altune.simulation.curve import Counts, LearningCurve
from altune.simulation.objectives import Objective

CONFIDENCE = 0.95
_SAME = 1e-12
"""A difference this small is rounding."""
_RESAMPLED_CURVES = 400
"""Resamples of objectives that are computed from each resampled curve, which takes some time."""


def estimated_mean(
    objective: Objective,
    curves: Sequence[LearningCurve],
    references: Sequence[LearningCurve] | None = None,
    overlap: float = 0.0,
) -> Interval:
    """Return an objective over blocks with its 95 % interval.

    Parameters
    ----------
    objective : what is measured of a curve, and by which risk blocks are summarised.
    curves : one curve per block.
    references : curves of random sampling on the same blocks, if the objective is measured against them.
    overlap : n_test / n_train of the blocks, for intervals by blocks alone.

    Returns
    -------
    Interval
        Below 5 blocks it is infinite. Ends are within what the objective can be.
    """
    values = objective.each(curves, references)
    mean, blocks = objective.over_blocks(values), len(values)
    draws = _draws(objective, curves, references) if blocks >= LEAST_BLOCKS else None
    if blocks < LEAST_BLOCKS:
        interval = Interval(mean, -np.inf, np.inf, blocks)
    elif draws is not None:
        interval = Interval(mean, *resampled_ends(np.sort(draws), CONFIDENCE), blocks, "blocks and rows, resampled")
    elif (table := unit_table(objective, curves, values)) is not None:
        parts = _variance_parts(objective, table, curves, row_weights(objective, curves), overlap)
        half = t_quantile((1 + CONFIDENCE) / 2, parts.degrees) * parts.error
        interval = Interval(mean, mean - half, mean + half, blocks, "blocks and rows", parts)
    else:
        interval = replace(mean_interval(values, CONFIDENCE, overlap=overlap), mean=mean)
    return interval.within(*objective.bounds)


def estimated_difference(
    objective: Objective,
    a: Sequence[LearningCurve],
    b: Sequence[LearningCurve],
    references: Sequence[LearningCurve] | None = None,
    overlap: float = 0.0,
) -> PairedDifference:
    """Return the difference of an objective between two recipes on the same blocks, with its 95 % interval and test.

    Parameters
    ----------
    objective : what is measured of a curve, and by which risk blocks are summarised.
    a, b : curves of the two recipes on the same blocks in the same order.
    references : curves of random sampling on these blocks, if the objective is measured against them.
    overlap : n_test / n_train of the blocks, for intervals by blocks alone.
    """
    left, right = objective.each(a, references), objective.each(b, references)
    alone = paired_difference(left, right, overlap=overlap, confidence=CONFIDENCE)
    least, most = objective.bounds
    if alone.blocks >= LEAST_BLOCKS:
        alone = _by_rows(objective, (a, b), references, (left, right), alone, overlap)
    return alone.within(least - most, most - least)


def _by_rows(
    objective: Objective,
    curves: tuple[Sequence[LearningCurve], Sequence[LearningCurve]],
    references: Sequence[LearningCurve] | None,
    values: tuple[Array, Array],
    alone: PairedDifference,
    overlap: float,
) -> PairedDifference:
    """Return a difference with an interval by blocks and rows where the curves allow it, else as it is."""
    (a, b), (left, right), blocks, better = curves, values, alone.blocks, alone.better
    draws_a, draws_b = _draws(objective, a, references), _draws(objective, b, references)
    if draws_a is not None and draws_b is not None:
        mean, draws = objective.over_blocks(left) - objective.over_blocks(right), np.sort(draws_a - draws_b)
        return PairedDifference(
            mean,
            *resampled_ends(draws, CONFIDENCE),
            resampled_p(draws),
            blocks,
            better,
            "blocks and rows, resampled",
            draws=tuple(draws.tolist()),
        )
    table_a, table_b = unit_table(objective, a, left), unit_table(objective, b, right)
    if table_a is None or table_b is None:
        return alone
    table = table_a - table_b
    weights = row_weights(objective, a, b)
    parts = _variance_parts(objective, table, a, weights, overlap)
    error, mean = parts.error, alone.mean
    half = t_quantile((1 + CONFIDENCE) / 2, parts.degrees) * error
    p = float(abs(mean) < _SAME) if error == 0.0 else float(2 * stats.t.sf(abs(mean) / error, parts.degrees))
    return PairedDifference(
        mean, mean - half, mean + half, p, blocks, better, "blocks and rows", parts, error, parts.degrees
    )


def all_rows(n_test: int, overlap: float) -> float:
    """Return the number of rows of pool and test set together; infinite if it is not known."""
    return n_test * (1 + 1 / overlap) if overlap > 0 else math.inf


def _variance_parts(
    objective: Objective, table: Array, curves: Sequence[LearningCurve], weights: Array, overlap: float
) -> VarianceParts:
    classes, rows = curves[0].unit_classes(objective.metric), all_rows(table.shape[1], overlap)
    return variance_parts(table, classes, rows, likeness(weights))


def likely_half_width(
    objective: Objective,
    a: Sequence[LearningCurve],
    b: Sequence[LearningCurve],
    *,
    overlap: float,
    units: float,
    rows: float,
    blocks: int,
) -> float | None:
    """Return about half of the width that the interval of a difference of two recipes will have.

    Parameters
    ----------
    objective : what is measured of a curve.
    a, b : curves of the two recipes on two blocks or more with pools of their own and the same test rows, with scores
        by unit of these.
    overlap : n_test / n_train of these blocks.
    units : number of units of the test rows on which the interval will rest over that of these test rows.
    rows : number of rows from which its pools will be drawn over that of the rows from which these were drawn.
    blocks : number of blocks that the interval will rest on.

    Returns
    -------
    float or None
        None if the objective is not linear in the scores, or if the recipes do not differ.
    """
    table_a, table_b = (unit_table(objective, curves, objective.each(curves, None)) for curves in (a, b))
    if table_a is None or table_b is None or table_a.shape != table_b.shape:
        return None
    # Fewer of the labelled rows recur in pools that are drawn from more rows.
    alike = likeness(row_weights(objective, a, b)) / max(1.0, rows)
    classes, all_of_them = a[0].unit_classes(objective.metric), all_rows(table_a.shape[1], overlap)
    played = variance_parts(table_a - table_b, classes, all_of_them, alike)
    parts = replace(played, blocks=blocks, units=round(played.units * units))
    if parts.units < 2 or not parts.variance():
        return None
    # A variance of few blocks is more often too small than too large; about its median it is neither.
    typical = float(stats.chi2.median(played.degrees)) / played.degrees if math.isfinite(played.degrees) else 1.0
    return t_quantile((1 + CONFIDENCE) / 2, parts.degrees_with(blocks)) * parts.error / math.sqrt(typical)


def row_weights(objective: Objective, curves: Sequence[LearningCurve], minus: Sequence[LearningCurve] = ()) -> Array:
    """Return what each row of the data set counts in a linear objective on each block, ``(n_blocks, n_rows)``.

    If the data have groups, it is what each group counts, ``(n_blocks, n_groups)``, since rows of a group are alike.
    Of each model, the rows that were labelled before it count alike, and each model counts as in the objective.

    Parameters
    ----------
    objective : what is measured of a curve.
    curves : one curve per block.
    minus : curves on the same blocks whose weights are subtracted, for a difference of two recipes.
    """
    n_rows = 1 + max(int(_bought(curve).max(initial=0)) for curve in (*curves, *minus))
    weights = np.zeros((len(curves), n_rows))
    for sign, several in ((1.0, curves), (-1.0, minus)):
        for block, curve in enumerate(several):
            bought = np.cumsum(curve.loop_rows).tolist()
            for count, weight in zip(bought, _weights(objective, curve)[1:].tolist(), strict=True):
                np.add.at(weights[block], _bought(curve)[:count], sign * weight / max(count, 1))
    return weights


def _bought(curve: LearningCurve) -> Counts:
    """Return the rows that were bought, or their groups if the data have groups."""
    return curve.bought_groups if len(curve.bought_groups) else curve.rows


def unit_table(objective: Objective, curves: Sequence[LearningCurve], values: Array) -> Array | None:
    """Return an objective on each block and unit of the test rows, ``(n_blocks, n_units)``.

    It is None if the objective is not linear in the scores or the curves do not have them. The mean of a line is the
    value of its block; pseudo-values are shifted so that it is.

    Parameters
    ----------
    objective : what is measured of a curve.
    curves : one curve per block.
    values : the objective on each block, ``(n_blocks,)``.
    """
    if not (objective.kind.linear and objective.kind.by_row):
        return None
    by_unit = [curve.by_unit(objective.metric) for curve in curves]
    scores = [each for each in by_unit if each is not None]
    if len(scores) < len(curves) or len({each.shape[1] for each in scores}) > 1 or scores[0].shape[1] < 2:
        return None
    table = np.stack(
        [_weights(objective, curve) @ each for curve, each in zip(curves, scores, strict=True)],
    )
    shifted: Array = table - table.mean(axis=1, keepdims=True) + values[:, None]
    return shifted


def _weights(objective: Objective, curve: LearningCurve) -> Array:
    """Return what the prior and each score of a curve count in a linear objective, ``(1 + n_points,)``."""
    metric, one_each = objective.metric, np.eye(1 + len(curve))
    nothing = objective(_with_scores(curve, metric, np.zeros(1 + len(curve))))
    return np.array([objective(_with_scores(curve, metric, scores)) - nothing for scores in one_each])


def _draws(
    objective: Objective, curves: Sequence[LearningCurve], references: Sequence[LearningCurve] | None
) -> Array | None:
    """Return resampled values of an objective that is no mean over blocks and rows, None if it is one.

    The same seed gives the same blocks and rows, so that differences of draws are paired.
    """
    if not objective.kind.by_row or (objective.kind.linear and objective.risk.kind == "mean"):
        return None
    units = {scores.shape[1] for curve in curves if (scores := curve.by_unit(objective.metric)) is not None}
    if len(units) != 1 or any(curve.by_unit(objective.metric) is None for curve in (*curves, *(references or ()))):
        return None
    (n_units,), n_blocks, rng = units, len(curves), np.random.default_rng(0)
    table, classes = (
        unit_table(objective, curves, objective.each(curves, references)),
        curves[0].unit_classes(objective.metric),
    )
    if table is not None:
        of_blocks, of_units = resampled_blocks_and_units(n_blocks, n_units, rng, classes=classes)
        by_block = of_units @ table.T
    else:
        of_blocks, of_units = resampled_blocks_and_units(n_blocks, n_units, rng, _RESAMPLED_CURVES, classes)
        by_block = _on_resampled_units(objective, curves, references, of_units)
    return np.array([objective.over_blocks(line[drawn]) for line, drawn in zip(by_block, of_blocks, strict=True)])


def _on_resampled_units(
    objective: Objective,
    curves: Sequence[LearningCurve],
    references: Sequence[LearningCurve] | None,
    of_units: Array,
) -> Array:
    """Return an objective on each block with resampled test rows, ``(resamples, n_blocks)``."""
    by_block = []
    for block, curve in enumerate(curves):
        resampled = _resampled(curve, objective.metric, of_units)
        of_random = resampled if references is None else _resampled(references[block], objective.metric, of_units)
        by_block.append([objective(*pair) for pair in zip(resampled, of_random, strict=True)])
    return np.array(by_block).T


def _resampled(curve: LearningCurve, metric: str, of_units: Array) -> list[LearningCurve]:
    """Return a curve once for each resample of the test rows, with its scores on these."""
    by_unit = curve.by_unit(metric)
    if by_unit is None:
        return [curve] * len(of_units)
    # Pseudo-values have nearly the metric as their mean; without the shift, a resample would be off by the rest.
    whole = np.concatenate([[curve.prior[metric]], curve.scores[metric]])
    scores = by_unit @ of_units.T + (whole - by_unit.mean(axis=1))[:, None]
    return [_with_scores(curve, metric, column) for column in scores.T]


def _with_scores(curve: LearningCurve, metric: str, scores: Array) -> LearningCurve:
    """Return a curve with other scores, that of the prior first."""
    return replace(curve, prior={metric: float(scores[0])}, scores={metric: scores[1:]})
