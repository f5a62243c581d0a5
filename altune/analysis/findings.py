"""What a confirmation says: numbers first, then the sentences that a person can act on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from altune.analysis.paired import LabelsSaved, labels_saved
from altune.core.registry import FIELDS
from altune.core.text import join_words
from altune.numerics.statistics import Interval, PairedDifference, mean_interval, paired_difference
from altune.recipes.describe import KNOB_WORDS
from altune.recipes.recipe import Recipe
from altune.simulation.objectives import Objective
from altune.tuning.confirmation import Confirmation
from altune.tuning.judging import REFERENCE
from altune.tuning.preference import Preference
from altune.tuning.trials import TrialRecord

Verdict = Literal["better", "unclear", "not better"]

PLAIN_NAMES = {"random_sampling": "random sampling", "vanilla": "vanilla (random start, least confidence)"}


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
    others : knobs beside the query strategy in which the recipe differs from a matched baseline.
    """

    objective: Objective
    budget: int
    recipe: Interval
    against: Mapping[str, Against]
    others: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """``better`` than every baseline, ``unclear`` where only than some, ``not better`` than any."""
        beaten = [self.beats(one.difference) for one in self.against.values()]
        return "better" if all(beaten) else "unclear" if any(beaten) else "not better"

    def beats(self, difference: PairedDifference) -> bool:
        """Return whether the whole interval of a difference lies on the better side of zero."""
        return difference.low > 0 if self.objective.sign > 0 else difference.high < 0

    @property
    def selection(self) -> str:
        """What a difference to a matched baseline is the worth of."""
        if not self.others:
            return "the selection itself"
        words = [KNOB_WORDS[knob] for knob in self.others]
        return f"the selection together with {join_words(words)}"

    @property
    def measure(self) -> str:
        """What the differences are differences of."""
        name = self.objective.kind.measure.format(metric=self.objective.metric, budget=self.budget)
        return name if self.objective.over == "labels" else name.replace(f"{self.budget} labels", "all that is spent")


def find(confirmation: Confirmation, objective: Objective, budget: int) -> Findings:
    """Return the numbers of a confirmation.

    Intervals are corrected for blocks that share rows (Nadeau & Bengio 2003), with the pool's rows as the training
    rows.
    """
    references = confirmation.baselines[REFERENCE].curves
    own = objective.each(confirmation.recipe.curves, references)
    sizes = {"n_train": confirmation.n_train, "n_test": confirmation.n_test}
    overlap = confirmation.n_test / confirmation.n_train
    against = {}
    for name, baseline in confirmation.baselines.items():
        theirs = objective.each(baseline.curves, references)
        matched = objective.each(confirmation.matched[name].curves, references)
        against[name] = Against(
            baseline=mean_interval(theirs, overlap=overlap),
            difference=paired_difference(own, theirs, **sizes),
            matched_mean=float(matched.mean()),
            matched=paired_difference(own, matched, **sizes),
            labels=labels_saved(confirmation.recipe.curves, baseline.curves, objective.metric, budget),
        )
    return Findings(objective, budget, mean_interval(own, overlap=overlap), against, _others(confirmation))


def _others(confirmation: Confirmation) -> tuple[str, ...]:
    """Return the knobs beside the query strategy in which the recipe differs from a matched baseline."""
    recipe, matched = confirmation.recipe.recipe, [one.recipe for one in confirmation.matched.values()]
    return tuple(
        knob
        for knob in FIELDS
        if knob != "query_strategy" and any(getattr(one, knob) != getattr(recipe, knob) for one in matched)
    )


def against_of(findings: Findings) -> dict[str, Any]:
    """Return the plain JSON values of every baseline, by name."""
    return {name: one.to_dict() for name, one in findings.against.items()}


def answer(findings: Findings, recipe: Recipe) -> list[str]:
    """Return the sentences a person can act on, most important first."""
    return [
        _headline(findings),
        *_labels(findings),
        *_selection(findings),
        f"The recipe: {recipe.describe()}",
    ]


