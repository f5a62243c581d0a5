"""The base of every stopping rule, and what a rule may see after a loop's model was trained.

A rule is a pure function of what it noted in each loop, so that one full trajectory scores every rule afterwards
by replay. The exception is ``target``, whose hold-out purchases change the trajectory.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.registry import Method

if TYPE_CHECKING:
    from altune.core.types import RowNumbers

STOP_SET_ROWS = 1000
LABELS = "stop_labels"
Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Note = Mapping[str, float]

_NO_ROWS: RowNumbers = np.empty(0, dtype=np.intp)
_NO_SCORES: Array = np.empty((0, 0))


class Evidence(Protocol):
    """What a rule may ask beyond predictions; each answer is worked out once a loop, when it is first asked for.

    The stop set is at most 1000 fixed rows of the pool; they stay candidates, so some of them get labelled.
    """

    @property
    def scores(self) -> Array:
        """Class scores of the stop set by the model in hand, ``(n_stop_set, n_classes)``."""

    @property
    def unlabelled(self) -> Mask:
        """Which rows of the stop set could still be queried, ``(n_stop_set,)``."""

    @property
    def new_scores(self) -> Array:
        """Class scores of the rows bought in this loop by the model that chose them, ``(n_new, n_classes)``."""

    @property
    def new_predictions(self) -> RowNumbers:
        """What the model that chose them said of the rows bought in this loop, ``(n_new,)``."""

    @property
    def new_labels(self) -> RowNumbers:
        """Their labels, as the recipe's labeling combined them, ``(n_new,)``."""

    def distances(self, neighbours: int) -> Array:
        """Distance of each row of the stop set to its k-th nearest labelled row, ``(n_stop_set,)``.

        In units of the pool's spacing: the median distance of a row of the stop set to its tenth nearest row of the
        pool. Labelled rows have 0; with fewer than k labelled rows the farthest counts.
        """

    def divergences(self, precision: float) -> tuple[float, float] | None:
        """KL(now ‖ before) and KL(before ‖ now) of a Bayesian model of the labels, None in the first loop.

        The model is described at :class:`altune.knobs.stopping.PacBayes`. It must be asked for in each loop.
        """


@dataclass(frozen=True, eq=False)
class GivenEvidence:
    """Evidence quantities that are known already; what is not given is empty."""

    scores: Array = field(default_factory=lambda: _NO_SCORES)
    unlabelled: Mask = field(default_factory=lambda: np.empty(0, dtype=bool))
    new_scores: Array = field(default_factory=lambda: _NO_SCORES)
    new_predictions: RowNumbers = field(default_factory=lambda: _NO_ROWS)
    new_labels: RowNumbers = field(default_factory=lambda: _NO_ROWS)
    nearest: Array = field(default_factory=lambda: np.empty(0))
    diverged: tuple[float, float] | None = None

    def distances(self, neighbours: int) -> Array:
        """Return the given distances, whatever the number of neighbours."""
        return self.nearest

    def divergences(self, precision: float) -> tuple[float, float] | None:
        """Return the given divergences, whatever the prior."""
        return self.diverged


@dataclass(frozen=True, eq=False)
class StopView:
    """What a stopping rule may see after a loop's model was trained.

    Attributes
    ----------
    predictions : predicted classes of the stop set (at most 1000 fixed pool rows) by each model so far, oldest
        first, each ``(n_stop_set,)``.
    held_out_labels : labels of the rows bought for validation, ``(n_held_out,)``.
    held_out_predictions : what the model in hand says of them.
    labels_bought : labels bought so far.
    n_classes : classes of the scenario.
    rng : the rule's own random stream of this loop.
    watched : further quantities, worked out when they are asked for.
    """

    predictions: Sequence[RowNumbers]
    held_out_labels: RowNumbers
    held_out_predictions: RowNumbers
    labels_bought: int
    n_classes: int
    rng: np.random.Generator
    watched: Evidence = field(default_factory=GivenEvidence)


class Stopping(Method):
    """Base of every method of ``stopping``."""

    knob: ClassVar[str] = "stopping"
    watches_stop_set: ClassVar[bool] = False
    """Whether the rule looks at the predictions of successive models on the stop set."""

    def watching(self) -> bool:
        """Return whether the rule, or one nested in it, looks at predictions on the stop set."""
        rules = [rule for rule in self.nested().values() if isinstance(rule, Stopping)]
        return self.watches_stop_set or any(rule.watching() for rule in rules)

    @property
    def held_out_rows(self) -> int:
        """RowNumbers bought at random for validation before anything else, charged to the budget."""
        return 0

    @abstractmethod
    def note(self, view: StopView) -> dict[str, float]:
        """Return the numbers of this loop that the rule decides on; they are stored with the curve."""

    @abstractmethod
    def fires(self, notes: Sequence[Note]) -> bool:
        """Return whether to stop now, given the notes of all loops so far, oldest first."""


class Criterion(Stopping):
    """A rule that compares one statistic with a threshold, for some loops in a row, once enough labels are bought.

    Subclasses say what they measure in a loop, what statistic follows from the notes so far, and when it is reached.
    ``grows`` tells whether the statistic rises towards the stop.
    """

    grows: ClassVar[bool] = True
    only_decides: ClassVar[frozenset[str]] = frozenset({"threshold", "patience", "minimum"})
    """Parameters that change when the rule fires, and nothing of what it notes."""

    patience: int = Field(default=1, ge=1, le=10, description="loops in a row in which the rule must hold")
    minimum: int = Field(default=0, ge=0, le=10_000_000, description="labels bought before which the rule never stops")

    @abstractmethod
    def measure(self, view: StopView) -> dict[str, float]:
        """Return what the statistic is made of in this loop; nothing where there is nothing to measure."""

    @abstractmethod
    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the number that is compared with the threshold at the last of ``notes``, None while unknown."""

    @abstractmethod
    def reached(self, statistic: float) -> bool:
        """Return whether a statistic is good enough to stop."""

    def note(self, view: StopView) -> dict[str, float]:
        """Return what was measured, and the labels bought where a minimum has to be heeded."""
        labels = {LABELS: float(view.labels_bought)} if self.minimum else {}
        return {**self.measure(view), **labels}

    def holds(self, notes: Sequence[Note]) -> bool:
        """Return whether the rule holds at the last of ``notes``, patience aside."""
        statistic = self.statistic(notes)
        return statistic is not None and bool(self.reached(statistic))

    def fires(self, notes: Sequence[Note]) -> bool:
        """Fire when the rule held in each of the last ``patience`` loops and the minimum is bought."""
        if len(notes) < self.patience or (self.minimum and notes[-1].get(LABELS, 0.0) < self.minimum):
            return False
        return all(self.holds(notes[:end]) for end in range(len(notes), len(notes) - self.patience, -1))


def latest(notes: Sequence[Note], key: str) -> float | None:
    """Return what the last note says under ``key``, None where it says nothing."""
    return notes[-1].get(key) if notes else None


def last_all(notes: Sequence[Note], key: str, patience: int, holds: Callable[[float], bool]) -> bool:
    """Return whether a condition held for ``key`` in each of the last ``patience`` notes."""
    recent = [note[key] for note in notes[-patience:] if key in note]
    return len(recent) == patience and all(holds(value) for value in recent)
