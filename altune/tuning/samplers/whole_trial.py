"""Drawing a whole trial at once: all parameters are drawn before the first is handed out, so a draw can be refused."""

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
Suggest = Callable[[str, BaseDistribution], Any]
Source = tuple[Callable[[], Params], int]
"""A function that draws, and how often to try it."""


class WholeTrialSampler(BaseSampler):
    """Gives one trial the parameters of one draw, which is made when the first parameter is asked for.

    Parameters
    ----------
    draw : function of the study and the trial that returns the value of every parameter which the trial will ask for.
    """

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._params: Params | None = None

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return an empty search space: no parameter is drawn apart from the others."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return nothing, because the relative search space is empty."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return the value of a parameter in the draw of this trial."""
        if self._params is None:
            self._params = self._draw(study, trial)
        return self._params[param_name]


class CallbackTrial:
    """Takes the place of an Optuna trial: its parameters come from a function, and no study is involved.

    Parameters
    ----------
    suggest : function of the name and the distribution of a parameter that returns its value.

    Attributes
    ----------
    params, distributions : value and distribution of each parameter that was asked for, by name.
    """

    def __init__(self, suggest: Suggest) -> None:
        self._suggest = suggest
        self.params: Params = {}
        self.distributions: dict[str, BaseDistribution] = {}

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return the value of a choice."""
        return self._value(name, CategoricalDistribution(choices))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Return the value of an integer."""
        return int(self._value(name, IntDistribution(low, high, log=log, step=step)))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return the value of a number."""
        return float(self._value(name, FloatDistribution(low, high, log=log, step=step)))

    def _value(self, name: str, distribution: BaseDistribution) -> Any:
        self.params[name] = self._suggest(name, distribution)
        self.distributions[name] = distribution
        return self.params[name]


def suggest_all(space: SearchSpace, suggest: Suggest) -> CallbackTrial:
    """Let a space ask for all parameters of one recipe, and return the trial that it asked.

    If the values give a method that is not valid, the space stops asking. Such a draw may not be played.
    """
    trial = CallbackTrial(suggest)
    with suppress(FormatError):
        space.suggest(cast(BaseTrial, trial))
    return trial


def common_distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """Return the distributions of the parameters that every draw has, by path, in the order of the paths.

    Optuna's samplers model these parameters jointly. They would find them by comparing all finished trials.
    """
    common = sorted(path for knob, decision in space.decisions.items() for path in _always_open(decision, knob))
    rng = np.random.default_rng(0)
    distributions: dict[str, BaseDistribution] = {}
    for _ in range(_MOST_PROBES):
        params = space.random_params(rng)
        distributions |= suggest_all(space, partial(_given, params)).distributions
        if distributions.keys() >= set(common):
            break
    return {path: distributions[path] for path in common if path in distributions}


def _given(params: Params, path: str, distribution: BaseDistribution) -> Any:
    return params[path]


def _always_open(decision: Decision, path: str) -> list[str]:
    """Return the paths below a decision that are open in every draw: those that lie in no alternative of a choice."""
    if len(decision.alternatives) > 1:
        return [path]
    paths: list[str] = []
    for name, slot in decision.alternatives[0].slots.items():
        inner = f"{path}.{decision.labels[0]}.{name}"
        if isinstance(slot, Decision):
            paths += _always_open(slot, inner)
        elif not isinstance(slot, Fixed):
            paths.append(inner)
    return paths


def first_playable(playable: Playable, *sources: Source) -> Params:
    """Return the first draw that may be played.

    Parameters
    ----------
    playable : whether a draw may be played.
    sources : tried in order. If none succeeds, the last draw is returned, which the search then stores as forbidden
        and draws again.
    """
    params: Params = {}
    for draw, tries in sources:
        for _ in range(tries):
            params = draw()
            if playable(params):
                return params
    return params
