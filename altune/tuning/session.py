"""Ask and tell: a search for users who schedule the simulations themselves.

They ask for recipes, play them wherever and whenever they like, and tell the learning curves. Recipes are drawn, judged
and stored as by :func:`altune.tune`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from altune.core.arguments import plain_arguments
from altune.core.deprecations import OldNames
from altune.core.errors import RequestError
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.items import Failure
from altune.tuning.folders import require_folder
from altune.tuning.in_memory_study import new_study, tell, without_curves
from altune.tuning.observer import Silent
from altune.tuning.proposals import Proposal
from altune.tuning.resources import Resources
from altune.tuning.search_blocks import SearchBlock
from altune.tuning.settings import Settings
from altune.tuning.stages import Stages
from altune.tuning.storage import append_trial, ownership
from altune.tuning.study_setup import StudySetup
from altune.tuning.trials import TrialRecord, Verdict, record_of

if TYPE_CHECKING:
    import optuna

    from altune.recipes.space import SearchSpace
    from altune.simulation.environment import Environment


@dataclass(frozen=True, eq=False)
class Asked(OldNames):
    """A recipe to be played.

    Attributes
    ----------
    number : number to give to :meth:`Session.tell` with its curves.
    recipe : the recipe.
    blocks : where to play it: (environment, block) of each search block, in the order of its curves.
    """

    number: int
    recipe: Recipe
    blocks: tuple[SearchBlock, ...]


class Session:
    """A search with an ask-and-tell interface; use it as a context manager.

    Any number of recipes may be asked for before :meth:`tell` is called, and :meth:`tell` takes them in any order.
    Recipes without curves are forgotten when the session ends. A session in the folder of an earlier one continues with
    its trials.

    Parameters
    ----------
    environments : environment of each data set, from :func:`altune.make_environments`.
    space : search space, from :func:`altune.prepare_space`.
    settings : sizes and seed.
    out : folder of the run; None keeps the study in memory.
    resources : resources for :meth:`play` and for the baselines.

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

    @plain_arguments()
    def __init__(
        self,
        environments: Sequence[Environment],
        space: SearchSpace,
        settings: Settings,
        *,
        out: Path | None = None,
        resources: Resources | None = None,
    ) -> None:
        self.setup = StudySetup(environments, space, settings, why_fixed="recipes are given with all of their curves")
        self.setup.check(confirm=False)
        self._proposer = self.setup.proposer()
        if self._proposer.plan.replayed:
            raise RequestError(
                f"the sampler {settings.sampler} needs the curves of trials in the order in which they were asked; use "
                "tpe, random, qmc, gp or grid"
            )
        if out is not None:
            require_folder(out, "run")
        self._out = out
        self._resources = resources if resources is not None else Resources()
        self._open = contextlib.ExitStack()
        self._asked: dict[int, Proposal] = {}

    def __enter__(self) -> Session:
        if self._out is not None:
            self._open.enter_context(ownership(self._out))
        stages = Stages(self.setup, Silent())
        self.study: optuna.Study = stages.open(self._out)
        if stages.setup is not self.setup:  # the space of the stored study
            self.setup, self._proposer = stages.setup, stages.setup.proposer()
        self.player = self._open.enter_context(stages.player(self._out, self._resources))
        self._evaluator = stages.evaluator(stages.baselines(self.study, self.player), self.player)
        self.judge = self._evaluator.judge
        self._blocks = tuple(stages.blocks[: self.judge.blocks.n_usual])
        self._memory = new_study(self.judge.directions)
        self._memory.add_trials(without_curves(trial) for trial in self.study.get_trials(deepcopy=False))
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
            If all recipes of the grid were asked for.
        WorkError
            If the space forbids nearly every draw.
        """
        most = self._proposer.plan.most_trials
        if most is not None and len(self._memory.get_trials(deepcopy=False)) >= most:
            raise RequestError(f"all {most} recipes of the grid were asked for")
        for proposal in self._proposer.ask_until_playable(self._memory):
            if proposal.recipe is None:
                self._store(proposal, None)
            else:
                self._asked[proposal.number] = proposal
                asked = Asked(proposal.number, proposal.recipe, self._blocks)
        return asked

    def play(self, asked: Asked) -> list[LearningCurve] | str:
        """Play a recipe here, as :func:`altune.tune` would; return its learning curves, or why it failed."""
        verdict = self._evaluator.play([asked.recipe])[0]
        return list(verdict.curves) if verdict.failure is None else verdict.failure.reason

    def tell(self, number: int, curves: Sequence[LearningCurve] | str) -> TrialRecord:
        """Store the result of a recipe.

        Parameters
        ----------
        number : number of the recipe that was asked.
        curves : one learning curve for each block, in the order in which they were asked; or why the recipe failed.

        Raises
        ------
        RequestError
            If no such recipe was asked, or the number of curves is wrong.
        """
        proposal = self._asked.get(number)
        if proposal is None:
            raise RequestError(f"recipe {number} is not open; the open ones are {sorted(self._asked)}")
        if isinstance(curves, str):
            verdict = Verdict(failure=Failure(curves))
        elif len(curves) != len(self._blocks):
            raise RequestError(
                f"recipe {number} needs {len(self._blocks)} curves, one for each block, not {len(curves)}"
            )
        else:
            block_values = self.judge.block_values(curves).tolist()
            verdict = Verdict(list(curves), block_values, self.judge.values(curves), self.judge.constraints(curves))
        del self._asked[number]
        return self._store(proposal, verdict)

    def _store(self, proposal: Proposal, verdict: Verdict | None) -> TrialRecord:
        trial = proposal.finished(verdict, proposal.number // self.setup.settings.batch)
        append_trial(self.study, trial)
        tell(self._memory, proposal.trial, trial)
        return record_of(trial, len(self.study.get_trials(deepcopy=False)) - 1)
