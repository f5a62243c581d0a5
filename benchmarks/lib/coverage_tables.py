"""How often intervals hold the truth, how wide they are, and what they show, as tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from lib.coverage_numbers import CELL, DIFFERENCE, MEAN, SAVED, STEP, STREAMS
from lib.coverage_play import PATH

GAIN = (0.02, 0.04)
"""True gains that are small and still worth having."""
NORMAL = 1.959964
"""97.5 % quantile of the normal distribution."""


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
        covered_before=(table["old_low"] <= truth + 1e-12) & (truth - 1e-12 <= table["old_high"]),
        width=table["high"] - table["low"],
        width_before=table["old_high"] - table["old_low"],
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
        cells = group.groupby(CELL).agg(
            width=("width", "mean"), before=("width_before", "mean"), oracle=("oracle", "first")
        )
        cells = cells[(cells["oracle"] > 0) & np.isfinite(cells["oracle"])]
        line = dict(zip(by, key, strict=True)) | {"intervals": len(group), "blocks": group["blocks"].mean()}
        line["coverage"] = group["covered"].mean()
        # Labels saved are whole loops, and an end may be unknown: no oracle has a normal interval for them.
        known = line.get("kind") != SAVED
        lines.append(
            line
            | {
                "width / oracle": (cells["width"] / cells["oracle"]).mean() if known else math.nan,
                "coverage by the old rule": group["covered_before"].mean() if known else math.nan,
                "its width / oracle": (cells["before"] / cells["oracle"]).mean() if known else math.nan,
            }
        )
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
        numbers = {"true gain": first["truth"].iloc[0], "comparisons": len(first)}
        excluded = {"zero excluded": first["claimed"].mean(), "by the old rule": first["claimed_before"].mean()}
        lines.append(dict(zip(["population", "model", "name", "held_back"], key, strict=True)) | numbers | excluded)
    return pd.DataFrame(lines)


def by_share(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what holding back more rows of the same subsamples does: to means, and to widths of differences."""
    shares = rows[~rows["coin"] & (rows["metric"] == "accuracy")]
    tried = shares.groupby(["population", "size", "model", "number"])["held_back"].transform("nunique")
    compared = (tried > 1) & (tried == rows["held_back"].nunique())
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
