"""Numbers of the table of strategies: areas, differences to margin with intervals, ranks, and what was required."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from altune.analysis.comparison.mean_ranks import mean_ranks
from altune.analysis.comparison.over_data import resampled_means
from lib.strategy_plays import Played
from lib.strategy_recipes import (
    EXPERT,
    LEAST_CONFIDENCE,
    MARGIN,
    MARGIN_COVER,
    MIXTURES,
    RANDOM,
    RECOMMENDED,
    TUNED,
)

GROUPS = {
    "all": (2, 10**6),
    "K = 2": (2, 2),
    "K > 2": (3, 10**6),
    "K 3-5": (3, 5),
    "K >= 6": (6, 10**6),
}
"""Least and largest number of classes of each group of data sets."""
LEAST_SETS = 2
HURT = 0.005
"""A recipe hurts on a data set where it is below random by more than this."""
UNRANKED = (RECOMMENDED, EXPERT)
"""These are no strategies to be ranked: one has a start and loops of its own, one reads the test rows."""


@dataclass(frozen=True)
class Difference:
    """A mean difference over data sets with its 95 % interval: data sets are resampled, then their blocks.

    Attributes
    ----------
    mean, low, high : the difference, and the ends of its interval.
    better : share of the data sets on which it is above 0.
    """

    mean: float
    low: float
    high: float
    better: float

    def to_dict(self) -> dict[str, float]:
        """Return plain JSON values."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "better": self.better}

    def __str__(self) -> str:
        return f"{self.mean:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def complete(results: Sequence[Played]) -> list[Played]:
    """Return the data sets on which nothing failed."""
    return [played for played in results if not played.failures]


def with_tuned_mixture(results: Sequence[Played]) -> tuple[list[Played], dict[str, str]]:
    """Return the results with one mixture in place of all, and its name for each family.

    The mixture of a family has the largest mean area over the data sets of all other families; equal ones are taken in
    their order. Results without mixtures are returned as they are.
    """
    if not results or any(name not in played.areas for played in results for name in MIXTURES):
        return list(results), {}
    means = np.array([[played.areas[name].mean() for name in MIXTURES] for played in results])
    families = np.array([played.place.family for played in results])
    names = list(MIXTURES)
    chosen: dict[str, str] = {}
    for family in dict.fromkeys(families.tolist()):
        others = families != family
        chosen[family] = names[int(means[others].mean(axis=0).argmax())] if others.any() else names[0]
    replaced = []
    for played in results:
        areas = {name: values for name, values in played.areas.items() if name not in MIXTURES}
        areas[TUNED] = played.areas[chosen[played.place.family]]
        replaced.append(Played(played.place, areas))
    return replaced, chosen


def in_group(results: Sequence[Played], group: str) -> list[Played]:
    """Return the data sets whose number of classes belongs to a group."""
    least, most = GROUPS[group]
    return [played for played in results if least <= played.place.n_classes <= most]


def differences(results: Sequence[Played], names: Sequence[str], against: str) -> dict[str, Difference]:
    """Return the difference of each strategy to one of them over data sets of equal weight, two or more."""
    tables = [np.stack([played.areas[name] for name in names])[:, :, None] for played in results]
    means = np.stack([table.mean(axis=(1, 2)) for table in tables])
    drawn = resampled_means(tables, np.random.default_rng(0))
    reference = list(names).index(against)
    found = {}
    for index, name in enumerate(names):
        on_data = means[:, index] - means[:, reference]
        low, high = np.quantile(drawn[:, index] - drawn[:, reference], [0.025, 0.975])
        found[name] = Difference(float(on_data.mean()), float(low), float(high), float(np.mean(on_data > 0)))
    return found


def strategy_rows(results: Sequence[Played], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row for each strategy: mean area, mean rank, and differences to margin (by group) and margin_cover.

    Parameters
    ----------
    results : the data sets, two or more, each with every strategy.
    names : the strategies in their order.
    """
    by_group = {
        group: differences(chosen, names, MARGIN)
        for group in GROUPS
        if len(chosen := in_group(results, group)) >= LEAST_SETS
    }
    beside_cover = differences(results, names, MARGIN_COVER) if MARGIN_COVER in names else {}
    ranks = ranks_of(results, [name for name in names if name not in UNRANKED])
    return [
        {
            "strategy": name,
            "area": float(np.mean([played.areas[name].mean() for played in results])),
            "rank": ranks.get(name),
            "minus_margin": {group: found[name].to_dict() for group, found in by_group.items()},
            "minus_margin_cover": beside_cover[name].to_dict() if beside_cover else None,
        }
        for name in names
    ]


def ranks_of(results: Sequence[Played], names: Sequence[str]) -> dict[str, float]:
    """Return the mean rank of each strategy over data sets; 1 is the best."""
    ranked = mean_ranks([[float(played.areas[name].mean()) for name in names] for played in results], names)
    return dict(zip(ranked.names, ranked.ranks, strict=True))


def recommended_rows(results: Sequence[Played]) -> list[dict[str, Any]]:
    """Return what the recommended recipe gains in each group, and on which share of the data sets it hurts."""
    rows = []
    for group in GROUPS:
        chosen = in_group(results, group)
        if len(chosen) < LEAST_SETS:
            continue
        gains = {
            other: differences(chosen, [RECOMMENDED, other], other)[RECOMMENDED].to_dict()
            for other in (RANDOM, LEAST_CONFIDENCE, MARGIN)
        }
        hurt = [played.place.data for played in chosen if _gain(played, RECOMMENDED, RANDOM) < -HURT]
        rows.append({"group": group, "sets": len(chosen), "gain": gains, "hurt": hurt})
    return rows


def _gain(played: Played, name: str, other: str) -> float:
    return float(played.areas[name].mean() - played.areas[other].mean())


def verdicts(rows: Sequence[Mapping[str, Any]], recommended: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what is required of margin_cover and of the recommended recipe, each with whether it holds."""
    judged: list[dict[str, Any]] = []
    cover = next((row["minus_margin"] for row in rows if row["strategy"] == MARGIN_COVER), {})
    if "K > 2" in cover:
        words = "margin_cover over margin, K > 2: interval above zero"
        judged.append({"what": words, "holds": cover["K > 2"]["low"] > 0, **cover["K > 2"]})
    if "K = 2" in cover:
        words = "margin_cover over margin, K = 2: mean above -.002"
        judged.append({"what": words, "holds": cover["K = 2"]["mean"] > -0.002, **cover["K = 2"]})
    for row in recommended:
        if row["group"] == "all":
            share = len(row["hurt"]) / row["sets"]
            words = f"recommended: below random by more than {HURT} on fewer than 10 % of the sets"
            judged.append({"what": words, "holds": share < 0.1, "share": share})
    return judged
