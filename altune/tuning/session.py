"""Ask and tell: a search for people who have a scheduler of their own.

They ask for recipes, play them wherever and whenever they like, and tell the curves. What is drawn, judged and stored
is what :func:`altune.tune` would draw, judge and store.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from altune.core.errors import RequestError
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.items import Failure
from altune.tuning.memory import bare, new_memory, tell
from altune.tuning.observer import Silent
from altune.tuning.proposals import Draw
from altune.tuning.record import StudyRecord
from altune.tuning.search import MOST_FORBIDDEN
from altune.tuning.settings import Settings
from altune.tuning.stages import Resources, Stages
from altune.tuning.storage import append_trial, ownership
from altune.tuning.trials import BATCH, RECIPE, TrialRecord, Verdict, finished_trial, forbidden_trial, record_of

if TYPE_CHECKING:
    import optuna

    from altune.data.blocks import Block
    from altune.recipes.space import SearchSpace
    from altune.simulation.environment import Environment


@dataclass(frozen=True, eq=False)
class Asked:
    """A recipe that is wanted to be played.

    Attributes
    ----------
    number : by which it is told.
    recipe : what to play.
    places : on which environment and block, in the order in which curves are told.
    """

    number: int
    recipe: Recipe
    places: tuple[tuple[Environment, Block], ...]


class Session:
    """A search that is asked and told; use it as a context manager.

    Any number of recipes may be asked before one is told, in any order; those that are never told are forgotten when
    the session ends. A session that is opened on the same folder goes on with the trials that are stored there.

    Parameters
    ----------
    environments : one for each data set, from :func:`altune.simulation.environment.make_environments`.
    space : prepared for them, from :func:`altune.tuning.prepared_space.prepare_space`.
    settings : sizes and seeds.
    out : the run's folder, None to keep the study in memory.
    resources : with what :meth:`play` and the baselines are played.

    Examples
    --------
    >>> from altune.workflows.tune import make_environments, prepare_space
    >>> environments = make_environments("iris", budget=20)
    >>> with Session(environments, prepare_space("quick", environments), Settings(n_blocks=1)) as session:
    ...     asked = session.ask()
    ...     record = session.tell(asked.number, session.play(asked))
    >>> record.number, record.state
    (0, 'complete')
    """

    def __init__(
        self,
        environments: Sequence[Environment],
        space: SearchSpace,
        settings: Settings,
        *,
        out: Path | None = None,
        resources: Resources | None = None,
    ) -> None:
        self.stages = Stages(environments, space, settings, Silent())
        self.stages.check(confirm=False)
        if self.stages.plan().replayed:
            raise RequestError(
                f"the sampler {settings.sampler} wants trials told in the order in which they were asked; take tpe, "
                "random, qmc, gp or grid"
            )
        self._out = out
        self._resources = resources if resources is not None else Resources()
        self._open = contextlib.ExitStack()
        self._asked: dict[int, Draw] = {}

    def __enter__(self) -> Session:
        if self._out is not None:
            self._open.enter_context(ownership(self._out))
        self.study: optuna.Study = self.stages.open(self._out)
        self.player = self._open.enter_context(self.stages.player(self._out, self._resources))
        self.judge = self.stages.judge(self.stages.baselines(self.study, self.player))
        self._evaluator = self.stages.evaluator(StudyRecord(self.study).baselines(), self.player)
        self._drawing = self.stages.drawing()
        self._memory = new_memory(self.judge.directions)
        self._memory.add_trials(bare(trial) for trial in self.study.get_trials(deepcopy=False))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def ask(self) -> Asked:
        """Return a recipe to be played.

        Raises
        ------
        RequestError
            If nearly every draw is forbidden, or the grid is played.
        """
        most = self._drawing.plan.most_trials
        for _ in range(MOST_FORBIDDEN):
            number = len(self._memory.get_trials(deepcopy=False))
            if most is not None and number >= most:
                raise RequestError(f"all {most} recipes of the grid were asked for")
            draw = self._drawing.ask(self._memory, number)
            if draw.recipe is not None:
                self._asked[number] = draw
                usual = self.judge.places[: self.judge.usual]
                return Asked(number, draw.recipe, tuple((place.environment, place.block) for place in usual))
            self._store(draw, None)
        raise RequestError(
            f"of {MOST_FORBIDDEN} draws none may be played (last: {draw.reason}); open fewer combinations"
        )

    def play(self, asked: Asked) -> list[LearningCurve] | str:
        """Play a recipe here, as :func:`altune.tune` would; return its curves, or why it failed."""
        verdict = self._evaluator.play([asked.recipe])[0]
        return list(verdict.curves) if verdict.failure is None else verdict.failure.reason

    def tell(self, number: int, curves: Sequence[LearningCurve] | str) -> TrialRecord:
        """Store what came of a recipe.

        Parameters
        ----------
        number : of the recipe that was asked.
        curves : one for each place, in their order; or why it failed.

        Raises
        ------
        RequestError
            If no such recipe is waited for, or there are too few curves.
        """
        draw = self._asked.get(number)
        if draw is None:
            raise RequestError(f"no recipe of number {number} is waited for; those are {sorted(self._asked)}")
        if isinstance(curves, str):
            verdict = Verdict(failure=Failure(curves))
        elif len(curves) != self.judge.usual:
            raise RequestError(f"recipe {number} is played on {self.judge.usual} places, and {len(curves)} were told")
        else:
            on_places = self.judge.on_places(curves).tolist()
            verdict = Verdict(list(curves), on_places, self.judge.values(curves), self.judge.constraints(curves))
        del self._asked[number]
        return self._store(draw, verdict)

    def _store(self, draw: Draw, verdict: Verdict | None) -> TrialRecord:
        params, distributions = draw.trial.params, draw.trial.distributions
        batch = draw.number // self.stages.settings.batch
        if draw.recipe is None or verdict is None:
            trial = forbidden_trial(draw.reason, params, distributions, {BATCH: batch})
        else:
            trial = finished_trial(verdict, params, distributions, {BATCH: batch, RECIPE: draw.recipe.to_dict()})
        append_trial(self.study, trial)
        tell(self._memory, draw.trial, trial)
        return record_of(trial, len(self.study.get_trials(deepcopy=False)) - 1)
