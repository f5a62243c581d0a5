"""What the recipe of a run is worth on data that no trial saw, beside what it was worth at home.

Home are the data sets of the search, on which the recipe was found and selected; the others are away. Both sides are
measured on report blocks, so neither has been seen by the search.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from altune.analysis.answer import alike, gain_words, joined, plain_name, scores_words
from altune.analysis.findings import Findings, difference_entry, every_baseline
from altune.core.text import counted, join_words
from altune.numerics.statistics import LEAST_BLOCKS, PairedDifference, over_data_sets, side_by_side
from altune.recipes.recipe import RECOMMENDED


@dataclass(frozen=True)
class Transfer:
    """The results of a recipe at home and away.

    Attributes
    ----------
    home, away : results on each data set by name.
    """

    home: Mapping[str, Findings]
    away: Mapping[str, Findings]

    @property
    def first(self) -> Findings:
        """The results on the first data set away."""
        return next(iter(self.away.values()))

    @property
    def home_words(self) -> str:
        """The names of the data sets at home."""
        return join_words(list(self.home))

    @property
    def baselines(self) -> list[str]:
        """The baselines that are not the recipe itself, and do not play as it does on every data set."""
        others = {name for findings in self.away.values() for name in findings.others}
        return [name for name in self.first.against if name in others]

    def differences(self, side: Mapping[str, Findings]) -> dict[str, PairedDifference]:
        """Return the recipe minus each baseline over the data sets of a side, adjusted for all baselines.

        Each data set counts alike. The intervals speak of these data sets, not of others.
        """
        every = list(side.values())
        if len(every) == 1:
            return {name: every[0].against[name].difference for name in self.baselines}
        pooled = [over_data_sets([of_data.against[name].difference for of_data in every]) for name in self.baselines]
        return dict(zip(self.baselines, side_by_side(pooled, -math.inf, math.inf), strict=True)) if pooled else {}

    def to_dict(self) -> dict[str, Any]:
        """Return for each baseline the differences over all data sets away and at home, as plain JSON values."""
        home = self.differences(self.home)
        return {
            name: {"away": difference_entry(difference), "home": difference_entry(home[name])}
            for name, difference in self.differences(self.away).items()
        }


def transfer_sentences(transfer: Transfer) -> list[str]:
    """Return what the recipe is worth away, beside home, in sentences; the most important first."""
    where = f"at home, on {transfer.home_words}," if len(transfer.home) == 1 else "at home"
    home = transfer.differences(transfer.home)
    lines = [*_better_on(transfer), *_together(transfer, home, where)]
    for name, findings in transfer.away.items():
        which = "" if len(transfer.away) > 1 else ", which no trial saw"
        beside = {} if len(transfer.away) > 1 else home
        lines += [f"On {name}{which}, {_scores(findings)}", *_gains(findings, beside, where)]
    return [*lines, *_beyond_the_recommendation(transfer)]


def _better_on(transfer: Transfer) -> list[str]:
    """Return on how many data sets away the recipe beats every baseline; nothing for one data set."""
    if len(transfer.away) == 1:
        return []
    better = [name for name, findings in transfer.away.items() if findings.verdict == "better"]
    worse = [name for name, findings in transfer.away.items() if findings.verdict == "not better"]
    counts = f"{len(better) or 'none'} of the {len(transfer.away)} data sets that no trial saw"
    also = f" It is worse than a baseline on {join_words(worse)}." if worse else ""
    beaten = every_baseline(transfer.away[name] for name in better)
    return [f"The recipe beats {beaten} on {counts}, {join_words(list(transfer.away))}.{also}"]


def _scores(findings: Findings) -> str:
    subject = "the recipe"
    if findings.chosen:
        subject = f"the recipe, which is {plain_name(findings.chosen)},"
    others = scores_words(findings)
    labels = f"{findings.bought:.0f} of {findings.budget}" if findings.stops_early else str(findings.budget)
    text = f"{subject} reaches {findings.metric} {findings.score:.3f} with {labels} labels"
    return f"{text}{f'; {others}' if others else ''}."


def _gains(findings: Findings, home: Mapping[str, PairedDifference], where: str) -> list[str]:
    """Return one sentence on the differences to the baselines on a data set, each beside the one at home."""
    groups: dict[str, list[str]] = {"better than": [], "worse than": [], "without a clear difference from": []}
    for number, (names, against) in enumerate(alike(findings)):
        difference = against.difference
        side = "better than" if findings.beats(difference) else "worse than" if findings.loses(difference) else None
        at_home = f"; {where if number == 0 else 'at home'} {gain_words(home[names[0]])}" if home else ""
        text = f"{joined(names)} ({gain_words(difference)}{at_home})"
        groups[side or "without a clear difference from"].append(text)
    parts = [f"{words} {join_words(group)}" for words, group in groups.items() if group]
    if not parts:
        return []
    blocks = counted(findings.recipe.blocks, "fresh block")
    less = ", less is better" if findings.objective.sign < 0 else ""
    note = f"; below {LEAST_BLOCKS} blocks there is no interval" if findings.recipe.blocks < LEAST_BLOCKS else ""
    return [f"By {findings.measure}{less}, on {blocks} there it is {'; '.join(parts)}{note}."]


def _together(transfer: Transfer, home: Mapping[str, PairedDifference], where: str) -> list[str]:
    """Return the mean differences over all data sets away, beside those at home; nothing for one data set."""
    if len(transfer.away) == 1 or not transfer.baselines:
        return []
    gains = [
        f"{gain_words(difference)} over {plain_name(name)} ({where if number == 0 else 'at home'} "
        f"{gain_words(home[name])})"
        for number, (name, difference) in enumerate(transfer.differences(transfer.away).items())
    ]
    measures = {findings.measure for findings in transfer.away.values()}
    by = f" by {measures.pop()}" if len(measures) == 1 else ""
    less = ", less is better" if transfer.first.objective.sign < 0 else ""
    return [
        f"Over these {len(transfer.away)} data sets together, the mean difference{by} is {join_words(gains)}{less}."
    ]


def _beyond_the_recommendation(transfer: Transfer) -> list[str]:
    """Return what tuning was worth away beyond the recipe that needs no labels; nothing without that baseline."""
    findings = transfer.first
    if RECOMMENDED not in findings.against:
        return []
    where = f"on {join_words(list(transfer.away))}" if len(transfer.away) <= 2 else "on these data sets"
    if findings.chosen == RECOMMENDED:
        return [f"The recipe is the recommendation that needs no labels, so tuning added nothing to it {where}."]
    difference = transfer.differences(transfer.away)[RECOMMENDED]
    words = gain_words(difference)
    if findings.beats(difference):
        return [f"Tuning at home was worth more {where} than the recommendation that needs no labels ({words})."]
    if findings.loses(difference):
        return [f"The recommendation that needs no labels is better {where} than what was tuned at home ({words})."]
    return [
        f"It is not clear that tuning at home is worth anything {where} beyond the recommendation that needs no labels "
        f"({words})."
    ]


def home_sentences(sentences: Sequence[str], home: Sequence[str]) -> list[str]:
    """Return the sentences of the confirmation at home, the first of which then says so.

    >>> home_sentences(["With 20 labels it is good.", "Why."], ["iris"])
    ['At home, on iris: With 20 labels it is good.', 'Why.']
    """
    where = f"At home, on {home[0]}" if len(home) == 1 else "At home"
    return [f"{where}: {sentences[0]}", *sentences[1:]]
