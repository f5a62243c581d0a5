"""The result of `simulate`: a recipe with its learning curves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from altune.core.html import html_table
from altune.core.text import amount, amount_within, counted
from altune.data.blocks import Block
from altune.data.description import Encoding
from altune.numerics.statistics import Interval
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.intervals import estimated_mean
from altune.simulation.objectives import Objective
from altune.simulation.objectives.risk import MEAN
from altune.simulation.untrained import untrained_entry, untrained_sentences

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Simulation:
    """One recipe played on several blocks.

    Attributes
    ----------
    recipe : the recipe.
    curves : its learning curves, one for each block.
    blocks : the blocks.
    objective : the objective.
    overlap : number of test rows divided by that of pool rows, for intervals by blocks alone.
    references : learning curves of random sampling on the same blocks, None if the objective does not need them.
    encoding : how the columns of the data became numbers on the first block.
    """

    recipe: Recipe
    curves: tuple[LearningCurve, ...]
    blocks: tuple[Block, ...]
    objective: Objective
    overlap: float
    references: tuple[LearningCurve, ...] | None = None
    encoding: Encoding | None = None

    def __repr__(self) -> str:
        interval, strategy = self.interval, self.recipe.query_strategy.method
        value = amount_within(interval.mean, interval.low, interval.high)
        return f"Simulation({self.objective.words} {value} on {counted(len(self.blocks), 'block')}, {strategy})"

    def _repr_html_(self) -> str:
        interval, objective = self.interval, self.objective
        last = float(np.mean([curve.scores[objective.metric][-1] for curve in self.curves]))
        rows = [
            ("recipe", self.recipe.describe()),
            (objective.words, amount_within(interval.mean, interval.low, interval.high)),
            (f"last {objective.metric}", amount(last)),
            ("blocks", len(self.blocks)),
            *(("note", remark) for remark in self.remarks),
        ]
        return html_table(rows)

    @property
    def values(self) -> NDArray[np.float64]:
        """The objective on each block, ``(n_blocks,)``."""
        return self.objective.each(self.curves, self.references)

    @property
    def mean(self) -> float:
        """Mean of the objective over the blocks."""
        return float(self.values.mean())

    @property
    def interval(self) -> Interval:
        """Mean of the objective with its 95 % confidence interval."""
        mean = replace(self.objective, risk=MEAN)
        return estimated_mean(mean, self.curves, self.references, self.overlap)

    @property
    def remarks(self) -> list[str]:
        """Sentences on what is odd about the curves: loops in which no model could be trained; usually none."""
        return untrained_sentences({"the recipe": self.curves})

    @property
    def aulc(self) -> float:
        """Mean area under the learning curve over ``[0, budget]``, independent of the objective."""
        area = Objective("aulc", self.objective.metric, self.objective.over, self.objective.end)
        return float(np.mean([area(curve) for curve in self.curves]))

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each point of the learning curve of each block."""
        import pandas as pd

        frames = [
            curve.to_frame().assign(block=block.number) for block, curve in zip(self.blocks, self.curves, strict=True)
        ]
        return pd.concat(frames, ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values that the command line prints with ``--json``."""
        metric = self.objective.metric
        blocks = []
        for block, curve, value in zip(self.blocks, self.curves, self.values, strict=True):
            blocks.append(
                {
                    "seed": block.number,
                    "labels": curve.labels.tolist(),
                    "scores": curve.scores[metric].tolist(),
                    "cost": curve.cost.tolist(),
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
            **self.objective.positive_entry(),
            "mean": self.mean,
            "low": interval["low"],
            "high": interval["high"],
            "blocks": blocks,
            **untrained_entry({"recipe": self.curves}),
        }
