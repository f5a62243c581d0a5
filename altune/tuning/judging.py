"""What a trial is worth: from learning curves on the search blocks of one or several data sets to Optuna's values.

On one data set that is the objective, summed up over the blocks. Over several, areas of different data are not alike:
each block's value is put on a scale where random sampling is 0 and a perfect model 1, and the data sets' means are
averaged; or trials are ranked on each data set, and the ranks averaged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from altune.core.errors import RequestError
from altune.data.blocks import Block
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment
from altune.simulation.objectives import Constraint, Direction, Objective, perfect

Array = NDArray[np.float64]
Across = Literal["normalized", "ranks"]
REFERENCE = "random_sampling"
_FLAT = 1e-3


@dataclass(frozen=True, eq=False)
class Place:
    """One search block of one data set.

    Attributes
    ----------
    environment, block : what is played there.
    data : position of the data set among the study's.
    """

    environment: Environment
    block: Block
    data: int


@dataclass(frozen=True, eq=False)
class Judge:
    """Turns the curves of a trial into its values.

    Parameters
    ----------
    places : the search blocks of all data sets, then those for leaders; a trial's curves are in their order.
    references : random sampling's curve on each place.
    usual : how many of the places every trial is played on.
    across : how several data sets are averaged; of no meaning for one.
    """

    places: Sequence[Place]
    references: Sequence[LearningCurve]
    usual: int
    across: Across = "normalized"

    @cached_property
    def environments(self) -> list[Environment]:
        """The environments, one for each data set."""
        return list({place.data: place.environment for place in self.places}.values())

    @cached_property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives on the first data set; other data sets differ in their domain alone."""
        return self.environments[0].scenario.make_objectives()

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Optuna's direction of each value."""
        return tuple(objective.direction for objective in self.objectives)

    @property
    def several(self) -> bool:
        """Whether there are several data sets."""
        return len(self.environments) > 1

    def on_places(self, curves: Sequence[LearningCurve], name: str | None = None) -> Array:
        """Return an objective on each place that was played, ``(n_played,)``, normalised where there are several sets.

        Parameters
        ----------
        curves : of the first places, in their order.
        name : the objective, by default the first.
        """
        values = []
        for place, curve, reference in zip(self.places, curves, self.references, strict=False):
            objective = place.environment.scenario.make_objective(name)
            value = objective(curve, reference)
            values.append(normalized(objective, value, reference) if self.several else value)
        return np.array(values)

    def values(self, curves: Sequence[LearningCurve]) -> tuple[float, ...]:
        """Return Optuna's values of a trial that was played on the usual places, or on those for leaders as well."""
        first = self._value_of_leader(curves) if len(curves) > self.usual else None
        usual = curves[: self.usual]
        return tuple(
            self.summary(self.on_places(usual, objective.name), objective) if first is None else first
            for objective in self.objectives
        )

    def summary(self, on_places: Array, objective: Objective) -> float:
        """Return the one number of an objective's values on the first places."""
        data = self._data[: len(on_places)]
        return float(np.mean([objective.over_blocks(on_places[data == one]) for one in np.unique(data)]))

    def constraints(self, curves: Sequence[LearningCurve]) -> dict[str, float]:
        """Return by how much a trial breaks each bound, on the data set where it does so most; 0 or less keeps it."""
        bounds = self.environments[0].scenario.make_constraints()
        return {str(bound): max(self._broken(bound, curves[: self.usual])) for bound in bounds}

    def _broken(self, bound: Constraint, curves: Sequence[LearningCurve]) -> list[float]:
        own = np.array(
            [
                place.environment.scenario.make_objective(bound.name)(curve, reference)
                for place, curve, reference in zip(self.places, curves, self.references, strict=False)
            ]
        )
        data = self._data[: len(own)]
        return [bound.violation(float(own[data == one].mean())) for one in np.unique(data)]

    def _value_of_leader(self, curves: Sequence[LearningCurve]) -> float:
        """Return the mean over all places, as it would be on the usual ones.

        Random sampling was played on all of them too, and what is hard for it is hard for others: the mean gain over
        it, on all places, is added to what it has on the usual ones (a control variate).
        """
        objective, references = self.objectives[0], self.on_places(self.references)
        gain = self.summary(self.on_places(curves) - references[: len(curves)], objective)
        return gain + self.summary(references[: self.usual], objective)

    @cached_property
    def _data(self) -> NDArray[np.intp]:
        return np.array([place.data for place in self.places])

    def ranked(self, by_number: Mapping[int, Array]) -> dict[int, float]:
        """Return the mean over data sets of each trial's rank among all, as a share: 1 is best of all everywhere.

        Parameters
        ----------
        by_number : the first objective on each place, by the trial's number.
        """
        if not by_number:
            return {}
        data = self._data[: self.usual]
        objective = self.objectives[0]
        matrix = np.stack([values[: self.usual] for values in by_number.values()])
        shares = []
        for one in np.unique(data):
            summed = [objective.sign * objective.over_blocks(row[data == one]) for row in matrix]
            shares.append(rankdata(summed) / len(summed))
        return dict(zip(by_number, np.mean(shares, axis=0).tolist(), strict=True))


def check_several(environments: Sequence[Environment], across: str) -> None:
    """Refuse what cannot be averaged over data sets.

    Raises
    ------
    RequestError
        If there are several objectives or they are no scores, or data sets share a name.
    """
    if across not in ("normalized", "ranks"):
        raise RequestError(f"no way {across!r} to average over data sets; take normalized or ranks")
    if len(environments) == 1:
        return
    names = [environment.dataset.name for environment in environments]
    if len(set(names)) < len(names):
        raise RequestError(f"two data sets share a name: {', '.join(names)}")
    scenario = environments[0].scenario
    if len(scenario.objective_names) > 1:
        raise RequestError("several objectives and several data sets at once are not told apart; take one of them")
    if across == "normalized" and not scenario.make_objective().normalizes:
        raise RequestError(
            f"the objective {scenario.objective_names[0]} has no common scale over data sets; take an area, "
            "final_score, or --across ranks"
        )


def normalized(objective: Objective, value: float, reference: LearningCurve) -> float:
    """Return a value where random sampling is 0 and a perfect model 1."""
    if not objective.normalizes:
        return value
    usual = objective(reference, reference)
    return (value - usual) / max(perfect(objective.metric) - usual, _FLAT)
