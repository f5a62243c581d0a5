"""Genetic samplers for conditional parameters: Optuna keeps the generations and selects, children are made here.

Optuna's own crossover covers the parameters that every trial has, and draws all others at random. In a space with
conditions, the larger part of a recipe would never be inherited.
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
from altune.tuning.samplers.whole_trial import Params, suggest_all

CROSSOVER = 0.9

Trials = Sequence[FrozenTrial]


def parents_of(engine: BaseGASampler, study: Study, trial: FrozenTrial) -> list[FrozenTrial]:
    """Return the population from which the parents of a trial are drawn; empty in the first generation."""
    return engine.get_parent_population(study, engine.get_trial_generation(study, trial))


def child_params(
    space: SearchSpace, rng: np.random.Generator, engine: BaseSampler, study: Study, trial: FrozenTrial, parents: Trials
) -> Params:
    """Return the parameters of a child of two parents, each the better of two that are drawn from the population.

    Every parameter comes from one parent at random, or from the other if that one has no such parameter. It is drawn by
    ``engine`` if neither has one and, for about one parameter of each child, by mutation.
    """
    first, second = (_better_of_two(rng, parents, study.directions).params for _ in range(2))
    if rng.random() >= CROSSOVER:
        second = first
    mutation = 1.0 / max(len(first), 1)

    def inherit(path: str, distribution: BaseDistribution) -> Any:
        parent, other = (first, second) if rng.random() < 0.5 else (second, first)
        if rng.random() >= mutation and (path in parent or path in other):
            return parent[path] if path in parent else other[path]
        return engine.sample_independent(study, trial, path, distribution)

    return suggest_all(space, inherit).params


def _better_of_two(rng: np.random.Generator, population: Trials, directions: Sequence[StudyDirection]) -> FrozenTrial:
    first, second = (population[int(index)] for index in rng.integers(len(population), size=2))
    return first if dominates(first, second, directions) else second


def dominates(trial: FrozenTrial, other: FrozenTrial, directions: Sequence[StudyDirection]) -> bool:
    """Return whether a completed trial dominates another one.

    It does if it violates the constraints less, or if neither violates any and it is as good in every objective and
    better in one.
    """
    violations = violation(trial), violation(other)
    if max(violations) > 0.0:
        return violations[0] < violations[1]
    signs = [1.0 if direction == StudyDirection.MAXIMIZE else -1.0 for direction in directions]
    gains = [sign * (a - b) for sign, a, b in zip(signs, trial.values, other.values, strict=True)]
    return bool(min(gains) >= 0.0 and max(gains) > 0.0)


def violation(trial: FrozenTrial) -> float:
    """Return by how much a trial violates its constraints in total, 0 if it keeps all."""
    return sum(value for value in trial.constraints.values() if value > 0.0)
