"""The first trials of a search: random, and such that each alternative of each knob is met soon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.trial import TrialState

from altune.recipes.space import SearchSpace
from altune.tuning.samplers.drawing import Params, Playable, Source, first_playable

FEWEST = 10
MOST = 50
RANDOM_TRIES = 100
_ALTERNATIVES = 3
_TRIES = 16


def n_startup(space: SearchSpace) -> int:
    """Return how many trials have to be finished before a sampler learns from them: 10 to 50.

    It is the largest number of alternatives at any place. It does not depend on the number of trials asked for, as
    a search may be extended later.
    """
    return min(max([FEWEST, *map(len, space.categorical_choices().values())]), MOST)


def n_finished(study: Study) -> int:
    """Return the number of trials that a sampler may learn from: completed and pruned ones."""
    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))


def played_params(study: Study, playable: Playable) -> list[Mapping[str, Any]]:
    """Return the parameters of all trials that were or are played: finished, running, or failed while being played."""
    learned = (TrialState.COMPLETE, TrialState.PRUNED)
    return [
        trial.params
        for trial in study.get_trials(deepcopy=False)
        if trial.params and (trial.state in learned or playable(trial.params))
    ]


def random_source(space: SearchSpace, rng: np.random.Generator) -> Source:
    """Return random draws of a space, to be tried a hundred times: enough where one draw in twenty may be played."""
    return lambda: space.random_params(rng), RANDOM_TRIES


def stratified_params(
    space: SearchSpace, rng: np.random.Generator, playable: Playable, played: Sequence[Mapping[str, Any]]
) -> Params:
    """Return a draw that may be played and takes, place by place, one of the alternatives met least so far.

    Places with the most alternatives never met come first, ties at random; those inside an alternative come after
    the place where it is chosen. An alternative that does not go with what earlier places took gives way to the next.

    Parameters
    ----------
    played : parameters of the trials played so far, those still running included.
    """
    params = first_playable(playable, random_source(space, rng))
    taken: dict[str, str] = {}
    for path, labels in _in_order(space, rng, played):
        if path not in params:
            continue
        met = Counter(trial[path] for trial in played if path in trial)
        for label in _least_met(labels, met, rng):
            found = _with_taken(space, rng, playable, params, {**taken, path: label})
            if found is not None:
                params = found
                break
        taken[path] = str(params[path])
    return params


def _in_order(
    space: SearchSpace, rng: np.random.Generator, played: Sequence[Mapping[str, Any]]
) -> list[tuple[str, tuple[str, ...]]]:
    choices = list(space.categorical_choices().items())

    def need(place: int) -> tuple[int, int]:
        path, labels = choices[place]
        met = {params[path] for params in played if path in params}
        return path.count("."), len(met) - len(labels)

    shuffled = [int(place) for place in rng.permutation(len(choices))]
    return [choices[place] for place in sorted(shuffled, key=need)]


def _least_met(labels: Sequence[str], met: Counter[str], rng: np.random.Generator) -> list[str]:
    shuffled = [labels[int(place)] for place in rng.permutation(len(labels))]
    return sorted(shuffled, key=lambda label: met[label])[:_ALTERNATIVES]


def _with_taken(
    space: SearchSpace, rng: np.random.Generator, playable: Playable, known: Params, taken: Mapping[str, str]
) -> Params | None:
    """Return a random draw that may be played and takes given alternatives, None where few tries found none."""
    if all(known.get(path) == label for path, label in taken.items()):
        return known
    choices = space.categorical_choices()
    slices = {path: (choices[path].index(label) + 0.5) / len(choices[path]) for path, label in taken.items()}
    paths = space.open_paths
    for _ in range(_TRIES):
        params = space.params_at({**dict(zip(paths, map(float, rng.random(len(paths))), strict=True)), **slices})
        if playable(params):
            return params
    return None
