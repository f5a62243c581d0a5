"""Confirmation: select among the best recipes and the baselines on fresh blocks, then report on held-back rows.

What is selected is the recipe of the run, decided before any report block is played. The value that the search saw is
biased upwards (the winner's curse), and so, to a smaller degree, is the value on which the recipe was selected. Neither
is ever shown as the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from altune.core.text import counted
from altune.recipes.recipe import Recipe
from altune.simulation.execution.player import OnDone, Player
from altune.tuning.candidates import Candidate, select_candidates
from altune.tuning.played import ConfirmationBlocks
from altune.tuning.preference import Preference
from altune.tuning.report_blocks import ReportPlan, play_report
from altune.tuning.reported import Reported, read_reported
from altune.tuning.selection import Prior
from altune.tuning.trials import TrialRecord


@dataclass(frozen=True, eq=False, kw_only=True)
class Confirmation(Reported):
    """Confirmation on one data set of the search.

    Attributes
    ----------
    candidates : best recipes of the search on the select blocks, best of the search first, then the baselines.
    selected : index of the candidate that is best on the select blocks of all data sets.
    select_blocks : largest number of select blocks on which a candidate could be played.
    """

    candidates: tuple[Candidate, ...]
    selected: int
    select_blocks: int

    @property
    def played_to_select(self) -> tuple[int, int]:
        """Smallest and largest number of select blocks on which a candidate was played."""
        counts = [len(candidate.values) for candidate in self.candidates]
        return min(counts), max(counts)

    def selection(self) -> list[dict[str, Any]]:
        """Return the candidates without their curves, as plain JSON values."""
        return [
            candidate.summary() | {"selected": position == self.selected}
            for position, candidate in enumerate(self.candidates)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back."""
        return {
            **super().to_dict(),
            "candidates": [candidate.to_dict() for candidate in self.candidates],
            "selected": self.selected,
            "select_blocks": self.select_blocks,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Confirmation:
        """Read back what :meth:`to_dict` wrote; earlier versions played all candidates on the same blocks."""
        candidates = tuple(Candidate.from_dict(candidate) for candidate in plain["candidates"])
        return cls(
            **read_reported(plain),
            candidates=candidates,
            selected=plain["selected"],
            select_blocks=plain.get("select_blocks", len(candidates[0].values)),
        )


def matched_baseline(baseline: Recipe, recipe: Recipe) -> Recipe:
    """Return a baseline with the sizes of start and loops of a recipe; it keeps how its first rows are chosen."""
    return baseline.replace(
        initial_sample=recipe.initial_sample.sized_alike(baseline.initial_sample), loop_size=recipe.loop_size
    )


def confirm(
    player: Player,
    best: Sequence[TrialRecord],
    baselines: Mapping[str, Recipe],
    blocks: Sequence[ConfirmationBlocks],
    *,
    searched: Mapping[str, float] | None = None,
    preference: Preference | None = None,
    prior: Prior | None = None,
    plan: ReportPlan | None = None,
    on_done: OnDone = lambda index, outcome: None,
    say: Callable[[str], None] = lambda line: None,
) -> list[Confirmation]:
    """Select among the best recipes and the baselines, and report the selected one beside them on each data set.

    Parameters
    ----------
    player : plays work items.
    best : trials whose recipes compete, one or more.
    baselines : recipes of the baselines by name, random sampling among them.
    blocks : fresh blocks of each data set.
    searched : first objective of each baseline on the search blocks.
    preference : how to choose among several objectives.
    prior : what the search knows of each of the recipes and baselines, for one objective on one data set without risk
        and constraints. They are then played block by block until one is clearly ahead; see
        :mod:`altune.tuning.selection`. Without it all of them are played on all select blocks. The report never uses
        it.
    plan : decides how many of the report blocks are played; None for all of them.
    on_done : called once for each trajectory.
    say : receives a line for each recipe that fails on a select block, which leaves it out, and one on the precision
        that was asked for.

    Raises
    ------
    WorkError
        If all recipes fail on a select block, or one of those that are reported on a report block.
    """
    candidates, selected = select_candidates(
        player, best, baselines, blocks, searched or {}, preference, prior, on_done, say
    )
    winner = candidates[0][selected].played.recipe
    matched = {name: matched_baseline(baseline, winner) for name, baseline in baselines.items()}
    reported, why = play_report(player, winner, baselines, matched, blocks, plan, on_done)
    if plan is not None and plan.precision is not None:
        say(f"{counted(len(reported[0][0].curves), 'report block')}: {why}")
    end = 1 + len(baselines)
    return [
        Confirmation(
            candidates=tuple(own_candidates),
            selected=selected,
            recipe=played[0],
            baselines=dict(zip(baselines, played[1:end], strict=True)),
            matched=dict(zip(matched, played[end:], strict=True)),
            n_train=len(data_set.report[0].pool),
            n_test=len(data_set.report[0].test),
            select_blocks=len(data_set.select),
            why_blocks=why,
        )
        for data_set, own_candidates, played in zip(blocks, candidates, reported, strict=True)
    ]


def trajectories_to_confirm(n_candidates: int, n_baselines: int, blocks: Sequence[ConfirmationBlocks]) -> int:
    """Return the largest number of trajectories that :func:`confirm` plays."""
    return sum(
        (n_candidates + n_baselines) * len(data_set.select) + (1 + 2 * n_baselines) * len(data_set.report)
        for data_set in blocks
    )
