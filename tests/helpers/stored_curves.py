"""Learning curves made up by tests, and a player that hands them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment, make_environment
from altune.simulation.execution.items import Failure, Outcome, WorkItem
from altune.simulation.trajectory import PAUSED
from altune.tuning.judging import Across, Judge
from altune.tuning.search_blocks import SearchBlocks

BUDGET = 20


def made_environment(**changes: object) -> Environment:
    return make_environment("iris", **{"budget": BUDGET, "loops": 5, **changes})


def curve(points: Mapping[int, float] | float, prior: float = 0.3, stopped: str = "budget") -> LearningCurve:
    """Return a curve of scores by label count; a number is one score from the first label on."""
    points = points if isinstance(points, Mapping) else {1: points}
    labels = np.array(list(points), dtype=np.int64)
    nothing = np.zeros(len(labels))
    return LearningCurve(
        labels=labels,
        used=labels,
        cost=labels.astype(np.float64),
        scores={"accuracy": np.array(list(points.values()), dtype=np.float64)},
        prior={"accuracy": prior},
        loop_rows=np.diff(labels, prepend=0),
        fit_seconds=nothing,
        query_seconds=nothing,
        evaluation_seconds=nothing,
        notes=({},) * len(labels),
        rows=np.arange(labels[-1]),
        stopped=stopped,
    )


def judge_of(
    environments: Sequence[Environment], blocks: int, usual: int, across: Across = "normalized", reference: float = 0.5
) -> Judge:
    """Return a judge of some blocks of each environment, the first ones usual, with flat references."""
    order = SearchBlocks((usual,) * len(environments), blocks - usual)
    scenarios = [environment.scenario for environment in environments]
    return Judge(scenarios, order, [curve(reference) for _ in order.order], across)


class Shelf:
    """A player that takes curves from a shelf, by recipe and number of the block.

    Attributes
    ----------
    begun : tasks that could have been begun, in order.
    played : (recipe, block, until, limit) of each task, in order.
    """

    def __init__(self, outcomes: Callable[[Recipe, int], Outcome]) -> None:
        self._outcomes = outcomes
        self.begun: list[WorkItem] = []
        self.played: list[tuple[Recipe, int, float | None, float | None]] = []

    def begin(self, tasks: Sequence[WorkItem]) -> None:
        self.begun += tasks

    def play(
        self, tasks: Sequence[WorkItem], on_done: Callable[[int, Outcome], None] = lambda index, outcome: None
    ) -> list[Outcome]:
        found = []
        for index, task in enumerate(tasks):
            self.played.append((task.recipe, task.block.number, task.until, task.limit))
            found.append(_as_played(self._outcomes(task.recipe, task.block.number), task))
            on_done(index, found[-1])
        return found

    def blocks(self, recipe: Recipe, until: float | None = None) -> list[int]:
        """Return the blocks on which a recipe was played so far."""
        return [block for own, block, share, _ in self.played if own == recipe and share == until]


def _as_played(outcome: Outcome, task: WorkItem) -> Outcome:
    if isinstance(outcome, Failure):
        return replace(outcome, attempt=task.attempt)
    if task.until is None:
        return outcome
    points = 1 + int((outcome.labels < task.until).sum())
    return outcome if points >= len(outcome) else outcome.first(points, PAUSED)
