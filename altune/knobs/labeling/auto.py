"""Labels by annotators, and further ones by a confident model."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from altune.core.needs import Capabilities, Need
from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Codes, Learner, RowNumbers
from altune.knobs.labeling.base import AnnotatorNumbers, Answers, Automatic, Labeling, latest_answer, plurality
from altune.knobs.labeling.vote import ask_several, too_few_annotators


class AssistedLabeling(Labeling):
    """Base of methods with automatic labels: annotators label the queried rows, and a model or rules label others.

    The rows of automatic labels remain candidates. An automatic label counts as 0 labels and costs the scenario's
    ``price_per_auto_label``.
    """

    by: Literal["single", "majority"] = Field(default="single", description="how annotators label the queried rows")
    annotators: int = Field(default=3, ge=2, le=25, description="number of annotators per row, for `by: majority`")
    weight: float = Field(default=0.5, gt=0.0, le=1.0, description="weight of an automatic label in training")

    def required(self) -> frozenset[Need]:
        """Return what this method needs, which includes several annotators for a vote."""
        several: frozenset[Need] = frozenset({"several_annotators"}) if self.by == "majority" else frozenset()
        return super().required() | several

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Return a line for too few annotators, and one for a model that takes no sample weights."""
        problems = super().objections(model, capabilities)
        if self.by == "majority":
            problems += too_few_annotators(self.method, self.labels_per_row, capabilities)
        if self.weight < 1.0 and "sample_weight" not in model.able():
            problems.append(f"labeling {self.method!r}: {model.method!r} takes no sample weights; use weight 1.0")
        return problems

    @property
    def labels_per_row(self) -> int:
        """Number of labels bought for each queried row."""
        return self.annotators if self.by == "majority" else 1

    def ask(self, rows: RowNumbers, n_annotators: int, rng: np.random.Generator) -> tuple[RowNumbers, AnnotatorNumbers]:
        """Return each row once, or with several different annotators."""
        if self.by == "majority":
            return ask_several(rows, self.labels_per_row, n_annotators, rng)
        return rows, rng.integers(n_annotators, size=len(rows))

    def combine(self, answers: Answers, rows: RowNumbers, n_classes: int) -> Codes:
        """Return the class answered most often for each row; ties go to the latest answer."""
        return plurality(answers.votes(rows, n_classes), latest_answer(answers, rows))


@register
class AutoLabels(AssistedLabeling):
    """Pseudo-labels: candidates with p₁ ≥ ``threshold`` are used in training with the class predicted by the model.

    The model is that of the last loop; at most ``quota`` candidates get a new pseudo-label in a loop, those with the
    largest p₁ first. With ``revocable``, every loop checks the earlier pseudo-labels: those with p₁ below the threshold
    are removed, and the others follow the model's prediction. The label of an annotator replaces a pseudo-label.
    """

    source = "Lee, Pseudo-Label, ICML workshop 2013; Wang et al., Cost-Effective Active Learning, IEEE TCSVT 2017"
    needs = frozenset({"class_scores"})
    method: Literal["auto"] = "auto"
    threshold: float = Field(default=0.95, ge=0.5, le=1.0, description="smallest p₁ for a pseudo-label")
    quota: int = Field(default=50, ge=1, le=1_000_000, description="maximum number of new pseudo-labels in a loop")
    revocable: bool = Field(default=True, description="whether every loop checks the earlier pseudo-labels")

    def automatic(self, pool: Pool, earlier: Automatic | None) -> Automatic | None:
        """Return the pseudo-labels of this loop."""
        if pool.model is None or pool.model.failure or not len(pool.candidates):
            return None
        rows = pool.candidates
        scores = pool.model.class_scores(pool.inputs[rows])
        labels, confidence = np.argmax(scores, axis=1).astype(np.intp), scores.max(axis=1)
        confident = confidence >= self.threshold
        has_one = np.zeros(len(rows), dtype=bool)
        if earlier is not None:
            kept = np.isin(earlier.rows, rows)
            positions = np.searchsorted(rows, earlier.rows[kept])
            has_one[positions] = True
            if not self.revocable:
                labels[positions] = earlier.labels[kept]
        new = np.flatnonzero(~has_one & confident)
        most_confident = new[np.argsort(-confidence[new], kind="stable")[: self.quota]]
        labelled = has_one & confident if self.revocable else has_one
        labelled[most_confident] = True
        chosen = np.flatnonzero(labelled)
        return Automatic(rows[chosen], labels[chosen], self.weight) if len(chosen) else None
