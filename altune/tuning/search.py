"""The search: batches of trials asked of Optuna, played on the study's blocks, and stored in the order of numbers.

Each batch is asked from the finished trials of earlier batches alone, with a sampler seed from (study seed, trial
number). A batch that was cut off is asked again just the same; what it had stored or played is read back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from altune.curve import LearningCurve, Objective
from altune.data.blocks import Block
from altune.errors import WorkError
from altune.recipe import Facts, Recipe
from altune.space import SearchSpace
from altune.tuning.player import Failure, Outcome, Player, Task
from altune.tuning.samplers import make_sampler
from altune.tuning.storage import append_trial

BATCH = "batch"
RECIPE = "recipe"
CURVES = "curves"
VALUES = "values"
REASON = "reason"
FORBIDDEN = "forbidden"
MOST_FORBIDDEN = 1000


@dataclass(frozen=True)
class TrialRecord:
    """One trial of the search.

    Attributes
    ----------
    number : Optuna's number.
    state : ``complete``, ``failed`` or ``forbidden``.
    value : mean objective over the search blocks, None unless complete.
    params : Optuna's parameters by path.
    values : objective on each block.
    recipe : what was played, None where the draw was forbidden.
    reason : why it failed, empty where it did not.
    """

    number: int
    state: str
    value: float | None
    params: dict[str, Any]
    values: tuple[float, ...]
    recipe: Recipe | None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain = {"number": self.number, "state": self.state, "value": self.value, "params": self.params}
        return {**plain, "blocks": list(self.values)} | ({"reason": self.reason} if self.reason else {})


@dataclass
class SearchProgress:
    """What is known while the search runs; handed to the observer after each change."""

    wanted: int
    finished: int = 0
    failed: int = 0
    in_batch: int = 0
    played: int = 0
    to_play: int = 0
    best: TrialRecord | None = None


@dataclass
class Search:
    """A search in progress.

    Parameters
    ----------
    study : the stored study; finished trials are appended to it.
    space : narrowed to what can work.
    facts : what the world offers, for combinations that cannot work.
    player : plays trajectories.
    blocks : the search blocks.
    objective : what is maximised.
    seed : the study's seed.
    sampler : name of the sampler.
    batch : trials asked at a time.
    observe : called with the progress after each trajectory and each trial.
    """

    study: optuna.Study
    space: SearchSpace
    facts: Facts
    player: Player
    blocks: Sequence[Block]
    objective: Objective
    seed: int
    sampler: str = "tpe"
    batch: int = 4
    observe: Callable[[SearchProgress], None] = lambda progress: None
    progress: SearchProgress = field(default_factory=lambda: SearchProgress(0))

    def run(self, n_trials: int, out_of_time: Callable[[], bool] = lambda: False) -> None:
        """Go on until ``n_trials`` trials are finished (forbidden draws aside) or time is up.

        Raises
        ------
        WorkError
            If the space forbids nearly every draw.
        """
        stored = self.study.get_trials(deepcopy=False)
        self.progress = SearchProgress(n_trials)
        for trial in stored:
            self._count(trial, trial.number)
        memory = self._memory([trial for trial in stored if self._batch_of(trial) < self._unfinished_batch(stored)])
        while self._counted(memory) < n_trials and not out_of_time():
            self._play_batch(memory, stored, n_trials)
            stored = self.study.get_trials(deepcopy=False)

    # batches --------------------------------------------------------------------------------------------------

    def _play_batch(self, memory: optuna.Study, stored: list[FrozenTrial], n_trials: int) -> None:
        number = self._counted(memory) // self.batch
        draws = self._ask(memory, min(self.batch, n_trials - self._counted(memory)))
        known = {trial.number: trial for trial in stored}
        outcomes = self._simulate([draw for draw in draws if draw.recipe is not None and draw.number not in known])
        for draw in draws:
            finished = known.get(draw.number)
            if finished is None:
                finished = self._frozen(draw, number, outcomes.get(draw.number, []))
                append_trial(self.study, finished)
                self._count(finished, draw.number)
            elif finished.params != draw.trial.params:
                raise WorkError(
                    f"trial {draw.number} of the stored study was drawn otherwise than it would be now; "
                    "it was made by another version: start a new run with another --out"
                )
            memory.tell(draw.trial, finished.value, state=finished.state)
        self.progress.in_batch = 0
        self.observe(self.progress)

    def _ask(self, memory: optuna.Study, wanted: int) -> list[Draw]:
        draws: list[Draw] = []
        playable = 0
        while playable < wanted:
            if len(draws) > MOST_FORBIDDEN:
                raise WorkError(
                    f"of {MOST_FORBIDDEN} draws too few may be played (last: {draws[-1].reason}); "
                    "open fewer combinations"
                )
            number = len(memory.get_trials(deepcopy=False))
            memory.sampler = make_sampler(self.sampler, self.seed, number)
            trial = memory.ask()
            recipe = self.space.suggest(trial)
            reason = self.space.check_draw(recipe, self.facts)
            if reason is not None:
                trial.set_user_attr(REASON, f"{FORBIDDEN}: {reason}")
            draws.append(Draw(number, trial, None if reason else recipe, reason or ""))
            playable += reason is None
        return draws

    def _simulate(self, draws: list[Draw]) -> dict[int, list[Outcome]]:
        tasks = [Task(draw.recipe, block) for draw in draws for block in self.blocks if draw.recipe is not None]
        self.progress.in_batch, self.progress.played, self.progress.to_play = len(draws), 0, len(tasks)

        def count(index: int, outcome: Outcome) -> None:
            self.progress.played += 1
            self.observe(self.progress)

        outcomes = self.player.play(tasks, count)
        size = len(self.blocks)
        return {draw.number: outcomes[index * size : (index + 1) * size] for index, draw in enumerate(draws)}

    def _frozen(self, draw: Draw, batch: int, outcomes: list[Outcome]) -> FrozenTrial:
        attributes: dict[str, Any] = {BATCH: batch}
        params, distributions = draw.trial.params, draw.trial.distributions
        failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
        if draw.recipe is not None:
            attributes[RECIPE] = draw.recipe.to_dict()
        if draw.recipe is None or failures:
            attributes[REASON] = f"{FORBIDDEN}: {draw.reason}" if draw.recipe is None else failures[0].reason
            if failures:
                attributes["traceback"] = failures[0].details
            return create_trial(
                state=TrialState.FAIL, params=params, distributions=distributions, user_attrs=attributes
            )
        curves = [outcome for outcome in outcomes if isinstance(outcome, LearningCurve)]
        values = [self.objective(curve) for curve in curves]
        attributes[VALUES] = values
        attributes[CURVES] = [curve.to_dict() for curve in curves]
        return create_trial(
            value=float(np.mean(values)), params=params, distributions=distributions, user_attrs=attributes
        )

    # what is known --------------------------------------------------------------------------------------------

    def _memory(self, trials: list[FrozenTrial]) -> optuna.Study:
        memory = optuna.create_study(direction="maximize", pruner=optuna.pruners.NopPruner())
        memory.add_trials(_bare(trial) for trial in trials)
        return memory

    def _batch_of(self, trial: FrozenTrial) -> int:
        return int(trial.user_attrs[BATCH])

    def _unfinished_batch(self, stored: list[FrozenTrial]) -> int:
        """Return the first batch that has fewer playable trials than a batch holds."""
        full = np.bincount([self._batch_of(trial) for trial in stored if not is_forbidden(trial)], minlength=1)
        return int(np.argmax(np.append(full, 0) < self.batch))

    def _counted(self, study: optuna.Study) -> int:
        return sum(not is_forbidden(trial) for trial in study.get_trials(deepcopy=False))

    def _count(self, trial: FrozenTrial, number: int) -> None:
        if is_forbidden(trial):
            return
        record = record_of(trial, number)
        self.progress.finished += 1
        self.progress.failed += record.state == "failed"
        best = self.progress.best
        if record.value is not None and (best is None or best.value is None or record.value > best.value):
            self.progress.best = record


@dataclass(frozen=True, eq=False)
class Draw:
    """One recipe drawn from the space, or why the draw was forbidden."""

    number: int
    trial: optuna.Trial
    recipe: Recipe | None
    reason: str


def is_forbidden(trial: FrozenTrial) -> bool:
    """Return whether a trial is a draw that was forbidden, and so not counted."""
    return str(trial.user_attrs.get(REASON, "")).startswith(FORBIDDEN)


def record_of(trial: FrozenTrial, number: int | None = None) -> TrialRecord:
    """Return what a stored trial says; ``number`` stands in for that of a trial not stored yet."""
    attributes = trial.user_attrs
    state = "forbidden" if is_forbidden(trial) else "complete" if trial.state == TrialState.COMPLETE else "failed"
    recipe = Recipe.from_dict(attributes[RECIPE]) if RECIPE in attributes else None
    return TrialRecord(
        number=trial.number if number is None else number,
        state=state,
        value=trial.value if state == "complete" else None,
        params=dict(trial.params),
        values=tuple(attributes.get(VALUES, ())),
        recipe=recipe,
        reason=str(attributes.get(REASON, "")),
    )


def curves_of(trial: FrozenTrial) -> list[LearningCurve]:
    """Return the learning curves of a stored trial, one for each search block."""
    return [LearningCurve.from_dict(plain) for plain in trial.user_attrs.get(CURVES, [])]


def _bare(trial: FrozenTrial) -> FrozenTrial:
    """Return a trial without its curves, which samplers have no use for."""
    now = datetime(2000, 1, 1)
    return FrozenTrial(
        number=trial.number,
        trial_id=trial.number,
        state=trial.state,
        value=trial.value,
        values=None,
        datetime_start=now,
        datetime_complete=now,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs={REASON: trial.user_attrs[REASON]} if REASON in trial.user_attrs else {},
        system_attrs={},
        intermediate_values={},
    )
