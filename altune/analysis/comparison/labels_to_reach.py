"""How many labels each recipe needs to reach one score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from altune.analysis.label_counts import Reached, mean_curve, reached, resampled_range
from altune.analysis.paired import same_blocks
from altune.core.errors import RequestError
from altune.simulation.curve import LearningCurve, labels_to_reach


@dataclass(frozen=True)
class LabelsToReach:
    """The label count at which a recipe first reaches a score.

    Attributes
    ----------
    recipe : name of the recipe.
    target : the score.
    reached : where the mean curve first reaches it.
    low, high : 95 % interval over blocks and test rows, and over the labels of the loop in which the score is reached;
        None for an end beyond the budget, and both None below 5 blocks.
    on_blocks : the label count of the curve of each block, None if it never reaches the score.
    budget : budget in labels.
    """

    recipe: str
    target: float
    reached: Reached
    low: int | None
    high: int | None
    on_blocks: tuple[int | None, ...]
    budget: int

    @property
    def labels(self) -> int | None:
        """Label count at the end of the loop in which the mean curve reaches the score; None if it never does."""
        return self.reached.labels

    @property
    def never(self) -> float:
        """Share of blocks whose curve never reaches the score, in [0, 1]."""
        return sum(count is None for count in self.on_blocks) / len(self.on_blocks)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "labels": self.labels,
            "after": self.reached.after,
            "low": self.low,
            "high": self.high,
            "never": self.never,
            "blocks": list(self.on_blocks),
        }


def all_labels_to_reach(
    named_curves: Mapping[str, Sequence[LearningCurve]],
    metric: str,
    budget: int,
    *,
    target: float | None = None,
    yardstick: str | None = None,
    rng_seed: int = 0,
) -> tuple[LabelsToReach, ...]:
    """Return how many labels each recipe needs to reach one score.

    A curve is the mean over blocks of the score of the current model at each label count. The bootstrap resamples the
    same blocks for a recipe and the yardstick, whose final score is computed in each resample; a given target is
    constant.

    Parameters
    ----------
    named_curves : curves of each recipe, all on the same blocks in the same order.
    metric : name of the score.
    budget : budget in labels.
    target : the score to reach; by default the mean score of ``yardstick`` at the whole budget.
    yardstick : name of a recipe; by default the first.
    rng_seed : seed of the bootstrap.

    Raises
    ------
    RequestError
        If the yardstick is not one of the recipes.
    """
    same_blocks(named_curves)
    measure = next(iter(named_curves)) if yardstick is None else yardstick
    if measure not in named_curves:
        raise RequestError(f"the yardstick {measure!r} is not one of the recipes {', '.join(named_curves)}")
    means = {name: mean_curve(curves, metric, budget, seed=rng_seed) for name, curves in named_curves.items()}
    goal = float(means[measure].mean[-1]) if target is None else float(target)
    results = []
    for name, curves in named_curves.items():
        mean = means[name]
        goals = means[measure].draws[:, -1] if target is None else np.full(len(mean.draws), goal)
        low, high = resampled_range(mean, goals)
        on_blocks = tuple(_within(labels_to_reach(curve, metric, goal), budget) for curve in curves)
        results.append(LabelsToReach(name, goal, reached(mean, goal), low, high, on_blocks, budget))
    return tuple(results)


def _within(count: int | None, budget: int) -> int | None:
    return None if count is None or count > budget else count
