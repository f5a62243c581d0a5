"""A contest: any set of recipes on the same blocks of one data set, and every number of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from altune.analysis.comparison.labels_to_reach import LabelsToReach, all_labels_to_reach
from altune.analysis.comparison.resources import Spent, recipes_on_front, resources_that_differ, spent_by
from altune.analysis.comparison.spread import Spread, spread_of
from altune.analysis.comparison.stale_starts import StaleStarts, is_stale, stale_starts
from altune.analysis.paired import Comparison, compare_recipes
from altune.simulation.curve import LearningCurve
from altune.simulation.objectives import Objective

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Contest:
    """Recipes on the same blocks of one data set.

    Attributes
    ----------
    data : name of the data set.
    curves : curves of each recipe, all on the same blocks in the same order.
    objective : one number from one curve.
    budget : labels.
    n_train, n_test : rows of a block's pool and of what it is scored on.
    yardstick : the recipe whose final score the others are to reach, where no target is given.
    references : random sampling's curves, where the objective is measured against them.
    """

    data: str
    curves: Mapping[str, tuple[LearningCurve, ...]]
    objective: Objective
    budget: int
    n_train: int
    n_test: int
    yardstick: str
    references: tuple[LearningCurve, ...] | None = None

    @property
    def overlap(self) -> float:
        """Test rows over pool rows, by which intervals are corrected."""
        return self.n_test / self.n_train

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return len(next(iter(self.curves.values())))

    @cached_property
    def values(self) -> dict[str, Array]:
        """The objective of each recipe on each block, ``(n_blocks,)``."""
        return {name: self.objective.each(curves, self.references) for name, curves in self.curves.items()}

    @cached_property
    def comparison(self) -> Comparison:
        """Means with intervals, and every pair's difference with its corrected test."""
        return compare_recipes(self.curves, self.objective, self.n_train, self.n_test, self.references)

    @cached_property
    def spread(self) -> tuple[Spread, ...]:
        """How far the blocks of each recipe lie apart."""
        direction = self.objective.direction
        return tuple(spread_of(name, values, direction, self.overlap) for name, values in self.values.items())

    @cached_property
    def reach(self) -> tuple[LabelsToReach, ...]:
        """How many labels each recipe needs to reach the target, or the yardstick's final score."""
        return all_labels_to_reach(
            self.curves,
            self.objective.metric,
            self.budget,
            target=self.objective.target,
            yardstick=self.yardstick,
        )

    @cached_property
    def stale(self) -> tuple[StaleStarts, ...]:
        """How many runs of each recipe are stale."""
        return stale_starts(self.curves, self.objective.metric, self.budget)

    @cached_property
    def spent(self) -> tuple[Spent, ...]:
        """What each recipe takes."""
        return spent_by(self.curves)

    @property
    def resources(self) -> tuple[str, ...]:
        """What the recipes do not all take the same of."""
        return resources_that_differ(self.spent)

    @property
    def front(self) -> tuple[str, ...]:
        """The recipes that no other betters in the objective and in everything that is spent."""
        means = [float(values.mean()) for values in self.values.values()]
        return recipes_on_front(means, self.spent, self.objective.direction, self.resources)

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each recipe and block."""
        import pandas as pd

        metric = self.objective.metric
        target = self.reach[0].target
        return pd.DataFrame(
            [
                {
                    "data": self.data,
                    "recipe": name,
                    "block": block,
                    "objective": self.objective.name,
                    "value": float(value),
                    "metric": metric,
                    "final_score": float(curve.at(np.array([self.budget]), metric)[0]),
                    "target": target,
                    "labels_to_target": own.on_blocks[block],
                    "stale": is_stale(curve, metric, self.budget),
                    "labels": int(curve.labels[-1]),
                    "cost": float(curve.cost[-1]),
                    "loops": len(curve) - 1,
                    "fit_seconds": float(curve.fit_seconds.sum()),
                    "query_seconds": float(curve.query_seconds.sum()),
                    "evaluation_seconds": float(curve.evaluation_seconds.sum()),
                    "stopped": curve.stopped,
                }
                for (name, curves), own in zip(self.curves.items(), self.reach, strict=True)
                for block, (curve, value) in enumerate(zip(curves, self.values[name], strict=True))
            ]
        ).astype({"labels_to_target": "Int64"})

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: what each recipe is worth and takes, and every pair's difference."""
        return {
            **self.comparison.to_dict(),
            "labels_to_reach": {
                "score": self.reach[0].target,
                "recipes": {one.recipe: one.to_dict() for one in self.reach},
            },
            "spread": {one.recipe: one.to_dict() for one in self.spread},
            "stale_starts": {one.recipe: one.to_dict() for one in self.stale},
            "time_and_cost": {one.recipe: one.to_dict() for one in self.spent},
            "front": list(self.front),
        }
