"""Selection that begins with what the search knows: recipes are played block by block until one is clearly ahead.

The value of a recipe has a normal prior from the search. After each round of blocks, recipes that are clearly behind
the leader are played no more; the one with the highest posterior mean is selected. What is played follows from the
prior and the values alone, so it is the same for any number of processes and for a run that was killed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from altune.core.errors import WorkError
from altune.core.types import Array
from altune.data.blocks import Block
from altune.numerics.posterior import clearly_behind, posterior
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment
from altune.simulation.execution.items import Failure, WorkItem
from altune.simulation.execution.player import OnDone, Player

AT_ONCE = 4
"""Fewest trajectories of a round, so that several processes are busy: few recipes are played on several blocks."""


@dataclass(frozen=True)
class Prior:
    """What a search knows of the recipes that compete, as normal distributions of their values; more is better.

    Attributes
    ----------
    means, variances : of the value of each recipe, by the number of its trial or the name of its baseline.
    noise : variance of the value of a recipe on one block, apart from what the block adds to all recipes.
    """

    means: Mapping[int | str, float]
    variances: Mapping[int | str, float]
    noise: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, rounded, so that they are the same on machines that differ in the last digit."""
        rounded = {str(name): [_rounded(mean), _rounded(self.variances[name])] for name, mean in self.means.items()}
        return {"recipes": rounded, "noise": _rounded(self.noise)}


def _rounded(value: float) -> float:
    return float(f"{value:.8g}")


@dataclass(frozen=True, eq=False)
class Posterior:
    """What is known of a recipe on which it was selected, or left behind.

    Attributes
    ----------
    mean : expected value, in the units of the objective.
    sd : standard deviation of the value, 0 or more.
    """

    mean: float
    sd: float

    def to_dict(self) -> dict[str, float]:
        """Return plain JSON values."""
        return {"mean": self.mean, "sd": self.sd}

    @classmethod
    def from_dict(cls, plain: Mapping[str, float] | None) -> Posterior | None:
        """Read back what :meth:`to_dict` wrote; None if nothing was stored."""
        return None if plain is None else cls(plain["mean"], plain["sd"])


@dataclass(frozen=True, eq=False)
class Selection:
    """Recipes that were played until one was clearly ahead.

    Attributes
    ----------
    curves : curves of each recipe on the first select blocks; fewer for a recipe that was clearly behind.
    posteriors : what is known of each recipe; None for one that failed.
    failures : the first failure of each recipe that failed, by its position.
    best : position of the recipe that is selected.
    """

    curves: tuple[tuple[LearningCurve, ...], ...]
    posteriors: tuple[Posterior | None, ...]
    failures: Mapping[int, Failure]
    best: int


class Selector:
    """Plays recipes on the select blocks of one data set until one of them is clearly ahead.

    Parameters
    ----------
    player : plays work items.
    recipes : recipes that compete.
    environment : data set and scenario; the first objective is compared.
    blocks : select blocks.
    prior : mean and variance of the value of each recipe, where more is better, ``(2, n_recipes)``.
    noise : variance of the value of a recipe on one block.
    reference : position of random sampling, if values are measured against it. It is played on every block.
    on_done : called once for each trajectory.
    """

    def __init__(
        self,
        player: Player,
        recipes: Sequence[Recipe],
        environment: Environment,
        blocks: Sequence[Block],
        prior: Array,
        noise: float,
        reference: int | None,
        on_done: OnDone,
    ) -> None:
        self._player = player
        self._recipes = recipes
        self._environment = environment
        self._blocks = blocks
        self._prior = prior
        self._noise = noise
        self._reference = reference
        self._on_done = on_done
        self._curves: dict[tuple[int, int], LearningCurve] = {}
        self._failures: dict[int, Failure] = {}

    def select(self) -> Selection:
        """Play recipes until one is clearly ahead or all blocks are played.

        A recipe that fails may have left others behind, so the selection begins again without it; nothing is played
        twice.

        Raises
        ------
        WorkError
            If all recipes fail, or random sampling where values are measured against it.
        """
        while len(self._failures) < len(self._recipes):
            n_failed = len(self._failures)
            selection = self._among([index for index in range(len(self._recipes)) if index not in self._failures])
            if len(self._failures) == n_failed:
                return selection
            if self._reference in self._failures:
                raise WorkError("random sampling, against which values are measured, fails on a block that selects")
        raise WorkError(self._failures[min(self._failures)].reason)

    def _among(self, playable: Sequence[int]) -> Selection:
        """Return the selection among recipes; it is not complete if one of them has failed since."""
        alive, n_played, best = list(playable), 0, playable[0]
        counts = dict.fromkeys(range(len(self._recipes)), 0)
        posteriors: dict[int, Posterior] = {}
        sign = self._environment.objective.sign
        while n_played < len(self._blocks) and (len(alive) > 1 or not n_played):
            end = min(len(self._blocks), n_played + math.ceil(AT_ONCE / len(alive)))
            self._play(alive, range(n_played, end))
            if self._failures.keys() & alive:
                break
            n_played = end
            mean, variance = self._posterior(alive, n_played)
            for index, expected, spread in zip(alive, mean.tolist(), np.sqrt(variance).tolist(), strict=True):
                counts[index], posteriors[index] = n_played, Posterior(sign * expected, spread)
            best = alive[int(np.argmax(mean))]
            ahead = {index for index, behind in zip(alive, clearly_behind(mean, variance), strict=True) if not behind}
            alive = [index for index in alive if index in ahead or (index == self._reference and len(ahead) > 1)]
        return Selection(
            curves=tuple(tuple(self._curves[index, block] for block in range(n)) for index, n in counts.items()),
            posteriors=tuple(posteriors.get(index) for index in counts),
            failures=dict(self._failures),
            best=best,
        )

    def _play(self, alive: Sequence[int], blocks: range) -> None:
        """Play recipes on blocks, where they were not played yet."""
        wanted = [(index, block) for index in alive for block in blocks if (index, block) not in self._curves]
        items = [WorkItem(self._recipes[index], self._blocks[block], self._environment) for index, block in wanted]
        for (index, block), outcome in zip(
            wanted, self._player.play(items, self._on_done) if items else (), strict=True
        ):
            if isinstance(outcome, Failure):
                self._failures.setdefault(index, outcome)
            else:
                self._curves[index, block] = outcome

    def _posterior(self, alive: Sequence[int], n_played: int) -> tuple[Array, Array]:
        objective = self._environment.objective
        by_recipe = {index: [self._curves[index, block] for block in range(n_played)] for index in alive}
        references = None if self._reference is None else by_recipe[self._reference]
        values = np.stack([objective.sign * objective.each(curves, references) for curves in by_recipe.values()])
        return posterior(self._prior[0, alive], self._prior[1, alive], self._noise, values)
