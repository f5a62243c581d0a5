"""Intervals of stored subsamples, and the truth that they should hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from altune.analysis.label_counts import MeanCurve, labels_saved, reached
from altune.core.errors import RequestError
from altune.data.blocks import TEST_SHARE
from altune.numerics.statistics import Interval, PairedDifference, mean_interval
from altune.simulation.curve import LearningCurve
from altune.simulation.intervals import estimated_difference, estimated_mean
from altune.simulation.objectives import Objective
from altune.tuning.report_blocks import ReportPlan, Widths, widths_of
from altune.tuning.report_blocks import look as look_in_turn
from lib.coverage_play import AGAIN, BUDGET, PATH, STREAMS_AGAIN, Case, Curves, file_of, load_curves

Array = NDArray[np.float64]
Plan = Sequence[int]
"""Numbers of report blocks after which the intervals are looked at; the first that excludes zero ends a comparison."""
Of = TypeVar("Of", Interval, PairedDifference)

MEAN, DIFFERENCE, STEP, SAVED, STREAMS = "mean", "difference", "step", "labels saved", "other streams"
CELL = ["population", "size", "coin", "held_back", "model", "metric", "kind", "name"]


@dataclass(frozen=True)
class Looked:
    """What was estimated on one subsample.

    Attributes
    ----------
    rows : one mapping for each interval, with its cell, estimate and ends.
    curves : mean score over the blocks at each label count, ``(1 + budget,)``, by model, metric and recipe.
    """

    rows: list[dict[str, Any]]
    curves: dict[tuple[str, str, str], Array]


def planned_blocks(of: Curves, metric: str, plan: ReportPlan, overlap: float) -> int:
    """Return how many report blocks a confirmation of the last recipe of the path beside the others would play."""
    objective, (*baselines, recipe), reference = Objective("aulc", metric=metric, end=BUDGET), PATH, next(iter(PATH))

    def widths_after(blocks: int) -> list[Widths] | None:
        if blocks > len(of[recipe]):
            raise RequestError(f"the plan asks for {blocks} blocks, and {len(of[recipe])} are stored")
        others = [of[name][:blocks] for name in baselines]
        widths = widths_of(objective, of[recipe][:blocks], others, of[reference][:blocks], 0, overlap)
        return None if widths is None else [widths]

    return look_in_turn(plan, widths_after)[0]


def look(case: Case, number: int, plan: Plan | ReportPlan, folder: Path) -> Looked:
    """Return every interval of a stored subsample."""
    curves = load_curves(file_of(folder, case, number))
    given = {"population": case.population, "size": case.size, "coin": case.coin, "held_back": case.held_back}
    looked = Looked([], {})
    for model in case.models:
        for metric in case.metrics:
            of = {name: curves[f"{model}/{name}"] for name in [*PATH, *(name + AGAIN for name in STREAMS_AGAIN)]}
            looks = [planned_blocks(of, metric, plan, overlap(case))] if isinstance(plan, ReportPlan) else plan
            for row in intervals(of, metric, looks, overlap(case)):
                looked.rows.append({**given, "model": model, "metric": metric, "number": number, **row})
            for name in PATH:
                at = [curve.at(np.arange(BUDGET + 1), metric) for curve in of[name][: max(looks)]]
                looked.curves[model, metric, name] = np.mean(at, axis=0)
    return looked


def intervals(of: Curves, metric: str, plan: Plan, overlap: float) -> list[dict[str, Any]]:
    """Return the intervals of one subsample for one model and metric, one mapping each."""
    objective = Objective("aulc", metric=metric, end=BUDGET)
    rows = []
    for name in PATH:
        curves = of[name][: max(plan)]
        mean = estimated_mean(objective, curves, overlap=overlap)
        ends = {"low": mean.low, "high": mean.high, **_by_old_rule(objective.each(curves), overlap)}
        rows.append({"kind": MEAN, "name": name, "mean": mean.mean, "blocks": mean.blocks, **ends})
    pairs = [(b, a, STEP if abs(place) == 1 else DIFFERENCE) for place, a, b in _pairs()]
    pairs += [(name + AGAIN, name, STREAMS) for name in STREAMS_AGAIN]
    for a, b, kind in pairs:
        difference = at_plan(plan, partial(_difference, objective, of[a], of[b], overlap))
        values = objective.each(of[a][: difference.blocks]) - objective.each(of[b][: difference.blocks])
        ends = {"low": difference.low, "high": difference.high, **_by_old_rule(values, overlap)}
        named = {"kind": kind, "name": f"{a} - {b}", "mean": difference.mean, "blocks": difference.blocks}
        rows.append({**named, **ends})
    baseline, *others = PATH
    for name in others:
        saved = labels_saved(of[name][: max(plan)], of[baseline][: max(plan)], metric, BUDGET)
        low, high = (-np.inf if saved.low is None else saved.low), (np.inf if saved.high is None else saved.high)
        named = {"kind": SAVED, "name": f"{name} - {baseline}", "mean": saved.saved, "blocks": max(plan)}
        rows.append({**named, "low": low, "high": high})
    return rows


def _by_old_rule(values: Array, overlap: float) -> dict[str, float]:
    """Return the ends of the interval by the blocks alone, corrected as Nadeau and Bengio do."""
    interval = mean_interval(values, overlap=overlap)
    return {"old_low": interval.low, "old_high": interval.high}


def _pairs() -> list[tuple[int, str, str]]:
    places = {name: place for place, name in enumerate(PATH)}
    return [(places[b] - places[a], a, b) for a, b in combinations(PATH, 2)]


def _difference(
    objective: Objective, a: Sequence[LearningCurve], b: Sequence[LearningCurve], overlap: float, blocks: int
) -> PairedDifference:
    return estimated_difference(objective, a[:blocks], b[:blocks], overlap=overlap)


def at_plan(plan: Plan, interval_after: Callable[[int], Of]) -> Of:
    """Return the interval with which a comparison ends: the first that excludes zero, else the last.

    >>> at_plan([5, 10], lambda blocks: Interval(1.0, 7.0 - blocks, 9.0, blocks)).blocks
    5
    """
    for blocks in plan:
        interval = interval_after(blocks)
        if interval.low > 0 or interval.high < 0:
            break
    return interval


def overlap(case: Case) -> float:
    """Return the number of test rows over that of pool rows, by which the rule of Nadeau and Bengio goes."""
    held_back = int(np.ceil(case.size * case.held_back))
    rest = case.size - held_back
    return held_back / (rest - int(np.ceil(rest * TEST_SHARE)))


def look_at_all(
    cases: Sequence[Case], numbers: Sequence[int], plan: Plan | ReportPlan, folder: Path, jobs: int
) -> pd.DataFrame:
    """Return every interval of all stored subsamples, with the truth in column ``truth``."""
    there = [(case, number) for case in cases for number in numbers if file_of(folder, case, number).exists()]
    looked = joblib.Parallel(n_jobs=jobs)(joblib.delayed(look)(case, number, plan, folder) for case, number in there)
    table = pd.DataFrame([row for each in looked for row in each.rows])
    table["truth"] = table.groupby(CELL)["mean"].transform("mean")
    by_case: dict[Case, list[Looked]] = {}
    for (case, _), each in zip(there, looked, strict=True):
        by_case.setdefault(case, []).append(each)
    for case, several in by_case.items():
        of_case = np.logical_and.reduce([table[name] == getattr(case, name) for name in CELL[:4]])
        for (model, metric, name), saved in true_savings(several).items():
            cell = of_case & (table["model"] == model) & (table["metric"] == metric) & (table["kind"] == SAVED)
            table.loc[cell & (table["name"] == name), "truth"] = saved
    return table


def true_savings(several: Sequence[Looked]) -> dict[tuple[str, str, str], float]:
    """Return the labels saved by the mean curves over all subsamples and blocks, by model, metric and name."""
    baseline = next(iter(PATH))
    every = {key: np.mean([each.curves[key] for each in several], axis=0) for key in several[0].curves}
    counts = np.arange(BUDGET + 1)
    savings: dict[tuple[str, str, str], float] = {}
    for model, metric, name in every:
        if name == baseline:
            continue
        target = float(every[model, metric, baseline][-1])
        first, of_baseline = (
            reached(MeanCurve(counts, every[model, metric, recipe], np.empty((0, len(counts)))), target).labels
            for recipe in (name, baseline)
        )
        needed = BUDGET + 1 if first is None else first
        savings[model, metric, f"{name} - {baseline}"] = float((of_baseline or 0) - needed)
    return savings
