"""What a search betters: one number from one curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from altune.core.errors import ScenarioError, did_you_mean
from altune.simulation.curve import Array, LearningCurve
from altune.simulation.objectives.formulas import FORMULAS, Terms
from altune.simulation.objectives.kinds import KINDS, Direction, ObjectiveKind


@dataclass(frozen=True)
class Objective(Terms):
    """What a search optimises: one number from one curve; its parameters are those of :class:`Terms`."""

    def __post_init__(self) -> None:
        if self.name not in KINDS:
            raise ScenarioError(f"no objective {self.name!r}; {did_you_mean(self.name, KINDS)}")

    def __call__(self, curve: LearningCurve, reference: LearningCurve | None = None) -> float:
        """Return the objective of a curve; ``reference`` is random sampling's curve on the same block.

        Raises
        ------
        ScenarioError
            If the objective needs a reference and there is none, or what it integrates was not recorded.
        """
        if self.needs_reference and reference is None:
            raise ScenarioError(f"{self.name} is measured against random sampling on the same block, and none is given")
        return float(FORMULAS[self.name](self, curve, reference if reference is not None else curve))

    def each(self, curves: Sequence[LearningCurve], references: Sequence[LearningCurve] | None = None) -> Array:
        """Return the objective of each curve, ``(n_blocks,)``."""
        beside = references if references is not None else [None] * len(curves)
        return np.array([self(curve, other) for curve, other in zip(curves, beside, strict=True)])

    def over_blocks(self, values: Sequence[float] | Array) -> float:
        """Return the one number of several blocks, by the risk."""
        return self.risk(values, self.direction)

    @property
    def kind(self) -> ObjectiveKind:
        """What is the same for every objective of this name."""
        return KINDS[self.name]

    @property
    def direction(self) -> Direction:
        """``maximize`` or ``minimize``."""
        return self.kind.direction

    @property
    def sign(self) -> float:
        """1 where more is better, −1 where less is."""
        return 1.0 if self.direction == "maximize" else -1.0

    @property
    def needs_reference(self) -> bool:
        """Whether it is measured against random sampling on the same block."""
        return self.kind.reference and not (self.name == "labels_to_target" and self.target is not None)

    @property
    def normalizes(self) -> bool:
        """Whether it is a score or a mean of scores, so that 0 for random sampling and 1 for a perfect model fit."""
        return self.name in ("aulc", "aulc_trapezoid", "aulc_dense", "aulc_log", "aubc_lu", "final_score")

    @property
    def rewards_early_stop(self) -> bool:
        """Whether ending before the budget can better the objective."""
        return self.kind.saves

    def gain(self, own: float, other: float) -> float:
        """Return how much better ``own`` is than ``other``; positive where it is better."""
        return self.sign * (own - other)
