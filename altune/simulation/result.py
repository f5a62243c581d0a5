"""The result of `simulate`: one recipe with its learning curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from altune.data.blocks import Block
from altune.numerics.statistics import Interval, mean_interval
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.objectives import Objective

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Simulation:
    """One recipe played on several blocks.

    Attributes
    ----------
    recipe : what was played.
    curves : one learning curve for each block.
    blocks : the blocks.
    objective : what is measured.
    overlap : test rows over pool rows, by which intervals are corrected.
    references : random sampling's curves on the same blocks, where the objective is measured against them.
    """

    recipe: Recipe
    curves: tuple[LearningCurve, ...]
    blocks: tuple[Block, ...]
    objective: Objective
    overlap: float
    references: tuple[LearningCurve, ...] | None = None

    @property
    def values(self) -> NDArray[np.float64]:
        """The objective on each block, ``(n_blocks,)``."""
        return self.objective.each(self.curves, self.references)

    @property
    def mean(self) -> float:
        """Mean objective over the blocks."""
        return float(self.values.mean())

    @property
    def interval(self) -> Interval:
        """Mean objective with its 95 % interval."""
        return mean_interval(self.values, overlap=self.overlap)

    @property
    def aulc(self) -> float:
        """Mean area under the learning curve over ``[0, budget]``, whatever the objective."""
        area = Objective("aulc", self.objective.metric, self.objective.over, self.objective.end)
        return float(np.mean([area(curve) for curve in self.curves]))

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each point of each block's curve."""
        import pandas as pd

        frames = [
            curve.to_frame().assign(block=block.number) for block, curve in zip(self.blocks, self.curves, strict=True)
        ]
        return pd.concat(frames, ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        metric = self.objective.metric
        blocks = []
        for block, curve, value in zip(self.blocks, self.curves, self.values, strict=True):
            blocks.append(
                {
                    "seed": block.number,
                    "labels": curve.labels.tolist(),
                    "scores": curve.scores[metric].tolist(),
                    "metrics": {name: scores.tolist() for name, scores in curve.scores.items()},
                    "rows": curve.rows.tolist(),
                    "stopped": curve.stopped,
                    "value": float(value),
                }
            )
        interval = self.interval.to_dict()
        return {
            "objective": self.objective.name,
            "metric": metric,
            "mean": self.mean,
            "low": interval["low"],
            "high": interval["high"],
            "blocks": blocks,
        }
