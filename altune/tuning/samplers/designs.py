"""Samplers that do not learn: points that fill the space evenly, and a grid."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats.qmc import Sobol

from altune.core.errors import RequestError
from altune.recipes.space import SearchSpace
from altune.tuning.samplers.drawing import Params, Playable

LARGEST_GRID = 10_000
_MOST_SKIPPED = 1000


class SobolPoints:
    """The points of a scrambled Sobol sequence that may be played, by their place among them.

    Each open path has a coordinate of its own, those inside alternatives too, so that conditional spaces are filled
    evenly; Optuna's own ``QMCSampler`` covers no parameter that is missing in some trial.

    Parameters
    ----------
    space : where the points lie.
    seed : scrambles the sequence.
    playable : whether a point may be played; others are passed over.
    """

    def __init__(self, space: SearchSpace, seed: int, playable: Playable) -> None:
        self._space = space
        self._playable = playable
        self._sequence = Sobol(max(space.n_open, 1), scramble=True, rng=np.random.default_rng(seed))
        self._found: list[Params] = []

    def at(self, number: int) -> Params:
        """Return the ``number``-th point that may be played, counted from 0."""
        while len(self._found) <= number:
            self._found.append(self._next())
        return dict(self._found[number])

    def _next(self) -> Params:
        params: Params = {}
        for _ in range(_MOST_SKIPPED):
            point = self._sequence.random(1)[0]
            params = self._space.params_at(dict(zip(self._space.open_paths, map(float, point), strict=False)))
            if self._playable(params):
                break
        return params


class ShuffledGrid:
    """Every combination of a small space once, in an order that the seed shuffles.

    Parameters
    ----------
    space : without ranges of floats that have no step.
    seed : shuffles the order.
    playable : whether a combination may be played; others are left out.
    """

    def __init__(self, space: SearchSpace, seed: int, playable: Playable) -> None:
        combinations = list(space.grid())
        order = np.random.default_rng(seed).permutation(len(combinations))
        self._waiting: Iterator[Params] = (combinations[int(place)] for place in order)
        self._playable = playable
        self._found: list[Params] = []

    def at(self, number: int) -> Params:
        """Return the ``number``-th combination, counted from 0.

        Raises
        ------
        RequestError
            If there are not so many.
        """
        while len(self._found) <= number:
            following = next((params for params in self._waiting if self._playable(params)), None)
            if following is None:
                raise RequestError(
                    f"the grid has {len(self._found)} combinations that may be played; all are asked for"
                )
            self._found.append(following)
        return dict(self._found[number])

    def __len__(self) -> int:
        self._found += [params for params in self._waiting if self._playable(params)]
        return len(self._found)
