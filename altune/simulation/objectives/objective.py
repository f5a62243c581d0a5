"""The objective of a search: one number from one learning curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from altune.core.errors import ScenarioError, did_you_mean
from altune.simulation.curve import Array, LearningCurve
from altune.simulation.metrics import metric_range
from altune.simulation.objectives.formulas import FORMULAS, Terms
from altune.simulation.objectives.kinds import KINDS, Direction, ObjectiveKind


@dataclass(frozen=True)
class Objective(Terms):
    """A function from a learning curve to the number that a search optimises.

    Its parameters are those of :class:`Terms`.
    """

    def __post_init__(self) -> None:
        if self.name not in KINDS:
            raise ScenarioError(f"unknown objective {self.name!r}; {did_you_mean(self.name, KINDS)}")

    def __call__(self, curve: LearningCurve, reference: LearningCurve | None = None) -> float:
        """Return the objective of a curve.

        Parameters
        ----------
        curve : the learning curve.
        reference : learning curve of random sampling on the same block, where :attr:`needs_reference`.

        Raises
        ------
        ScenarioError
            If the reference is missing, or the curve does not have what the objective needs.
        """
        if self.needs_reference and reference is None:
            raise ScenarioError(f"{self.name} needs the learning curve of random sampling on the same block")
        return float(FORMULAS[self.name](self, curve, reference if reference is not None else curve))

    def each(self, curves: Sequence[LearningCurve], references: Sequence[LearningCurve] | None = None) -> Array:
        """Return the objective of each curve, ``(n_blocks,)``."""
        of_random = references if references is not None else [None] * len(curves)
        return np.array([self(curve, reference) for curve, reference in zip(curves, of_random, strict=True)])

    def over_blocks(self, values: Sequence[float] | Array) -> float:
        """Summarise the values of several blocks by the risk."""
        return self.risk(values, self.direction)

    @property
    def words(self) -> str:
        """Name of the objective with that of its metric."""
        return f"{self.name} of {self.metric}"

    @property
    def kind(self) -> ObjectiveKind:
        """What is the same for every objective of this name."""
        return KINDS[self.name]

    @property
    def metric_text(self) -> str:
        """The metric in words, with its positive class if it has one.

        >>> Objective(metric="recall", positive="yes").metric_text
        "recall of 'yes'"
        """
        words = self.metric.replace("_", " ")
        return words if self.positive is None else f"{words} of {self.positive!r}"

    def positive_entry(self) -> dict[str, str]:
        """Return the entry ``positive`` of JSON values, empty if the metric has no positive class."""
        return {} if self.positive is None else {"positive": self.positive}

    @property
    def direction(self) -> Direction:
        """``maximize`` or ``minimize``."""
        return self.kind.direction

    @property
    def sign(self) -> float:
        """1 for an objective to maximise, −1 for one to minimise."""
        return 1.0 if self.direction == "maximize" else -1.0

    @property
    def needs_reference(self) -> bool:
        """Whether it needs the learning curve of random sampling on the same block."""
        return self.kind.reference and not (self.name == "labels_to_target" and self.target is not None)

    @property
    def normalizes(self) -> bool:
        """Whether it is a score or a mean of scores, so that its value for a perfect model is known."""
        return self.name in ("aulc", "aulc_trapezoid", "aulc_dense", "aulc_log", "aubc_lu", "final_score")

    @property
    def rewards_early_stop(self) -> bool:
        """Whether stopping before the budget is used up can improve the objective."""
        return self.kind.saves

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the largest possible value, infinite where there is none."""
        least, most = metric_range(self.metric)
        kind = self.kind
        return (least if kind.least is None else kind.least), (most if kind.most is None else kind.most)

    def measure(self, budget: int) -> str:
        """Return what the values measure, for a sentence.

        >>> Objective("aulc").measure(200), Objective("aulc", over="cost").measure(200)
        ('mean accuracy over 200 labels', 'mean accuracy over all that is spent')
        """
        text = self.kind.measure.format(metric=self.metric_text, budget=budget)
        if self.over != "labels":
            text = text.replace(f"{budget} labels", "all that is spent")
        return text if self.risk.kind == "mean" else f"{text} ({self.risk.words})"

    def gain(self, value: float, other: float) -> float:
        """Return how much better ``value`` is than ``other``, negative if it is worse."""
        return self.sign * (value - other)
