"""The value of a trial: from its learning curves on the search blocks of all data sets to Optuna's values.

On one data set, the value is the objective summarised over the blocks. Objectives of different data sets have
different scales. So over several data sets, the value of each block is put on a scale where random sampling is 0 and a
perfect model is 1, and the means of the data sets are averaged; or the trials are ranked on each data set, and the
ranks are averaged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from altune.core.errors import RequestError
from altune.simulation.curve import LearningCurve
from altune.simulation.objectives import Constraint, Direction, Objective, perfect
from altune.simulation.scenario import Scenario
from altune.tuning.search_blocks import SearchBlocks

Array = NDArray[np.float64]
Across = Literal["normalized", "ranks"]
REFERENCE = "random_sampling"
_ACROSS: dict[str, Across] = {"normalized": "normalized", "ranks": "ranks"}
_FLAT = 1e-3
"""Least distance between random sampling and a perfect model, so that no value is divided by zero."""


@dataclass(frozen=True, eq=False)
class Judge:
    """Turns the learning curves of a trial into its values.

    The curves of a trial are always given in the order of the blocks. They may end early, which leaves out the last
    blocks.

    Parameters
    ----------
    scenarios : scenario of each data set. They have the same objectives and constraints.
    blocks : order of the blocks.
    references : learning curves of random sampling, one for each block. They may be fewer if no value is measured
        against them, see :func:`needs_references`.
    across : how several data sets are averaged; without effect for one data set.
    """

    scenarios: Sequence[Scenario]
    blocks: SearchBlocks
    references: Sequence[LearningCurve]
    across: Across = "normalized"

    @cached_property
    def objectives(self) -> tuple[Objective, ...]:
        """Objectives on the first data set; on the others they differ in their domain only."""
        return self.scenarios[0].make_objectives()

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Optuna's direction of each value."""
        return tuple(objective.direction for objective in self.objectives)

    @property
    def several(self) -> bool:
        """Whether there are several data sets."""
        return len(self.scenarios) > 1

    @property
    def uses_ranks(self) -> bool:
        """Whether trials are compared by their mean ranks over data sets, not by their values."""
        return self.several and self.across == "ranks"

    def values(self, curves: Sequence[LearningCurve]) -> tuple[float, ...]:
        """Return Optuna's values of a trial that was played on the usual blocks, or on leader blocks as well."""
        usual = curves[: self.blocks.n_usual]
        if len(curves) > len(usual):
            return (self._value_of_leader(curves),) * len(self.objectives)
        return tuple(self.summary(self.block_values(usual, objective.name), objective) for objective in self.objectives)

    def block_values(self, curves: Sequence[LearningCurve], name: str | None = None) -> Array:
        """Return an objective on each block that was played, ``(n_played,)``, normalised over several data sets.

        Parameters
        ----------
        curves : learning curves of a trial.
        name : name of the objective; the first by default.
        """
        objectives = [scenario.make_objective(name) for scenario in self.scenarios]
        values = []
        for position, ((data, _), curve) in enumerate(zip(self.blocks.order, curves, strict=False)):
            reference = self._reference(position)
            value = objectives[data](curve, reference)
            values.append(normalized(objectives[data], value, reference) if self.several else value)
        return np.array(values)

    def value_on(self, position: int, curve: LearningCurve) -> float:
        """Return the first objective of a learning curve on the block at a position; for one data set."""
        return float(self.objectives[0](curve, self._reference(position)))

    def _reference(self, position: int) -> LearningCurve:
        """Return the curve of random sampling on a block. Where nothing is measured against it, any curve will do."""
        return self.references[position] if position < len(self.references) else self.references[0]

    def summary(self, block_values: Array, objective: Objective) -> float:
        """Return the value of an objective from its values on the first blocks; every data set counts alike."""
        by_data = self.blocks.split(block_values)
        return float(np.mean([objective.over_blocks(values) for values in by_data if values]))

    def constraints(self, curves: Sequence[LearningCurve]) -> dict[str, float]:
        """Return by how much a trial violates each constraint on the data set where it does so most, 0 or less if not.

        Only the usual blocks count.
        """
        return {str(bound): max(self._violations(bound, curves)) for bound in self.scenarios[0].make_constraints()}

    def mean_ranks(self, by_number: Mapping[int, Array]) -> dict[int, float]:
        """Return the mean over data sets of the rank of each trial, as a share: 1 is the best trial on every data set.

        Parameters
        ----------
        by_number : values of the first objective on each block, by the number of the trial.
        """
        if not by_number:
            return {}
        objective = self.objectives[0]
        by_trial = [self.blocks.split(values[: self.blocks.n_usual]) for values in by_number.values()]
        shares = []
        for data in range(len(self.scenarios)):
            summaries = [objective.sign * objective.over_blocks(by_data[data]) for by_data in by_trial]
            shares.append(rankdata(summaries) / len(summaries))
        return dict(zip(by_number, np.mean(shares, axis=0).tolist(), strict=True))

    def _violations(self, bound: Constraint, curves: Sequence[LearningCurve]) -> list[float]:
        objectives = [scenario.make_objective(bound.name) for scenario in self.scenarios]
        played = enumerate(zip(self.blocks.order, curves[: self.blocks.n_usual], strict=False))
        by_data = self.blocks.split(
            objectives[data](curve, self._reference(position)) for position, ((data, _), curve) in played
        )
        return [bound.violation(float(np.mean(values))) for values in by_data if values]

    def _value_of_leader(self, curves: Sequence[LearningCurve]) -> float:
        """Return the mean over all blocks, on the scale of the usual ones.

        Leader blocks may be harder or easier than the usual ones, so the plain mean could not be compared with the
        value of a trial that has no leader blocks. Random sampling was played on all of them, and a block that is hard
        for it is hard for other recipes (a control variate): the mean gain over random sampling on all blocks is added
        to the value of random sampling on the usual ones.
        """
        objective, references = self.objectives[0], self.block_values(self.references)
        gain = self.summary(self.block_values(curves) - references[: len(curves)], objective)
        return gain + self.summary(references[: self.blocks.n_usual], objective)


