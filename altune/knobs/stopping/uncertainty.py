"""Stopping rules by the confidence of the model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from altune.core.needs import Need
from altune.core.registry import register
from altune.core.uncertainty import entropy, least_confidence
from altune.knobs.stopping.base import Criterion, Note, StopView, ThresholdCriterion, latest

SCORES: frozenset[Need] = frozenset({"class_scores"})


@register
class OverallUncertainty(Criterion):
    """Stop when the mean entropy H of the stop set, in nats, or H / ln K for K classes, is below ``threshold``."""

    source = "Zhu, Wang, Hovy, Multi-Criteria-Based Strategy to Stop Active Learning, COLING 2008"
    needs = SCORES
    grows = False
    method: Literal["overall_uncertainty"] = "overall_uncertainty"
    normalised: bool = Field(default=False, description="whether the entropy is divided by its maximum, ln K")
    threshold: float | None = Field(
        default=None,
        gt=0.0,
        le=5.0,
        description="mean entropy below which labelling stops; by default .01, or .05 if normalised",
    )

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the mean entropy of the stop set."""
        if not len(view.evidence.scores):
            return {}
        mean = float(entropy(view.evidence.scores).mean())
        return {self._key: mean / math.log(view.n_classes) if self.normalised else mean}

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the latest mean entropy."""
        return latest(notes, self._key)

    def reached(self, statistic: float) -> bool:
        """Return whether the mean entropy is small enough."""
        default = 0.05 if self.normalised else 0.01
        return statistic < (default if self.threshold is None else self.threshold)

    @property
    def _key(self) -> str:
        return "stop_entropy_normalised" if self.normalised else "stop_entropy"


@register
class MaxConfidence(Criterion):
    """Stop when the largest entropy of a row, in nats, is at most ``threshold``.

    With ``of: selected`` it is the largest over the rows of a loop by the model that selected them, with ``pool`` the
    largest over the unlabelled rows of the stop set.
    """

    source = "Zhu and Hovy, Active Learning for Word Sense Disambiguation, EMNLP 2007; IJCNLP 2008"
    needs = SCORES
    grows = False
    method: Literal["max_confidence"] = "max_confidence"
    of: Literal["selected", "pool"] = Field(default="selected", description="rows whose largest entropy counts")
    threshold: float | None = Field(
        default=None,
        gt=0.0,
        le=5.0,
        description="largest entropy that stops; by default .001 for selected rows and .01 for the pool",
    )

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the largest entropy."""
        evidence = view.evidence
        scores = evidence.new_scores if self.of == "selected" else evidence.scores[evidence.unlabelled]
        return {f"stop_{self.of}_entropy": float(entropy(scores).max())} if len(scores) else {}

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the latest largest entropy."""
        return latest(notes, f"stop_{self.of}_entropy")

    def reached(self, statistic: float) -> bool:
        """Return whether the largest entropy is small enough."""
        default = 0.001 if self.of == "selected" else 0.01
        return statistic <= (default if self.threshold is None else self.threshold)


@register
class MinExpectedError(ThresholdCriterion):
    """Stop when the expected error of the model on the stop set, the mean of 1 − p₁, is at most ``threshold``."""

    source = "Zhu, Wang, Hovy, Learning a Stopping Criterion for Active Learning, IJCNLP 2008"
    needs = SCORES
    grows = False
    key = "stop_expected_error"
    method: Literal["min_expected_error"] = "min_expected_error"
    threshold: float = Field(default=0.01, gt=0.0, lt=1.0, description="largest expected share of errors that stops")

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the expected share of errors."""
        scores = view.evidence.scores
        return {self.key: float(least_confidence(scores).mean())} if len(scores) else {}


@register
class ContradictoryInformation(Criterion):
    """Stop when the confidence of the model, or the variance of its entropy, drops in several loops in a row.

    ``of: confidence`` is the mean of p₁ on the stop set (Vlachos). ``variance`` is the variance of the entropy over the
    stop set, and ``selected_variance`` that over the rows of a loop by the model that selected them. ``by: 0`` is the
    variance model of Ghayoomi, a larger value the extended one.
    """

    source = "Vlachos, Computer Speech & Language 2008; Ghayoomi, NAACL HLT workshop 2010"
    needs = SCORES
    only_decides = Criterion.only_decides | {"drops", "by"}
    method: Literal["contradictory_information"] = "contradictory_information"
    of: Literal["confidence", "variance", "selected_variance"] = Field(
        default="confidence", description="quantity that must drop"
    )
    drops: int | None = Field(
        default=None,
        ge=1,
        le=20,
        description="number of drops in a row; by default 3 for the confidence and 2 for a variance",
    )
    by: float = Field(default=0.0, ge=0.0, le=1.0, description="size that a drop must exceed")

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the confidence, or the variance of the entropy."""
        scores = view.evidence.new_scores if self.of == "selected_variance" else view.evidence.scores
        if not len(scores):
            return {}
        if self.of == "confidence":
            return {"stop_confidence": float(scores.max(axis=1).mean())}
        return {f"stop_{self.of}": float(entropy(scores).var())}

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the number of drops in a row up to now."""
        values = [note.get(f"stop_{self.of}") for note in notes]
        if not values or values[-1] is None:
            return None
        count = 0
        for now, before in zip(reversed(values[1:]), reversed(values[:-1]), strict=True):
            if now is None or before is None or not before - now > self.by:
                break
            count += 1
        return float(count)

    def reached(self, statistic: float) -> bool:
        """Return whether there were enough drops."""
        default = 3 if self.of == "confidence" else 2
        return statistic >= (default if self.drops is None else self.drops)
