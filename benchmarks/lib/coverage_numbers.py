"""Intervals of stored subsamples, and how often they hold the truth."""

from __future__ import annotations

import math
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
from altune.data.blocks import TEST_SHARE
from altune.numerics.statistics import Interval, PairedDifference, mean_interval
from altune.simulation.curve import LearningCurve
from altune.simulation.intervals import estimated_difference, estimated_mean
from altune.simulation.objectives import Objective
from lib.coverage_play import AGAIN, BUDGET, PATH, STREAMS_AGAIN, Case, Curves, file_of, load_curves

Array = NDArray[np.float64]
Plan = Sequence[int]
"""Numbers of report blocks after which the intervals are looked at; the first that excludes zero ends a comparison."""
Of = TypeVar("Of", Interval, PairedDifference)

MEAN, DIFFERENCE, STEP, SAVED, STREAMS = "mean", "difference", "step", "labels saved", "other streams"
CELL = ["population", "size", "coin", "held_back", "model", "metric", "kind", "name"]
GAIN = (0.02, 0.04)
NORMAL = 1.959964


@dataclass(frozen=True)
class Looked:
    """What was estimated on one subsample.

    Attributes
    ----------
    rows : one mapping for each interval, with its cell, estimate and ends.
    curves : mean score over the blocks at each label count, ``(1 + budget,)``, by model, metric and recipe.
    blocks : number of blocks behind each of these.
    """

    rows: list[dict[str, Any]]
    curves: dict[tuple[str, str, str], Array]
    blocks: int


def look(case: Case, number: int, plan: Plan, folder: Path) -> Looked:
    """Return every interval of a stored subsample."""
    curves = load_curves(file_of(folder, case, number))
    given = {"population": case.population, "size": case.size, "coin": case.coin, "held_back": case.held_back}
    looked = Looked([], {}, max(plan))
    for model in case.models:
        for metric in case.metrics:
            of = {name: curves[f"{model}/{name}"] for name in [*PATH, *(name + AGAIN for name in STREAMS_AGAIN)]}
            for row in intervals(of, metric, plan, overlap(case)):
                looked.rows.append({**given, "model": model, "metric": metric, "number": number, **row})
            for name in PATH:
                at = [curve.at(np.arange(BUDGET + 1), metric) for curve in of[name][: max(plan)]]
                looked.curves[model, metric, name] = np.mean(at, axis=0)
    return looked


def intervals(of: Curves, metric: str, plan: Plan, overlap: float) -> list[dict[str, Any]]:
    """Return the intervals of one subsample for one model and metric, one mapping each."""
    objective = Objective("aulc", metric=metric, end=BUDGET)
    rows = []
    for name in PATH:
        mean = estimated_mean(objective, of[name][: max(plan)], overlap=overlap)
        rows.append({"kind": MEAN, "name": name, "mean": mean.mean, "low": mean.low, "high": mean.high})
    pairs = [(b, a, STEP if abs(place) == 1 else DIFFERENCE) for place, a, b in _pairs()]
    pairs += [(name + AGAIN, name, STREAMS) for name in STREAMS_AGAIN]
    for a, b, kind in pairs:
        difference = at_plan(plan, partial(_difference, objective, of[a], of[b], overlap))
        values = objective.each(of[a][: difference.blocks]) - objective.each(of[b][: difference.blocks])
        old = mean_interval(values, overlap=overlap)
        ends = {"low": difference.low, "high": difference.high, "old_low": old.low, "old_high": old.high}
        rows.append({"kind": kind, "name": f"{a} - {b}", "mean": difference.mean, **ends})
    baseline, *others = PATH
    for name in others:
        saved = labels_saved(of[name][: max(plan)], of[baseline][: max(plan)], metric, BUDGET)
        low, high = (-np.inf if saved.low is None else saved.low), (np.inf if saved.high is None else saved.high)
        rows.append({"kind": SAVED, "name": f"{name} - {baseline}", "mean": saved.saved, "low": low, "high": high})
    return rows


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


