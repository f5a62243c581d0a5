"""Optuna's samplers by name, each seeded for one trial by the study's seed and the number of the trial.

A sampler with one seed for the whole study would draw its first trials again when the study is resumed. With a seed for
each trial, a resumed study draws exactly the trials of an undisturbed one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from optuna import samplers

from altune.core.settings import no_warnings

SMALLEST_POPULATION = 16


def _gp(seed: int) -> samplers.BaseSampler:
    # The Gaussian process leaves out parameters that only some trials have; TPE draws them better than at random.
    conditional = samplers.TPESampler(seed=seed, multivariate=False)
    return samplers.GPSampler(seed=seed, independent_sampler=conditional, warn_independent_sampling=False)


def _cmaes(seed: int) -> samplers.BaseSampler:
    return samplers.CmaEsSampler(seed=seed, consider_pruned_trials=True, warn_independent_sampling=False)


_SAMPLERS: dict[str, Callable[[int], samplers.BaseSampler]] = {
    "gp": _gp,
    "cmaes": _cmaes,
}
_GENETIC: dict[str, type[samplers.NSGAIISampler] | type[samplers.NSGAIIISampler]] = {
    "nsga2": samplers.NSGAIISampler,
    "nsga3": samplers.NSGAIIISampler,
}


def seeds_of(seed: int, number: int) -> np.random.SeedSequence:
    """Return the seed sequence of one trial."""
    return np.random.SeedSequence([seed, number])


def make_sampler(name: str, seed: int, number: int) -> samplers.BaseSampler:
    """Return Optuna's sampler ``gp`` or ``cmaes`` for one trial."""
    with no_warnings():
        return _SAMPLERS[name](_word(seed, number))


def make_genetic_sampler(name: str, seed: int, number: int, startup: int) -> samplers.BaseGASampler:
    """Return Optuna's genetic sampler for one trial.

    The first generation is the start-up. It has 16 trials, or more if it takes more to draw every alternative, rounded
    up to a multiple of 4, the default batch. It does not depend on the number of trials that are asked for, because a
    search may be extended later. Optuna's default of 50 would leave few of 60 trials to learn.

    Parameters
    ----------
    name : ``nsga2`` or ``nsga3``.
    seed : seed of the study.
    number : number of the trial.
    startup : number of trials that it takes to draw every alternative.
    """
    size = 4 * -(-max(SMALLEST_POPULATION, startup) // 4)
    with no_warnings():
        return _GENETIC[name](seed=_word(seed, number), population_size=size)


def _word(seed: int, number: int) -> int:
    return int(seeds_of(seed, number).generate_state(1, np.uint32)[0])
