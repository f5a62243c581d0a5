"""A search replayed on a full grid: trajectories are read; search, evaluator and samplers are altune's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import optuna
from full_grid import Grid, curve_of
from numpy.typing import NDArray

from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment
from altune.simulation.execution.items import Outcome, WorkItem
from altune.simulation.trajectory import PAUSED
from altune.tuning.evaluation import Evaluator
from altune.tuning.judging import Judge
from altune.tuning.proposals import Proposer
from altune.tuning.racing import Racing
from altune.tuning.ranking import best_recipes
from altune.tuning.samplers import SamplerPlan
from altune.tuning.search import Search
from altune.tuning.search_blocks import SearchBlock, SearchBlocks
from altune.tuning.trials import TrialRecord, record_of

Array = NDArray[np.float64]


MOST_TRIALS = 160


BATCH = 4


AMONG = 5


REFERENCE = {"initial_sample": "random", "query_strategy": "random", "retrain": "reset", "training": "constant"}


@dataclass(frozen=True)
class Layout:
    """What the 20 blocks are for, and the policies that are compared on them.

    Attributes
    ----------
    search, leaders, select : blocks to search on, further ones for leaders, and to select on; the others report.
    policies : by name.
    """

    search: int
    leaders: int
    select: int
    policies: dict[str, Racing]


class StoredPlayer:
    """Plays tasks by reading a grid, as :class:`altune.simulation.execution.player.Player` does by simulating.

    Parameters
    ----------
    grid : the truth.
    index : the place of each recipe in it, by digest.

    Attributes
    ----------
    work : whole trajectories played, parts by their share of the labels.
    anew : the same where what paused is played from its beginning again.
    asked, again : whole trajectories asked for, and those of them that had been asked for before.
    """

    def __init__(self, grid: Grid, index: dict[str, int]) -> None:
        self._grid = grid
        self._index = index
        self._reached: dict[tuple[int, int], float] = {}
        self._handed_out: set[tuple[int, int]] = set()
        self.work = self.anew = 0.0
        self.asked = self.again = 0

    def begin(self, tasks: Sequence[WorkItem]) -> None:
        """Leave it: reading takes no time that could be used."""

    def play(
        self, tasks: Sequence[WorkItem], on_done: Callable[[int, Outcome], None] = lambda index, outcome: None
    ) -> list[Outcome]:
        """Return the curves of all tasks, those that pause cut off there."""
        outcomes: list[Outcome] = []
        for index, task in enumerate(tasks):
            outcomes.append(self._played(self._index[task.recipe.digest()], task.block.number, task.until))
            on_done(index, outcomes[-1])
        return outcomes

    def _played(self, recipe: int, block: int, until: float | None) -> LearningCurve:
        whole = curve_of(self._grid, recipe, block)
        points = len(whole) if until is None else 1 + int((whole.labels < until).sum())
        curve = whole if points >= len(whole) else whole.first(points, PAUSED)
        if until is None:
            self.asked += 1
            self.again += (recipe, block) in self._handed_out
            self._handed_out.add((recipe, block))
        self._count((recipe, block), float(curve.labels[-1] / whole.labels[-1]))
        return curve

    def _count(self, key: tuple[int, int], share: float) -> None:
        reached = self._reached.get(key, 0.0)
        if reached == 1.0:
            return
        self.work += max(0.0, share - reached)
        self.anew += share
        self._reached[key] = max(share, reached)


@dataclass
class Replayed:
    """One search, as it stood after each trial.

    Attributes
    ----------
    trials : its trials in order.
    work, anew, again : after each of them; ``again`` as a share of the trajectories asked for.
    """

    trials: list[TrialRecord] = field(default_factory=list)
    work: list[float] = field(default_factory=list)
    anew: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)

    def trials_for(self, work: float) -> int:
        """Return how many trials, in whole batches, took no more than so much work; one batch at least."""
        done = int((np.array(self.work) <= work + 1e-9).sum())
        return max(BATCH, done - done % BATCH)


class Stage:
    """One repetition: a grid with its blocks shuffled and dealt out.

    Parameters
    ----------
    grid : the truth.
    environment : in which it was played.
    layout : what the blocks are for.
    seed : of the shuffle and the search.
    """

    def __init__(self, grid: Grid, environment: Environment, layout: Layout, seed: int) -> None:
        self.grid, self.environment, self.layout, self.seed = grid, environment, layout, seed
        order = np.random.default_rng([seed, 11]).permutation(grid.n_blocks)
        ends = np.cumsum([layout.search, layout.leaders, layout.select])
        self.searched, self.for_leaders, self.select, self.report = np.split(order, ends)
        self._index = {grid.recipe(index).digest(): index for index in range(len(grid.params))}

    def search(self, policy: Racing, sampler: str, n_trials: int, work: float = 0.0) -> Replayed:
        """Replay a search for a number of trials, and continue until an amount of work is done."""
        player, found = StoredPlayer(self.grid, self._index), Replayed()

        def note(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
            found.trials.append(record_of(trial))
            found.work.append(player.work)
            found.anew.append(player.anew)
            found.again.append(player.again / player.asked)

        search = Search(
            study=optuna.create_study(direction="maximize"),
            proposer=Proposer(self.grid.space, [self.environment.capabilities], self._plan(sampler)),
            evaluator=self._evaluator(player, policy),
            batch=BATCH,
            callbacks=(note,),
        )
        search.run(MOST_TRIALS, out_of_time=lambda: len(found.trials) >= n_trials and player.work >= work)
        return found

    def regret(self, trials: Sequence[TrialRecord]) -> float:
        """Return by how much the recipe confirmed of these trials is worse than the best of the grid."""
        best = best_recipes(trials, AMONG, [self.environment.objective])
        values = self.grid.values
        candidates = [self._index[trial.recipe.digest()] for trial in best if trial.recipe is not None]
        selected = max(candidates, key=lambda index: float(values[index][self.select].mean()))
        winner = int(values.mean(axis=1).argmax())
        return float((values[winner] - values[selected])[self.report].mean())

    def best_dropped(self, trials: Sequence[TrialRecord]) -> bool:
        """Return whether the truly best recipe that was drawn is not among the trials that were finished."""
        fresh = np.setdiff1d(np.arange(self.grid.n_blocks), self.searched)
        truth = self.grid.values[:, fresh].mean(axis=1)
        drawn = {self._index[trial.recipe.digest()]: False for trial in trials if trial.recipe is not None}
        for trial in trials:
            if trial.recipe is not None and trial.state == "complete":
                drawn[self._index[trial.recipe.digest()]] = True
        return not drawn[max(drawn, key=lambda index: float(truth[index]))]

    def _plan(self, sampler: str) -> SamplerPlan:
        return SamplerPlan(sampler, self.grid.space, self.seed, lambda params: True)

    def _evaluator(self, player: StoredPlayer, policy: Racing) -> Evaluator:
        blocks = self.environment.blocks("search", self.grid.n_blocks)
        numbers = [*self.searched, *self.for_leaders[: policy.leader_blocks]]
        reference = next(index for index, one in enumerate(self.grid.params) if REFERENCE.items() <= one.items())
        curves = [curve_of(self.grid, reference, int(number)) for number in numbers]
        order = SearchBlocks((self.layout.search,), policy.leader_blocks)
        judge = Judge([self.environment.scenario], order, curves)
        searched = [SearchBlock(self.environment, blocks[int(number)]) for number in numbers]
        return Evaluator(player, judge, searched, policy)
