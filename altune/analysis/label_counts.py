"""How many labels a recipe needs for a score: the mean curve over blocks, and the same resampled.

A learning curve is a step function: a score is known at the end of each loop only. So the number of labels needed is
known as a range, from the first label of the loop in which the mean curve reaches the score to the last one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import RequestError
from altune.core.types import Array
from altune.numerics.crossed import resampled_blocks_and_units
from altune.numerics.statistics import LEAST_BLOCKS
from altune.simulation.curve import LearningCurve

TOLERANCE = 1e-12
_MOST_UNITS = 200
"""Rows are merged into this many groups before they are resampled, which takes less time and changes little."""


@dataclass(frozen=True, eq=False)
class MeanCurve:
    """The mean over blocks of the score of the current model, at each label count at which it may change.

    Attributes
    ----------
    counts : label counts from 0 to the budget, ``(n_counts,)``.
    mean : mean score, ``(n_counts,)``.
    draws : the same for resampled blocks and test rows, ``(resamples, n_counts)``; no line for fewer than 5 blocks.
    """

    counts: NDArray[np.int64]
    mean: Array
    draws: Array


@dataclass(frozen=True)
class Reached:
    """Where a mean curve first reaches a score.

    Attributes
    ----------
    labels : label count at the end of the loop in which it does; None if it never does.
    after : label count at the end of the loop before, which does not suffice; −1 if the prior predictor has the score.
    """

    labels: int | None
    after: int

    @property
    def words(self) -> str:
        """The labels of the loop, such as ``101 to 120``."""
        return f"more than {self.after}" if self.labels is None else range_words(self.after, self.labels)


def range_words(after: int, labels: int) -> str:
    """Return the labels of the loop in which a score is reached, such as ``101 to 120``.

    >>> range_words(100, 120), range_words(-1, 0)
    ('101 to 120', '0')
    """
    first = min(after + 1, labels)
    return f"{labels}" if first == labels else f"{first} to {labels}"


@dataclass(frozen=True)
class LabelsSaved:
    """How many labels the recipe saves for the score that the baseline has at the whole budget.

    Attributes
    ----------
    target : mean score of the baseline at the whole budget.
    recipe_labels, baseline_labels : label counts at which the mean curves first reach it; None for a recipe that never
        does.
    recipe_after, baseline_after : label counts at the end of the loop before, which do not suffice.
    saved : labels of the baseline minus those of the recipe, negative if the recipe needs more. For a recipe that never
        reaches the score, the largest number that is possible.
    low, high : 95 % interval of ``saved``, over blocks and test rows, and over the labels of the loop in which a score
        is reached; None for an end that is not known.
    reached : whether the recipe reaches the score within the budget.
    """

    target: float
    recipe_labels: int | None
    recipe_after: int
    baseline_labels: int
    baseline_after: int
    saved: int
    low: int | None
    high: int | None
    reached: bool

    @property
    def shown(self) -> bool:
        """Whether the interval of the labels saved excludes zero."""
        return (self.low is not None and self.low > 0) or (self.high is not None and self.high < 0)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def mean_curve(curves: Sequence[LearningCurve], metric: str, budget: int, *, seed: int = 0) -> MeanCurve:
    """Return the mean curve over blocks, and the same for resampled blocks and test rows.

    The same seed gives the same resamples, so that recipes on the same blocks can be compared.

    Parameters
    ----------
    curves : one curve per block.
    metric : name of the score.
    budget : budget in labels, 1 or more.
    seed : seed of the resamples.
    """
    if budget < 1:
        raise RequestError(f"budget must be 1 label or more, got {budget}")
    moves = np.unique(np.concatenate([[0, budget], *(curve.labels for curve in curves)]))
    counts = moves[moves <= budget].astype(np.int64)
    mean = np.mean([curve.at(counts, metric) for curve in curves], axis=0)
    return MeanCurve(counts, mean, _draws(curves, counts, metric, seed))


def reached(curve: MeanCurve, target: float) -> Reached:
    """Return where a mean curve first reaches a score."""
    first, after = _first(curve.counts, curve.mean[None], np.array([target]))
    return Reached(int(first[0]) if math.isfinite(first[0]) else None, int(after[0]))


def resampled_range(curve: MeanCurve, targets: Array) -> tuple[int | None, int | None]:
    """Return the 95 % interval of the label count at which a curve reaches a score that varies with the resample.

    Parameters
    ----------
    curve : the mean curve.
    targets : the score in each resample, ``(resamples,)``.

    Returns
    -------
    Both ends; None for an end beyond the budget, and both None without resamples.
    """
    if not len(curve.draws):
        return None, None
    first, after = _first(curve.counts, curve.draws, targets)
    return _whole(_quantile(np.minimum(after + 1, first), 0.025)), _whole(_quantile(first, 0.975))


def labels_saved(
    recipe_curves: Sequence[LearningCurve],
    baseline_curves: Sequence[LearningCurve],
    metric: str,
    budget: int,
) -> LabelsSaved:
    """Return how many labels the recipe saves for the score that the baseline has at the whole budget.

    Parameters
    ----------
    recipe_curves, baseline_curves : curves on the same blocks in the same order.
    metric : name of the score.
    budget : budget in labels, 1 or more.
    """
    if len(recipe_curves) != len(baseline_curves):
        raise RequestError(
            f"labels saved need the same blocks for both, got {len(recipe_curves)} and {len(baseline_curves)}"
        )
    recipe, baseline = (mean_curve(curves, metric, budget) for curves in (recipe_curves, baseline_curves))
    target = float(baseline.mean[-1])
    of_recipe, of_baseline = reached(recipe, target), reached(baseline, target)
    assert of_baseline.labels is not None
    needed = of_recipe.labels if of_recipe.labels is not None else budget + 1
    low, high = _saved_range(recipe, baseline, budget)
    return LabelsSaved(
        target=target,
        recipe_labels=of_recipe.labels,
        recipe_after=of_recipe.after,
        baseline_labels=of_baseline.labels,
        baseline_after=of_baseline.after,
        saved=of_baseline.labels - needed,
        low=low,
        high=high,
        reached=of_recipe.labels is not None,
    )


def _saved_range(recipe: MeanCurve, baseline: MeanCurve, budget: int) -> tuple[int | None, int | None]:
    if not len(recipe.draws):
        return None, None
    targets = baseline.draws[:, -1]
    first, after = _first(recipe.counts, recipe.draws, targets)
    baseline_first, baseline_after = _first(baseline.counts, baseline.draws, targets)
    # A recipe that never reaches the score needs more than the budget; how many more is not known.
    most = baseline_first - np.minimum(after + 1, np.where(np.isfinite(first), first, budget + 1))
    least = np.minimum(baseline_after + 1, baseline_first) - first
    return _whole(_quantile(least, 0.025)), _whole(_quantile(most, 0.975))


def _first(counts: NDArray[np.int64], scores: Array, targets: Array) -> tuple[Array, Array]:
    """Return the first count at which each curve reaches its target, ∞ if it never does, and the count before it.

    A curve that falls again later needs no smoothing, since only the first time counts.
    """
    hit = scores >= targets[:, None] - TOLERANCE
    index = hit.argmax(axis=1)
    reaches = hit.any(axis=1)
    before = np.concatenate([[-1], counts])
    return np.where(reaches, counts[index], np.inf), np.where(reaches, before[index], counts[-1]).astype(np.float64)


def _draws(curves: Sequence[LearningCurve], counts: NDArray[np.int64], metric: str, seed: int) -> Array:
    by_unit = [_merged(curve, metric) for curve in curves]
    if len(curves) < LEAST_BLOCKS or len({scores.shape[1] for scores in by_unit}) > 1:
        return np.empty((0, len(counts)))
    blocks, units = len(curves), by_unit[0].shape[1]
    classes = curves[0].unit_classes(metric)
    if classes is not None and len(classes) != units:
        classes = None
    of_blocks, of_units = resampled_blocks_and_units(blocks, units, np.random.default_rng(seed), classes=classes)
    weights = np.stack([np.bincount(drawn, minlength=blocks) for drawn in of_blocks]) / blocks
    draws = np.zeros((len(of_blocks), len(counts)))
    for block, (curve, scores) in enumerate(zip(curves, by_unit, strict=True)):
        current = scores[np.searchsorted(curve.labels, counts, side="right")]
        draws += weights[:, block, None] * (of_units @ current.T)
    return draws


def _merged(curve: LearningCurve, metric: str) -> Array:
    """Return the scores by unit of the test rows, at most 200; without them, the score of all rows as one unit."""
    whole = np.concatenate([[curve.prior[metric]], curve.scores[metric]])[:, None]
    scores = curve.by_unit(metric)
    if scores is None:
        return whole
    if scores.shape[1] > _MOST_UNITS:
        # Groups of rows sorted by class have all classes alike.
        by_class = np.argsort(curve.row_classes, kind="stable") if len(curve.row_classes) else slice(None)
        scores = scores[:, by_class]
        scores = np.stack([scores[:, first::_MOST_UNITS].mean(axis=1) for first in range(_MOST_UNITS)], axis=1)
    shifted: Array = scores - scores.mean(axis=1, keepdims=True) + whole
    return shifted


def _quantile(values: Array, share: float) -> float:
    """Return an order statistic without interpolation, since some values may be infinite."""
    return float(np.sort(values)[math.ceil(share * len(values)) - 1])


def _whole(number: float) -> int | None:
    return int(number) if math.isfinite(number) else None
