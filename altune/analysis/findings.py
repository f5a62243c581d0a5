"""What a confirmation says: numbers first, then the sentences that a person can act on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from altune.analysis.comparison import LabelsSaved, labels_saved
from altune.curve import Objective
from altune.recipe import Recipe
from altune.statistics import Interval, PairedDifference, mean_interval, paired_difference
from altune.tuning.confirmation import Confirmation, Played

Verdict = Literal["better", "unclear", "not better"]

PLAIN_NAMES = {"random_sampling": "random sampling", "vanilla": "vanilla (random start, least confidence)"}
OBJECTIVE_NAMES = {
    "aulc": "area under the learning curve",
    "aulc_trapezoid": "area under the learning curve (trapezoid)",
    "aulc_log": "area under the learning curve (log labels)",
    "final_score": "final score",
    "net_value": "net value",
}


MEASURES = {
    "aulc": "mean {metric} over {budget} labels",
    "aulc_trapezoid": "mean {metric} over {budget} labels (trapezoid)",
    "aulc_log": "mean {metric} over the logarithm of {budget} labels",
    "final_score": "{metric} at {budget} labels",
    "net_value": "net value",
}
"""What a difference of each objective is a difference of, in plain words."""


@dataclass(frozen=True)
class Against:
    """The confirmed recipe against one baseline on the same report blocks.

    Attributes
    ----------
    baseline : the baseline's mean objective.
    difference : recipe minus baseline, paired and corrected.
    matched_mean : mean objective of the baseline with the recipe's own start and loop sizes.
    matched : recipe minus that.
    labels : labels needed for the score that the baseline has at the whole budget.
    """

    baseline: Interval
    difference: PairedDifference
    matched_mean: float
    matched: PairedDifference
    labels: LabelsSaved

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        matched = self.matched.to_dict()
        difference = self.difference.to_dict()
        return {
            "mean": self.baseline.mean,
            "difference": difference["mean"],
            "low": difference["low"],
            "high": difference["high"],
            "p": difference["p"],
            "labels_saved": self.labels.saved,
            "labels": self.labels.to_dict(),
            "matched": {
                "mean": self.matched_mean,
                "difference": matched["mean"],
                "low": matched["low"],
                "high": matched["high"],
                "p": matched["p"],
            },
        }


@dataclass(frozen=True)
class Findings:
    """What the confirmation found.

    Attributes
    ----------
    objective : what was maximised.
    budget : labels.
    recipe : the confirmed recipe's mean objective on the report blocks.
    against : each baseline, by name.
    """

    objective: Objective
    budget: int
    recipe: Interval
    against: Mapping[str, Against]

    @property
    def verdict(self) -> Verdict:
        """``better`` than every baseline, ``unclear`` where only than some, ``not better`` than any."""
        beaten = [one.difference.low > 0 for one in self.against.values()]
        return "better" if all(beaten) else "unclear" if any(beaten) else "not better"

    @property
    def measure(self) -> str:
        """What the differences are differences of."""
        name = MEASURES[self.objective.name].format(metric=self.objective.metric, budget=self.budget)
        return name if self.objective.over == "labels" else name.replace(f"{self.budget} labels", "all that is spent")


def find(confirmation: Confirmation, objective: Objective, budget: int) -> Findings:
    """Return the numbers of a confirmation.

    Intervals are corrected for blocks that share rows (Nadeau & Bengio 2003), with the pool's rows as the training
    rows.
    """
    own = values(confirmation.recipe, objective)
    sizes = {"n_train": confirmation.n_train, "n_test": confirmation.n_test}
    overlap = confirmation.n_test / confirmation.n_train
    against = {}
    for name, baseline in confirmation.baselines.items():
        theirs = values(baseline, objective)
        matched = values(confirmation.matched[name], objective)
        against[name] = Against(
            baseline=mean_interval(theirs, overlap=overlap),
            difference=paired_difference(own, theirs, **sizes),
            matched_mean=float(matched.mean()),
            matched=paired_difference(own, matched, **sizes),
            labels=labels_saved(confirmation.recipe.curves, baseline.curves, objective.metric, budget),
        )
    return Findings(objective, budget, mean_interval(own, overlap=overlap), against)


def values(played: Played, objective: Objective) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the objective on each block, ``(n_blocks,)``."""
    return np.array([objective(curve) for curve in played.curves])


def answer(findings: Findings, recipe: Recipe) -> list[str]:
    """Return the sentences a person can act on, most important first."""
    return [
        _headline(findings),
        *_labels(findings),
        *_selection(findings),
        f"The recipe: {recipe.describe()}",
    ]


def plain_name(baseline: str) -> str:
    """Return a baseline's name as a sentence says it."""
    return PLAIN_NAMES.get(baseline, baseline)


def _headline(findings: Findings) -> str:
    blocks = f"{findings.recipe.blocks} fresh splits"
    beaten = [name for name, one in findings.against.items() if one.difference.low > 0]
    gains = "; ".join(f"{_gain(one.difference)} over {plain_name(name)}" for name, one in findings.against.items())
    if findings.verdict == "better":
        return f"The confirmed recipe beats every baseline on {blocks}: {findings.measure} {gains}."
    if findings.verdict == "not better":
        return (
            f"Nothing that was tried beats the baselines on {blocks}: keep the simplest, random sampling. "
            f"The best recipe has {findings.measure} {gains}; no interval lies above zero."
        )
    rest = [name for name in findings.against if name not in beaten]
    what = f"beats {_listed(beaten)} but not {_listed(rest)} on {blocks}"
    return f"The confirmed recipe {what}: {findings.measure} {gains}."


def _labels(findings: Findings) -> list[str]:
    metric = findings.objective.metric
    sentences = []
    for name, one in findings.against.items():
        labels = one.labels
        if one.difference.low <= 0 or labels.recipe_labels is None or not labels.saved:
            continue
        spread = ""
        if labels.low is not None:
            high = f"{labels.high}" if labels.high is not None else f"more than {findings.budget}"
            spread = f" (95 % interval {labels.low} to {high})"
        sentences.append(
            f"It reaches the {metric} that {plain_name(name)} has at {findings.budget} labels ({labels.target:.3f}) "
            f"with {labels.recipe_labels}{spread}: {labels.saved} labels saved."
        )
    return sentences


def _selection(findings: Findings) -> list[str]:
    if findings.verdict == "not better":
        return []
    parts = "; ".join(f"{_gain(one.matched)} over {plain_name(name)}" for name, one in findings.against.items())
    if all(one.matched.low <= 0 for one in findings.against.values()):
        return [
            f"Given the same start and loop sizes, the selection itself shows no gain ({parts}): what helps is when "
            "and how many rows are labelled."
        ]
    return [
        f"Given the same start and loop sizes, what is left of the gain is {parts}: that much is the selection "
        "itself, the rest is when and how many rows are labelled."
    ]


def _gain(difference: PairedDifference) -> str:
    return f"{difference.mean:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"


def _listed(names: list[str]) -> str:
    return " and ".join(plain_name(name) for name in names)
