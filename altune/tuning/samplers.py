"""Optuna samplers by name, each made anew for every trial from (study seed, trial number).

Reopening a study with one sampler seed would replay its start-up draws; a seed for each trial makes an interrupted
study ask exactly what an undisturbed one asks.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import optuna

from altune.errors import RequestError, did_you_mean


def _tpe(seed: int) -> optuna.samplers.BaseSampler:
    return optuna.samplers.TPESampler(seed=seed)


def _random(seed: int) -> optuna.samplers.BaseSampler:
    return optuna.samplers.RandomSampler(seed=seed)


SAMPLERS: dict[str, Callable[[int], optuna.samplers.BaseSampler]] = {"tpe": _tpe, "random": _random}


def make_sampler(name: str, seed: int, number: int) -> optuna.samplers.BaseSampler:
    """Return the sampler that draws trial ``number``.

    Raises
    ------
    RequestError
        If there is no sampler of that name.
    """
    check_sampler(name)
    state = np.random.SeedSequence([seed, number]).generate_state(1, np.uint32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return SAMPLERS[name](int(state[0]))


def check_sampler(name: str) -> None:
    """Refuse a sampler that is not known."""
    if name not in SAMPLERS:
        raise RequestError(f"no sampler {name!r}; {did_you_mean(name, SAMPLERS)}")
