"""The path of an ablation: in which order the knobs are changed.

The order is chosen greedily, by what each change gains on select blocks; see :mod:`altune.tuning.ablation`.
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
from altune.simulation.execution.player import OnDone, Player
from altune.tuning.judging import Across, Judge
from altune.tuning.played import ConfirmationBlocks
from altune.tuning.search_blocks import SearchBlock, SearchBlocks

ORDER_BLOCKS = 10
"""Largest number of select blocks of a data set on which the order is chosen."""

Array = NDArray[np.float64]
KnobGroup = tuple[str, ...]


@dataclass(frozen=True)
class PathStep:
    """One step of the path.

    Attributes
    ----------
    knobs : knobs that are changed: a single one, or the smallest group that can be changed where no single one can.
    tried : mean objective on the select blocks after each possible change, with the names of its knobs joined by
        ``+``; over several data sets the mean of their means. Empty if there was nothing to choose.
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
    """Return a recipe with some knobs taken from another one; it has no name."""
    return recipe.replace(name=None, **{knob: getattr(to, knob) for knob in knobs})


def order_blocks(blocks: ConfirmationBlocks) -> Sequence[Block]:
    """Return the select blocks on which the order is chosen."""
    return blocks.select[:ORDER_BLOCKS]


def order_needs_references(blocks: Sequence[ConfirmationBlocks]) -> bool:
    """Return whether random sampling is played as well, because changes are compared relative to it.

    Only the first objective counts: it alone decides the order.
    """
    return len(blocks) > 1 or blocks[0].environment.objective.needs_reference


class Route:
    """Finds the order in which knobs are changed.

    Parameters
    ----------
    player : plays work items.
    end : recipe at the end of the path.
    blocks : fresh blocks of each data set.
    refusal : returns why a recipe must not be played, None if it may.
    across : how several data sets are averaged.
    on_done : called once for each trajectory.
    """

    def __init__(
        self,
        player: Player,
        end: Recipe,
        blocks: Sequence[ConfirmationBlocks],
        refusal: Callable[[Recipe], str | None],
        across: Across,
        on_done: OnDone,
    ) -> None:
        self._player = player
        self._end = end
        self._refusal = refusal
        self._on_done = on_done
        self._across = across
        self._scenarios = [data_set.environment.scenario for data_set in blocks]
        self._order = SearchBlocks(tuple(len(order_blocks(data_set)) for data_set in blocks))
        self._blocks = self._order.join(
            [[SearchBlock(data_set.environment, block) for block in order_blocks(data_set)] for data_set in blocks]
        )
        self._needs_references = order_needs_references(blocks)
        self._references: Sequence[LearningCurve] = ()

    def find(self, start: Recipe, reference: Recipe) -> list[PathStep]:
        """Return the steps from the start: at each, the change that gains most on the select blocks.

        Parameters
        ----------
        start : recipe at the start of the path.
        reference : random sampling.
        """
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
        """Return the best change of one knob, or of the smallest group of knobs that can be changed."""
        for size in range(1, len(left)):
            groups = [
                group for group in combinations(left, size) if self._refusal(changed(recipe, self._end, group)) is None
            ]
            # There are many groups of two knobs or more. Trying no more of them than there are single knobs keeps the
            # number of trajectories below the announced one.
            tried = self._tried(recipe, groups[: len(left)])
            if tried:
                scores, means = self._scores(list(tried.values()))
                named = {"+".join(group): float(mean) for group, mean in zip(tried, means, strict=True)}
                return PathStep(list(tried)[int(np.argmax(scores))], named)
        return PathStep(tuple(left), {})

    def _tried(self, recipe: Recipe, groups: Sequence[KnobGroup]) -> dict[KnobGroup, list[LearningCurve]]:
        """Return the curves of each change on the select blocks, without changes that fail there."""
        outcomes = self._play([changed(recipe, self._end, group) for group in groups])
        return {
            group: curves_or_raise(on_blocks)
            for group, on_blocks in zip(groups, outcomes, strict=True)
            if not any(isinstance(outcome, Failure) for outcome in on_blocks)
        }

    def _play(self, recipes: Sequence[Recipe]) -> list[list[Outcome]]:
        items = [WorkItem(recipe, block, environment) for recipe in recipes for environment, block in self._blocks]
        outcomes = self._player.play(items, self._on_done) if items else []
        size = len(self._blocks)
        return [outcomes[index * size : (index + 1) * size] for index in range(len(recipes))]

    def _scores(self, tried: Sequence[Sequence[LearningCurve]]) -> tuple[Array, Array]:
        """Return a score for each change, where more is better, and its mean objective."""
        # Without a need of references any curves do for them, as they are not used.
        judge = Judge(self._scenarios, self._order, self._references or tried[0], self._across)
        data = np.array([data for data, _ in self._order.order])
        block_values = np.stack([judge.block_values(curves) for curves in tried])
        means = np.stack([block_values[:, data == index].mean(axis=1) for index in range(len(self._scenarios))], axis=1)
        signed: Array = judge.objectives[0].sign * means
        if judge.uses_ranks:
            signed = rankdata(signed, axis=0)
        return signed.mean(axis=1), means.mean(axis=1)
