"""Trials settled as a whole: every parameter is drawn before the first is handed out, so that a draw can be refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.trial import BaseTrial, FrozenTrial

from altune.core.errors import FormatError
from altune.recipes.space import SearchSpace
from altune.recipes.space.domains import Fixed
from altune.recipes.space.tree import Decision

_MOST_PROBES = 100

Params = dict[str, Any]
Playable = Callable[[Mapping[str, Any]], bool]
Draw = Callable[[Study, FrozenTrial], Params]
Source = tuple[Callable[[], Params], int]
"""A way to draw, and how often it is tried."""


class WholeTrialSampler(BaseSampler):
    """Gives one trial the parameters of one draw, made when the first of them is asked for.

    Parameters
    ----------
    draw : returns the value of every parameter that the trial will ask for, given the study and the trial.
    """

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._params: Params | None = None

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return nothing: no parameter is drawn apart from the others."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return nothing, as there is no relative search space."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return the parameter's value in the trial's draw."""
        if self._params is None:
            self._params = self._draw(study, trial)
        return self._params[param_name]


class Answering:
    """Answers what a space asks of a trial and keeps the answers; no study hears of it.

    Parameters
    ----------
    answer : gives the value for a path and Optuna's distribution.
    """

    def __init__(self, answer: Callable[[str, BaseDistribution], Any]) -> None:
        self._answer = answer
        self.params: Params = {}
        self.distributions: dict[str, BaseDistribution] = {}

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return the answer for a choice."""
        return self._keep(name, CategoricalDistribution(choices))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Return the answer for a whole number."""
        return int(self._keep(name, IntDistribution(low, high, log=log, step=step)))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return the answer for a number."""
        return float(self._keep(name, FloatDistribution(low, high, log=log, step=step)))

    def _keep(self, name: str, distribution: BaseDistribution) -> Any:
        self.params[name] = self._answer(name, distribution)
        self.distributions[name] = distribution
        return self.params[name]


def answered(space: SearchSpace, answer: Callable[[str, BaseDistribution], Any]) -> Answering:
    """Let a space ask for one recipe and return what it asked and was answered.

    Where the answers make a method that cannot be, the space asks no further; such a draw may not be played.
    """
    asked = Answering(answer)
    with suppress(FormatError):
        space.suggest(cast(BaseTrial, asked))
    return asked


def common_distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """Return Optuna's distributions of the parameters that every draw has, by path, in the order of paths.

    It is the search space that Optuna's samplers model jointly; they would find it by comparing all finished trials.
    """
    common = sorted(path for knob, decision in space.decisions.items() for path in _always_open(decision, knob))
    rng = np.random.default_rng(0)
    found: dict[str, BaseDistribution] = {}
    for _ in range(_MOST_PROBES):
        params = space.random_params(rng)
        found |= answered(space, partial(_given, params)).distributions
        if found.keys() >= set(common):
            break
    return {path: found[path] for path in common if path in found}


def _given(params: Params, path: str, distribution: BaseDistribution) -> Any:
    return params[path]


def _always_open(decision: Decision, path: str) -> list[str]:
    if len(decision.alternatives) > 1:
        return [path]
    found: list[str] = []
    for name, slot in decision.alternatives[0].slots.items():
        inner = f"{path}.{decision.labels[0]}.{name}"
        if isinstance(slot, Decision):
            found += _always_open(slot, inner)
        elif not isinstance(slot, Fixed):
            found.append(inner)
    return found


def first_playable(playable: Playable, *sources: Source) -> Params:
    """Return the first draw that may be played.

    Parameters
    ----------
    playable : whether a draw may be played.
    sources : tried in order. Where none succeeds the last draw is returned, which
        the search then records as forbidden and draws again.
    """
    params: Params = {}
    for draw, tries in sources:
        for _ in range(tries):
            params = draw()
            if playable(params):
                return params
    return params
