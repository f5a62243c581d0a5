"""The base of every way to label, and the answers it works on."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.needs import Capabilities
from altune.core.pool import Pool
from altune.core.registry import Method
from altune.core.types import Learner, RowNumbers


class Answers:
    """Every label bought so far: which row, by which annotator, and what the answer was, in order of purchase."""

    def __init__(self) -> None:
        self.rows: RowNumbers = np.empty(0, dtype=np.intp)
        self.annotators: RowNumbers = np.empty(0, dtype=np.intp)
        self.labels: RowNumbers = np.empty(0, dtype=np.intp)

    def add(self, rows: RowNumbers, annotators: RowNumbers, labels: RowNumbers) -> None:
        """Append answers, three arrays of one length."""
        self.rows = np.concatenate([self.rows, np.asarray(rows, dtype=np.intp)])
        self.annotators = np.concatenate([self.annotators, np.asarray(annotators, dtype=np.intp)])
        self.labels = np.concatenate([self.labels, np.asarray(labels, dtype=np.intp)])

    def __len__(self) -> int:
        return len(self.rows)

    def votes(self, rows: RowNumbers, n_classes: int) -> NDArray[np.float64]:
        """Return how often each class was answered for each of ``rows``, ``(len(rows), n_classes)``."""
        counts = np.zeros((len(rows), n_classes))
        order = np.argsort(rows, kind="stable")
        where = np.searchsorted(rows[order], self.rows)
        where = np.minimum(where, max(0, len(rows) - 1))
        wanted = rows[order][where] == self.rows if len(rows) else np.zeros(len(self.rows), dtype=bool)
        np.add.at(counts, (order[where[wanted]], self.labels[wanted]), 1.0)
        return counts


@dataclass(frozen=True, eq=False)
class Automatic:
    """Labels that nobody gave: of a model that is sure, or of rules. The rows stay candidates.

    Attributes
    ----------
    rows : candidates that have one, sorted, ``(n_rows,)``.
    labels : their class codes, ``(n_rows,)``.
    weight : their weight in training beside 1 for a label that was bought, in (0, 1].
    """

    rows: RowNumbers
    labels: RowNumbers
    weight: float

    def joined(
        self, rows: RowNumbers, labels: RowNumbers, weight: NDArray[np.float64] | None
    ) -> tuple[RowNumbers, RowNumbers, NDArray[np.float64] | None]:
        """Return bought rows, labels and weights together with these, in the order of pool rows."""
        order = np.argsort(np.concatenate([rows, self.rows]), kind="stable")
        both = None
        if weight is not None or self.weight < 1.0:
            own = np.ones(len(rows)) if weight is None else weight
            both = np.concatenate([own, np.full(len(self.rows), self.weight)])[order]
        return np.concatenate([rows, self.rows])[order], np.concatenate([labels, self.labels])[order], both


AuditName = Literal[
    "none",
    "confident_learning",
    "self_confidence",
    "normalized_margin",
    "cross_entropy_entropy",
    "knn_disagreement",
    "isolation_forest",
]
WITHOUT_MODEL = frozenset({"none", "knn_disagreement", "isolation_forest"})
"""Audits that look at features and labels alone."""


class Labeling(Method):
    """Base of every method of ``labeling``: who is asked, and how answers become one label for each row.

    The audit, if any, looks for labels that are probably wrong among those bought, every ``every`` loops; it is
    skipped while a class has fewer rows than folds. On out-of-fold probabilities of the recipe's own model:
    ``confident_learning``, ``self_confidence`` (small p_y), ``normalized_margin`` (small p_y - p of the best other
    class) and ``cross_entropy_entropy`` (large -ln p_y - H). On features and labels alone: ``knn_disagreement``
    (neighbours with another label) and ``isolation_forest`` (rows unlike others of their class).
    """

    knob: ClassVar[str] = "labeling"

    audit: AuditName = Field(default="none", description="how labels that are probably wrong are found")
    action: Literal["drop", "weight", "relabel"] = Field(
        default="drop", description="drop the suspects, give them a fifth of the weight, or buy them again"
    )
    share: float = Field(default=0.05, gt=0.0, le=0.5, description="most suspects, as a share of the labels in use")
    every: int = Field(default=1, ge=1, le=100, description="loops from one audit to the next")

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Say so where the audit's action needs what the model cannot do."""
        found: list[str] = []
        if self.audit == "none":
            return found
        able = model.able()
        if self.audit not in WITHOUT_MODEL and "class_scores" not in able:
            found.append(f"labeling {self.method!r}: the audit needs class scores, which {model.method!r} has not")
        if self.action == "weight" and "sample_weight" not in able:
            found.append(f"labeling {self.method!r}: {model.method!r} takes no sample weights; use drop or relabel")
        return found

    @property
    def labels_per_row(self) -> int:
        """Labels bought for each row, 1 or more."""
        return 1

    @abstractmethod
    def ask(self, rows: RowNumbers, n_annotators: int, rng: np.random.Generator) -> tuple[RowNumbers, RowNumbers]:
        """Return ``(rows, annotators)``, one entry for each label to buy, ``labels_per_row`` for each row."""

    @abstractmethod
    def combine(self, answers: Answers, rows: RowNumbers, n_classes: int) -> RowNumbers:
        """Return one label for each of ``rows`` from all answers so far, ``(len(rows),)``."""

    def fingerprint(self) -> str:
        """Return what the method does beyond what its parameters say, as a hash; usually nothing."""
        return ""

    def automatic(self, pool: Pool, earlier: Automatic | None) -> Automatic | None:
        """Return labels that nobody gives, to be trained on beside those that were bought; none by default.

        Called in each loop before its model is trained. It must not change the pool, nor ask its metadata.

        Parameters
        ----------
        pool : with this loop's labels in use; its model is the one of the loop before, None in loop 0.
        earlier : what was returned in the loop before, None where that was nothing.
        """
        return None


def plurality(votes: NDArray[np.float64], latest: RowNumbers) -> RowNumbers:
    """Return the class of most votes for each row; among tied classes the latest answer's, else the first.

    Parameters
    ----------
    votes : ``(n_rows, n_classes)``.
    latest : the newest answer for each row, ``(n_rows,)``.
    """
    tied = votes == votes.max(axis=1, keepdims=True)
    newest_is_tied = tied[np.arange(len(votes)), latest]
    winners: RowNumbers = np.where(newest_is_tied, latest, np.argmax(votes, axis=1))
    return winners


def latest_answer(answers: Answers, rows: RowNumbers) -> RowNumbers:
    """Return the newest answer for each of ``rows``, which must all have one."""
    if len(rows) == 0:
        return np.empty(0, dtype=np.intp)
    newest = np.zeros(int(max(answers.rows.max(), rows.max())) + 1, dtype=np.intp)
    newest[answers.rows] = answers.labels
    return newest[rows]
