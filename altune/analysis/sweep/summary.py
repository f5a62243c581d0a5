"""The results of a sweep over its cells: numbers, and the sentences of the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from altune.analysis.answer import plain_name
from altune.analysis.comparison.mean_ranks import MeanRanks, mean_ranks
from altune.analysis.sweep.cells import COORDINATES
from altune.analysis.sweep.results import CellResult
from altune.analysis.sweep.rows import won_labels
from altune.core.registry import FIELDS
from altune.core.text import join_words
from altune.numerics.hypothesis_tests import holm
from altune.simulation.objectives import KINDS
from altune.tuning.judging import REFERENCE

LEVEL = 0.05
CONFIRMED = "confirmed recipe"
FEWEST_RANKED = 3
"""Fewest data sets, or cells, for mean ranks."""


@dataclass(frozen=True)
class Verdicts:
    """The confirmed recipes against one baseline.

    Attributes
    ----------
    baseline : name of the baseline.
    cells : number of finished cells.
    better, worse : number of cells whose whole interval is on that side of zero.
    still_better : number of cells of ``better`` with p ≤ 0.05 after Holm's correction for the number of cells.
    labels_saved : labels saved in each cell of ``better``, if known.
    """

    baseline: str
    cells: int
    better: int
    worse: int
    still_better: int
    labels_saved: tuple[int, ...]

    @property
    def unclear(self) -> int:
        """Number of cells whose interval includes zero."""
        return self.cells - self.better - self.worse


@dataclass(frozen=True)
class MethodCount:
    """How often a method of a knob was in the confirmed recipe.

    Attributes
    ----------
    knob, method : names of the knob and of the method.
    offered : number of finished cells whose space offers the method.
    chosen : number of these with the method in the confirmed recipe.
    better : number of those that beat random sampling.
    """

    knob: str
    method: str
    offered: int
    chosen: int
    better: int


def verdicts_against(rows: Sequence[Mapping[str, Any]], baseline: str) -> Verdicts:
    """Return the confirmed recipes against a baseline.

    Parameters
    ----------
    rows : rows of the sweep's table; those of other baselines and of unfinished cells are ignored.
    baseline : name of the baseline.
    """
    cells = [row for row in rows if row.get("baseline") == baseline]
    adjusted = holm([float(row["p"]) for row in cells])
    better = [row["verdict"] == "better" for row in cells]
    return Verdicts(
        baseline=baseline,
        cells=len(cells),
        better=sum(better),
        worse=sum(row["verdict"] == "worse" for row in cells),
        still_better=sum(wins and p <= LEVEL for wins, p in zip(better, adjusted, strict=True)),
        labels_saved=tuple(saved for row in cells if (saved := won_labels(row))),
    )


def verdicts(rows: Sequence[Mapping[str, Any]]) -> list[Verdicts]:
    """Return the confirmed recipes against each baseline, random sampling first."""
    names = dict.fromkeys(str(row["baseline"]) for row in rows if row.get("baseline"))
    return [verdicts_against(rows, name) for name in names]


@dataclass(frozen=True)
class Ranking:
    """The confirmed recipes and the baselines by mean rank.

    Attributes
    ----------
    ranks : mean ranks with their tests.
    over : ``data sets``, each with the mean of its cells, or ``cells`` if there are too few data sets.
    """

    ranks: MeanRanks
    over: str


def ranking(rows: Sequence[Mapping[str, Any]]) -> Ranking | None:
    """Return the confirmed recipes and the baselines by mean rank; None if there are too few cells.

    Cells of one data set are not independent, so with three or more data sets their mean counts as one.

    Parameters
    ----------
    rows : rows of the sweep's table; those of unfinished cells are ignored.
    """
    cells: dict[tuple[Any, ...], dict[str, float]] = {}
    for row in rows:
        if row.get("baseline"):
            cell = tuple(row.get(name) for name in COORDINATES)
            sign = 1.0 if KINDS[row["objective"]].direction == "maximize" else -1.0
            means = cells.setdefault(cell, {CONFIRMED: sign * float(row["confirmed_mean"])})
            means[str(row["baseline"])] = sign * float(row["baseline_mean"])
    if not cells:
        return None
    names = [name for name in next(iter(cells.values())) if all(name in means for means in cells.values())]
    by_data: dict[Any, list[dict[str, float]]] = {}
    for (data, *_), means in cells.items():
        by_data.setdefault(data, []).append(means)
    several = len(by_data) >= FEWEST_RANKED
    groups = list(by_data.values()) if several else [[means] for means in cells.values()]
    if len(groups) < FEWEST_RANKED or len(names) < 2:
        return None
    table = [[sum(means[name] for means in group) / len(group) for name in names] for group in groups]
    return Ranking(mean_ranks(table, names), "data sets" if several else "cells")


def method_counts(results: Sequence[CellResult]) -> list[MethodCount]:
    """Return how often each method was chosen, knob by knob, the most frequent first; only of knobs with a choice."""
    counts: dict[tuple[str, str], list[int]] = {}
    for result in results:
        row = next(row for row in result.rows if row["baseline"] == REFERENCE)
        for knob, names in result.offered.items():
            winner = row["recipe_model" if knob == "model" else knob]
            for name in names:
                chosen = name == winner
                count = counts.setdefault((knob, name), [0, 0, 0])
                count[0] += 1
                count[1] += chosen
                count[2] += chosen and row["verdict"] == "better"
    methods = [MethodCount(knob, name, *count) for (knob, name), count in counts.items()]
    return sorted(
        methods, key=lambda method: (FIELDS.index(method.knob), -method.chosen, -method.better, method.method)
    )


def sentences(against: Sequence[Verdicts], methods: Sequence[MethodCount], unfinished: int) -> list[str]:
    """Return the result of a sweep in sentences, the most important first."""
    if not against:
        return ["No cell is finished."]
    lines = [_verdict_sentence(verdicts) for verdicts in against]
    lines += [_saved_sentence(against[0])] if against[0].labels_saved else []
    lines += [_methods_sentence(methods)] if methods else []
    lines += [f"Cells without a result: {unfinished}; the table says why."] if unfinished else []
    return lines


def _verdict_sentence(verdicts: Verdicts) -> str:
    parts = [f"beats {plain_name(verdicts.baseline)} in {verdicts.better or 'none'} of {verdicts.cells} cells"]
    parts += [f"shows no clear difference in {verdicts.unclear}"] if verdicts.unclear else []
    parts += [f"is worse in {verdicts.worse}"] if verdicts.worse else []
    return f"The confirmed recipe {join_words(parts)}{_after_correction(verdicts)}."


def _after_correction(verdicts: Verdicts) -> str:
    if not verdicts.better or verdicts.cells == 1:
        return ""
    left = str(verdicts.still_better or "none")
    if verdicts.still_better == verdicts.better:
        left = "all"
    return f"; after Holm's correction for {verdicts.cells} cells, {left} of these wins {_remain(left)}"


def _remain(left: str) -> str:
    return "remain" if left == "all" or left not in ("none", "1") else "remains"


def _saved_sentence(verdicts: Verdicts) -> str:
    saved = verdicts.labels_saved
    spread = f" in the median ({min(saved)} to {max(saved)} over {len(saved)} cells)" if len(saved) > 1 else ""
    return (
        f"Where it beats {plain_name(verdicts.baseline)}, it reaches the baseline's score at the whole budget with "
        f"{median(saved):.0f} fewer labels than the baseline itself{spread}."
    )


def _methods_sentence(methods: Sequence[MethodCount]) -> str:
    first: dict[str, MethodCount] = {}
    for method in methods:
        first.setdefault(method.knob, method)
    parts = [
        f"{method.method} for {method.knob.replace('_', ' ')} ({method.chosen} of {method.offered})"
        for method in first.values()
    ]
    return f"Most often chosen: {join_words(parts)}."
