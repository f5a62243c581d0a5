"""Labels by people: one annotator for each row, or several and a vote."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from altune.core.needs import Capabilities, Need
from altune.core.registry import register
from altune.core.types import Learner, RowNumbers
from altune.knobs.labeling.base import Answers, Labeling, latest_answer, plurality


@register
class SingleAnnotator(Labeling):
    """One annotator for each row, drawn at random where the scenario has several.

    Where a row was bought again, the class answered most often holds; between equals the newest.
    """

    method: Literal["single"] = "single"

    def ask(self, rows: RowNumbers, n_annotators: int, rng: np.random.Generator) -> tuple[RowNumbers, RowNumbers]:
        """Return each row once."""
        if n_annotators == 1:
            return rows, np.zeros(len(rows), dtype=np.intp)
        return rows, rng.integers(n_annotators, size=len(rows))

    def combine(self, answers: Answers, rows: RowNumbers, n_classes: int) -> RowNumbers:
        """Return the class answered most often for each row."""
        if len(answers) == len(rows):  # one answer for each
            return latest_answer(answers, rows)
        return plurality(answers.votes(rows, n_classes), latest_answer(answers, rows))


@register
class MajorityVote(Labeling):
    """Several different annotators for each row and the class that most of them name; between equals the newest."""

    source: ClassVar[str] = "Sheng, Provost & Ipeirotis, Get Another Label?, KDD 2008"
    needs: ClassVar[frozenset[Need]] = frozenset({"several_annotators"})
    method: Literal["majority"] = "majority"
    annotators: int = Field(default=3, ge=2, le=25, description="annotators asked for each row; each is one label")

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Say so where the scenario has fewer annotators than are asked."""
        return super().objections(model, capabilities) + too_few_annotators(self.method, self.annotators, capabilities)

    @property
    def labels_per_row(self) -> int:
        """Labels bought for each row."""
        return self.annotators

    def ask(self, rows: RowNumbers, n_annotators: int, rng: np.random.Generator) -> tuple[RowNumbers, RowNumbers]:
        """Return each row with ``annotators`` different annotators, drawn at random."""
        return ask_several(rows, self.annotators, n_annotators, rng)

    def combine(self, answers: Answers, rows: RowNumbers, n_classes: int) -> RowNumbers:
        """Return the class that most annotators named for each row."""
        return plurality(answers.votes(rows, n_classes), latest_answer(answers, rows))


def ask_several(
    rows: RowNumbers, each: int, n_annotators: int, rng: np.random.Generator
) -> tuple[RowNumbers, RowNumbers]:
    """Return each row with ``each`` different annotators, drawn at random."""
    order = np.argsort(rng.random((len(rows), n_annotators)), axis=1)[:, :each]
    return np.repeat(rows, order.shape[1]), order.ravel()


def too_few_annotators(method: str, each: int, capabilities: Any) -> list[str]:
    """Say so where the scenario has several annotators, and fewer than are asked."""
    if 2 <= capabilities.annotators < each:
        return [f"labeling {method!r} asks {each} annotators, and the scenario has {capabilities.annotators}"]
    return []
