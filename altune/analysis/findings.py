"""The results of a confirmation: numbers, and the sentences of the answer."""

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
    baseline : mean objective of the baseline.
    difference : recipe minus baseline, paired and corrected.
    matched_mean : mean objective of the matched baseline, which has the recipe's start and loop sizes.
    matched : recipe minus matched baseline.
    labels : labels that the recipe needs for the baseline's score at the whole budget.
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
    """The results of a confirmation.

    Attributes
    ----------
    objective : what is measured.
    budget : budget in labels.
    recipe : mean objective of the confirmed recipe on the report blocks.
    against : the recipe against each baseline, by name.
    others : knobs other than the query strategy in which the recipe differs from a matched baseline.
    """

    objective: Objective
    budget: int
    recipe: Interval
    against: Mapping[str, Against]
    others: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """``better`` than all baselines, ``unclear`` if better than some, ``not better`` if better than none."""
        beaten = [self.beats(against.difference) for against in self.against.values()]
        return "better" if all(beaten) else "unclear" if any(beaten) else "not better"

    def beats(self, difference: PairedDifference) -> bool:
        """Return whether the whole interval of a difference is on the better side of zero."""
        return difference.low > 0 if self.objective.sign > 0 else difference.high < 0

    def loses(self, difference: PairedDifference) -> bool:
        """Return whether the whole interval of a difference is on the worse side of zero."""
        return difference.high < 0 if self.objective.sign > 0 else difference.low > 0

    @property
    def selection(self) -> str:
        """What the difference from a matched baseline is due to, in words."""
        if not self.others:
            return "the selection of rows"
        words = [KNOB_WORDS[knob] for knob in self.others]
        return f"the selection of rows together with {join_words(words)}"

    @property
    def measure(self) -> str:
        """What is measured, in words."""
        name = self.objective.kind.measure.format(metric=self.objective.metric, budget=self.budget)
        return name if self.objective.over == "labels" else name.replace(f"{self.budget} labels", "all that is spent")


def find(confirmation: Confirmation, objective: Objective, budget: int) -> Findings:
    """Return the results of a confirmation.

    Intervals are corrected for blocks that share rows (Nadeau & Bengio 2003), with the pool's rows as the training
    rows.
    """
    references = confirmation.baselines[REFERENCE].curves
    values = objective.each(confirmation.recipe.curves, references)
    sizes = {"n_train": confirmation.n_train, "n_test": confirmation.n_test}
    overlap = confirmation.n_test / confirmation.n_train
    against = {}
    for name, baseline in confirmation.baselines.items():
        of_baseline = objective.each(baseline.curves, references)
        of_matched = objective.each(confirmation.matched[name].curves, references)
        against[name] = Against(
            baseline=mean_interval(of_baseline, overlap=overlap),
            difference=paired_difference(values, of_baseline, **sizes),
            matched_mean=float(of_matched.mean()),
            matched=paired_difference(values, of_matched, **sizes),
            labels=labels_saved(confirmation.recipe.curves, baseline.curves, objective.metric, budget),
        )
    return Findings(objective, budget, mean_interval(values, overlap=overlap), against, _others(confirmation))


def _others(confirmation: Confirmation) -> tuple[str, ...]:
    """Return the knobs other than the query strategy in which the recipe differs from a matched baseline."""
    recipe, baselines = confirmation.recipe.recipe, [played.recipe for played in confirmation.matched.values()]
    return tuple(
        knob
        for knob in FIELDS
        if knob != "query_strategy" and any(getattr(other, knob) != getattr(recipe, knob) for other in baselines)
    )


def against_of(findings: Findings) -> dict[str, Any]:
    """Return the plain JSON values of each baseline by name."""
    return {name: against.to_dict() for name, against in findings.against.items()}


def answer(findings: Findings, recipe: Recipe) -> list[str]:
    """Return the answer in sentences, the most important first."""
    return [
        _headline(findings),
        *_labels(findings),
        *_selection(findings),
        f"The recipe: {recipe.describe()}",
    ]


def answer_of_several(by_data: Mapping[str, Findings], recipe: Recipe) -> list[str]:
    """Return the answer for a recipe that was searched on several data sets at once."""
    better = [name for name, findings in by_data.items() if findings.verdict == "better"]
    worse = [
        name
        for name, findings in by_data.items()
        if any(findings.loses(against.difference) for against in findings.against.values())
    ]
    first = f"The confirmed recipe beats every baseline on {len(better) or 'none'} of {len(by_data)} data sets"
    if worse:
        first += f" and is worse than a baseline on {join_words(worse)}"
    return [
        f"{first}.",
        *(f"{name}: {_headline(findings)}" for name, findings in by_data.items()),
        f"The recipe: {recipe.describe()}",
    ]


