"""How recipes compare on the same blocks of one data set: every pair's difference, labels saved.

Differences have the corrected resampled t interval and test of Nadeau and Bengio (2003): the variance of a mean over J
blocks is (1/J + n_test/n_train)·s², with the rows of the pool as training rows. Holm's correction runs over one family:
all pairs of the recipes on one data set. Several data sets are several families.
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
    """How many labels the recipe needs for what the baseline has at the whole budget.

    Attributes
    ----------
    target : mean score of the baseline at the whole budget.
    recipe_labels : label count at which the recipe's mean curve first has it; None where it never does.
    low, high : 95 % bootstrap interval of ``recipe_labels`` over paired blocks; None for an end that lies
        beyond the budget, and for both ends where there is a single block.
    baseline_labels : the whole budget.
    baseline_first : label count at which the baseline's own mean curve first has its final score; far below
        the budget means that the curve is flat, and that much of ``saved`` is the budget's and not the
        recipe's.
    saved : ``baseline_labels - recipe_labels``; None where the target is not reached.
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
    difference : the objective of ``a`` minus that of ``b``.
    p_holm : p value adjusted for all pairs of the comparison, in [0, 1].
    """

    a: str
    b: str
    difference: PairedDifference
    p_holm: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, the difference's own among them."""
        return {"a": self.a, "b": self.b, **self.difference.to_dict(), "p_holm": self.p_holm}


@dataclass(frozen=True)
class Comparison:
    """Recipes compared pairwise on the same blocks.

    Attributes
    ----------
    recipes : mean objective of each recipe with its interval, in the given order.
    differences : every pair, the earlier recipe minus the later.
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
    """Return how many labels the recipe needs to score what the baseline scores at the whole budget.

    Both curves are means over blocks of the score in hand at each label count (held between models). The
    interval resamples the blocks, the same ones for both sides, and measures target and label count anew in
    each resample.

    Parameters
    ----------
    recipe_curves, baseline_curves : curves on the same blocks in the same order.
    metric : the score.
    budget : labels, 1 or more.
    rng_seed : seed of the bootstrap.
    """
    blocks = same_blocks({"recipe": recipe_curves, "baseline": baseline_curves})
    if budget < 1:
        raise RequestError(f"a budget is 1 label or more, got {budget}")
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
        baseline_first=_own_first(baseline_curves, metric, budget),
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
    """Compare every pair of recipes by an objective on the same blocks.

    Intervals and tests are corrected for blocks that share rows (Nadeau and Bengio 2003), those of single
    recipes too.

    Parameters
    ----------
    named_curves : curves of each recipe, all on the same blocks in the same order.
    objective : one number from one curve.
    n_train : pool rows of a block.
    n_test : rows that a block was scored on.
    references : random sampling's curves, where the objective is measured against them.
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
    """Return the label counts within the budget at which one of the curves moves, 0 and the budget among them."""
    moves = np.unique(np.concatenate([[0, budget], *(curve.labels for curve in curves)]))
    return moves[moves <= budget].astype(np.int64)


def first_reached(scores: Array, targets: Array, counts: NDArray[np.int64]) -> Array:
    """Return for each of ``(n, n_counts)`` curves the first count that has its target, ∞ where none has.

    The first crossing of a curve is that of its running maximum, so a curve that dips needs no smoothing
    here.
    """
    hit = scores >= targets[:, None] - TOLERANCE
    return np.where(hit.any(axis=1), counts[hit.argmax(axis=1)], np.inf)


def resampled_ends(
    recipe: Array, final: Array, counts: NDArray[np.int64], rng: np.random.Generator
) -> tuple[int | None, int | None]:
    """Return the 95 % bootstrap interval of the count at which the mean of ``recipe`` first has that of ``final``.

    Parameters
    ----------
    recipe : scores of each block at each count, ``(n_blocks, n_counts)``.
    final : scores whose mean is the target, on the same blocks; the whole target is measured anew each time.
    counts : the label counts.

    Returns
    -------
    Both ends; None for one beyond the last count, and for both where there is a single block.
    """
    blocks = len(final)
    if blocks == 1:
        return None, None
    weights = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=RESAMPLES) / blocks
    firsts = np.sort(first_reached(weights @ recipe, weights @ final, counts))
    # Ranks, not interpolation: a resample that never reaches the target is an infinite count.
    ends = firsts[[math.ceil(0.025 * RESAMPLES) - 1, math.ceil(0.975 * RESAMPLES) - 1]]
    low, high = (int(end) if math.isfinite(end) else None for end in ends)
    return low, high


def _own_first(curves: Sequence[LearningCurve], metric: str, budget: int) -> int:
    counts = label_counts(curves, budget)
    mean = np.mean([curve.at(counts, metric) for curve in curves], axis=0)
    return int(first_reached(mean[None], mean[-1:], counts)[0])


def same_blocks(named_curves: Mapping[str, Sequence[LearningCurve]]) -> int:
    """Return the number of blocks, or refuse curves that do not stand on the same number of them."""
    lengths = {name: len(curves) for name, curves in named_curves.items()}
    if not lengths or 0 in lengths.values():
        raise RequestError("there are no learning curves to compare")
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise RequestError(f"a comparison needs the same blocks for all, got {listed}")
    return next(iter(lengths.values()))
