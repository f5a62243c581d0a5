"""Optuna's samplers by name, each seeded for one trial from (study seed, trial number).

Reopening a study with one sampler seed would replay its start-up draws; a seed for each trial makes an interrupted
study ask exactly what an undisturbed one asks.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from optuna import samplers
from optuna.exceptions import ExperimentalWarning

SMALLEST_POPULATION = 16


def _gp(seed: int) -> samplers.BaseSampler:
    # parameters that only some trials have are no part of the process; TPE draws them better than chance does
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
    """Return the seed sequence of one trial of a study."""
    return np.random.SeedSequence([seed, number])


def make_sampler(name: str, seed: int, number: int) -> samplers.BaseSampler:
    """Return Optuna's ``gp`` or ``cmaes`` for trial ``number`` of a study."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return _SAMPLERS[name](_word(seed, number))


def make_genetic_sampler(name: str, seed: int, number: int, startup: int) -> samplers.BaseGASampler:
    """Return Optuna's genetic sampler for trial ``number`` of a study.

    The first generation is the start-up: 16 trials, more where it takes more to meet every alternative, a multiple of
    4, the usual batch. It does not depend on the number of trials asked for, as a search may be extended later;
    Optuna's 50 would leave little of a search of 60 trials to learn.

    Parameters
    ----------
    startup : number of trials that it takes to meet every alternative.
    """
    size = 4 * -(-max(SMALLEST_POPULATION, startup) // 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return _GENETIC[name](seed=_word(seed, number), population_size=size)


def _word(seed: int, number: int) -> int:
    return int(seeds_of(seed, number).generate_state(1, np.uint32)[0])