def answer_of_several(found: Mapping[str, Findings], recipe: Recipe) -> list[str]:
    """Return the sentences for a recipe that was sought for several data sets at once."""
    better = [name for name, one in found.items() if one.verdict == "better"]
    worse = [
        name
        for name, one in found.items()
        if any(_beaten_by(one, against.difference) for against in one.against.values())
    ]
    many = f"{len(better)}" if better else "none"
    first = f"The confirmed recipe beats every baseline on {many} of {len(found)} data sets"
    if worse:
        first += f" and is worse than one on {', '.join(worse)}"
    return [
        f"{first}.",
        *(f"{name}: {_headline(one)}" for name, one in found.items()),
        f"The recipe: {recipe.describe()}",
    ]


def front_sentences(
    front: Sequence[TrialRecord],
    confirmation: Confirmation | None,
    objectives: Sequence[Objective],
    preference: Preference,
) -> list[str]:
    """Return what is to be said of a Pareto front; nothing where there is one objective."""
    if len(objectives) == 1 or confirmation is None:
        return []
    names = [objective.name for objective in objectives]
    picked = confirmation.candidates[confirmation.selected].trial
    references = confirmation.baselines[REFERENCE].curves
    others = []
    for objective in objectives[1:]:
        own, usual = (
            float(objective.each(curves, references).mean()) for curves in (confirmation.recipe.curves, references)
        )
        others.append(f"{objective.kind.plain}: {own:.4g}, random sampling {usual:.4g}")
    return [
        f"{len(front)} trials of the search are on the Pareto front of {join_words(names)}; trial {picked} was "
        f"picked: {preference}, measured anew on fresh splits. There, {'; '.join(others)}."
    ]


def _beaten_by(findings: Findings, difference: PairedDifference) -> bool:
    return difference.high < 0 if findings.objective.sign > 0 else difference.low > 0


def plain_name(baseline: str) -> str:
    """Return a baseline's name as a sentence says it."""
    return PLAIN_NAMES.get(baseline, baseline)


def _headline(findings: Findings) -> str:
    blocks = f"{findings.recipe.blocks} fresh splits"
    beaten = [name for name, one in findings.against.items() if findings.beats(one.difference)]
    gains = "; ".join(f"{gain_words(one.difference)} over {plain_name(name)}" for name, one in findings.against.items())
    if findings.verdict == "better":
        return f"The confirmed recipe beats every baseline on {blocks}: {findings.measure} {gains}."
    if findings.verdict == "not better":
        return (
            f"Nothing that was tried beats the baselines on {blocks}: keep the simplest, random sampling. "
            f"The best recipe has {findings.measure} {gains}; no interval lies on the better side of zero."
        )
    rest = [name for name in findings.against if name not in beaten]
    what = f"beats {_listed(beaten)} but not {_listed(rest)} on {blocks}"
    return f"The confirmed recipe {what}: {findings.measure} {gains}."


def _labels(findings: Findings) -> list[str]:
    metric = findings.objective.metric
    sentences = []
    for name, one in findings.against.items():
        labels = one.labels
        if not findings.beats(one.difference) or labels.recipe_labels is None or not labels.saved:
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
    parts = "; ".join(f"{gain_words(one.matched)} over {plain_name(name)}" for name, one in findings.against.items())
    if not any(findings.beats(one.matched) for one in findings.against.values()):
        return [
            f"Given the same start and loop sizes, {findings.selection} shows no gain ({parts}): what helps is when "
            "and how many rows are labelled."
        ]
    return [
        f"Given the same start and loop sizes, what is left of the gain is {parts}: that much is "
        f"{findings.selection}, the rest is when and how many rows are labelled."
    ]


def gain_words(difference: PairedDifference) -> str:
    """Return a difference with its interval; one block has none.

    >>> gain_words(PairedDifference(0.0211, 0.0102, 0.0301, 0.001, 20, 0.9))
    '+0.021 [+0.010, +0.030]'
    """
    ends = [one for one in (difference.low, difference.high) if math.isfinite(one)]
    largest = max(abs(one) for one in (difference.mean, *ends))
    # Labels, money and seconds are no shares: no one reads three decimals of them.
    digits = 0 if abs(difference.mean) >= 10 else 1 if largest > 2 else 3
    shown = [f"{one:+.{digits}f}" for one in (difference.mean, *ends)]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]" if ends else shown[0]


def _listed(names: list[str]) -> str:
    return join_words([plain_name(name) for name in names])
