"""The answer of a run in sentences, from the results of its confirmation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from altune.analysis.findings import Against, Findings, every_baseline
from altune.analysis.label_counts import LabelsSaved, range_words
from altune.core.text import capitalized, counted, join_words
from altune.numerics.statistics import LEAST_BLOCKS, PairedDifference, over_data_sets, side_by_side
from altune.recipes.describe import KNOB_WORDS
from altune.recipes.recipe import Recipe
from altune.simulation.objectives import Objective
from altune.tuning.confirmation import Confirmation
from altune.tuning.judging import REFERENCE
from altune.tuning.preference import Preference
from altune.tuning.trials import TrialRecord

PLAIN_NAMES = {"random_sampling": "random sampling", "recommended": "the recommended recipe"}
WITHOUT_LABELS = "the recipe that altune recommends without any label"
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
        *beyond_sentences(findings),
        *settling(findings),
        *label_sentences(findings),
        *matched_sentences(findings),
        f"The recipe: {recipe.describe()}",
    ]


def answer_of_several(by_data: Mapping[str, Findings], recipe: Recipe) -> list[str]:
    """Return the answer for a recipe that was searched on several data sets at once."""
    better = [name for name, findings in by_data.items() if findings.verdict == "better"]
    worse = [name for name, findings in by_data.items() if findings.verdict == "not better"]
    beaten = every_baseline(by_data[name] for name in better)
    first = f"The recipe beats {beaten} on {len(better) or 'none'} of {len(by_data)} data sets"
    if worse:
        first += f" and is worse than a baseline on {join_words(worse)}"
    objectives = {findings.objective.name for findings in by_data.values()}
    pooled = _pooled_sentence(by_data) if len(objectives) == 1 else ""
    each = [
        f"{name}: {text}"
        for name, findings in by_data.items()
        for text in (score_sentence(findings), headline(findings), *beyond_sentences(findings))
    ]
    return [f"{first}.{pooled}", *each, f"The recipe: {recipe.describe()}"]


def _pooled_sentence(by_data: Mapping[str, Findings]) -> str:
    """Return the mean differences over the data sets, each of which counts alike."""
    every = list(by_data.values())
    names = [name for name in every[0].against if all(name != findings.chosen for findings in every)]
    pooled = side_by_side(
        [over_data_sets([findings.against[name].difference for findings in every]) for name in names],
        -math.inf,
        math.inf,
    )
    gains = [
        f"{gain_words(difference)} over {plain_name(name)}" for name, difference in zip(names, pooled, strict=True)
    ]
    return f" The mean difference over these data sets is {join_words(gains)}." if gains else ""


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
    others = scores_words(findings)
    subject = "the recipe"
    if findings.chosen:
        same = f" and plays as {joined(findings.same_as_chosen)} does" if findings.same_as_chosen else ""
        subject = f"the recipe, which is {_explained(findings.chosen)}{same},"
    reaches = f"reaches {findings.metric} {findings.score:.3f}"
    if findings.stops_early:
        mean = f"{findings.bought:.0f} labels{'' if findings.bought.is_integer() else ' on average'}"
        return f"With {mean} {subject} {reaches} and stops; with {findings.budget}, {others}."
    return f"With {findings.budget} labels {subject} {reaches}{f'; {others}' if others else ''}."


def scores_words(findings: Findings) -> str:
    """Return the scores of the baselines at the whole budget, in words."""
    return ", ".join(
        f"{join_words([_explained(name) for name in names])} {against.score:.3f}" for names, against in alike(findings)
    )


def alike(findings: Findings) -> list[tuple[list[str], Against]]:
    """Return the baselines, those together that play alike, as margin and least confidence do for two classes."""
    groups: list[tuple[list[str], Against]] = []
    for name, against in findings.others.items():
        same = next((names for names, other in groups if other.plays_as(against)), None)
        if same is None:
            groups.append(([name], against))
        else:
            same.append(name)
    return groups


def headline(findings: Findings) -> str:
    """Return the differences in the objective, and which of them are clear."""
    blocks = counted(findings.recipe.blocks, "fresh block")
    groups: dict[str, list[str]] = {"better than": [], "worse than": [], "without a clear difference from": []}
    for names, against in alike(findings):
        difference = against.difference
        if names == [findings.recommended]:
            continue  # it has a sentence of its own
        side = "better than" if findings.beats(difference) else "worse than" if findings.loses(difference) else None
        groups[side or "without a clear difference from"].append(f"{joined(names)} ({gain_words(difference)})")
    parts = [f"{words} {join_words(group)}" for words, group in groups.items() if group]
    chosen = (
        f"On the blocks that select, no recipe of the search was better than {plain_name(findings.chosen)}, so it is "
        "the recipe of this run."
        if findings.chosen
        else ""
    )
    if not parts:
        return chosen
    note = "; intervals are by blocks alone" if findings.recipe.basis == "blocks alone" else ""
    if findings.recipe.blocks < LEAST_BLOCKS:
        note = f"; below {LEAST_BLOCKS} blocks there is no interval"
    less = ", less is better" if findings.objective.sign < 0 else ""
    return f"{chosen} By {findings.measure}{less}, on {blocks} it is {'; '.join(parts)}{note}.".lstrip()


def beyond_sentences(findings: Findings) -> list[str]:
    """Return what tuning was worth beyond the recommended recipe, which needs no label; nothing without such a one."""
    if not findings.recommended:
        return []
    difference = findings.beyond
    if difference is None:
        return [f"So tuning gained nothing beyond {WITHOUT_LABELS}, which is what is handed out."]
    worth = gain_words(difference)
    if findings.loses(difference):
        return [
            f"Tuning gained nothing beyond {WITHOUT_LABELS}: beside it, the recipe of this run is at {worth}. Use the "
            "recommended one (altune recommend)."
        ]
    unclear = "" if findings.beats(difference) else ", which is not clearly more than nothing"
    gained = "gained" if findings.objective.sign > 0 else "made a difference of"
    beyond = "beyond" if findings.objective.sign > 0 else "to"
    return [f"Tuning {gained} {worth} {beyond} {WITHOUT_LABELS}{unclear}."]


def settling(findings: Findings) -> list[str]:
    """Return how likely the recipe is better where that is not clear, and what would settle it."""
    open_ones = [
        (joined(names), against.difference)
        for names, against in alike(findings)
        if against.difference.known
        and not against.difference.clear
        and against.difference.high > against.difference.low
    ]
    if not open_ones:
        return []
    likely = join_words(
        [
            f"{_percent(findings.probability_better(difference))} likely to be better than {name}"
            for name, difference in open_ones
        ]
    )
    name, least = min(open_ones, key=lambda pair: findings.objective.sign * pair[1].mean)
    beside = f" beside {name}" if len(findings.others) > 1 else ""
    best = min(findings.probability_better(difference) for _, difference in open_ones) >= 0.5
    first = "It is the best guess" if best else "It was selected before these blocks were seen; by them it is"
    return [f"{first}{': ' if best else ' '}{likely}. {_what_settles(least, beside, findings)}"]


def _what_settles(difference: PairedDifference, beside: str, findings: Findings) -> str:
    parts = difference.parts
    if parts is None or not parts.variance():
        return "More report blocks would narrow the interval."
    # The interval that must exclude zero is the one that is shown, for all that is compared.
    half_widths = (difference.together[1] - difference.together[0]) / 2 / parts.error
    needed = (difference.mean / half_widths) ** 2
    from_rows = parts.variance(math.inf)
    blocks = math.inf if needed <= from_rows else (parts.variance(1) - from_rows) / (needed - from_rows)
    if blocks <= MOST_BLOCKS:
        return f"A difference of this size{beside} would be clear with about {_round_up(blocks)} report blocks."
    if parts.share_of_rows < 0.5:
        return f"The difference{beside} is too small for a reasonable number of report blocks."
    return (
        f"What limits this{beside} are the rows of the data set, {findings.n_test} of them held back for the score: "
        "more report blocks will not change it."
    )


def label_sentences(findings: Findings) -> list[str]:
    """Return for each baseline the labels that the recipe needs for its score at the whole budget."""
    return [_labels(findings, names, against.labels) for names, against in alike(findings)]


def _labels(findings: Findings, names: Sequence[str], labels: LabelsSaved) -> str:
    goal = f"the {findings.metric} that {joined(names)} end{'s' if len(names) == 1 else ''} with "
    goal += f"({_apart(labels.target, findings.score)})"
    if not labels.baseline_labels:
        alone = "gets" if len(names) == 1 else "get"
        return f"{capitalized(joined(names))} never {alone} beyond the {findings.metric} of the majority class."
    if labels.recipe_labels is None:
        if findings.stops_early:
            return f"It stops below {goal}, with {_apart(findings.score, labels.target)}."
        ends = _apart(findings.score, labels.target)
        return f"It never reaches {goal} within {findings.budget} labels; it ends with {ends}."
    needs = range_words(labels.recipe_after, labels.recipe_labels)
    usual = range_words(labels.baseline_after, labels.baseline_labels)
    saved = f"{labels.saved or 'no'} labels saved" if labels.saved >= 0 else f"{-labels.saved} labels more"
    text = f"It first has {goal} with {needs} labels, {joined(names)} with {usual}: {saved}"
    if labels.low is None and labels.high is None:
        return f"{text}."
    interval = f"up to {labels.high}" if labels.low is None else f"{labels.low} to {labels.high}"
    shown = "" if labels.shown or not labels.saved else ", which is not shown"
    return f"{text}{shown} (95 % interval {interval})."


def matched_sentences(findings: Findings) -> list[str]:
    """Return the differences from the matched baselines, each with what it still differs in."""
    by_knobs: dict[tuple[str, ...], list[str]] = {}
    for names, against in alike(findings):
        by_knobs.setdefault(against.differs, []).append(f"{joined(names)} ({gain_words(against.matched)})")
    if all(against.matched.mean == against.difference.mean for against in findings.others.values()):
        return []  # the sizes are those of the baselines
    same = [name for names, against in alike(findings) if not against.differs for name in names]
    parts = [
        f"from {join_words(gains)} in {join_words([KNOB_WORDS[knob] for knob in knobs])}"
        for knobs, gains in by_knobs.items()
        if knobs
    ]
    clauses = [f"it would differ {'; '.join(parts)}"] if parts else []
    clauses += [f"{joined(same)} would be the same recipe"] if same else []
    return [f"Were the baselines to have its sizes of start and loops, {'; '.join(clauses)}."]


def joined(names: Sequence[str]) -> str:
    """Return the plain names of recipes, joined for a sentence."""
    return join_words([plain_name(name) for name in names])


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


def _apart(score: float, other: float) -> str:
    """Return a score with as many decimals as tell it from another one, at least three and at most six."""
    digits = next((digits for digits in (3, 4, 5) if round(score, digits) != round(other, digits)), 6)
    return f"{score:.{3 if score == other else digits}f}"


def _percent(share: float) -> str:
    return "over 99 %" if share > 0.99 else "under 1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")


def _round_up(blocks: float) -> int:
    """Return a number of blocks with two significant digits, rounded up."""
    unit: int = 10 ** max(0, len(str(math.ceil(blocks))) - 2)
    return math.ceil(blocks / unit) * unit
