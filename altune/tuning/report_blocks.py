"""How many report blocks a confirmation plays.

The recipe and the baselines are played on some blocks, and from these the parts of the variance of each interval are
estimated: blocks, rows, and both together. They give the width that the intervals would have with more blocks. More are
played while that pays, or until the intervals are as narrow as was asked for. What the recipe gains never decides, and
there are few looks, so that the intervals keep their coverage (``benchmarks/coverage.py --sequential``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from altune.numerics.block_counts import Width, blocks_that_pay, blocks_that_reach
from altune.numerics.statistics import LEVEL
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.items import WorkItem, curves_or_raise
from altune.simulation.execution.player import OnDone, Player
from altune.simulation.intervals import estimated_difference, estimated_mean
from altune.simulation.objectives import Objective
from altune.tuning.judging import REFERENCE
from altune.tuning.played import ConfirmationBlocks, Played

FIRST_REPORT = 10
"""Number of report blocks before the first look."""
USUAL_REPORT = 20
"""Largest number of report blocks, unless a precision is asked for."""
MOST_REPORT = 100
"""Largest number of report blocks for a precision."""
PAYS = 0.15
"""Further blocks pay if all of them together narrow an interval by this share or more."""
LOOKS = 3
"""Largest number of looks."""


def report_blocks_words(report_blocks: int | None, precision: float | None) -> str:
    """Return how many report blocks are asked for, in words.

    >>> report_blocks_words(12, None), report_blocks_words(None, None)
    ('12', 'up to 20')
    """
    return f"up to {ReportPlan(precision).most}" if report_blocks is None else str(report_blocks)


@dataclass(frozen=True)
class Widths:
    """How wide the intervals of a report on one data set would be with more blocks.

    Attributes
    ----------
    mean : that of the recipe.
    differences : those of the recipe minus each baseline that differs from it, all of them together (Bonferroni).
    n_test : number of test rows.
    """

    mean: Width
    differences: tuple[Width, ...]
    n_test: int

    @property
    def all(self) -> tuple[Width, ...]:
        """All intervals of the report."""
        return (self.mean, *self.differences)


def widths_of(
    objective: Objective,
    recipe: Sequence[LearningCurve],
    baselines: Sequence[Sequence[LearningCurve]],
    references: Sequence[LearningCurve],
    n_test: int,
    overlap: float,
) -> Widths | None:
    """Return the widths of the intervals of a report, None where they do not come from parts of the variance.

    Parameters
    ----------
    objective : what is measured.
    recipe : curves of the recipe, one for each block.
    baselines : curves of each baseline that is another recipe, on the same blocks.
    references : curves of random sampling on these blocks.
    n_test : number of test rows.
    overlap : n_test / n_train of the blocks.
    """
    mean = estimated_mean(objective, recipe, references, overlap).parts
    differences = [estimated_difference(objective, recipe, curves, references, overlap).parts for curves in baselines]
    known = [parts for parts in differences if parts is not None]
    if mean is None or len(known) < len(differences):
        return None
    confidence = 1 - LEVEL / max(1, len(known))
    return Widths(Width(mean), tuple(Width(parts, confidence) for parts in known), n_test)


@dataclass(frozen=True)
class ReportPlan:
    """Decides after each look how many report blocks to play.

    Parameters
    ----------
    precision : half of the largest width of the interval of a difference to a baseline; None plays while it pays.
    """

    precision: float | None = None

    @property
    def most(self) -> int:
        """Largest number of report blocks of a data set."""
        return USUAL_REPORT if self.precision is None else MOST_REPORT

    def blocks(self, widths: Sequence[Widths] | None, played: int) -> int:
        """Return how many report blocks of each data set to play in all, from what is known after some of them.

        Parameters
        ----------
        widths : the intervals on each data set; None if their widths cannot be foretold.
        played : number of blocks that were played.
        """
        if widths is None:
            return max(played, USUAL_REPORT)
        needed = self._needed(widths, played)
        if needed is not None and math.isfinite(needed):
            return min(int(needed), MOST_REPORT)
        every = [width for of_data in widths for width in of_data.all]
        return blocks_that_pay(every, min(played, USUAL_REPORT), USUAL_REPORT, PAYS)

    def note(self, widths: Sequence[Widths] | None, played: int) -> str:
        """Return why no more blocks were played, in a clause; nothing if the usual number was."""
        needed = None if widths is None else self._needed(widths, played)
        if self.precision is None:
            return "" if played >= USUAL_REPORT else f"{USUAL_REPORT} would narrow no interval by {100 * PAYS:.0f} %"
        asked = f"a precision of {self.precision:g}"
        if widths is None or needed is None:
            return f"{asked} cannot be planned, as the intervals are not by blocks and rows"
        if math.isinf(needed):
            half, n_test = max(
                (width.half(math.inf), of_data.n_test) for of_data in widths for width in of_data.differences
            )
            return (
                f"no number of blocks reaches {asked}: with {n_test} test rows an interval of a difference stays at "
                f"±{half:.2g} or more; it would need about {math.ceil(n_test * (half / self.precision) ** 2)} test rows"
            )
        if needed > played:
            return f"{asked} would need about {needed:.0f} blocks"
        return f"{asked} is reached"

    def _needed(self, widths: Sequence[Widths], played: int) -> float | None:
        """Return the number of blocks that a precision needs; ∞ if no number is enough, None if none was asked for."""
        if self.precision is None:
            return None
        differences = [width for of_data in widths for width in of_data.differences]
        return blocks_that_reach(differences, self.precision, played, MOST_REPORT)


def look(plan: ReportPlan, widths_after: Callable[[int], Sequence[Widths] | None]) -> tuple[int, str]:
    """Look at the intervals after some blocks until there are enough; return how many, and why there are no more.

    Parameters
    ----------
    plan : decides after each look.
    widths_after : returns the intervals after a number of blocks; None if their widths cannot be foretold.
    """
    n_played, n_wanted, known = 0, FIRST_REPORT, None
    for _ in range(LOOKS):
        if n_wanted == n_played:
            break
        n_played, known = n_wanted, widths_after(n_wanted)
        n_wanted = plan.blocks(known, n_played)
    return n_played, plan.note(known, n_played)


def play_report(
    player: Player,
    winner: Recipe,
    baselines: Mapping[str, Recipe],
    matched: Mapping[str, Recipe],
    blocks: Sequence[ConfirmationBlocks],
    plan: ReportPlan | None,
    on_done: OnDone,
) -> tuple[list[list[Played]], str]:
    """Return the recipe, the baselines and the matched baselines on the report blocks of each data set.

    Parameters
    ----------
    player : plays work items.
    winner : the recipe that was selected.
    baselines, matched : the baselines, and the same with the sizes of the recipe, by name.
    blocks : fresh blocks of each data set.
    plan : decides how many report blocks are played; None for all of them.
    on_done : called once for each trajectory.

    Returns
    -------
    For each data set the recipes in this order; and why there are no more blocks.
    """
    recipes = [winner, *baselines.values(), *matched.values()]
    others = [place for place, name in enumerate(baselines, start=1) if baselines[name].digest() != winner.digest()]
    # Without random sampling nothing is measured against it, and any curves do for it.
    reference = 1 + list(baselines).index(REFERENCE) if REFERENCE in baselines else 0
    curves: list[list[list[LearningCurve]]] = [[[] for _ in recipes] for _ in blocks]

    def play(first: int, last: int) -> None:
        for by_recipe, data_set in zip(curves, blocks, strict=True):
            new = data_set.report[first:last]
            items = [WorkItem(recipe, block, data_set.environment) for recipe in recipes for block in new]
            played = curves_or_raise(player.play(items, on_done))
            for place, of_recipe in enumerate(by_recipe):
                of_recipe += played[place * len(new) : (place + 1) * len(new)]

    def widths_after(n_blocks: int) -> list[Widths] | None:
        play(len(curves[0][0]), n_blocks)
        every = [
            widths_of(
                data_set.environment.objective,
                by_recipe[0],
                [by_recipe[place] for place in others],
                by_recipe[reference],
                len(data_set.report[0].test),
                len(data_set.report[0].test) / len(data_set.report[0].pool),
            )
            for by_recipe, data_set in zip(curves, blocks, strict=True)
        ]
        known = [of_data for of_data in every if of_data is not None]
        return known if len(known) == len(every) else None

    why = ""
    if plan is None:
        play(0, max(len(data_set.report) for data_set in blocks))
    else:
        _, why = look(plan, widths_after)
    return [
        [Played(recipe, tuple(of_recipe)) for recipe, of_recipe in zip(recipes, by_recipe, strict=True)]
        for by_recipe in curves
    ], why
