"""What a sweep says over its cells: numbers first, then sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from altune.analysis.comparison.mean_ranks import MeanRanks, mean_ranks
from altune.analysis.findings import plain_name
from altune.analysis.sweep.results import CellResult
from altune.analysis.sweep.rows import won_labels
from altune.core.registry import FIELDS
from altune.core.text import join_words
from altune.numerics.statistics import holm
from altune.simulation.objectives import KINDS
from altune.tuning.judging import REFERENCE

LEVEL = 0.05
CONFIRMED = "confirmed recipe"
FEWEST_RANKED = 3
"""Data sets, or cells, below which mean ranks say nothing."""


@dataclass(frozen=True)
class Verdicts:
    """How the confirmed recipes stand against one baseline.

    Attributes
    ----------
    baseline : its name.
    cells : finished cells.
    better, worse : cells whose whole interval lies on that side of zero.
    still_better : those of ``better`` that are left at the level 0.05 after Holm's correction for the number of cells.
    labels_saved : labels saved in each cell of ``better`` that has the number.
    """

    baseline: str
    cells: int
    better: int
    worse: int
    still_better: int
    labels_saved: tuple[int, ...]

    @property
    def unclear(self) -> int:
        """Cells whose interval holds zero."""
        return self.cells - self.better - self.worse


@dataclass(frozen=True)
class MethodCount:
    """How often a method of a knob was in the confirmed recipe.

    Attributes
    ----------
    knob, method : of which knob, and which.
    offered : finished cells whose space leaves it to choose.
    chosen : how many of these have it in the confirmed recipe.
    better : how many of those beat random sampling.
    """

    knob: str
    method: str
    offered: int
    chosen: int
    better: int


def verdicts_against(rows: Sequence[Mapping[str, Any]], baseline: str) -> Verdicts:
    """Return how the recipes stand against a baseline.

    Parameters
    ----------
    rows : of the sweep's table; those of other baselines and of unfinished cells are passed over.
    baseline : its name.
    """
    own = [row for row in rows if row.get("baseline") == baseline]
    adjusted = holm([float(row["p"]) for row in own])
    better = [row["verdict"] == "better" for row in own]
    return Verdicts(
        baseline=baseline,
        cells=len(own),
        better=sum(better),
        worse=sum(row["verdict"] == "worse" for row in own),
        still_better=sum(wins and p <= LEVEL for wins, p in zip(better, adjusted, strict=True)),
        labels_saved=tuple(saved for row in own if (saved := won_labels(row))),
    )


def verdicts(rows: Sequence[Mapping[str, Any]]) -> list[Verdicts]:
    """Return how the recipes stand against each baseline, random sampling first."""
    names = dict.fromkeys(str(row["baseline"]) for row in rows if row.get("baseline"))
    return [verdicts_against(rows, name) for name in names]


@dataclass(frozen=True)
class Ranking:
    """The confirmed recipes and the baselines by mean rank.

    Attributes
    ----------
    ranks : mean ranks with their tests.
    over : ``data sets``, each with the mean of its cells, or ``cells`` where there are too few data sets.
    """

    ranks: MeanRanks
    over: str


def ranking(rows: Sequence[Mapping[str, Any]]) -> Ranking | None:
    """Return how the confirmed recipes rank among the baselines; None where there are too few cells to rank.

    Cells of one data set are no independent witnesses, so that their means count as one wherever there are three data
    sets or more.

    Parameters
    ----------
    rows : of the sweep's table; those of unfinished cells are passed over.
    """
    cells: dict[tuple[Any, ...], dict[str, float]] = {}
    for row in rows:
        if row.get("baseline"):
            place = tuple(row.get(name) for name in ("data", "model", "space", "budget", "seed"))
            sign = 1.0 if KINDS[row["objective"]].direction == "maximize" else -1.0
            means = cells.setdefault(place, {CONFIRMED: sign * float(row["confirmed_mean"])})
            means[str(row["baseline"])] = sign * float(row["baseline_mean"])
    if not cells:
        return None
    names = [name for name in next(iter(cells.values())) if all(name in means for means in cells.values())]
    by_data: dict[Any, list[dict[str, float]]] = {}
    for place, means in cells.items():
        by_data.setdefault(place[0], []).append(means)
    several = len(by_data) >= FEWEST_RANKED
    groups = list(by_data.values()) if several else [[means] for means in cells.values()]
    if len(groups) < FEWEST_RANKED or len(names) < 2:
        return None
    table = [[sum(means[name] for means in group) / len(group) for name in names] for group in groups]
    return Ranking(mean_ranks(table, names), "data sets" if several else "cells")


def method_counts(results: Sequence[CellResult]) -> list[MethodCount]:
    """Return how often each method was chosen, knob by knob, the most frequent first; of knobs with a choice alone."""
    counts: dict[tuple[str, str], list[int]] = {}
    for result in results:
        own = next(row for row in result.rows if row["baseline"] == REFERENCE)
        for knob, names in result.offered.items():
            winner = own["recipe_model" if knob == "model" else knob]
            for name in names:
                count = counts.setdefault((knob, name), [0, 0, 0])
                won = name == winner
                for place, one in enumerate((True, won, won and own["verdict"] == "better")):
                    count[place] += one
    found = [MethodCount(knob, name, *count) for (knob, name), count in counts.items()]
    return sorted(found, key=lambda one: (FIELDS.index(one.knob), -one.chosen, -one.better, one.method))


def sentences(found: Sequence[Verdicts], methods: Sequence[MethodCount], unfinished: int) -> list[str]:
    """Return what a person should know of a sweep, the most important first."""
    if not found:
        return ["No cell is finished."]
    said = [_verdict_sentence(one) for one in found]
    said += [_saved_sentence(found[0])] if found[0].labels_saved else []
    said += [_methods_sentence(methods)] if methods else []
    said += [f"Cells without a result: {unfinished}; the table says why."] if unfinished else []
    return said


def _verdict_sentence(one: Verdicts) -> str:
    parts = [f"beats {plain_name(one.baseline)} in {one.better or 'none'} of {one.cells} cells"]
    parts += [f"cannot be told apart from it in {one.unclear}"] if one.unclear else []
    parts += [f"is worse in {one.worse}"] if one.worse else []
    return f"The confirmed recipe {join_words(parts)}{_after_correction(one)}."


def _after_correction(one: Verdicts) -> str:
    if not one.better or one.cells == 1:
        return ""
    left = f"{one.still_better or 'none'} of these wins {'stand' if one.still_better > 1 else 'stands'}"
    if one.still_better == one.better:
        left = "all of these wins stand"
    return f"; after Holm's correction for {one.cells} cells {left}"


def _saved_sentence(one: Verdicts) -> str:
    saved = one.labels_saved
    return (
        f"Where it beats {plain_name(one.baseline)} it has the score that this has at the whole budget with "
        f"{median(saved):.0f} fewer labels in the median, {min(saved)} to {max(saved)} over {len(saved)} cells."
    )


def _methods_sentence(methods: Sequence[MethodCount]) -> str:
    first: dict[str, MethodCount] = {}
    for one in methods:
        first.setdefault(one.knob, one)
    parts = [f"{one.method} for {one.knob.replace('_', ' ')} ({one.chosen} of {one.offered})" for one in first.values()]
    return f"Most often chosen: {join_words(parts)}."
