"""Ablation: from one recipe to another, one knob at a time, each recipe on the way really played.

At each step the knob is changed that gains most (C. Fawcett and H. Hoos, *Analysing differences between algorithm
configurations through ablation*, J. Heuristics 22, 2016). The order is chosen on select blocks and what it gains is
played again on report blocks, so that the gain of a step is not flattered by the choice. Beside the path, each knob
alone is put back in the recipe at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from altune.data.blocks import Block
from altune.recipes.recipe import Recipe
from altune.simulation.environment import Environment
from altune.simulation.execution.items import Failure, Outcome, WorkItem, curves_or_raise
from altune.simulation.execution.player import Player
from altune.tuning.ablation_path import OnDone, PathStep, Route, changed, differing, needs_references, order_blocks
from altune.tuning.confirmation import ConfirmationBlocks, Played
from altune.tuning.judging import Across


@dataclass(frozen=True, eq=False)
class AblationCurves:
    """What was played on the report blocks of one data set.

    Attributes
    ----------
    path : the recipe at the start and the one after each step.
    without : the recipe at the end with one knob put back, by the knob.
    """

    path: tuple[Played, ...]
    without: Mapping[str, Played]


@dataclass(frozen=True, eq=False)
class Ablated:
    """A path between two recipes as it was played.

    Attributes
    ----------
    steps : of the path, the same on every data set.
    order_blocks : select blocks of a data set on which their order was chosen.
    impossible : why the recipe at the end does not work with a knob put back, by the knob.
    played : what was played on each data set.
    """

    steps: tuple[PathStep, ...]
    order_blocks: int
    impossible: Mapping[str, str]
    played: tuple[AblationCurves, ...]

    def to_dict(self, names: Sequence[str]) -> dict[str, Any]:
        """Return plain JSON values by the data sets' names; both ends are left out, which stand elsewhere."""
        return {
            "steps": [{"knobs": list(step.knobs), "tried": dict(step.tried)} for step in self.steps],
            "order_blocks": self.order_blocks,
            "impossible": dict(self.impossible),
            "played": {
                name: {
                    "path": [played.to_dict() for played in one.path[1:-1]],
                    "without": {knob: played.to_dict() for knob, played in one.without.items()},
                }
                for name, one in zip(names, self.played, strict=True)
            },
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], ends: Mapping[str, tuple[Played, Played]]) -> Ablated:
        """Read back what :meth:`to_dict` wrote; ``ends`` are the recipes at both ends, by data set."""
        played = []
        for name, (start, end) in ends.items():
            own = plain["played"][name]
            between = (Played.from_dict(one) for one in own["path"])
            without = {knob: Played.from_dict(one) for knob, one in own["without"].items()}
            played.append(AblationCurves((start, *between, end), without))
        steps = tuple(PathStep(tuple(step["knobs"]), step["tried"]) for step in plain["steps"])
        return cls(steps, plain["order_blocks"], plain["impossible"], tuple(played))


def trajectories_to_ablate(knobs: int, parts: Sequence[ConfirmationBlocks], *, ends: bool = False) -> int:
    """Return how many trajectories :func:`ablate` asks for at most.

    Parameters
    ----------
    knobs : in which the two recipes differ.
    parts : the fresh blocks, for each data set.
    ends : whether both ends are yet to be played on the report blocks.
    """
    if not knobs:
        return 0
    tried = knobs * (knobs + 1) // 2 - 1
    tried += int(bool(tried) and needs_references(parts))
    return sum(
        tried * len(order_blocks(part)) + (2 * (knobs - 1) + (2 if ends else 0)) * len(part.report) for part in parts
    )


def ablate(
    player: Player,
    start: Recipe,
    end: Recipe,
    parts: Sequence[ConfirmationBlocks],
    *,
    reference: Recipe,
    refusal: Callable[[Recipe], str | None],
    known: Sequence[Sequence[Played]] = (),
    across: Across = "normalized",
    on_done: OnDone = lambda index, outcome: None,
) -> Ablated:
    """Play the path from one recipe to another, and the other with each knob put back.

    Parameters
    ----------
    player : plays trajectories.
    start, end : two recipes that work and differ.
    parts : the fresh blocks, for each data set.
    reference : random sampling, for objectives that are measured against it.
    refusal : says why a recipe must not be played, None where it may.
    known : what was played on the report blocks of each data set before, and need not be again.
    across : how several data sets are averaged.
    on_done : called once for each trajectory.

    Raises
    ------
    WorkError
        If a recipe of the path fails on a report block.
    """
    route = Route(player, end, parts, refusal, across, on_done)
    steps = route.find(start, reference)
    recipes = [start]
    for step in steps:
        recipes.append(changed(recipes[-1], end, step.knobs))
    recipes[-1] = end
    back = {knob: changed(end, start, [knob]) for knob in differing(start, end)}
    impossible = {knob: reason for knob, recipe in back.items() if (reason := refusal(recipe)) is not None}
    possible = {knob: recipe for knob, recipe in back.items() if knob not in impossible}
    tables = []
    for place, part in enumerate(parts):
        before = {played.recipe.digest(): list(played.curves) for played in (known[place] if known else ())}
        tables.append(_outcomes(player, [*recipes, *possible.values()], part.environment, part.report, before, on_done))
    for knob, recipe in possible.items():
        failed = [one for table in tables for one in table[recipe.digest()] if isinstance(one, Failure)]
        if failed:
            impossible[knob] = failed[0].reason
    played = []
    for table in tables:
        on_path = tuple(Played(recipe, tuple(curves_or_raise(table[recipe.digest()]))) for recipe in recipes)
        without = {
            knob: Played(recipe, tuple(curves_or_raise(table[recipe.digest()])))
            for knob, recipe in possible.items()
            if knob not in impossible
        }
        played.append(AblationCurves(on_path, without))
    return Ablated(tuple(steps), max(len(order_blocks(part)) for part in parts), impossible, tuple(played))


def _outcomes(
    player: Player,
    recipes: Sequence[Recipe],
    environment: Environment,
    blocks: Sequence[Block],
    known: Mapping[str, Sequence[Outcome]],
    on_done: OnDone,
) -> dict[str, Sequence[Outcome]]:
    """Return what came of each recipe on blocks, by its digest; what is known is not played."""
    wanted = {recipe.digest(): recipe for recipe in recipes if recipe.digest() not in known}
    outcomes = player.play(
        [WorkItem(recipe, block, environment) for recipe in wanted.values() for block in blocks], on_done
    )
    size = len(blocks)
    own = {digest: outcomes[index * size : (index + 1) * size] for index, digest in enumerate(wanted)}
    return {**known, **own}
