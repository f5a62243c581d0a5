"""The path of an ablation: which knob is changed first, which next.

Chosen greedily, by what each change gains on select blocks; see :mod:`altune.tuning.ablation`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from altune.core.registry import FIELDS
from altune.data.blocks import Block
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.items import Failure, Outcome, WorkItem, curves_or_raise
from altune.simulation.execution.player import Player
from altune.tuning.confirmation import ConfirmationBlocks
from altune.tuning.judging import Across, Judge, Place

ORDER_BLOCKS = 10
"""Select blocks of a data set on which the order is chosen, at most."""

Array = NDArray[np.float64]
KnobGroup = tuple[str, ...]
OnDone = Callable[[int, Outcome], None]


@dataclass(frozen=True)
class PathStep:
    """One step of the path.

    Attributes
    ----------
    knobs : what is changed: one knob, or the smallest group that can be changed where no single one can.
    tried : mean objective on the select blocks after each change that was possible, knobs joined by ``+``, over
        several data sets the mean of their means; empty where nothing was left to choose.
    """

    knobs: KnobGroup
    tried: Mapping[str, float]


def differing(start: Recipe, end: Recipe) -> list[str]:
    """Return the knobs in which two recipes differ, ``model`` among them.

    >>> differing(Recipe(), Recipe(query_strategy="random"))
    ['query_strategy']
    """
    return [knob for knob in FIELDS if getattr(start, knob) != getattr(end, knob)]


def changed(recipe: Recipe, to: Recipe, knobs: Sequence[str]) -> Recipe:
    """Return a recipe with some knobs as in another; it has no name."""
    return recipe.replace(name=None, **{knob: getattr(to, knob) for knob in knobs})


def order_blocks(part: ConfirmationBlocks) -> Sequence[Block]:
    """Return the select blocks on which the order is chosen."""
    return part.select[:ORDER_BLOCKS]


def needs_references(parts: Sequence[ConfirmationBlocks]) -> bool:
    """Return whether random sampling must be played as well, to measure against."""
    return len(parts) > 1 or parts[0].environment.objective.needs_reference


class Route:
    """Finds the order in which knobs are changed.

    Parameters
    ----------
    player : plays trajectories.
    end : the recipe at the end.
    parts : the fresh blocks, for each data set.
    refusal : says why a recipe must not be played, None where it may.
    across : how several data sets are averaged.
    on_done : called once for each trajectory.
    """

    def __init__(
        self,
        player: Player,
        end: Recipe,
        parts: Sequence[ConfirmationBlocks],
        refusal: Callable[[Recipe], str | None],
        across: Across,
        on_done: OnDone,
    ) -> None:
        self._player = player
        self._end = end
        self._refusal = refusal
        self._on_done = on_done
        self._across = across
        self._places = [
            Place(part.environment, block, data) for data, part in enumerate(parts) for block in order_blocks(part)
        ]
        self._needs_references = needs_references(parts)
        self._references: Sequence[LearningCurve] = ()

    def find(self, start: Recipe, reference: Recipe) -> list[PathStep]:
        """Return the steps: at each the change that gains most on the select blocks, the first knob among equals."""
        recipe, left, steps = start, differing(start, self._end), []
        if len(left) > 1 and self._needs_references:
            self._references = curves_or_raise(self._play([reference])[0])
        while left:
            step = self._best(recipe, left)
            steps.append(step)
            recipe = changed(recipe, self._end, step.knobs)
            left = [knob for knob in left if knob not in step.knobs]
        return steps

    def _best(self, recipe: Recipe, left: Sequence[str]) -> PathStep:
        """Return the best change of one knob; where none is possible, of the smallest group that can be changed."""
        for size in range(1, len(left)):
            groups = [
                group for group in combinations(left, size) if self._refusal(changed(recipe, self._end, group)) is None
            ]
            # No more than single changes there could be, so that a space with odd demands makes it no longer.
            tried = self._tried(recipe, groups[: len(left)])
            if tried:
                worths, means = self._worths(list(tried.values()))
                named = {"+".join(group): float(mean) for group, mean in zip(tried, means, strict=True)}
                return PathStep(list(tried)[int(np.argmax(worths))], named)
        return PathStep(tuple(left), {})

    def _tried(self, recipe: Recipe, groups: Sequence[KnobGroup]) -> dict[KnobGroup, list[LearningCurve]]:
        """Return the curves of each change on the select blocks, without those that fail there."""
        outcomes = self._play([changed(recipe, self._end, group) for group in groups])
        return {
            group: curves_or_raise(own)
            for group, own in zip(groups, outcomes, strict=True)
            if not any(isinstance(one, Failure) for one in own)
        }

    def _play(self, recipes: Sequence[Recipe]) -> list[list[Outcome]]:
        tasks = [WorkItem(recipe, place.block, place.environment) for recipe in recipes for place in self._places]
        outcomes = self._player.play(tasks, self._on_done) if tasks else []
        size = len(self._places)
        return [outcomes[index * size : (index + 1) * size] for index in range(len(recipes))]

    def _worths(self, listed: Sequence[Sequence[LearningCurve]]) -> tuple[Array, Array]:
        """Return how good each change is, more is better, and its mean objective."""
        # Where no reference is needed, any curve stands in for it and is not looked at.
        judge = Judge(self._places, self._references or listed[0], len(self._places), self._across)
        data = np.array([place.data for place in self._places])
        on_places = np.stack([judge.on_places(curves) for curves in listed])
        means = np.stack([on_places[:, data == one].mean(axis=1) for one in np.unique(data)], axis=1)
        signed: Array = judge.objectives[0].sign * means
        if judge.several and self._across == "ranks":
            signed = rankdata(signed, axis=0)
        return signed.mean(axis=1), means.mean(axis=1)
