"""Interface of what decides how a batch of trials is planned, and on which search blocks it is played."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from optuna.trial import FrozenTrial

from altune.recipes.recipe import Recipe
from altune.simulation.execution.player import OnDone
from altune.tuning.trials import TrialRecord, Verdict


class PlannedTrial(Protocol):
    """A trial of a batch before it is played: :class:`altune.tuning.proposals.Proposal` or a trial by merit."""

    @property
    def number(self) -> int:
        """Number in Optuna's study."""

    @property
    def params(self) -> Mapping[str, Any]:
        """Optuna's parameters."""

    @property
    def recipe(self) -> Recipe | None:
        """The recipe; None if the draw is forbidden."""

    @property
    def again(self) -> int | None:
        """Number of the first trial of the recipe if it is played again, None for a trial."""

    def finished(self, verdict: Verdict | None, batch: int) -> FrozenTrial:
        """Return the finished trial as it is stored."""


Planned = TypeVar("Planned", bound=PlannedTrial)


class Allocation(Protocol[Planned]):
    """What a search knows of its trials, and how it plans and plays a batch of them.

    Everything about a batch is decided from the trials of finished batches, so a batch that was interrupted is planned
    again in exactly the same way.
    """

    @property
    def n_asked(self) -> int:
        """Number of trials of finished batches, without forbidden draws and plays again."""

    @property
    def best(self) -> TrialRecord | None:
        """Best trial so far."""

    @property
    def recipes(self) -> int | None:
        """Number of different recipes; None if they are not counted."""

    @property
    def candidates(self) -> int | None:
        """Number of recipes that are not clearly behind the best one; None if that is not known."""

    def start(self, trials: Sequence[FrozenTrial]) -> None:
        """Begin with the trials of finished batches, which are all that the samplers know."""

    def plan(self, wanted: int, known: Container[int]) -> list[Planned]:
        """Plan a batch. Idle workers start its new trials while the others are drawn.

        Parameters
        ----------
        wanted : number of trials.
        known : numbers of the trials that are stored already.
        """

    def play(self, planned: Sequence[Planned], on_played: OnDone, on_verdict: Callable[[int, Verdict], None]) -> None:
        """Play the new trials of a batch, none of which is forbidden.

        Parameters
        ----------
        planned : the trials.
        on_played : called after each trajectory.
        on_verdict : called with the index of a trial and its verdict as soon as it is known, in any order.
        """

    def n_plays(self, planned: Sequence[Planned]) -> int:
        """Return the largest number of plays of some trials of a batch."""

    def tell(self, planned: Planned, trial: FrozenTrial) -> None:
        """Tell the samplers that a trial has ended; called in the order of the plan."""

    def end_batch(self, trials: Sequence[FrozenTrial]) -> None:
        """See the trials of a batch that has ended."""

    def count(self, trial: FrozenTrial) -> None:
        """See a trial that was just stored."""

    def is_whole(self, trials: Sequence[FrozenTrial], batch: int) -> bool:
        """Return whether the stored trials of a batch are all of a batch of a number of trials."""
