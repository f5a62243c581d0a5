"""The answer of a run in sentences, from the results of its confirmation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from altune.analysis.findings import Against, Findings
from altune.analysis.label_counts import range_words
from altune.core.text import join_words
from altune.numerics.statistics import LEAST_BLOCKS, LEVEL, PairedDifference, t_quantile
from altune.recipes.describe import KNOB_WORDS
from altune.recipes.recipe import Recipe
from altune.simulation.objectives import Objective
from altune.tuning.confirmation import Confirmation
from altune.tuning.judging import REFERENCE
from altune.tuning.preference import Preference
from altune.tuning.trials import TrialRecord

PLAIN_NAMES = {"random_sampling": "random sampling"}
EXPLAINED_NAMES = {
    "margin": "margin (random start, equal loops)",
    "vanilla": "vanilla (random start, least confidence, equal loops)",
}
MOST_BLOCKS = 1000
"""Advice for more report blocks than this is of no use."""


def answer(findings: Findings, recipe: Recipe) -> list[str]:
    """Return the answer in sentences, the most important first."""
    return [
        score_sentence(findings),
        headline(findings),
        *settling(findings),
        *label_sentences(findings),
        *matched_sentences(findings),
        f"The recipe: {recipe.describe()}",
    ]


def answer_of_several(by_data: Mapping[str, Findings], recipe: Recipe) -> list[str]:
    """Return the answer for a recipe that was searched on several data sets at once."""
    better = [name for name, findings in by_data.items() if findings.verdict == "better"]
    worse = [name for name, findings in by_data.items() if findings.verdict == "not better"]
    first = f"The recipe beats every baseline on {len(better) or 'none'} of {len(by_data)} data sets"
    if worse:
        first += f" and is worse than a baseline on {join_words(worse)}"
    each = [
        f"{name}: {text}"
        for name, findings in by_data.items()
        for text in (score_sentence(findings), headline(findings))
    ]
    return [f"{first}.", *each, f"The recipe: {recipe.describe()}"]


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
    picked = confirmation.candidates[confirmation.selected].name
    references = confirmation.baselines[REFERENCE].curves
    others = []
    for objective in objectives[1:]:
        values = (objective.each(curves, references) for curves in (confirmation.recipe.curves, references))
        recipe, random = (float(of_blocks.mean()) for of_blocks in values)
        others.append(f"{objective.kind.plain}: {recipe:.4g}, random sampling {random:.4g}")
    count = "1 trial of the search is" if len(front) == 1 else f"{len(front)} trials of the search are"
    return [
        f"{count} on the Pareto front of {join_words(names)}; {plain_name(picked)} was picked: {preference}, measured "
        f"on fresh blocks. There, {'; '.join(others)}."
    ]


def plain_name(recipe: str) -> str:
    """Return the name of a recipe for a sentence.

    >>> plain_name("typiclust_margin")
    'typiclust margin'
    """
    return PLAIN_NAMES.get(recipe, recipe.replace("_", " "))


def score_sentence(findings: Findings) -> str:
    """Return the scores at the whole budget, of the recipe and of each baseline."""
    metric = findings.objective.metric.replace("_", " ")
    others = ", ".join(
        f"{EXPLAINED_NAMES.get(name, plain_name(name))} {against.score:.3f}"
        for name, against in findings.others.items()
    )
    subject = f"the recipe, which is {_explained(findings.chosen)}," if findings.chosen else "the recipe"
    return f"With {findings.budget} labels {subject} reaches {metric} {findings.score:.3f}; {others}."


def headline(findings: Findings) -> str:
    """Return the differences in the objective, and which of them are clear."""
    blocks = f"{findings.recipe.blocks} fresh block{'' if findings.recipe.blocks == 1 else 's'}"
    groups: dict[str, dict[str, PairedDifference]] = {"better than": {}, "worse than": {}, "not told apart from": {}}
    for name, against in findings.others.items():
        difference = against.difference
        side = "better than" if findings.beats(difference) else "worse than" if findings.loses(difference) else None
        groups[side or "not told apart from"][name] = difference
    parts = [f"{words} {_gains(group)}" for words, group in groups.items() if group]
    chosen = (
        f"On the blocks that select, no recipe of the search was better than {plain_name(findings.chosen)}, so it is "
        "the recipe of this run. "
        if findings.chosen
        else ""
    )
    few = "; below 5 blocks there is no interval" if findings.recipe.blocks < LEAST_BLOCKS else ""
    less = ", less is better" if findings.objective.sign < 0 else ""
    return f"{chosen}By {findings.measure}{less}, on {blocks} it is {'; '.join(parts)}{few}."


def settling(findings: Findings) -> list[str]:
    """Return how likely the recipe is better where that is not clear, and what would settle it."""
    open_ones = {
        name: against.difference
        for name, against in findings.others.items()
        if against.difference.known and not against.difference.clear
    }
    if not open_ones:
        return []
    likely = join_words(
        [
            f"{_percent(findings.probability_better(difference))} likely to be better than {plain_name(name)}"
            for name, difference in open_ones.items()
        ]
    )
    least = min(open_ones, key=lambda name: findings.objective.sign * open_ones[name].mean)
    return [f"It is the best guess: {likely}. {_what_settles(open_ones[least], least, findings)}"]


def _what_settles(difference: PairedDifference, name: str, findings: Findings) -> str:
    parts = difference.parts
    if parts is None or not parts.variance():
        return "More report blocks would narrow the interval."
    beside = f" beside {plain_name(name)}" if len(findings.others) > 1 else ""
    needed = (difference.mean / t_quantile(1 - LEVEL / 2, parts.degrees)) ** 2
    from_rows = parts.variance(math.inf)
    blocks = math.inf if needed <= from_rows else (parts.variance(1) - from_rows) / (needed - from_rows)
    if blocks <= MOST_BLOCKS:
        return f"A difference of this size{beside} would be clear with about {_round_up(blocks)} report blocks."
    limit = f"the {findings.n_test} held-back rows limit this, and more report blocks will not change it"
    if parts.share_of_rows < 0.5:
        limit = "the difference is too small for a reasonable number of report blocks"
    return f"What would settle it{beside}: {limit}."


def label_sentences(findings: Findings) -> list[str]:
    """Return for each baseline the labels that the recipe needs for its score at the whole budget."""
    return [
        sentence
        for name, against in findings.others.items()
        for sentence in _labels(findings, plain_name(name), against)
    ]


def _labels(findings: Findings, name: str, against: Against) -> list[str]:
    labels, metric = against.labels, findings.objective.metric.replace("_", " ")
    if not labels.reached:
        return [
            f"It never reaches the {metric} that {name} has at {findings.budget} labels ({labels.target:.3f}) on "
            f"average; it ends at {findings.score:.3f}."
        ]
    needs = f"{range_words(labels.recipe_after, labels.recipe_labels or 0)} labels"
    usual = range_words(labels.baseline_after, labels.baseline_labels)
    saved = f"{labels.saved} labels saved" if labels.saved >= 0 else f"{-labels.saved} labels more"
    interval = ""
    if labels.low is not None and labels.high is not None:
        interval = f" (95 % interval of the labels saved {labels.low} to {labels.high})"
    elif labels.high is not None:
        interval = f" (95 % interval of the labels saved: at most {labels.high})"
    return [
        f"It has the {metric} that {name} ends with ({labels.target:.3f}) with {needs}, {name} first with {usual}: "
        f"{saved}{interval}."
    ]


def matched_sentences(findings: Findings) -> list[str]:
    """Return the differences from the matched baselines, each with what it still differs in."""
    by_knobs: dict[tuple[str, ...], dict[str, PairedDifference]] = {}
    for name, against in findings.others.items():
        if against.differs:
            by_knobs.setdefault(against.differs, {})[name] = against.matched
    if not by_knobs or all(against.differs == () for against in findings.others.values()):
        return []
    parts = [
        f"{_gains(group)}, from which it then differs in {join_words([KNOB_WORDS[knob] for knob in knobs])}"
        for knobs, group in by_knobs.items()
    ]
    return [f"With the same sizes of start and loops for all, the recipe's difference is {'; '.join(parts)}."]


def _gains(differences: Mapping[str, PairedDifference]) -> str:
    return join_words([f"{plain_name(name)} ({gain_words(difference)})" for name, difference in differences.items()])


def gain_words(difference: PairedDifference) -> str:
    """Return a difference with its interval, adjusted for all that it is compared with; too few blocks have none.

    >>> gain_words(PairedDifference(0.0211, 0.0102, 0.0301, 0.001, 20, 0.9))
    '+0.021 [+0.010, +0.030]'
    """
    ends = [end for end in difference.together if math.isfinite(end)]
    largest = max(abs(number) for number in (difference.mean, *ends))
    # Large numbers are labels, money or seconds, which need no decimals.
    digits = 0 if abs(difference.mean) >= 10 else 1 if largest > 2 else 3
    mean, *interval = (f"{number:+.{digits}f}" for number in (difference.mean, *ends))
    return f"{mean} [{', '.join(interval)}]" if interval else mean


def _explained(name: str) -> str:
    return EXPLAINED_NAMES.get(name, plain_name(name))


def _percent(share: float) -> str:
    return "over 99 %" if share > 0.99 else "under 1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")


def _round_up(blocks: float) -> int:
    """Return a number of blocks with two significant digits, rounded up."""
    unit: int = 10 ** max(0, len(str(math.ceil(blocks))) - 2)
    return math.ceil(blocks / unit) * unit
