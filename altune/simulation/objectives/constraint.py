"""Bounds that a recipe must keep."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from altune.core.errors import ScenarioError, did_you_mean
from altune.simulation.objectives.kinds import KINDS


@dataclass(frozen=True)
class Constraint:
    """A bound on an objective that a recipe must keep, such as ``labels <= 300``.

    Parameters
    ----------
    name : one of :data:`OBJECTIVES`.
    most : whether ``bound`` is the most that is allowed, else the least.
    bound : the bound, in the objective's unit.
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
        found = re.fullmatch(r"\s*(\w+)\s*(<=|>=)\s*([-+.\deE]+)\s*", text)
        try:
            bound = float(found.group(3)) if found else float("nan")
        except ValueError:
            bound = float("nan")
        if found is None or not np.isfinite(bound):
            raise ScenarioError(f"no constraint {text!r}; write NAME <= NUMBER or NAME >= NUMBER, as in labels <= 300")
        if found.group(1) not in KINDS:
            raise ScenarioError(f"constraint {text!r}: no {found.group(1)!r}; {did_you_mean(found.group(1), KINDS)}")
        return cls(found.group(1), found.group(2) == "<=", bound)

    def __str__(self) -> str:
        return f"{self.name} {'<=' if self.most else '>='} {self.bound:g}"

    def violation(self, value: float) -> float:
        """Return by how much a value breaks the bound; 0 or less where it keeps it, as Optuna has it."""
        return value - self.bound if self.most else self.bound - value
