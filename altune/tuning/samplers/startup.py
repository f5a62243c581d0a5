"""The first trials of a search: random, but so that every alternative of every knob is drawn early."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.trial import TrialState

from altune.recipes.space import SearchSpace
from altune.tuning.samplers.whole_trial import Params, Playable, Source, first_playable

FEWEST = 10
MOST = 50
RANDOM_TRIES = 100
_ALTERNATIVES = 3
_TRIES = 16


def n_startup(space: SearchSpace) -> int:
    """Return the number of finished trials after which a sampler learns from them: 10 to 50.

    It is the largest number of alternatives of any choice. It does not depend on the number of trials that are asked
    for, because a search may be extended later.
    """
    return min(max([FEWEST, *map(len, space.categorical_choices().values())]), MOST)


def n_finished(study: Study) -> int:
    """Return the number of trials that a sampler may learn from: completed and pruned ones."""
    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))


def played_params(study: Study, playable: Playable) -> list[Mapping[str, Any]]:
    """Return the parameters of all trials but forbidden draws: finished, running, or failed while they were played."""
    learned = (TrialState.COMPLETE, TrialState.PRUNED)
    return [
        trial.params
        for trial in study.get_trials(deepcopy=False)
        if trial.params and (trial.state in learned or playable(trial.params))
    ]


def lacks_alternatives(space: SearchSpace, played: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether some alternative of some choice is in no trial."""
    return any(
        {params[path] for params in played if path in params} < set(labels)
        for path, labels in space.categorical_choices().items()
    )


def random_source(space: SearchSpace, rng: np.random.Generator) -> Source:
    """Return random draws of a space, up to 100: that is enough if one draw in twenty may be played."""
    return lambda: space.random_params(rng), RANDOM_TRIES


def stratified_params(
    space: SearchSpace, rng: np.random.Generator, playable: Playable, played: Sequence[Mapping[str, Any]]
) -> Params:
    """Return a draw that may be played and takes, choice by choice, one of the alternatives drawn least often so far.

    Choices with the most alternatives that were never drawn come first, in random order among equals. Choices inside an
    alternative come after the choice of that alternative. If an alternative cannot be combined with those taken before,
    the next one is tried.

    Parameters
    ----------
    space : search space.
    rng : random generator.
    playable : whether a draw may be played.
    played : parameters of all trials so far, including running ones.
    """
    params = first_playable(playable, random_source(space, rng))
    taken: dict[str, str] = {}
    for path, labels in _ordered_choices(space, rng, played):
        if path not in params:
            continue
        counts = Counter(trial[path] for trial in played if path in trial)
        for label in _least_drawn(labels, counts, rng):
            drawn = _draw_with(space, rng, playable, params, {**taken, path: label})
            if drawn is not None:
                params = drawn
                break
        taken[path] = str(params[path])
    return params


def _ordered_choices(
    space: SearchSpace, rng: np.random.Generator, played: Sequence[Mapping[str, Any]]
) -> list[tuple[str, tuple[str, ...]]]:
    choices = list(space.categorical_choices().items())

    def need(index: int) -> tuple[int, int]:
        path, labels = choices[index]
        drawn = {params[path] for params in played if path in params}
        return path.count("."), len(drawn) - len(labels)

    shuffled = [int(index) for index in rng.permutation(len(choices))]
    return [choices[index] for index in sorted(shuffled, key=need)]


def _least_drawn(labels: Sequence[str], counts: Counter[str], rng: np.random.Generator) -> list[str]:
    shuffled = [labels[int(index)] for index in rng.permutation(len(labels))]
    return sorted(shuffled, key=lambda label: counts[label])[:_ALTERNATIVES]


def _draw_with(
    space: SearchSpace, rng: np.random.Generator, playable: Playable, params: Params, taken: Mapping[str, str]
) -> Params | None:
    """Return a random draw that may be played and takes given alternatives, None if a few tries find none.

    ``params`` is returned unchanged if it takes them already.
    """
    if all(params.get(path) == label for path, label in taken.items()):
        return params
    choices = space.categorical_choices()
    slices = {path: (choices[path].index(label) + 0.5) / len(choices[path]) for path, label in taken.items()}
    paths = space.open_paths
    for _ in range(_TRIES):
        drawn = space.params_at({**dict(zip(paths, map(float, rng.random(len(paths))), strict=True)), **slices})
        if playable(drawn):
            return drawn
    return None
