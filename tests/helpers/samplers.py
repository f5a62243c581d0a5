"""Searches with any sampler on functions made by hand."""

import zlib

import numpy as np
import optuna
from optuna.trial import TrialState

from altune.core.needs import Capabilities
from altune.recipes.space import SearchSpace
from altune.tuning.samplers import SamplerPlan

FACTS = Capabilities(n_classes=10, n_features=64)
CONDITIONAL = {
    "initial_sample": [
        {"method": "random", "size": {"low": 5, "high": 60, "log": True}},
        {"method": "kmeans", "size": {"low": 5, "high": 60, "step": 5}},
    ],
    "query_strategy": ["margin", "entropy", {"method": "density_weighted", "beta": {"low": 0.1, "high": 2.0}}],
    "forbid": [{"initial_sample": "kmeans", "query_strategy": ["margin", "entropy"]}],
}
NUMBERS = {
    "initial_sample": {"method": "random", "size": {"low": 5, "high": 60}},
    "query_strategy": {"method": "density_weighted", "beta": {"low": 0.1, "high": 2.0}},
}
SMALL = {
    "initial_sample": [
        {"method": "random", "size": {"low": 5, "high": 20, "step": 5}},
        {"method": "kmeans", "size": 9},
    ],
    "query_strategy": ["margin", "entropy", "random"],
    "forbid": [{"initial_sample": "kmeans", "query_strategy": "random"}],
}


def space_of(plain):
    return SearchSpace.load(plain).narrow(FACTS)[0] if isinstance(plain, str) else SearchSpace.from_dict(plain)


def playable_in(space):
    return lambda params: space.check_draw(space.recipe_at(params), FACTS, params) is None


def plan_of(name, plain, seed=0, **options):
    space = space_of(plain)
    return SamplerPlan(name, space, seed, options.pop("playable", playable_in(space)), **options)


def new_memory(n_objectives=1):
    return optuna.create_study(directions=["maximize"] * n_objectives)


def score(params):
    """Return a smooth function of the numbers, with a bonus for one strategy."""
    numbers = [value for value in params.values() if not isinstance(value, str)]
    near = -sum(abs(np.log1p(abs(value)) - 1.5) for value in numbers)
    return float(near + 2.0 * (params.get("query_strategy") == "density_weighted"))


def fate(number, params):
    """Return state and values of a trial: some are pruned, some fail while being played."""
    luck = zlib.crc32(repr((number, sorted(params.items()))).encode()) % 8
    if luck == 0:
        return TrialState.FAIL, None
    return (TrialState.PRUNED, score(params)) if luck == 1 else (TrialState.COMPLETE, score(params))


def ask(plan, memory):
    memory.sampler = plan.sampler(len(memory.get_trials(deepcopy=False)), memory)
    trial = memory.ask()
    plan.space.suggest(trial)
    return trial


def tell(memory, trial):
    state, value = fate(trial.number, trial.params)
    if state == TrialState.PRUNED:
        trial.report(value, 2)
    memory.tell(trial, value if state == TrialState.COMPLETE else None, state=state)


def search(plan, memory, n_trials, batch=4):
    """Go on until there are ``n_trials`` trials; every tenth draw is told as forbidden, as a search would."""
    while (done := len(memory.get_trials(deepcopy=False))) < n_trials:
        for trial in [ask(plan, memory) for _ in range(min(batch, n_trials - done))]:
            if trial.number % 10 == 9:
                memory.tell(trial, state=TrialState.FAIL)
            else:
                tell(memory, trial)
    return [trial.params for trial in memory.get_trials(deepcopy=False)]
