"""Proposals: recipes drawn from a search space by a sampler, and why some draws must not be played."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from altune.core.errors import FormatError, WorkError
from altune.core.needs import Capabilities
from altune.core.settings import no_warnings
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.recipes.space.editing import default_decision
from altune.recipes.space.forbidding import describe_rule, matching_rule
from altune.recipes.space.tree import merged
from altune.tuning.samplers import SamplerPlan
from altune.tuning.trials import BATCH, RECIPE, Verdict, finished_trial, forbidden_trial

MOST_FORBIDDEN = 1000
"""Draws for one trial, after which a space counts as one that forbids nearly every recipe."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """One draw from the space.

    Attributes
    ----------
    number : number of the trial.
    trial : trial of the in-memory study that was asked.
    recipe : the recipe; None if the draw is forbidden.
    reason : why it is forbidden, else empty.
    again : always None: a draw is no play again.
    """

    number: int
    trial: optuna.Trial
    recipe: Recipe | None
    reason: str
    again: None = None

    @property
    def params(self) -> dict[str, Any]:
        """Optuna's parameters."""
        return self.trial.params

    def finished(self, verdict: Verdict | None, batch: int) -> FrozenTrial:
        """Return the finished trial as it is stored; ``verdict`` is None for a forbidden draw."""
        params, distributions = self.trial.params, self.trial.distributions
        if self.recipe is None or verdict is None:
            return forbidden_trial(self.reason, params, distributions, {BATCH: batch})
        return finished_trial(verdict, params, distributions, {BATCH: batch, RECIPE: self.recipe.to_dict()})


class Proposer:
    """Draws recipes from a search space.

    Parameters
    ----------
    space : the space, narrowed to what can work.
    capabilities : what the environment of each data set offers; a recipe must work in all of them.
    plan : gives the sampler of each trial.
    """

    def __init__(self, space: SearchSpace, capabilities: Sequence[Capabilities], plan: SamplerPlan) -> None:
        self.space = space
        self.capabilities = tuple(capabilities)
        self.plan = plan

    def ask(self, study: optuna.Study, number: int) -> Proposal:
        """Return the proposal for a trial number, given the trials of a study in memory."""
        with no_warnings():
            study.sampler = self.plan.sampler(number, study)
            trial = study.ask()
            recipe = self.space.suggest(trial)
        reason = refusal(self.space, self.capabilities, recipe, trial.params)
        return Proposal(number, trial, None if reason else recipe, reason or "")

    def ask_until_playable(self, study: optuna.Study, number: int | None = None) -> Iterator[Proposal]:
        """Yield proposals up to the first one that may be played: all but the last are forbidden.

        Parameters
        ----------
        study : study in memory.
        number : number of the trial, the same for each draw; by default each draw is a trial of its own and takes the
            next number of the study.

        Raises
        ------
        WorkError
            If 1000 draws are forbidden.
        """
        for _ in range(MOST_FORBIDDEN):
            proposal = self.ask(study, len(study.get_trials(deepcopy=False)) if number is None else number)
            yield proposal
            if proposal.recipe is not None:
                return
        raise WorkError(
            f"{MOST_FORBIDDEN} draws in a row are forbidden, the last because {proposal.reason}; open fewer "
            "combinations of the space"
        )


def refusal(
    space: SearchSpace, capabilities: Sequence[Capabilities], recipe: Recipe, params: Mapping[str, Any]
) -> str | None:
    """Return why a drawn recipe must not be played in one of the environments, None if it may."""
    reasons = (space.check_draw(recipe, environment, params) for environment in capabilities)
    return next((reason for reason in reasons if reason is not None), None)


def refusal_anywhere(space: SearchSpace, capabilities: Sequence[Capabilities], recipe: Recipe) -> str | None:
    """Return why a recipe that may lie outside the space must not be played, None if it may.

    A knob whose value the space cannot give is compared with the space's rules by the name of its method alone.
    """
    problem = next((problem for environment in capabilities for problem in recipe.problems(environment)), None)
    if problem is not None or not space.forbid:
        return problem
    located = []
    for knob, method in recipe.methods().items():
        decision = space.decisions.get(knob, default_decision(knob))
        located.append(iter(list(decision.locate(method, knob)) or [{knob: method.method}]))
    rules = (matching_rule(space.forbid, params) for params in merged(located))
    return next((f"the space forbids {describe_rule(rule)}" for rule in rules if rule is not None), None)


def is_playable(space: SearchSpace, capabilities: Sequence[Capabilities], params: Mapping[str, Any]) -> bool:
    """Return whether Optuna parameters give a recipe that may be played."""
    try:
        return refusal(space, capabilities, space.recipe_at(params), params) is None
    except FormatError:
        return False
