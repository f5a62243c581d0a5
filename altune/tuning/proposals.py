"""Draws recipes from a space by a sampler, and says which draws must not be played."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna

from altune.core.errors import FormatError
from altune.core.needs import Capabilities
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.recipes.space.editing import default_decision
from altune.recipes.space.forbidding import describe_rule, matching_rule
from altune.recipes.space.tree import merged
from altune.tuning.samplers import SamplerPlan


@dataclass(frozen=True, eq=False)
class Draw:
    """One recipe drawn from the space, or why the draw was forbidden."""

    number: int
    trial: optuna.Trial
    recipe: Recipe | None
    reason: str


class Drawing:
    """Draws recipes.

    Parameters
    ----------
    space : narrowed to what can work.
    capabilities : what each data set's environment offers; a recipe must work in all of them.
    plan : gives the sampler of each trial.
    """

    def __init__(self, space: SearchSpace, capabilities: Sequence[Capabilities], plan: SamplerPlan) -> None:
        self.space = space
        self.capabilities = tuple(capabilities)
        self.plan = plan

    def ask(self, memory: optuna.Study, number: int) -> Draw:
        """Ask for trial ``number``, from what a study in memory knows."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            memory.sampler = self.plan.sampler(number, memory)
            trial = memory.ask()
            recipe = self.space.suggest(trial)
        reason = refusal(self.space, self.capabilities, recipe, trial.params)
        return Draw(number, trial, None if reason else recipe, reason or "")


def refusal(
    space: SearchSpace, capabilities: Sequence[Capabilities], recipe: Recipe, params: Mapping[str, Any]
) -> str | None:
    """Return why a drawn recipe must not be played in one of the environments, None where it may."""
    return next((reason for one in capabilities if (reason := space.check_draw(recipe, one, params)) is not None), None)


def refusal_anywhere(space: SearchSpace, capabilities: Sequence[Capabilities], recipe: Recipe) -> str | None:
    """Return why a recipe must not be played, None where it may, were it outside of the space.

    Where the space cannot give what a knob has, its rules are asked about the method's name alone.
    """
    problem = next((problem for one in capabilities for problem in recipe.problems(one)), None)
    if problem is not None or not space.forbid:
        return problem
    located = []
    for knob, method in recipe.methods().items():
        decision = space.decisions.get(knob, default_decision(knob))
        located.append(iter(list(decision.locate(method, knob)) or [{knob: method.method}]))
    rules = (matching_rule(space.forbid, found) for found in merged(located))
    return next((f"the space forbids {describe_rule(rule)}" for rule in rules if rule is not None), None)


def is_playable(space: SearchSpace, capabilities: Sequence[Capabilities], params: Mapping[str, Any]) -> bool:
    """Return whether Optuna parameters stand for a recipe that may be played."""
    try:
        return refusal(space, capabilities, space.recipe_at(params), params) is None
    except FormatError:
        return False
