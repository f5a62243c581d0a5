"""Ablation: from one recipe to another, one knob at a time, where every recipe on the path is played.

At each step, the knob is changed that gains most (C. Fawcett and H. Hoos, *Analysing differences between algorithm
configurations through ablation*, J. Heuristics 22, 2016). The order is chosen on select blocks, and the gains are
played again on report blocks, so that the choice does not bias the gain of a step. In addition, each knob alone is put
back in the recipe at the end of the path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from altune.recipes.recipe import Recipe
from altune.simulation.execution.items import Failure, Outcome, WorkItem, curves_or_raise
from altune.simulation.execution.player import OnDone, Player
from altune.tuning.ablation_path import PathStep, Route, changed, differing, order_blocks, order_needs_references
from altune.tuning.judging import Across
from altune.tuning.played import ConfirmationBlocks, Played


@dataclass(frozen=True, eq=False)
class AblationCurves:
    """What was played on the report blocks of one data set.

    Attributes
    ----------
    path : recipe at the start, and after each step.
    without : recipe at the end with one knob put back, by the knob.
    """

    path: tuple[Played, ...]
    without: Mapping[str, Played]


@dataclass(frozen=True, eq=False)
class Ablated:
    """A path between two recipes that was played.

    Attributes
    ----------
    steps : steps of the path, the same on every data set.
    order_blocks : largest number of select blocks of a data set on which their order was chosen.
    impossible : why the recipe at the end does not work with a knob put back, by the knob.
    played : what was played on each data set.
    """

    steps: tuple[PathStep, ...]
    order_blocks: int
    impossible: Mapping[str, str]
    played: tuple[AblationCurves, ...]

    def to_dict(self, data_sets: Sequence[str]) -> dict[str, Any]:
        """Return plain JSON values, without both ends of the path, which are stored with the confirmation.

        Parameters
        ----------
        data_sets : names of the data sets.
        """
        return {
            "steps": [{"knobs": list(step.knobs), "tried": dict(step.tried)} for step in self.steps],
            "order_blocks": self.order_blocks,
            "impossible": dict(self.impossible),
            "played": {
                name: {
                    "path": [played.to_dict() for played in curves.path[1:-1]],
                    "without": {knob: played.to_dict() for knob, played in curves.without.items()},
                }
                for name, curves in zip(data_sets, self.played, strict=True)
            },
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], ends: Mapping[str, tuple[Played, Played]]) -> Ablated:
        """Read back what :meth:`to_dict` wrote; ``ends`` are both ends of the path, by data set."""
        played = []
        for name, (start, end) in ends.items():
            stored = plain["played"][name]
            between = (Played.from_dict(recipe) for recipe in stored["path"])
            without = {knob: Played.from_dict(recipe) for knob, recipe in stored["without"].items()}
            played.append(AblationCurves((start, *between, end), without))
        steps = tuple(PathStep(tuple(step["knobs"]), step["tried"]) for step in plain["steps"])
        return cls(steps, plain["order_blocks"], plain["impossible"], tuple(played))


def trajectories_to_ablate(n_knobs: int, blocks: Sequence[ConfirmationBlocks]) -> int:
    """Return the largest number of trajectories that :func:`ablate` plays.

    Parameters
    ----------
    n_knobs : number of knobs in which the two recipes differ.
    blocks : fresh blocks of each data set.
    """
    if not n_knobs or not blocks:
        return 0
    n_tried = n_knobs * (n_knobs + 1) // 2 - 1
    n_tried += int(bool(n_tried) and order_needs_references(blocks))
    return sum(n_tried * len(order_blocks(data_set)) + 2 * (n_knobs - 1) * len(data_set.report) for data_set in blocks)


def ablate(
    player: Player,
    start: Recipe,
    end: Recipe,
    blocks: Sequence[ConfirmationBlocks],
    *,
    reference: Recipe,
    refusal: Callable[[Recipe], str | None],
    known: Sequence[Sequence[Played]] = (),
    across: Across = "normalized",
    on_done: OnDone = lambda index, outcome: None,
) -> Ablated:
    """Play the path from one recipe to another, and the latter with each knob put back.

    Parameters
    ----------
    player : plays work items.
    start, end : two recipes that work and differ.
    blocks : fresh blocks of each data set.
    reference : random sampling, for objectives that are defined relative to it.
    refusal : returns why a recipe must not be played, None if it may.
    known : recipes that were played on the report blocks of each data set already.
    across : how several data sets are averaged.
    on_done : called once for each trajectory.

    Raises
    ------
    WorkError
        If a recipe of the path fails on a report block.
    """
    route = Route(player, end, blocks, refusal, across, on_done)
    steps = route.find(start, reference)
    path = [start]
    for step in steps[:-1]:
        path.append(changed(path[-1], end, step.knobs))
    path.append(end)
    put_back = {knob: changed(end, start, [knob]) for knob in differing(start, end)}
    impossible = {knob: reason for knob, recipe in put_back.items() if (reason := refusal(recipe)) is not None}
    possible = {knob: recipe for knob, recipe in put_back.items() if knob not in impossible}
    outcomes = [
        _outcomes(player, [*path, *possible.values()], data_set, known[data] if known else (), on_done)
        for data, data_set in enumerate(blocks)
    ]
    for knob, recipe in possible.items():
        failures = [
            outcome for by_recipe in outcomes for outcome in by_recipe[recipe.digest()] if isinstance(outcome, Failure)
        ]
        if failures:
            impossible[knob] = failures[0].reason
    without = {knob: recipe for knob, recipe in possible.items() if knob not in impossible}
    played = tuple(
        AblationCurves(
            tuple(_played(recipe, by_recipe) for recipe in path),
            {knob: _played(recipe, by_recipe) for knob, recipe in without.items()},
        )
        for by_recipe in outcomes
    )
    return Ablated(tuple(steps), route.n_blocks, impossible, played)


def _outcomes(
    player: Player,
    recipes: Sequence[Recipe],
    blocks: ConfirmationBlocks,
    known: Sequence[Played],
    on_done: OnDone,
) -> dict[str, Sequence[Outcome]]:
    """Return the outcomes of each recipe on the report blocks, by its digest; known recipes are not played."""
    outcomes: dict[str, Sequence[Outcome]] = {played.recipe.digest(): list(played.curves) for played in known}
    to_play = {recipe.digest(): recipe for recipe in recipes if recipe.digest() not in outcomes}
    items = [WorkItem(recipe, block, blocks.environment) for recipe in to_play.values() for block in blocks.report]
    played, size = player.play(items, on_done), len(blocks.report)
    return outcomes | {digest: played[index * size : (index + 1) * size] for index, digest in enumerate(to_play)}


def _played(recipe: Recipe, outcomes: Mapping[str, Sequence[Outcome]]) -> Played:
    return Played(recipe, tuple(curves_or_raise(outcomes[recipe.digest()])))
