"""Samplers that do not learn: points that fill the space evenly, and a grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats.qmc import Sobol

from altune.core.errors import RequestError
from altune.recipes.space import SearchSpace
from altune.tuning.samplers.whole_trial import Params, Playable

LARGEST_GRID = 10_000
_MOST_SKIPPED = 1000


class SobolPoints:
    """The points of a scrambled Sobol sequence that may be played.

    Each open path has a coordinate of its own, also inside alternatives, so that conditional spaces are filled evenly.
    Optuna's own ``QMCSampler`` does not cover parameters that are missing in some trial.

    Parameters
    ----------
    space : search space.
    seed : seed that scrambles the sequence.
    playable : whether a point may be played; others are skipped.
    """

    def __init__(self, space: SearchSpace, seed: int, playable: Playable) -> None:
        self._space = space
        self._playable = playable
        self._sequence = Sobol(max(space.n_open, 1), scramble=True, rng=np.random.default_rng(seed))
        self._points: list[Params] = []

    def at(self, number: int) -> Params:
        """Return a point that may be played, by its number among them, counted from 0."""
        while len(self._points) <= number:
            self._points.append(self._next())
        return dict(self._points[number])

    def _next(self) -> Params:
        params: Params = {}
        for _ in range(_MOST_SKIPPED):
            point = self._sequence.random(1)[0]
            params = self._space.params_at(dict(zip(self._space.open_paths, map(float, point), strict=False)))
            if self._playable(params):
                break
        return params


class ShuffledGrid:
    """Every combination of a small space once, in an order shuffled by the seed.

    Parameters
    ----------
    space : search space without ranges of floats that have no step.
    seed : seed of the order.
    playable : whether a combination may be played; others are left out.
    first : combinations that come before the others.
    """

    def __init__(
        self, space: SearchSpace, seed: int, playable: Playable, first: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        combinations = list(space.grid())
        order = np.random.default_rng(seed).permutation(len(combinations))
        shuffled = [combinations[int(index)] for index in order]
        given = [dict(params) for params in first if params in combinations]
        rest = [params for params in shuffled if params not in given] if given else shuffled
        self._waiting: Iterator[Params] = iter([*given, *rest])
        self._playable = playable
        self._points: list[Params] = []

    def at(self, number: int) -> Params:
        """Return a combination that may be played, by its number among them, counted from 0.

        Raises
        ------
        RequestError
            If there are fewer combinations.
        """
        while len(self._points) <= number:
            following = next((params for params in self._waiting if self._playable(params)), None)
            if following is None:
                raise RequestError(
                    f"the grid has {len(self._points)} combinations that may be played, and all were asked for"
                )
            self._points.append(following)
        return dict(self._points[number])

    def __len__(self) -> int:
        self._points += [params for params in self._waiting if self._playable(params)]
        return len(self._points)
