"""Labels by the model itself where it is sure, beside those that people give."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from altune.core.needs import Capabilities, Need
from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Learner, RowNumbers
from altune.knobs.labeling.base import Answers, Automatic, Labeling, latest_answer, plurality
from altune.knobs.labeling.vote import ask_several, too_few_annotators


class AssistedLabeling(Labeling):
    """People label the rows that are queried; something else labels further ones, which stay candidates.

    A label of the second kind counts 0 labels and costs the scenario's ``price_per_auto_label``.
    """

    by: Literal["single", "majority"] = Field(
        default="single", description="how people label the rows that are queried"
    )
    annotators: int = Field(default=3, ge=2, le=25, description="annotators of each row (by: majority)")
    weight: float = Field(default=0.5, gt=0.0, le=1.0, description="weight of such a label in training")

    def required(self) -> frozenset[Need]:
        """Return what this method needs; a vote needs several annotators, a weight a model that takes it."""
        several: frozenset[Need] = frozenset({"several_annotators"}) if self.by == "majority" else frozenset()
        return super().required() | several

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Say so where annotators are missing, or the model takes no weights."""
        found = super().objections(model, capabilities)
        if self.by == "majority":
            found += too_few_annotators(self.method, self.labels_per_row, capabilities)
        if self.weight < 1.0 and "sample_weight" not in model.able():
            found.append(f"labeling {self.method!r}: {model.method!r} takes no sample weights; use weight 1.0")
        return found

    @property
    def labels_per_row(self) -> int:
        """Labels bought for each row that is queried."""
        return self.annotators if self.by == "majority" else 1

    def ask(self, rows: RowNumbers, n_annotators: int, rng: np.random.Generator) -> tuple[RowNumbers, RowNumbers]:
        """Return each row once, or with several different annotators."""
        if self.by == "majority":
            return ask_several(rows, self.labels_per_row, n_annotators, rng)
        return rows, rng.integers(n_annotators, size=len(rows))

    def combine(self, answers: Answers, rows: RowNumbers, n_classes: int) -> RowNumbers:
        """Return the class answered most often for each row; between equals the newest."""
        return plurality(answers.votes(rows, n_classes), latest_answer(answers, rows))


@register
class AutoLabels(AssistedLabeling):
    """Pseudo-labels: candidates of which the model in hand is sure are trained on with its own label.

    A candidate gets one where p₁ ≥ ``threshold``, the surest first and at most ``quota`` new ones in a loop, by the
    model of the loop before. With ``revocable`` each loop judges the earlier ones again: it takes back those of which
    the model is no longer sure and follows it where it changed its mind. A row that people label keeps their label.
    """

    source: ClassVar[str] = "Lee, Pseudo-Label, ICML workshop 2013; Wang et al., Cost-Effective AL, IEEE TCSVT 2017"
    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    method: Literal["auto"] = "auto"
    threshold: float = Field(default=0.95, ge=0.5, le=1.0, description="p₁ from which the model's label is taken")
    quota: int = Field(default=50, ge=1, le=1_000_000, description="most new pseudo-labels in a loop")
    revocable: bool = Field(default=True, description="whether each loop judges the earlier ones again")

    def automatic(self, pool: Pool, earlier: Automatic | None) -> Automatic | None:
        """Return the pseudo-labels of this loop."""
        if pool.model is None or not len(pool.candidates):
            return None
        rows = pool.candidates
        scores = pool.model.class_scores(pool.X[rows])
        labels, sure = np.argmax(scores, axis=1).astype(np.intp), scores.max(axis=1)
        had = np.zeros(len(rows), dtype=bool)
        if earlier is not None:
            kept = np.isin(earlier.rows, rows)
            places = np.searchsorted(rows, earlier.rows[kept])
            had[places] = True
            if not self.revocable:
                labels[places] = earlier.labels[kept]
        fresh = np.flatnonzero(~had & (sure >= self.threshold))
        surest = fresh[np.argsort(-sure[fresh], kind="stable")[: self.quota]]
        stays = had & (sure >= self.threshold) if self.revocable else had
        stays[surest] = True
        chosen = np.flatnonzero(stays)
        return Automatic(rows[chosen], labels[chosen], self.weight) if len(chosen) else None
