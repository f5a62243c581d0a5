"""Stop when the model is sure of itself, or when its confidence stops growing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from altune.core.needs import Need
from altune.core.registry import register
from altune.core.uncertainty import entropy, least_confidence
from altune.knobs.stopping.base import Criterion, Note, StopView, latest

SCORES: frozenset[Need] = frozenset({"class_scores"})


@register
class OverallUncertainty(Criterion):
    """Stop when the mean entropy of the stop set is small: H < .01 nats, or H / ln K < .05 where it is normalised."""

    source: ClassVar[str] = "Zhu, Wang & Hovy, Multi-Criteria-Based Strategy to Stop Active Learning, COLING 2008"
    needs: ClassVar[frozenset[Need]] = SCORES
    grows: ClassVar[bool] = False
    method: Literal["overall_uncertainty"] = "overall_uncertainty"
    normalised: bool = Field(default=False, description="whether the entropy is divided by its most, ln K")
    threshold: float | None = Field(
        default=None, gt=0.0, le=5.0, description="mean entropy to fall below; by default .01, normalised .05"
    )

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the mean entropy of the stop set."""
        if not len(view.watched.scores):
            return {}
        mean = float(entropy(view.watched.scores).mean())
        return {self._key: mean / math.log(view.n_classes) if self.normalised else mean}

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the newest mean entropy."""
        return latest(notes, self._key)

    def reached(self, statistic: float) -> bool:
        """Return whether it is small enough."""
        usual = 0.05 if self.normalised else 0.01
        return statistic < (usual if self.threshold is None else self.threshold)

    @property
    def _key(self) -> str:
        return "stop_entropy_normalised" if self.normalised else "stop_entropy"


@register
class MaxConfidence(Criterion):
    """Stop when even the most uncertain rows are certain: the largest entropy ≤ threshold, in nats.

    With ``of: selected`` it is taken over the rows just bought, as the model that chose them saw them (< .001);
    with ``pool`` over the rows of the stop set that are not labelled yet (≤ .01).
    """

    source: ClassVar[str] = "Zhu & Hovy, Active Learning for Word Sense Disambiguation, EMNLP 2007; IJCNLP 2008"
    needs: ClassVar[frozenset[Need]] = SCORES
    grows: ClassVar[bool] = False
    method: Literal["max_confidence"] = "max_confidence"
    of: Literal["selected", "pool"] = Field(default="selected", description="rows over which the largest is taken")
    threshold: float | None = Field(
        default=None, gt=0.0, le=5.0, description="largest entropy that is borne; by default .001, of the pool .01"
    )

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the largest entropy."""
        watched = view.watched
        scores = watched.new_scores if self.of == "selected" else watched.scores[watched.unlabelled]
        return {f"stop_{self.of}_entropy": float(entropy(scores).max())} if len(scores) else {}

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the newest largest entropy."""
        return latest(notes, f"stop_{self.of}_entropy")

    def reached(self, statistic: float) -> bool:
        """Return whether it is small enough."""
        usual = 0.001 if self.of == "selected" else 0.01
        return statistic <= (usual if self.threshold is None else self.threshold)


@register
class MinExpectedError(Criterion):
    """Stop when the model expects hardly any errors of its own: mean(1 − p₁) on the stop set ≤ threshold."""

    source: ClassVar[str] = "Zhu, Wang & Hovy, Learning a Stopping Criterion for Active Learning, IJCNLP 2008"
    needs: ClassVar[frozenset[Need]] = SCORES
    grows: ClassVar[bool] = False
    method: Literal["min_expected_error"] = "min_expected_error"
    threshold: float = Field(default=0.01, gt=0.0, lt=1.0, description="expected share of errors to reach")

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the expected share of errors."""
        scores = view.watched.scores
        return {"stop_expected_error": float(least_confidence(scores).mean())} if len(scores) else {}

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the newest expected share of errors."""
        return latest(notes, "stop_expected_error")

    def reached(self, statistic: float) -> bool:
        """Return whether it is small enough."""
        return statistic <= self.threshold


@register
class ContradictoryInformation(Criterion):
    """Stop when new labels no longer help the model's confidence: it drops several loops in a row.

    ``of: confidence`` follows the mean of p₁ on the stop set, by default for 3 drops (Vlachos). ``variance``
    follows the variance of the entropy over the stop set and ``selected_variance`` over the rows just bought, as the
    model that chose them saw them, by default for 2 drops (Ghayoomi); ``by`` is what a drop must at least be, 0 for
    his plain variance model and above 0 for the extended one.
    """

    source: ClassVar[str] = "Vlachos, Computer Speech & Language 2008; Ghayoomi, NAACL HLT workshop 2010"
    needs: ClassVar[frozenset[Need]] = SCORES
    only_decides: ClassVar[frozenset[str]] = Criterion.only_decides | {"drops", "by"}
    method: Literal["contradictory_information"] = "contradictory_information"
    of: Literal["confidence", "variance", "selected_variance"] = Field(
        default="confidence", description="what has to drop"
    )
    drops: int | None = Field(
        default=None, ge=1, le=20, description="drops in a row; by default 3 of confidence, 2 of a variance"
    )
    by: float = Field(default=0.0, ge=0.0, le=1.0, description="what a drop must be more than")

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the confidence, or the variance of the entropy."""
        scores = view.watched.new_scores if self.of == "selected_variance" else view.watched.scores
        if not len(scores):
            return {}
        if self.of == "confidence":
            return {"stop_confidence": float(scores.max(axis=1).mean())}
        return {f"stop_{self.of}": float(entropy(scores).var())}

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return how many drops in a row there were up to now."""
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
        usual = 3 if self.of == "confidence" else 2
        return statistic >= (usual if self.drops is None else self.drops)
