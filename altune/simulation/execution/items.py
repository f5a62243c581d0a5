"""Work items: what is to be played, how it travels to a worker, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from altune.core.errors import WorkError
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.attempts import Play
from altune.simulation.store import TrajectoryStore, imported_code, trajectory_key

if TYPE_CHECKING:
    from altune.data.blocks import Block
    from altune.recipes.recipe import Recipe
    from altune.simulation.environment import Environment
    from altune.simulation.scenario import Scenario


@dataclass(frozen=True, eq=False)
class WorkItem:
    """One recipe to play on one block of an environment.

    Attributes
    ----------
    recipe, block, environment : what is played, and where.
    until : label count at which to pause; the curve then ends with the first model trained on that many labels. None
        plays to the end.
    limit : time limit in seconds, None for no limit.
    examined : whether to record more about each loop (:mod:`altune.simulation.probes`).
    row_scores : whether to record the scores by test row; None to do so where blocks share their test rows, since the
        intervals need them there.
    attempt : how often the item was begun before, by workers that died.
    """

    recipe: Recipe
    block: Block
    environment: Environment
    until: float | None = None
    limit: float | None = None
    examined: bool = False
    row_scores: bool | None = None
    attempt: int = 0

    @property
    def by_row(self) -> bool:
        """Whether the scores by test row are recorded."""
        return self.block.shares_test if self.row_scores is None else self.row_scores

    @cached_property
    def key(self) -> str:
        """A hash of everything that the whole trajectory depends on, and of what is recorded of it."""
        environment = self.environment
        return trajectory_key(
            self.recipe,
            self.block,
            environment.scenario,
            environment.dataset.fingerprint_for(self.recipe.takes_raw),
            environment.dataset.name,
            environment.seed,
            examined=self.examined,
            row_scores=self.by_row,
        )

    @cached_property
    def play(self) -> Play:
        """What is counted if a process ends while it plays the item."""
        return Play(self.key, self.recipe.digest())

    def packed(self, store: TrajectoryStore | None) -> PackedItem:
        """Return the item as it travels to a worker, which saves a finished trajectory in ``store``."""
        return PackedItem(
            key=self.key,
            recipe=self.recipe,
            scenario=self.environment.scenario,
            until=self.until,
            limit=self.limit,
            examined=self.examined,
            row_scores=self.by_row,
            attempt=self.attempt,
            store=store,
            code=imported_code(self.recipe),
        )


@dataclass(frozen=True, eq=False)
class PackedItem:
    """A :class:`WorkItem` as it travels to a worker: without its block and data set, which would be large to pickle.

    A worker of the same machine maps the block from files, a worker elsewhere prepares it from the data set.

    Attributes
    ----------
    scenario : the scenario of the item's environment.
    store : where whoever plays the item saves a finished trajectory, None to save none.
    code : what :func:`altune.simulation.store.imported_code` returns where the item was packed.
    key, recipe, until, limit, examined, row_scores, attempt : as in :class:`WorkItem`.
    """

    key: str
    recipe: Recipe
    scenario: Scenario
    until: float | None
    limit: float | None
    examined: bool
    row_scores: bool
    attempt: int
    store: TrajectoryStore | None
    code: Mapping[str, str]

    def require_code(self) -> None:
        """Refuse to play the item with other code than where it was packed.

        Raises
        ------
        WorkError
            If this process has imported another version of a method, or another value that the method reads.
        """
        here = imported_code(self.recipe)
        if differing := sorted(name for name, text in self.code.items() if here.get(name, text) != text):
            raise WorkError(
                f"{', '.join(differing)} is another one in worker processes, which import it from its file: the file "
                "was edited, or a value in it was set, since this process imported it; import it again "
                "(importlib.reload) or restart Python, then repeat the call"
            )


@dataclass(frozen=True)
class Failure:
    """A work item that failed.

    Attributes
    ----------
    reason : the error in one line.
    details : the traceback, empty where there is none.
    attempt : the attempt that failed, 0 for the first.
    """

    reason: str
    details: str = field(repr=False, default="")
    attempt: int = 0


Outcome = LearningCurve | Failure


def curves_or_raise(outcomes: Sequence[Outcome]) -> list[LearningCurve]:
    """Return the curves of outcomes, none of which may be a failure.

    Raises
    ------
    WorkError
        With the reason of the first failure.
    """
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            raise WorkError(outcome.reason)
    return [outcome for outcome in outcomes if isinstance(outcome, LearningCurve)]
