"""The path of an ablation: in which order the knobs are changed.

The order is chosen greedily, by what each change gains on select blocks; see :mod:`altune.tuning.ablation`. A change
that is clearly behind the best one is played on no further blocks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from altune.core.registry import FIELDS
from altune.data.blocks import Block
from altune.numerics.mixed_model import fit_mixed_model
from altune.numerics.posterior import clearly_behind
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.items import Outcome, WorkItem, curves_or_raise
from altune.simulation.execution.player import OnDone, Player
from altune.tuning.judging import Across, Judge
from altune.tuning.played import ConfirmationBlocks
from altune.tuning.search_blocks import SearchBlock, SearchBlocks
from altune.tuning.selection import AT_ONCE

ORDER_BLOCKS = 6
"""Largest number of select blocks of a data set on which the order is chosen."""
FIRST_LOOK = 2
"""Number of blocks of each data set after which the first changes may be clearly behind."""

Array = NDArray[np.float64]
KnobGroup = tuple[str, ...]


@dataclass(frozen=True)
class PathStep:
    """One step of the path.

    Attributes
    ----------
    knobs : knobs that are changed: a single one, or the smallest group that can be changed where no single one can.
    tried : mean objective on the select blocks after each possible change, with the names of its knobs joined by
        ``+``; over several data sets the mean of their means. It is adjusted for blocks on which a change was not
        played, since it was clearly behind. Empty if there was nothing to choose.
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

    Attributes
    ----------
    n_blocks : largest number of select blocks of a data set on which a change was played so far.
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
        self._ranks = across == "ranks" and len(blocks) > 1
        self._scenarios = [data_set.environment.scenario for data_set in blocks]
        self._order = SearchBlocks(tuple(len(order_blocks(data_set)) for data_set in blocks))
        self._blocks = self._order.join(
            [[SearchBlock(data_set.environment, block) for block in order_blocks(data_set)] for data_set in blocks]
        )
        self._needs_references = order_needs_references(blocks)
        self._reference: Recipe | None = None
        self._references: list[LearningCurve] = []
        self.n_blocks = 0

    def find(self, start: Recipe, reference: Recipe) -> list[PathStep]:
        """Return the steps from the start: at each, the change that gains most on the select blocks.

        Parameters
        ----------
        start : recipe at the start of the path.
        reference : random sampling.
        """
        recipe, left, steps = start, differing(start, self._end), []
        if len(left) > 1 and self._needs_references:
            self._reference = reference
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
            step = self._tried(recipe, groups[: len(left)])
            if step is not None:
                return step
        return PathStep(tuple(left), {})

    def _tried(self, recipe: Recipe, groups: Sequence[KnobGroup]) -> PathStep | None:
        """Return the best of some changes, None if all of them fail on a select block.

        All changes are played on the first blocks, and those that are not clearly behind on further ones. Ranks over
        data sets need all of them on the same blocks.
        """
        curves: dict[KnobGroup, list[LearningCurve]] = {group: [] for group in groups}
        alive, n_rounds, n_played = list(groups), max(self._order.n_blocks), 0
        while alive and n_played < n_rounds:
            more = FIRST_LOOK if not n_played else math.ceil(AT_ONCE / len(alive))
            n_played = n_rounds if self._ranks else min(n_rounds, n_played + more)
            self.n_blocks = max(self.n_blocks, n_played)
            for group in self._play_up_to(recipe, alive, curves, n_played):
                del curves[group]
            alive = [group for group in alive if group in curves]
            if len(alive) > 1:
                table = self._signed(list(curves.values()))
                model = fit_mixed_model(table)
                behind = dict(zip(curves, clearly_behind(model.mean, model.variance), strict=True))
                alive = [group for group in alive if not behind[group]]
            if len(alive) == 1:
                break
        if not curves:
            return None
        scores, means = self._scores(list(curves.values()))
        best = max(
            (rank for rank, group in enumerate(curves) if group in alive or not alive), key=lambda rank: scores[rank]
        )
        named = {"+".join(group): float(mean) for group, mean in zip(curves, means, strict=True)}
        return PathStep(list(curves)[best], named)

    def _play_up_to(
        self, recipe: Recipe, groups: Sequence[KnobGroup], curves: Mapping[KnobGroup, list[LearningCurve]], rounds: int
    ) -> list[KnobGroup]:
        """Play changes up to some blocks of each data set, add the curves, and return the changes that fail."""
        end = sum(number < rounds for _, number in self._order.order)
        if self._reference is not None and len(self._references) < end:
            references = self._play([self._reference], range(len(self._references), end))[0]
            self._references += curves_or_raise(references)
        begin = len(curves[groups[0]])
        outcomes = self._play([changed(recipe, self._end, group) for group in groups], range(begin, end))
        failed = []
        for group, on_blocks in zip(groups, outcomes, strict=True):
            played = [outcome for outcome in on_blocks if isinstance(outcome, LearningCurve)]
            curves[group].extend(played)
            if len(played) < len(on_blocks):
                failed.append(group)
        return failed

    def _play(self, recipes: Sequence[Recipe], positions: range) -> list[list[Outcome]]:
        blocks = [self._blocks[position] for position in positions]
        items = [WorkItem(recipe, block, environment) for recipe in recipes for environment, block in blocks]
        outcomes, size = self._player.play(items, self._on_done), len(blocks)
        return [outcomes[index * size : (index + 1) * size] for index in range(len(recipes))]

    def _judge(self, tried: Sequence[Sequence[LearningCurve]]) -> Judge:
        # Without a need of references any curves do for them, as they are not used.
        references = self._references or tried[int(np.argmax([len(curves) for curves in tried]))]
        return Judge(self._scenarios, self._order, references, self._across)

    def _signed(self, tried: Sequence[Sequence[LearningCurve]]) -> Array:
        """Return the objective of each change on each block that was played, where more is better, NaN elsewhere."""
        judge, signed = self._judge(tried), np.full((len(tried), max(map(len, tried))), np.nan)
        for row, curves in zip(signed, tried, strict=True):
            row[: len(curves)] = judge.objectives[0].sign * judge.block_values(curves)
        return signed

    def _scores(self, tried: Sequence[Sequence[LearningCurve]]) -> tuple[Array, Array]:
        """Return a score for each change, where more is better, and its mean objective."""
        judge, signed = self._judge(tried), self._signed(tried)
        model = fit_mixed_model(signed)
        expected = model.raw[:, None] + model.block_effects - model.block_effects.mean()
        filled = np.where(np.isnan(signed), expected, signed)
        data = np.array([data for data, _ in self._order.order[: filled.shape[1]]])
        by_data = np.stack([filled[:, data == index].mean(axis=1) for index in np.unique(data)], axis=1)
        means: Array = judge.objectives[0].sign * by_data.mean(axis=1)
        if judge.uses_ranks:
            by_data = rankdata(by_data, axis=0)
        return by_data.mean(axis=1), means