def parse_across(text: str) -> Across:
    """Return how several data sets are averaged.

    Raises
    ------
    RequestError
        If the text is neither ``normalized`` nor ``ranks``.
    """
    if text not in _ACROSS:
        raise RequestError(f"across is {text!r}; it must be normalized or ranks")
    return _ACROSS[text]


def check_several(data_sets: Sequence[str], scenario: Scenario, across: Across) -> None:
    """Refuse what cannot be averaged over several data sets.

    Parameters
    ----------
    data_sets : names of the data sets.
    scenario : scenario of the first one.
    across : how they are averaged.

    Raises
    ------
    RequestError
        If data sets share a name, there are several objectives, or the objective cannot be normalised.
    """
    if len(data_sets) == 1:
        return
    if len(set(data_sets)) < len(data_sets):
        raise RequestError(f"data sets share a name: {', '.join(data_sets)}; give each its own")
    if len(scenario.objective_names) > 1:
        raise RequestError("several objectives over several data sets are not supported; give one objective")
    if across == "normalized" and not scenario.make_objective().normalizes:
        raise RequestError(
            f"the objective {scenario.objective_names[0]} has no common scale over data sets; give an area or "
            "final_score, or search with across=ranks (--across ranks)"
        )
    if across == "normalized" and not math.isfinite(perfect(scenario.metric)):
        raise RequestError(
            f"the metric {scenario.metric} has no highest value, so it has no common scale over data sets; search with "
            "across=ranks (--across ranks)"
        )


def normalized(objective: Objective, value: float, reference: LearningCurve) -> float:
    """Return a value on the scale where random sampling is 0 and a perfect model is 1."""
    if not objective.normalizes:
        return value
    usual = objective(reference, reference)
    return (value - usual) / max(perfect(objective.metric) - usual, _FLAT)


def needs_references(scenario: Scenario, n_data_sets: int) -> bool:
    """Return whether the values of a trial are measured against random sampling.

    They are over several data sets, and where an objective or a constraint is defined by it.
    """
    bounds = [scenario.make_objective(bound.name) for bound in scenario.make_constraints()]
    return n_data_sets > 1 or any(objective.needs_reference for objective in (*scenario.make_objectives(), *bounds))
