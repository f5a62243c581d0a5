"""Objectives: each a pure function of a learning curve, and how one number comes of many blocks.

Some measure a curve against that of random sampling on the same block, its *reference*. Those where less is better
(labels needed, money, seconds) say so by their direction; nothing is negated.
"""

from altune.simulation.objectives.constraint import Constraint
from altune.simulation.objectives.formulas import perfect
from altune.simulation.objectives.kinds import KINDS, OBJECTIVES, SPENT, Direction, ObjectiveKind
from altune.simulation.objectives.objective import Objective
from altune.simulation.objectives.risk import Risk

__all__ = ["KINDS", "OBJECTIVES", "SPENT", "Constraint", "Direction", "Objective", "ObjectiveKind", "Risk", "perfect"]
