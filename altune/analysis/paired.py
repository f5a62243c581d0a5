"""Recipes compared on the same blocks of one data set: differences of all pairs, and labels saved.

Differences have the corrected resampled t interval and test of Nadeau and Bengio (2003): the variance of a mean over J
blocks is (1/J + n_test/n_train)·s², with the rows of the pool as training rows. Holm's correction is for all pairs of
recipes on one data set, separately for each data set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import RequestError
from altune.numerics.statistics import Interval, PairedDifference, holm, mean_interval, paired_difference
from altune.simulation.curve import LearningCurve
from altune.simulation.objectives import Objective

Array = NDArray[np.float64]

RESAMPLES = 2000
TOLERANCE = 1e-12


@dataclass(frozen=True)
class LabelsSaved:
    """How many labels the recipe needs for the score of the baseline at the whole budget.

    Attributes
    ----------
    target : mean score of the baseline at the whole budget.
    recipe_labels : label count at which the recipe's mean curve first reaches it; None if it never does.
    low, high : 95 % bootstrap interval of ``recipe_labels`` over paired blocks; None for an end beyond the budget, and
        both None for a single block.
    baseline_labels : the whole budget.
    baseline_first : label count at which the baseline's mean curve first has its final score. If it is far below the
        budget the curve is flat, and much of ``saved`` is due to a large budget, not to the recipe.
    saved : ``baseline_labels - recipe_labels``; None if the target is not reached.
    reached : whether the recipe reaches the target within the budget.
    """

    target: float
    recipe_labels: int | None
    low: int | None
    high: int | None
    baseline_labels: int
    baseline_first: int
    saved: int | None
    reached: bool

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Pair:
    """One recipe against another on the same blocks.

    Attributes
    ----------
    a, b : names of the two recipes.
    difference : objective of ``a`` minus objective of ``b``.
    p_holm : p value adjusted for all pairs of the comparison, in [0, 1].
    """

    a: str
    b: str
    difference: PairedDifference
    p_holm: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"a": self.a, "b": self.b, **self.difference.to_dict(), "p_holm": self.p_holm}


@dataclass(frozen=True)
class Comparison:
    """Recipes compared pairwise on the same blocks.

    Attributes
    ----------
    recipes : mean objective of each recipe with its interval, in the given order.
    differences : all pairs, the earlier recipe minus the later one.
    """

    recipes: Mapping[str, Interval]
    differences: tuple[Pair, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "recipes": {name: interval.to_dict() for name, interval in self.recipes.items()},
            "differences": [pair.to_dict() for pair in self.differences],
        }


def labels_saved(
    recipe_curves: Sequence[LearningCurve],
    baseline_curves: Sequence[LearningCurve],
    metric: str,
    budget: int,
    rng_seed: int = 0,
) -> LabelsSaved:
    """Return how many labels the recipe needs for the score of the baseline at the whole budget.

    Both curves are means over blocks of the score of the current model at each label count. The bootstrap resamples the
    same blocks for both, and computes the target and the label count in each resample.

    Parameters
    ----------
    recipe_curves, baseline_curves : curves on the same blocks in the same order.
    metric : name of the score.
    budget : budget in labels, 1 or more.
    rng_seed : seed of the bootstrap.
    """
    blocks = same_blocks({"recipe": recipe_curves, "baseline": baseline_curves})
    if budget < 1:
        raise RequestError(f"budget must be 1 label or more, got {budget}")
    counts = label_counts(recipe_curves, budget)
    recipe = np.stack([curve.at(counts, metric) for curve in recipe_curves])
    final = np.array([curve.at(np.array([budget]), metric)[0] for curve in baseline_curves])

    whole = np.full((1, blocks), 1 / blocks)
    first = float(first_reached(whole @ recipe, whole @ final, counts)[0])
    low, high = resampled_ends(recipe, final, counts, np.random.default_rng(rng_seed))
    reached = math.isfinite(first)
    return LabelsSaved(
        target=float(final.mean()),
        recipe_labels=int(first) if reached else None,
        low=low,
        high=high,
        baseline_labels=budget,
        baseline_first=_first_final(baseline_curves, metric, budget),
        saved=budget - int(first) if reached else None,
        reached=reached,
    )


def compare_recipes(
    named_curves: Mapping[str, Sequence[LearningCurve]],
    objective: Objective,
    n_train: float,
    n_test: float,
    references: Sequence[LearningCurve] | None = None,
) -> Comparison:
    """Compare all pairs of recipes by an objective on the same blocks.

    All intervals and tests are corrected for blocks that share rows (Nadeau and Bengio 2003).

    Parameters
    ----------
    named_curves : curves of each recipe, all on the same blocks in the same order.
    objective : what is measured of a curve.
    n_train : pool rows of a block.
    n_test : rows on which a block is scored.
    references : curves of random sampling, if the objective is measured against them.
    """
    same_blocks(named_curves)
    values = {name: objective.each(curves, references) for name, curves in named_curves.items()}
    pairs = list(combinations(values, 2))
    differences = [paired_difference(values[a], values[b], n_train=n_train, n_test=n_test) for a, b in pairs]
    adjusted = holm([difference.p for difference in differences])
    return Comparison(
        recipes={name: mean_interval(x, overlap=n_test / n_train) for name, x in values.items()},
        differences=tuple(
            Pair(a, b, difference, float(p)) for (a, b), difference, p in zip(pairs, differences, adjusted, strict=True)
        ),
    )


def label_counts(curves: Sequence[LearningCurve], budget: int) -> NDArray[np.int64]:
    """Return 0, the budget, and the label counts between them at which one of the curves changes."""
    moves = np.unique(np.concatenate([[0, budget], *(curve.labels for curve in curves)]))
    return moves[moves <= budget].astype(np.int64)


def first_reached(scores: Array, targets: Array, counts: NDArray[np.int64]) -> Array:
    """Return for each of ``(n, n_counts)`` curves the first count at which it reaches its target, ∞ if it never does.

    A curve that falls again later needs no smoothing, since only the first time counts.
    """
    hit = scores >= targets[:, None] - TOLERANCE
    return np.where(hit.any(axis=1), counts[hit.argmax(axis=1)], np.inf)


def resampled_ends(
    recipe: Array, final: Array, counts: NDArray[np.int64], rng: np.random.Generator
) -> tuple[int | None, int | None]:
    """Return the 95 % bootstrap interval of the count at which the mean of ``recipe`` reaches the mean of ``final``.

    Parameters
    ----------
    recipe : scores of each block at each count, ``(n_blocks, n_counts)``.
    final : scores on the same blocks, whose mean over a resample is its target.
    counts : the label counts.

    Returns
    -------
    Both ends; None for an end beyond the last count, and both None for a single block.
    """
    blocks = len(final)
    if blocks == 1:
        return None, None
    weights = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=RESAMPLES) / blocks
    firsts = np.sort(first_reached(weights @ recipe, weights @ final, counts))
    # Order statistics without interpolation, since the count of a resample that never reaches the target is infinite.
    ends = firsts[[math.ceil(0.025 * RESAMPLES) - 1, math.ceil(0.975 * RESAMPLES) - 1]]
    low, high = (int(end) if math.isfinite(end) else None for end in ends)
    return low, high


def _first_final(curves: Sequence[LearningCurve], metric: str, budget: int) -> int:
    counts = label_counts(curves, budget)
    mean = np.mean([curve.at(counts, metric) for curve in curves], axis=0)
    return int(first_reached(mean[None], mean[-1:], counts)[0])


def same_blocks(named_curves: Mapping[str, Sequence[LearningCurve]]) -> int:
    """Return the number of blocks, or raise an error if it is not the same for all recipes."""
    lengths = {name: len(curves) for name, curves in named_curves.items()}
    if not lengths or 0 in lengths.values():
        raise RequestError("there are no learning curves to compare")
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise RequestError(f"a comparison needs the same blocks for all recipes, got {listed}")
    return next(iter(lengths.values()))