def front_sentences(
    front: Sequence[TrialRecord],
    confirmation: Confirmation | None,
    objectives: Sequence[Objective],
    preference: Preference,
) -> list[str]:
    """Return the sentence on the Pareto front; nothing for a single objective."""
    if len(objectives) == 1 or confirmation is None:
        return []
    names = [objective.name for objective in objectives]
    picked = confirmation.candidates[confirmation.selected].trial
    references = confirmation.baselines[REFERENCE].curves
    others = []
    for objective in objectives[1:]:
        values = (objective.each(curves, references) for curves in (confirmation.recipe.curves, references))
        recipe, random = (float(of_blocks.mean()) for of_blocks in values)
        others.append(f"{objective.kind.plain}: {recipe:.4g}, random sampling {random:.4g}")
    count = "1 trial of the search is" if len(front) == 1 else f"{len(front)} trials of the search are"
    return [
        f"{count} on the Pareto front of {join_words(names)}; trial {picked} was picked: {preference}, measured on "
        f"fresh blocks. There, {'; '.join(others)}."
    ]


def plain_name(baseline: str) -> str:
    """Return the name of a baseline for a sentence."""
    return PLAIN_NAMES.get(baseline, baseline)


def _headline(findings: Findings) -> str:
    blocks = f"{findings.recipe.blocks} fresh block{'' if findings.recipe.blocks == 1 else 's'}"
    beaten = [name for name, against in findings.against.items() if findings.beats(against.difference)]
    gains = _gains({name: against.difference for name, against in findings.against.items()})
    if findings.verdict == "better":
        return f"The confirmed recipe beats every baseline on {blocks}: {findings.measure} {gains}."
    if findings.verdict == "not better":
        return (
            f"No recipe of the search beats the baselines on {blocks}: keep the simplest, random sampling. "
            f"The best recipe: {findings.measure} {gains}; no interval is on the better side of zero."
        )
    rest = [name for name in findings.against if name not in beaten]
    return (
        f"The confirmed recipe beats {_names(beaten)} but not {_names(rest)} on {blocks}: {findings.measure} {gains}."
    )


def _labels(findings: Findings) -> list[str]:
    metric = findings.objective.metric
    sentences = []
    for name, against in findings.against.items():
        labels = against.labels
        if not findings.beats(against.difference) or labels.recipe_labels is None or not labels.saved:
            continue
        interval = ""
        if labels.low is not None:
            high = f"{labels.high}" if labels.high is not None else f"more than {findings.budget}"
            interval = f" (95 % interval {labels.low} to {high})"
        sentences.append(
            f"It reaches the {metric} that {plain_name(name)} has at {findings.budget} labels ({labels.target:.3f}) "
            f"with {labels.recipe_labels}{interval}: {labels.saved} labels saved."
        )
    return sentences


def _selection(findings: Findings) -> list[str]:
    if findings.verdict == "not better":
        return []
    gains = _gains({name: against.matched for name, against in findings.against.items()})
    if not any(findings.beats(against.matched) for against in findings.against.values()):
        return [
            f"With the same start and loop sizes, {findings.selection} shows no gain ({gains}): what helps is when and "
            "how many rows are labelled."
        ]
    return [
        f"With the same start and loop sizes, a gain of {gains} remains: it comes from {findings.selection}, the rest "
        "from when and how many rows are labelled."
    ]


def _gains(differences: Mapping[str, PairedDifference]) -> str:
    return "; ".join(f"{gain_words(difference)} over {plain_name(name)}" for name, difference in differences.items())


def gain_words(difference: PairedDifference) -> str:
    """Return a difference with its interval; one block has none.

    >>> gain_words(PairedDifference(0.0211, 0.0102, 0.0301, 0.001, 20, 0.9))
    '+0.021 [+0.010, +0.030]'
    """
    ends = [end for end in (difference.low, difference.high) if math.isfinite(end)]
    largest = max(abs(number) for number in (difference.mean, *ends))
    # Large numbers are labels, money or seconds, which need no decimals.
    digits = 0 if abs(difference.mean) >= 10 else 1 if largest > 2 else 3
    mean, *interval = (f"{number:+.{digits}f}" for number in (difference.mean, *ends))
    return f"{mean} [{', '.join(interval)}]" if interval else mean


def _names(baselines: Sequence[str]) -> str:
    return join_words([plain_name(name) for name in baselines])