def look_at_all(cases: Sequence[Case], numbers: Sequence[int], plan: Plan, folder: Path, jobs: int) -> pd.DataFrame:
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


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Return the intervals with what is known of each: whether it holds the truth, its width, that of an oracle.

    The truth is a mean over all S subsamples, the interval's own among them, so that the distance to it is too short by
    a factor of sqrt(1 - 1/S), which is taken out. An oracle knows the standard deviation of the estimate over the
    subsamples and has the interval of a normal distribution; that a ratio to a standard deviation of S values is too
    large on average is taken out as well.
    """
    cells = table.groupby(CELL)["mean"]
    count, spread = cells.transform("count"), cells.transform("std")
    too_large = count.map({number: _mean_reciprocal(number) for number in count.unique()})
    truth = table["mean"] + (table["truth"] - table["mean"]) * np.sqrt(count / (count - 1))
    truth = truth.where(table["kind"] != SAVED, table["truth"])
    return table.assign(
        covered=(table["low"] <= truth + 1e-12) & (truth - 1e-12 <= table["high"]),
        width=table["high"] - table["low"],
        oracle=2 * NORMAL * spread * too_large,
        claimed=(table["low"] > 0) | (table["high"] < 0),
        claimed_before=(table["old_low"] > 0) | (table["old_high"] < 0),
    )


def _mean_reciprocal(count: int) -> float:
    """Return the mean of 1/s for the standard deviation s of normal values with variance 1; ∞ below three of them."""
    degrees = count - 1
    if degrees < 2:
        return math.inf
    return math.sqrt(degrees / 2) * math.exp(math.lgamma((degrees - 1) / 2) - math.lgamma(degrees / 2))


def coverage(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return the number of intervals, their coverage and their width over that of the oracle, by columns."""
    lines = []
    for key, group in rows.groupby(list(by), sort=False):
        cells = group.groupby(CELL).agg(width=("width", "mean"), oracle=("oracle", "first"))
        cells = cells[(cells["oracle"] > 0) & np.isfinite(cells["oracle"])]
        line = dict(zip(by, key, strict=True)) | {"intervals": len(group), "coverage": group["covered"].mean()}
        # Labels saved are whole loops, and an end may be unknown: no oracle has a normal interval for them.
        ratio = (cells["width"] / cells["oracle"]).mean() if line.get("kind") != SAVED else math.nan
        lines.append(line | {"width / oracle": ratio})
    return pd.DataFrame(lines)


def claims(rows: pd.DataFrame) -> pd.DataFrame:
    """Return how often a difference was claimed where there is none."""
    coin = rows["coin"] & rows["kind"].isin([DIFFERENCE, STEP])
    streams = rows["kind"] == STREAMS
    named = {"labels drawn by coin": rows[coin], "one recipe, other random streams": rows[streams]}
    return pd.DataFrame(
        [
            {"case": name, "comparisons": len(group), "claimed": group["claimed"].mean()}
            for name, group in named.items()
            if len(group)
        ]
    )


def power(rows: pd.DataFrame, size: int, comparisons: int) -> pd.DataFrame:
    """Return how often zero is excluded where the true gain over the baseline is small, now and by the old rule."""
    of_baseline = rows["name"].str.endswith(f" - {next(iter(PATH))}") & rows["kind"].isin([DIFFERENCE, STEP])
    small = rows["truth"].between(*GAIN) & (rows["metric"] == "accuracy") & (rows["size"] == size) & ~rows["coin"]
    lines = []
    for key, group in rows[of_baseline & small].groupby(["population", "model", "name", "held_back"]):
        first = group.sort_values("number").head(comparisons)
        numbers = {"gain": first["truth"].iloc[0], "comparisons": len(first)}
        excluded = {"zero excluded": first["claimed"].mean(), "by the old rule": first["claimed_before"].mean()}
        lines.append(dict(zip(["population", "model", "name", "held_back"], key, strict=True)) | numbers | excluded)
    return pd.DataFrame(lines)


def by_share(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what holding back more rows does: to the means, and to the widths of the differences."""
    shares = rows[~rows["coin"] & (rows["metric"] == "accuracy")]
    compared = shares.groupby(["population", "size", "model"])["held_back"].transform("nunique") > 1
    first, *_, last = PATH
    lines = []
    for key, group in shares[compared].groupby(["population", "model", "held_back"]):
        gain = group[group["name"] == f"{last} - {first}"]
        gain = gain[gain["kind"] == DIFFERENCE]
        means = {name: group[(group["kind"] == MEAN) & (group["name"] == name)]["mean"].mean() for name in PATH}
        numbers = {f"mean, {first}": means[first], f"mean, {last}": means[last], "difference": gain["mean"].mean()}
        widths = {"spread": gain["mean"].std(), "width": gain["width"].mean(), "coverage": gain["covered"].mean()}
        lines.append(dict(zip(["population", "model", "held_back"], key, strict=True)) | numbers | widths)
    return pd.DataFrame(lines)
