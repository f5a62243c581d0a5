"""Objectives, which are functions of a learning curve, and how their values on several blocks are summarised.

Some objectives compare a curve with that of random sampling on the same block, its *reference*. Objectives to minimise,
such as labels or money, have the direction ``minimize``; their values are not negated.
"""

from altune.simulation.objectives.constraint import Constraint
from altune.simulation.objectives.formulas import perfect
from altune.simulation.objectives.kinds import KINDS, OBJECTIVES, SPENT, Direction, ObjectiveKind
from altune.simulation.objectives.objective import Objective
from altune.simulation.objectives.own import load_objectives, own_objective, register_objective
from altune.simulation.objectives.risk import Risk

__all__ = [
    "KINDS",
    "OBJECTIVES",
    "SPENT",
    "Constraint",
    "Direction",
    "Objective",
    "ObjectiveKind",
    "Risk",
    "load_objectives",
    "own_objective",
    "perfect",
    "register_objective",
]
