"""Bounds that a recipe must keep."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from altune.core.errors import ScenarioError, did_you_mean
from altune.simulation.objectives.kinds import KINDS
from altune.simulation.objectives.own import load_objectives


@dataclass(frozen=True)
class Constraint:
    """A bound on an objective that a recipe must keep, such as ``labels <= 300``.

    Parameters
    ----------
    name : one of :data:`OBJECTIVES`.
    most : whether ``bound`` is an upper bound, else it is a lower one.
    bound : the bound, in the unit of the objective.
    """

    name: str
    most: bool
    bound: float

    @classmethod
    def parse(cls, text: str) -> Constraint:
        """Read ``NAME <= NUMBER`` or ``NAME >= NUMBER``.

        >>> Constraint.parse("labels <= 300")
        Constraint(name='labels', most=True, bound=300.0)

        Raises
        ------
        ScenarioError
            For anything else.
        """
        match = re.fullmatch(r"\s*(\w+)\s*(<=|>=)\s*([-+.\deE]+)\s*", text)
        try:
            bound = float(match.group(3)) if match else float("nan")
        except ValueError:
            bound = float("nan")
        if match is None or not np.isfinite(bound):
            raise ScenarioError(
                f"{text!r} is not a constraint; write NAME <= NUMBER or NAME >= NUMBER, such as labels <= 300"
            )
        name, sign, _ = match.groups()
        load_objectives()
        if name not in KINDS:
            raise ScenarioError(f"constraint {text!r}: unknown objective {name!r}; {did_you_mean(name, KINDS)}")
        return cls(name, sign == "<=", bound)

    def __str__(self) -> str:
        return f"{self.name} {'<=' if self.most else '>='} {self.bound:g}"

    def violation(self, value: float) -> float:
        """Return by how much a value violates the bound; 0 or less if it keeps it, as Optuna defines it."""
        return value - self.bound if self.most else self.bound - value
