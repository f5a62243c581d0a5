"""The results of a confirmation, as numbers; :mod:`altune.analysis.answer` puts them into sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from altune.analysis.label_counts import LabelsSaved, labels_saved
from altune.analysis.paired import compared
from altune.core.registry import FIELDS
from altune.numerics.statistics import Interval, PairedDifference
from altune.recipes.recipe import Recipe
from altune.simulation.intervals import estimated_mean
from altune.simulation.objectives import Objective
from altune.tuning.judging import REFERENCE
from altune.tuning.played import Played
from altune.tuning.reported import Reported

Verdict = Literal["better", "unclear", "not better"]


@dataclass(frozen=True)
class Against:
    """The recipe of the run against one baseline on the same report blocks.

    Attributes
    ----------
    baseline : mean objective of the baseline.
    score : its mean score at the whole budget.
    difference : recipe minus baseline, paired, adjusted for all baselines.
    matched_mean : mean objective of the matched baseline, which has the recipe's sizes of start and loops.
    matched : recipe minus matched baseline, paired, adjusted for all baselines.
    differs : knobs in which the recipe differs from the matched baseline; empty if they are the same recipe.
    labels : labels that the recipe saves for the baseline's score at the whole budget.
    """

    baseline: Interval
    score: float
    difference: PairedDifference
    matched_mean: float
    matched: PairedDifference
    differs: tuple[str, ...]
    labels: LabelsSaved

    @property
    def labels_saved(self) -> int | None:
        """Labels saved, negative if more are needed; None where no difference in the objective is shown."""
        return self.labels.saved if self.difference.clear else None

    def plays_as(self, other: Against) -> bool:
        """Return whether two baselines have the same results, as strategies do that order rows alike."""
        return (self.baseline, self.score, self.labels) == (other.baseline, other.score, other.labels)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        return {
            "mean": self.baseline.mean,
            "score": self.score,
            **difference_entry(self.difference),
            "labels_saved": self.labels_saved,
            "labels": self.labels.to_dict(),
            "matched": {"mean": self.matched_mean, **difference_entry(self.matched), "differs": list(self.differs)},
        }


@dataclass(frozen=True)
class Findings:
    """The results of a confirmation.

    Attributes
    ----------
    objective : what is measured.
    budget : budget in labels.
    recipe : mean objective of the recipe on the report blocks.
    score : its mean score at the whole budget.
    against : the recipe against each baseline, by name.
    bought : mean number of labels that the recipe buys, below the budget if it stops early.
    chosen : name of the baseline that was selected as the recipe, empty if a trial of the search was.
    n_test : number of held-back rows on which the report blocks are scored.
    recommended : name of the baseline that altune recommends without any label; empty if there is none.
    """

    objective: Objective
    budget: int
    recipe: Interval
    score: float
    against: Mapping[str, Against]
    bought: float = 0.0
    chosen: str = ""
    n_test: int = 0
    recommended: str = ""

    @property
    def beyond(self) -> PairedDifference | None:
        """What tuning was worth beyond the recommended recipe; None if that is the recipe, or there is none."""
        if not self.recommended or self.recommended == self.chosen:
            return None
        return self.against[self.recommended].difference

    @property
    def stops_early(self) -> bool:
        """Whether the recipe buys fewer labels than the budget, as with a stopping rule."""
        # The loops may end a little below the budget, and a stopping rule far below.
        return self.bought < self.budget - 0.5

    @property
    def others(self) -> Mapping[str, Against]:
        """The baselines that are not the recipe itself, and do not play as it does."""
        same = self.same_as_chosen
        return {name: against for name, against in self.against.items() if name != self.chosen and name not in same}

    @property
    def same_as_chosen(self) -> tuple[str, ...]:
        """The other baselines that have the results of the selected one, as margin and vanilla do for two classes."""
        if not self.chosen:
            return ()
        own = self.against[self.chosen]
        return tuple(name for name, against in self.against.items() if name != self.chosen and against.plays_as(own))

    @property
    def verdict(self) -> Verdict:
        """``better`` than all other baselines, ``not better`` if worse than one of them, else ``unclear``.

        The recommended recipe is altune's own advice and not what people use, so it is no reason for ``unclear``.
        """
        if any(self.loses(against.difference) for against in self.others.values()):
            return "not better"
        usual = [against.difference for name, against in self.others.items() if name != self.recommended]
        return "better" if usual and all(self.beats(difference) for difference in usual) else "unclear"

    @property
    def beats_recommended(self) -> bool:
        """Whether it clearly beats the recommended recipe, or there is none other than itself to beat."""
        return self.recommended not in self.others or self.beats(self.others[self.recommended].difference)

    def beats(self, difference: PairedDifference) -> bool:
        """Return whether a difference is clear and on the better side of zero."""
        return difference.clear and self.objective.sign * difference.mean > 0

    def loses(self, difference: PairedDifference) -> bool:
        """Return whether a difference is clear and on the worse side of zero."""
        return difference.clear and self.objective.sign * difference.mean < 0

    def probability_better(self, difference: PairedDifference) -> float:
        """Return how likely the recipe is better, in [0, 1]."""
        larger = difference.probability_larger
        return larger if self.objective.sign > 0 else 1 - larger

    @property
    def metric(self) -> str:
        """Name of the score, in words."""
        return self.objective.metric_text

    @property
    def measure(self) -> str:
        """What is measured, in words."""
        return self.objective.measure(self.budget)


def every_baseline(findings: Iterable[Findings]) -> str:
    """Return in words which baselines a recipe with the verdict ``better`` beats in all of the findings."""
    all_of_them = all(of_data.beats_recommended for of_data in findings)
    return "every baseline" if all_of_them else "every baseline but the recommended recipe"


def find(confirmation: Reported, objective: Objective, budget: int, recommended: str = "") -> Findings:
    """Return the results of a confirmation.

    Parameters
    ----------
    confirmation : curves of the recipe and of the baselines on the report blocks.
    objective : what is measured.
    budget : budget in labels.
    recommended : name of the baseline that altune recommends without any label, if there is one.
    """
    references, overlap = confirmation.baselines[REFERENCE].curves, confirmation.n_test / confirmation.n_train
    recipe, baselines, matched = confirmation.recipe, confirmation.baselines, confirmation.matched
    differences, of_matched = (
        dict(zip(played, _compared(objective, recipe, played, overlap, confirmation), strict=True))
        for played in (baselines, matched)
    )
    against = {
        name: Against(
            baseline=estimated_mean(objective, baseline.curves, references, overlap),
            score=final_score(baseline, objective),
            difference=differences[name],
            matched_mean=objective.over_blocks(objective.each(matched[name].curves, references)),
            matched=of_matched[name],
            differs=_differing(recipe.recipe, matched[name].recipe),
            labels=labels_saved(recipe.curves, baseline.curves, objective.metric, budget),
        )
        for name, baseline in baselines.items()
    }
    mean = estimated_mean(objective, recipe.curves, references, overlap)
    chosen = next((name for name, played in baselines.items() if played.recipe.digest() == recipe.recipe.digest()), "")
    known = recommended if recommended in baselines else ""
    bought = sum(int(curve.labels[-1]) for curve in recipe.curves) / len(recipe.curves)
    score = final_score(recipe, objective)
    return Findings(objective, budget, mean, score, against, bought, chosen, confirmation.n_test, known)


def final_score(played: Played, objective: Objective) -> float:
    """Return the mean over blocks of the score at the end of the trajectory."""
    return float(sum(curve.scores[objective.metric][-1] for curve in played.curves) / len(played.curves))


def confirmed_entry(findings: Findings, report: Reported) -> dict[str, Any]:
    """Return the result of the recipe on one data set as plain JSON values."""
    why = {"why_blocks": report.why_blocks} if report.why_blocks else {}
    return findings.recipe.to_dict() | {"score": findings.score} | why


def against_of(findings: Findings) -> dict[str, Any]:
    """Return the plain JSON values of each baseline by name."""
    return {
        name: against.to_dict() | {"probability_better": findings.probability_better(against.difference)}
        for name, against in findings.against.items()
    }


def _compared(
    objective: Objective, recipe: Played, others: Mapping[str, Played], overlap: float, confirmation: Reported
) -> list[PairedDifference]:
    """Return the recipe minus each of the others; a recipe beside itself is no comparison and adjusts nothing."""
    same = {name for name, played in others.items() if played.recipe.digest() == recipe.recipe.digest()}
    pairs = [(recipe.curves, played.curves) for name, played in others.items() if name not in same]
    references = confirmation.baselines[REFERENCE].curves
    differences = iter(compared(objective, pairs, overlap=overlap, references=references))
    itself = compared(objective, [(recipe.curves, recipe.curves)], overlap=overlap, references=references)[0]
    return [itself if name in same else next(differences) for name in others]


def _differing(recipe: Recipe, other: Recipe) -> tuple[str, ...]:
    return tuple(knob for knob in FIELDS if getattr(other, knob) != getattr(recipe, knob))


def difference_entry(difference: PairedDifference) -> dict[str, Any]:
    """Return a difference as plain JSON values, as it is for each baseline."""
    plain = difference.to_dict()
    return {"difference": plain.pop("mean"), **{name: value for name, value in plain.items() if name != "blocks"}}
