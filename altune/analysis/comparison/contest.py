"""A contest: recipes on the same blocks of one data set, with all their numbers."""

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
from altune.data.description import Encoding
from altune.simulation.curve import LearningCurve
from altune.simulation.intervals import unit_table
from altune.simulation.objectives import Objective
from altune.simulation.untrained import untrained_entry

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
    objective : what is measured of a curve.
    budget : budget in labels.
    n_train, n_test : rows of a block's pool, and rows that it is scored on.
    yardstick : name of the recipe whose final score the others are to reach, unless the objective has a target.
    references : curves of random sampling, if the objective is measured against them.
    encoding : how the columns of the data became numbers, None if that is not known.
    """

    data: str
    curves: Mapping[str, tuple[LearningCurve, ...]]
    objective: Objective
    budget: int
    n_train: int
    n_test: int
    yardstick: str
    references: tuple[LearningCurve, ...] | None = None
    encoding: Encoding | None = None

    @property
    def overlap(self) -> float:
        """Test rows over pool rows, for the correction of intervals."""
        return self.n_test / self.n_train

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return len(next(iter(self.curves.values())))

    @cached_property
    def values(self) -> dict[str, Array]:
        """The objective of each recipe on each block, ``(n_blocks,)``."""
        return {name: self.objective.each(curves, self.references) for name, curves in self.curves.items()}

    def unit_table(self, name: str) -> Array:
        """Return the objective of a recipe on each block and unit of the test rows, ``(n_blocks, n_units)``.

        Where it is not known by unit, the whole test set is the only one.
        """
        values = self.values[name]
        table = unit_table(self.objective, self.curves[name], values)
        return values[:, None] if table is None else table

    @cached_property
    def comparison(self) -> Comparison:
        """Means with intervals, and the difference of every pair with its corrected test."""
        return compare_recipes(self.curves, self.objective, self.overlap, self.references)

    @cached_property
    def spread(self) -> tuple[Spread, ...]:
        """How much the objective of each recipe varies over the blocks."""
        means, direction = self.comparison.recipes, self.objective.direction
        return tuple(spread_of(name, values, means[name], direction) for name, values in self.values.items())

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
        """Number of stale trajectories of each recipe."""
        return stale_starts(self.curves, self.objective.metric, self.budget)

    @cached_property
    def spent(self) -> tuple[Spent, ...]:
        """Seconds, labels and money that each recipe takes."""
        return spent_by(self.curves)

    @property
    def resources(self) -> tuple[str, ...]:
        """The resources of which the recipes take different amounts."""
        return resources_that_differ(self.spent)

    @property
    def front(self) -> tuple[str, ...]:
        """The recipes on the Pareto front of the objective and the resources."""
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
                    "labels_to_target": reach.on_blocks[block],
                    "stale": is_stale(curve, metric, self.budget),
                    "labels": int(curve.labels[-1]),
                    "cost": float(curve.cost[-1]),
                    "loops": len(curve) - 1,
                    "fit_seconds": float(curve.fit_seconds.sum()),
                    "query_seconds": float(curve.query_seconds.sum()),
                    "evaluation_seconds": float(curve.evaluation_seconds.sum()),
                    "stopped": curve.stopped,
                }
                for (name, curves), reach in zip(self.curves.items(), self.reach, strict=True)
                for block, (curve, value) in enumerate(zip(curves, self.values[name], strict=True))
            ]
        ).astype({"labels_to_target": "Int64"})

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: all numbers of each recipe, and the difference of every pair."""
        return {
            **self.comparison.to_dict(),
            **({} if self.encoding is None else {"encoding": self.encoding.to_dict()}),
            "labels_to_reach": {
                "score": self.reach[0].target,
                "recipes": {reach.recipe: reach.to_dict() for reach in self.reach},
            },
            "spread": {spread.recipe: spread.to_dict() for spread in self.spread},
            "stale_starts": {starts.recipe: starts.to_dict() for starts in self.stale},
            "time_and_cost": {spent.recipe: spent.to_dict() for spent in self.spent},
            "front": list(self.front),
            **untrained_entry(self.curves),
        }
