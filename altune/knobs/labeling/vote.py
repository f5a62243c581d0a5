"""Labels by one annotator per row, or by several and a vote."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from altune.core.needs import Capabilities
from altune.core.registry import register
from altune.core.types import Codes, Learner, RowNumbers
from altune.knobs.labeling.base import AnnotatorNumbers, Answers, Labeling, latest_answer, plurality


@register
class SingleAnnotator(Labeling):
    """One label per row, by an annotator drawn at random if the scenario has several.

    If a label was bought again, the label is the class answered most often; ties go to the latest answer.
    """

    method: Literal["single"] = "single"

    def ask(self, rows: RowNumbers, n_annotators: int, rng: np.random.Generator) -> tuple[RowNumbers, AnnotatorNumbers]:
        """Return each row once."""
        if n_annotators == 1:
            return rows, np.zeros(len(rows), dtype=np.intp)
        return rows, rng.integers(n_annotators, size=len(rows))

    def combine(self, answers: Answers, rows: RowNumbers, n_classes: int) -> Codes:
        """Return the class answered most often for each row."""
        if len(answers) == len(rows):  # no row was labelled twice
            return latest_answer(answers, rows)
        return plurality(answers.votes(rows, n_classes), latest_answer(answers, rows))


class SeveralAnnotators(Labeling):
    """Base of methods that ask the same number of different annotators for each row."""

    needs = frozenset({"several_annotators"})
    annotators: int = Field(
        default=3, ge=2, le=25, description="number of annotators per row; the label of each is charged"
    )

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Return a line if the scenario has too few annotators."""
        return super().objections(model, capabilities) + too_few_annotators(self.method, self.annotators, capabilities)

    @property
    def labels_per_row(self) -> int:
        """Number of labels bought for each row."""
        return self.annotators

    def ask(self, rows: RowNumbers, n_annotators: int, rng: np.random.Generator) -> tuple[RowNumbers, AnnotatorNumbers]:
        """Return each row with ``annotators`` different annotators, drawn at random."""
        return ask_several(rows, self.annotators, n_annotators, rng)


@register
class MajorityVote(SeveralAnnotators):
    """Several labels per row, by different annotators, and the class that most of them name.

    Ties go to the latest answer.
    """

    source = "Sheng, Provost, Ipeirotis, Get Another Label?, KDD 2008"
    method: Literal["majority"] = "majority"

    def combine(self, answers: Answers, rows: RowNumbers, n_classes: int) -> Codes:
        """Return the class that most annotators named for each row."""
        return plurality(answers.votes(rows, n_classes), latest_answer(answers, rows))


def ask_several(
    rows: RowNumbers, each: int, n_annotators: int, rng: np.random.Generator
) -> tuple[RowNumbers, AnnotatorNumbers]:
    """Return each row with ``each`` different annotators, drawn at random."""
    order = np.argsort(rng.random((len(rows), n_annotators)), axis=1)[:, :each]
    return np.repeat(rows, order.shape[1]), order.ravel()


def too_few_annotators(method: str, each: int, capabilities: Any) -> list[str]:
    """Return a line if the scenario has several annotators, but fewer than ``each``."""
    if 2 <= capabilities.annotators < each:
        return [f"labeling {method!r} needs {each} annotators, and the scenario has {capabilities.annotators}"]
    return []
