"""The bases of stopping rules, and what a rule may see after a loop's model was trained."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.registry import Method
from altune.core.types import Array, Codes

STOP_SET_ROWS = 1000
"""Rows in the stop set, at most: fixed random rows of the pool on which rules measure the models."""

LABELS = "stop_labels"
"""Key under which a rule with a minimum notes the number of labels bought."""

Mask = NDArray[np.bool_]
Note = Mapping[str, float]
"""The numbers that a rule notes in a loop, by name."""


class Evidence(Protocol):
    """Quantities of a loop that a rule may use, each computed once per loop when it is first used.

    The stop set is at most 1000 fixed rows of the pool. They remain candidates, so some of them get labelled.
    """

    @property
    def scores(self) -> Array:
        """Class scores of the stop set by the current model, ``(n_stop_set, n_classes)``."""

    @property
    def unlabelled(self) -> Mask:
        """Whether each row of the stop set can still be queried, ``(n_stop_set,)``."""

    @property
    def new_scores(self) -> Array:
        """Class scores of the rows bought in this loop by the model that selected them, ``(n_new, n_classes)``."""

    @property
    def new_predictions(self) -> Codes:
        """Predictions of the rows bought in this loop by the model that selected them, ``(n_new,)``."""

    @property
    def new_labels(self) -> Codes:
        """Labels of the rows bought in this loop, as the recipe's labeling combined them, ``(n_new,)``."""

    def distances(self, neighbours: int) -> Array:
        """Return the distance of each row of the stop set to its k-th nearest labelled row, ``(n_stop_set,)``.

        The unit is the spacing of the pool: the median distance of a row of the stop set to its tenth nearest row of
        the pool. It is 0 for labelled rows. With fewer than k labelled rows, the farthest one counts.
        """

    def divergences(self, precision: float) -> tuple[float, float] | None:
        """Return KL(now ‖ before) and KL(before ‖ now) of a Bayesian model of the labels, or None in the first loop.

        The model is that of :class:`altune.knobs.stopping.PacBayes`. A rule that uses it must do so in every loop.
        """


@dataclass(frozen=True, eq=False)
class GivenEvidence:
    """Evidence from given arrays; what is not given is empty."""

    scores: Array = field(default_factory=lambda: np.empty((0, 0)))
    unlabelled: Mask = field(default_factory=lambda: np.empty(0, dtype=bool))
    new_scores: Array = field(default_factory=lambda: np.empty((0, 0)))
    new_predictions: Codes = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    new_labels: Codes = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    nearest: Array = field(default_factory=lambda: np.empty(0))
    diverged: tuple[float, float] | None = None

    def distances(self, neighbours: int) -> Array:
        """Return the given distances for any number of neighbours."""
        return self.nearest

    def divergences(self, precision: float) -> tuple[float, float] | None:
        """Return the given divergences for any prior."""
        return self.diverged


@dataclass(frozen=True, eq=False)
class StopView:
    """What a stopping rule may see after a loop's model was trained.

    Attributes
    ----------
    predictions : predicted classes of the stop set by each model so far, oldest first, ``(n_stop_set,)`` each.
    held_out_labels : labels of the rows bought for validation, ``(n_held_out,)``.
    held_out_predictions : predictions of these rows by the current model, ``(n_held_out,)``.
    labels_bought : number of labels bought so far.
    n_classes : number of classes of the scenario.
    rng : the random stream of the rule in this loop.
    evidence : further quantities, computed when they are used.
    """

    predictions: Sequence[Codes]
    held_out_labels: Codes
    held_out_predictions: Codes
    labels_bought: int
    n_classes: int
    rng: np.random.Generator
    evidence: Evidence = field(default_factory=GivenEvidence)


class Stopping(Method):
    """Base of every method of ``stopping``.

    ``note`` is called after the model of each loop was trained, and ``fires`` with the notes of all loops so far. A
    rule must decide on its notes alone, so that it can be replayed on a stored trajectory.
    """

    knob = "stopping"
    watches_stop_set: ClassVar[bool] = False
    """Whether the rule uses the predictions of successive models on the stop set."""

    def watching(self) -> bool:
        """Return whether the rule, or one nested in it, uses predictions on the stop set."""
        rules = [rule for rule in self.nested().values() if isinstance(rule, Stopping)]
        return self.watches_stop_set or any(rule.watching() for rule in rules)

    @property
    def held_out_rows(self) -> int:
        """Number of random rows bought for validation before the initial sample; the budget includes them."""
        return 0

    @abstractmethod
    def note(self, view: StopView) -> dict[str, float]:
        """Return the numbers of this loop that the rule decides on; they are stored with the learning curve."""

    @abstractmethod
    def fires(self, notes: Sequence[Note]) -> bool:
        """Return whether to stop now, given the notes of all loops so far, oldest first."""


class Criterion(Stopping):
    """Base of rules that compare one statistic with a threshold.

    A rule stops when its condition held in ``patience`` loops in a row and ``minimum`` labels are bought. Subclasses
    define what is measured in a loop, the statistic that follows from the notes so far, and the condition.
    """

    key: ClassVar[str] = ""
    """Name of the noted number that is the statistic, for rules that do not define :meth:`statistic`."""
    grows: ClassVar[bool] = True
    """Whether the statistic increases towards the stop."""
    only_decides: ClassVar[frozenset[str]] = frozenset({"threshold", "patience", "minimum"})
    """Parameters that change when the rule fires, but not what it notes."""

    patience: int = Field(default=1, ge=1, le=10, description="number of loops in a row in which the rule must hold")
    minimum: int = Field(
        default=0, ge=0, le=10_000_000, description="number of labels bought before which the rule never stops"
    )

    @abstractmethod
    def measure(self, view: StopView) -> dict[str, float]:
        """Return the numbers of this loop that the statistic is computed from; empty if there are none."""

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the statistic at the last of ``notes``, or None if it does not exist yet."""
        return latest(notes, self.key)

    @abstractmethod
    def reached(self, statistic: float) -> bool:
        """Return whether a statistic meets the condition."""

    def note(self, view: StopView) -> dict[str, float]:
        """Return what was measured and, if there is a minimum, the number of labels bought."""
        labels = {LABELS: float(view.labels_bought)} if self.minimum else {}
        return {**self.measure(view), **labels}

    def holds(self, notes: Sequence[Note]) -> bool:
        """Return whether the condition is met at the last of ``notes``, without regard to patience."""
        statistic = self.statistic(notes)
        return statistic is not None and bool(self.reached(statistic))

    def fires(self, notes: Sequence[Note]) -> bool:
        """Return whether the condition held in the last ``patience`` loops and the minimum is bought."""
        if len(notes) < self.patience or (self.minimum and notes[-1].get(LABELS, 0.0) < self.minimum):
            return False
        return all(self.holds(notes[:end]) for end in range(len(notes), len(notes) - self.patience, -1))


class ThresholdCriterion(Criterion):
    """Base of rules that stop when the statistic is at least ``threshold``, or at most if it decreases."""

    threshold: float

    def reached(self, statistic: float) -> bool:
        """Return whether the threshold is reached."""
        return statistic >= self.threshold if self.grows else statistic <= self.threshold


def latest(notes: Sequence[Note], key: str) -> float | None:
    """Return the value of ``key`` in the last note, or None if it is missing."""
    return notes[-1].get(key) if notes else None
