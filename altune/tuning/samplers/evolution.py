"""Genetic samplers that know conditional parameters: Optuna keeps generations and selects, the children are made here.

Optuna's own crossover covers the parameters that every trial has and draws all others at random, so that in a space
with conditions the better part of a recipe is never inherited.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseGASampler, BaseSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from altune.recipes.space import SearchSpace
from altune.tuning.samplers.drawing import Params, answered

CROSSOVER = 0.9

Trials = Sequence[FrozenTrial]


def parents_of(engine: BaseGASampler, study: Study, trial: FrozenTrial) -> list[FrozenTrial]:
    """Return the trials whose children a trial may be; none in the first generation."""
    return engine.get_parent_population(study, engine.get_trial_generation(study, trial))


def child_params(
    space: SearchSpace, rng: np.random.Generator, engine: BaseSampler, study: Study, trial: FrozenTrial, parents: Trials
) -> Params:
    """Return the parameters of a child of two parents, each the better of two drawn from the population.

    Every parameter comes from one of the parents, from the other where the first has none. It is drawn by ``engine``
    where neither has one and, for about one parameter in each child, by mutation.
    """
    first, second = (_better_of_two(rng, parents, study.directions).params for _ in range(2))
    if rng.random() >= CROSSOVER:
        second = first
    mutation = 1.0 / max(len(first), 1)

    def inherit(path: str, distribution: BaseDistribution) -> Any:
        one, other = (first, second) if rng.random() < 0.5 else (second, first)
        if rng.random() >= mutation and (path in one or path in other):
            return one[path] if path in one else other[path]
        return engine.sample_independent(study, trial, path, distribution)

    return answered(space, inherit).params


def _better_of_two(rng: np.random.Generator, population: Trials, directions: Sequence[StudyDirection]) -> FrozenTrial:
    one, other = (population[int(place)] for place in rng.integers(len(population), size=2))
    return one if dominates(one, other, directions) else other


def dominates(one: FrozenTrial, other: FrozenTrial, directions: Sequence[StudyDirection]) -> bool:
    """Return whether a completed trial is better: violates less, or violates nothing and is worse in no objective."""
    violated = violation(one), violation(other)
    if max(violated) > 0.0:
        return violated[0] < violated[1]
    signs = [1.0 if direction == StudyDirection.MAXIMIZE else -1.0 for direction in directions]
    gains = [sign * (a - b) for sign, a, b in zip(signs, one.values, other.values, strict=True)]
    return bool(min(gains) >= 0.0 and max(gains) > 0.0)


def violation(trial: FrozenTrial) -> float:
    """Return by how much a trial violates its constraints in total; 0 where it violates none."""
    return sum(value for value in trial.constraints.values() if value > 0.0)
