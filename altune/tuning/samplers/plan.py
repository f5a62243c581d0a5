"""The samplers of one search: the sampler of each trial depends on seed, number and finished trials alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseGASampler, BaseSampler, TPESampler
from optuna.trial import FrozenTrial

from altune.recipes.space import SearchSpace
from altune.tuning.samplers.choosing import REPLAYED, check_suitable
from altune.tuning.samplers.designs import ShuffledGrid, SobolPoints
from altune.tuning.samplers.engines import make_genetic_sampler, make_sampler, seeds_of
from altune.tuning.samplers.evolution import child_params, parents_of
from altune.tuning.samplers.startup import (
    lacks_alternatives,
    n_finished,
    n_startup,
    played_params,
    random_source,
    stratified_params,
)
from altune.tuning.samplers.tpe import ObservedParameters, make_tpe
from altune.tuning.samplers.whole_trial import (
    Draw,
    Params,
    Playable,
    Source,
    WholeTrialSampler,
    common_distributions,
    first_playable,
    suggest_all,
)

_TRIES = {"tpe": 50, "gp": 3, "cmaes": 10, "nsga2": 30, "nsga3": 30}


class SamplerPlan:
    """Decides which sampler draws each trial of one search.

    Every trial has a sampler of its own, seeded by the study's seed and the number of the trial, which sees the
    finished trials of the in-memory study and those that run in its batch. An interrupted search therefore draws the
    same trials as an undisturbed one. All samplers draw a trial as a whole and skip draws that may not be played, so
    that few trials are forbidden draws. Samplers that learn start with trials that contain each alternative of each
    knob. Given first trials come before all draws, and samplers learn from them as from any other trial.

    Parameters
    ----------
    name : ``tpe``, ``random``, ``cmaes``, ``gp``, ``qmc``, ``nsga2``, ``nsga3`` or ``grid``.
    space : search space without alternatives that cannot work.
    seed : seed of the study, 0 or more.
    playable : pure function that returns whether a draw may be played, given its parameters by path.
    n_objectives : number of objectives, 1 or more.
    constraints : whether there are constraints.
    first : parameters of the first trials, all of which may be played.

    Attributes
    ----------
    replayed : whether the sampler keeps its state with the trials that it drew. A resumed search then starts from an
        empty in-memory study, asks for all trials again, and tells the stored results.

    Raises
    ------
    RequestError
        If the sampler is unknown or cannot search the space.
    """

    def __init__(
        self,
        name: str,
        space: SearchSpace,
        seed: int,
        playable: Playable,
        n_objectives: int = 1,
        constraints: bool = False,
        first: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        check_suitable(name, space, n_objectives, constraints)
        self.name = name
        self.space = space
        self.seed = seed
        self.playable = playable
        self.n_objectives = n_objectives
        self.replayed = name in REPLAYED
        self._given = [dict(params) for params in first]
        self._observed = ObservedParameters(space.open_paths)

    @property
    def most_trials(self) -> int | None:
        """Number of trials after which nothing is left to draw, None if there is no limit."""
        return len(self._grid) if self.name == "grid" else None

    def sampler(self, number: int, memory: Study) -> BaseSampler:
        """Return the sampler of one trial.

        Parameters
        ----------
        number : number of the trial; forbidden draws count.
        memory : in-memory study. The sampler learns from its finished trials only.
        """
        return WholeTrialSampler(self._draw(number, memory))

    def _draw(self, number: int, memory: Study) -> Draw:
        if self.name == "grid":  # it begins with the given trials, and has each of them once
            return lambda study, trial: self._grid.at(number)
        if number < len(self._given):
            return partial(self._given_trial, number)
        if self.name == "qmc":
            return lambda study, trial: self._sobol.at(number - len(self._given))
        rng = np.random.default_rng(seeds_of(self.seed, number).spawn(1)[0])
        if self.name == "random":
            return lambda study, trial: first_playable(self.playable, random_source(self.space, rng))
        if self.name in ("nsga2", "nsga3"):
            return partial(self._child, make_genetic_sampler(self.name, self.seed, number, self._startup), rng)
        if self._is_starting(memory):
            return lambda study, trial: self._first(rng, study)
        return partial(self._learned, number, rng)

    def _given_trial(self, number: int, study: Study, trial: FrozenTrial) -> Params:
        if self.name in ("nsga2", "nsga3"):
            # The engine counts the trial to the first generation, from which later ones inherit.
            parents_of(make_genetic_sampler(self.name, self.seed, number, self._startup), study, trial)
        return dict(self._given[number])

    def _is_starting(self, memory: Study) -> bool:
        """Return whether the next trial is one of the start-up, which lasts until there is something to learn from.

        Given trials are good recipes, which lack most alternatives. After them the start-up lasts until each
        alternative was drawn, for as many trials more as were given at most.
        """
        finished = n_finished(memory)
        if finished < self._startup or not self._given:
            return finished < self._startup
        if finished >= self._startup + len(self._given):
            return False
        return lacks_alternatives(self.space, played_params(memory, self.playable))

    def _first(self, rng: np.random.Generator, study: Study) -> Params:
        return stratified_params(self.space, rng, self.playable, played_params(study, self.playable))

    def _learned(self, number: int, rng: np.random.Generator, study: Study, trial: FrozenTrial) -> Params:
        """Draw by an Optuna sampler, or at random if none of its draws may be played."""
        sources = []
        if self.name != "tpe":
            sources.append(self._source(make_sampler(self.name, self.seed, number), _TRIES[self.name], study, trial))
        # The best point of a Gaussian process is the same again if it may not be played, so TPE takes over.
        if self.name != "cmaes":
            sources.append(self._source(self._tpe(number), _TRIES["tpe"], study, trial))
        return first_playable(self.playable, *sources, random_source(self.space, rng))

    def _tpe(self, number: int) -> TPESampler:
        return make_tpe(int(seeds_of(self.seed, number).generate_state(1, np.uint32)[0]), self._observed)

    def _source(self, engine: BaseSampler, tries: int, study: Study, trial: FrozenTrial) -> Source:
        # With several objectives, Optuna's TPE models each parameter on its own.
        jointly = {} if isinstance(engine, TPESampler) and self.n_objectives > 1 else self._common

        def draw() -> Params:
            relative = engine.sample_relative(study, trial, jointly)

            def suggest(path: str, distribution: BaseDistribution) -> Any:
                if path in relative:
                    return relative[path]
                return engine.sample_independent(study, trial, path, distribution)

            return suggest_all(self.space, suggest).params

        return draw, tries

    def _child(self, engine: BaseGASampler, rng: np.random.Generator, study: Study, trial: FrozenTrial) -> Params:
        parents = parents_of(engine, study, trial)
        if not parents:
            return self._first(rng, study)
        played = played_params(study, self.playable)

        def new(params: Mapping[str, Any]) -> bool:
            return params not in played and self.playable(params)

        child = partial(child_params, self.space, rng, engine, study, trial, parents)
        return first_playable(new, (child, _TRIES[self.name]), random_source(self.space, rng))

    @cached_property
    def _sobol(self) -> SobolPoints:
        return SobolPoints(self.space, self.seed, self.playable)

    @cached_property
    def _grid(self) -> ShuffledGrid:
        return ShuffledGrid(self.space, self.seed, self.playable, self._given)

    @cached_property
    def _common(self) -> dict[str, BaseDistribution]:
        return common_distributions(self.space)

    @cached_property
    def _startup(self) -> int:
        return 1 if self.name == "cmaes" else n_startup(self.space)
