"""A search in which a recipe is played on more blocks the better it does; see :mod:`altune.tuning.merit`.

A batch is a few trials, each on one block, and half as many plays again. Both depend on the finished plays of earlier
batches alone. What is stored never changes: a play again is stored as an Optuna trial of its own that names the first
trial of its recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

from altune.recipes.recipe import Recipe
from altune.simulation.execution.items import Failure
from altune.simulation.execution.player import OnDone
from altune.tuning.evaluation import Evaluator
from altune.tuning.in_memory_study import RetoldStudy
from altune.tuning.merit import MOST_BLOCKS, PlayedRecipe, PlayedRecipes, Standing, first_block, n_again, plays_again
from altune.tuning.proposals import Proposal, Proposer
from altune.tuning.trials import (
    AGAIN,
    BATCH,
    BLOCKS,
    PLANNED,
    RECIPE,
    TrialRecord,
    Verdict,
    finished_trial,
    is_forbidden,
    record_of,
)


@dataclass(eq=False)
class MeritTrial:
    """A trial of a batch, or a play again.

    Attributes
    ----------
    number : number in Optuna's study.
    params, distributions : Optuna's parameters.
    recipe : the recipe; None if the draw is forbidden.
    position : position of the block to play it on; None if there is nothing to play.
    asked : the draw, None for a play again.
    again : number of the first trial of the recipe, None for a trial.
    verdict : the result of a recipe that has nothing to play: it has failed before, or was played on every block.
    planned : number of trials and plays again of the batch, without forbidden draws.
    """

    number: int
    params: dict[str, Any]
    distributions: dict[str, BaseDistribution]
    recipe: Recipe | None
    position: int | None = None
    asked: Proposal | None = None
    again: int | None = None
    verdict: Verdict | None = None
    planned: int = 0

    def finished(self, verdict: Verdict | None, batch: int) -> FrozenTrial:
        """Return the finished trial as it is stored."""
        verdict = self.verdict if verdict is None else verdict
        if self.recipe is None or verdict is None:
            assert self.asked is not None
            return self.asked.finished(None, batch)
        attributes: dict[str, Any] = {BATCH: batch, RECIPE: self.recipe.to_dict(), PLANNED: self.planned}
        attributes[BLOCKS] = [] if self.position is None else [self.position]
        attributes |= {} if self.again is None else {AGAIN: self.again}
        return finished_trial(verdict, self.params, self.distributions, attributes)


class BlocksByMerit:
    """Plays recipes on more blocks the better they do; see :class:`altune.tuning.allocation.Allocation`.

    Parameters
    ----------
    proposer : draws recipes from the search space.
    evaluator : plays them.
    batch : number of trials of a batch.
    baselines : value of each baseline on its search blocks, by name.

    Attributes
    ----------
    standing : what the recipes are worth, given all finished batches.
    """

    def __init__(
        self, proposer: Proposer, evaluator: Evaluator, batch: int, baselines: Mapping[str, Sequence[float]]
    ) -> None:
        self.n_asked = 0
        self.best: TrialRecord | None = None
        self.standing: Standing | None = None
        self._proposer = proposer
        self._evaluator = evaluator
        self._batch = batch
        self._sign = evaluator.judge.objectives[0].sign
        self._played = PlayedRecipes(self._sign, baselines)
        self._memory = RetoldStudy(evaluator.judge.directions)
        self._trials: dict[int, FrozenTrial] = {}
        """First trial of each recipe, by its number."""
        self._new: dict[str, PlayedRecipe] = {}
        """Recipes that were met first in the batch that is planned."""
        self._n_stored = 0
        self._keys: list[str] = []
        """Recipe of each trial of the memory, in the order of their numbers there; empty for a forbidden draw."""

    @property
    def recipes(self) -> int:
        """Number of different recipes of finished batches."""
        return len(self._played.recipes)

    @property
    def candidates(self) -> int | None:
        """Number of recipes that are not clearly behind the best one; None before the first batch has ended."""
        return None if self.standing is None else self.standing.candidates

    def start(self, trials: Sequence[FrozenTrial]) -> None:
        """Begin with the trials and plays again of finished batches."""
        for trial in trials:
            if AGAIN not in trial.user_attrs:
                self._memory.add(trial)
        self.end_batch(trials)

    def plan(self, wanted: int, known: Container[int]) -> list[MeritTrial]:
        """Plan a batch, and let idle workers start it.

        The last batch may have fewer trials than the others. It gets no plays again: if the search is continued with
        more trials, these come first.
        """
        planned: list[MeritTrial] = []
        self._new = {}
        taken: dict[str, list[int]] = {}
        for _ in range(wanted):
            for proposal in self._proposer.ask_until_playable(self._memory.study):
                trial = self._trial(proposal, self._n_stored + len(planned), taken)
                planned.append(trial)
                self._begin(trial, known)
        if wanted == self._batch:
            for trial in self._plays_again(self._n_stored + len(planned), taken):
                planned.append(trial)
                self._begin(trial, known)
        for trial in planned:
            trial.planned = sum(other.recipe is not None for other in planned)
        return planned

    def play(
        self, planned: Sequence[MeritTrial], on_played: OnDone, on_verdict: Callable[[int, Verdict], None]
    ) -> None:
        """Play the new trials of a batch, and notify of those that have nothing to play."""
        plays = []
        indices = []
        for index, trial in enumerate(planned):
            if trial.recipe is not None and trial.position is not None:
                plays.append((trial.recipe, trial.position))
                indices.append(index)
            elif trial.verdict is not None:
                on_verdict(index, trial.verdict)
        self._evaluator.play_on(plays, on_played, lambda index, verdict: on_verdict(indices[index], verdict))

    def n_plays(self, planned: Sequence[MeritTrial]) -> int:
        """Return the number of plays of some trials of a batch."""
        return sum(trial.position is not None for trial in planned)

    def tell(self, planned: MeritTrial, trial: FrozenTrial) -> None:
        """Tell the samplers that a trial has ended; they receive its value when the batch has ended."""
        if planned.asked is not None:
            self._memory.tell(planned.asked.trial, trial)

    def end_batch(self, trials: Sequence[FrozenTrial]) -> None:
        """See the trials and plays again of a batch, and tell the samplers what every recipe is worth now."""
        for trial in trials:
            self._see(trial)
        self._n_stored += len(trials)
        self.standing = self._played.standing()
        rows = {} if self.standing is None else self.standing.rows
        for number, key in enumerate(self._keys):
            if key and self.standing is not None and key in rows:
                self._memory.set_value(number, self._sign * float(self.standing.model.raw[rows[key]]))
            elif key:
                self._memory.set_value(number, None)
        self.best = self._leader()

    def count(self, trial: FrozenTrial) -> None:
        """Do nothing: what a trial is worth is known when its batch has ended."""

    def is_whole(self, trials: Sequence[FrozenTrial], batch: int) -> bool:
        """Return whether a batch of a number of trials was played whole, with its plays again."""
        counted = [trial for trial in trials if not is_forbidden(trial)]
        n_asked = sum(AGAIN not in trial.user_attrs for trial in counted)
        planned = max((int(trial.user_attrs[PLANNED]) for trial in counted), default=0)
        return n_asked >= batch and len(counted) >= planned

    # planning -------------------------------------------------------------------------------------------------

    def _trial(self, proposal: Proposal, number: int, taken: dict[str, list[int]]) -> MeritTrial:
        """Return a drawn trial with its block: the first one on which its recipe was not played yet."""
        trial = MeritTrial(number, proposal.trial.params, proposal.trial.distributions, proposal.recipe, asked=proposal)
        if proposal.recipe is None:
            return trial
        key = proposal.recipe.digest()
        recipe = self._played.recipes.get(key, self._new.get(key))
        if recipe is None:
            start = first_block(len(self._played.recipes) + len(self._new))
            recipe = self._new[key] = PlayedRecipe(number, start)
        in_batch = taken.setdefault(key, [])
        position = recipe.next_block(in_batch)
        if recipe.failure:
            trial.verdict = Verdict(failure=Failure(recipe.failure))
        elif position is None:
            value = self._sign * sum(recipe.values.values()) / len(recipe.values)
            trial.verdict = Verdict(objectives=(value,))
        else:
            trial.position = position
            in_batch.append(position)
        return trial

    def _plays_again(self, number: int, taken: dict[str, list[int]]) -> list[MeritTrial]:
        if self.standing is None:
            return []
        keys = list(self.standing.rows)[: self.standing.n_recipes]
        left = [MOST_BLOCKS - len(self._played.recipes[key].values) - len(taken.get(key, ())) for key in keys]
        planned: list[MeritTrial] = []
        for row in plays_again(self.standing, left, n_again(self._batch)):
            key = keys[row]
            recipe = self._played.recipes[key]
            first = self._trials[recipe.first]
            in_batch = taken.setdefault(key, [])
            position = recipe.next_block(in_batch)
            assert position is not None
            in_batch.append(position)
            again = MeritTrial(
                number + len(planned),
                first.params,
                first.distributions,
                Recipe.from_dict(first.user_attrs[RECIPE]),
                position=position,
                again=recipe.first,
            )
            planned.append(again)
        return planned

    def _begin(self, trial: MeritTrial, known: Container[int]) -> None:
        if trial.recipe is not None and trial.position is not None and trial.number not in known:
            self._evaluator.begin_on(trial.recipe, trial.position)

    # finished trials ------------------------------------------------------------------------------------------

    def _see(self, trial: FrozenTrial) -> None:
        """Add a finished trial to the plays of its recipe."""
        record = record_of(trial)
        key = self._played.add(record)
        if record.again is None:
            self._keys.append(key)
            self.n_asked += bool(key)
            if key and self._played.recipes[key].first == trial.number:
                self._trials[trial.number] = trial

    def _leader(self) -> TrialRecord | None:
        """Return the trial of the recipe with the highest posterior mean, with that as its value."""
        standing = self.standing
        if standing is None or not standing.n_recipes:
            return None
        key = list(standing.rows)[int(standing.model.mean[: standing.n_recipes].argmax())]
        first = self._trials[self._played.recipes[key].first]
        return self._played.merged(record_of(first), key, standing)
