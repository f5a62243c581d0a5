"""The base of every labeling method, the answers it combines, and labels that are not bought."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.needs import Capabilities
from altune.core.pool import Pool
from altune.core.read_only import read_only
from altune.core.registry import Method
from altune.core.types import Array, Codes, Learner, RowNumbers

AnnotatorNumbers = NDArray[np.intp]
"""Positions of annotators in the scenario, ``(n_answers,)``."""


class Answers:
    """All labels bought so far, in the order of purchase; the arrays are read-only.

    Attributes
    ----------
    rows : labelled row of each answer, ``(n_answers,)``.
    annotators : annotator of each answer, ``(n_answers,)``.
    labels : class code of each answer, ``(n_answers,)``.
    """

    def __init__(self) -> None:
        self.rows: RowNumbers = np.empty(0, dtype=np.intp)
        self.annotators: AnnotatorNumbers = np.empty(0, dtype=np.intp)
        self.labels: Codes = np.empty(0, dtype=np.intp)

    def add(self, rows: RowNumbers, annotators: AnnotatorNumbers, labels: Codes) -> None:
        """Append answers, given as three arrays of the same length."""
        self.rows = read_only(np.concatenate([self.rows, np.asarray(rows, dtype=np.intp)]))
        self.annotators = read_only(np.concatenate([self.annotators, np.asarray(annotators, dtype=np.intp)]))
        self.labels = read_only(np.concatenate([self.labels, np.asarray(labels, dtype=np.intp)]))

    def replace(self, row: int, annotator: int, label: int) -> bool:
        """Replace the last answer of an annotator about a row, or remove it if ``label`` is negative.

        Returns
        -------
        Whether there was such an answer.
        """
        found = np.flatnonzero((self.rows == row) & (self.annotators == annotator))
        if not len(found):
            return False
        if label >= 0:
            labels = self.labels.copy()
            labels[found[-1]] = label
            self.labels = read_only(labels)
        else:
            self.rows, self.annotators, self.labels = (
                read_only(np.delete(part, found[-1])) for part in (self.rows, self.annotators, self.labels)
            )
        return True

    def __len__(self) -> int:
        return len(self.rows)

    def votes(self, rows: RowNumbers, n_classes: int) -> Array:
        """Return how often each class was answered for each of ``rows``, ``(len(rows), n_classes)``."""
        counts = np.zeros((len(rows), n_classes))
        order = np.argsort(rows, kind="stable")
        positions = np.searchsorted(rows[order], self.rows)
        positions = np.minimum(positions, max(0, len(rows) - 1))
        counted = rows[order][positions] == self.rows if len(rows) else np.zeros(len(self.rows), dtype=bool)
        np.add.at(counts, (order[positions[counted]], self.labels[counted]), 1.0)
        return counts


@dataclass(frozen=True, eq=False)
class Automatic:
    """Labels by a confident model or by rules. They are not bought, and their rows remain candidates.

    Attributes
    ----------
    rows : labelled candidates, sorted, ``(n_rows,)``.
    labels : their class codes, ``(n_rows,)``.
    weight : their weight in training, in (0, 1]; a bought label has weight 1.
    """

    rows: RowNumbers
    labels: Codes
    weight: float

    def joined(self, rows: RowNumbers, labels: Codes, weights: Array | None) -> tuple[RowNumbers, Codes, Array | None]:
        """Return the rows, labels and weights of bought labels and of these together, sorted by row."""
        order = np.argsort(np.concatenate([rows, self.rows]), kind="stable")
        joined_weights = None
        if weights is not None or self.weight < 1.0:
            bought = np.ones(len(rows)) if weights is None else weights
            joined_weights = np.concatenate([bought, np.full(len(self.rows), self.weight)])[order]
        return np.concatenate([rows, self.rows])[order], np.concatenate([labels, self.labels])[order], joined_weights


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
"""Audits that use features and labels only."""


class Labeling(Method):
    """Base of every method of ``labeling``: which annotators label a row, and how their answers are combined.

    The audit, if any, searches the bought labels for wrong ones. It is skipped while a class has fewer than five rows,
    the number of folds; where the data have groups, which no fold separates, fewer than five groups.
    These audits use out-of-fold probabilities p of the recipe's model for the label y:
    ``confident_learning``, ``self_confidence`` (small p_y), ``normalized_margin`` (small p_y − max_{k≠y} p_k) and
    ``cross_entropy_entropy`` (large −ln p_y − H). These use features and labels only: ``knn_disagreement`` (nearest
    rows with another label) and ``isolation_forest`` (rows unlike others of their class).
    """

    knob = "labeling"

    audit: AuditName = Field(default="none", description="method that searches for labels that are probably wrong")
    action: Literal["drop", "weight", "relabel"] = Field(
        default="drop", description="what is done with suspects: drop, train with a fifth of the weight, or buy again"
    )
    share: float = Field(
        default=0.05, gt=0.0, le=0.5, description="maximum number of suspects, as a share of the labels"
    )
    every: int = Field(default=1, ge=1, le=100, description="number of loops from one audit to the next")

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Return what the audit needs and the model lacks."""
        problems: list[str] = []
        if self.audit == "none":
            return problems
        able = model.able()
        if self.audit not in WITHOUT_MODEL and "class_scores" not in able:
            problems.append(
                f"labeling {self.method!r}: the audit needs class scores, which {model.method!r} does not have"
            )
        if self.action == "weight" and "sample_weight" not in able:
            problems.append(f"labeling {self.method!r}: {model.method!r} takes no sample weights; use drop or relabel")
        return problems

    @property
    def labels_per_row(self) -> int:
        """Number of labels bought for each row, 1 or more."""
        return 1

    @abstractmethod
    def ask(self, rows: RowNumbers, n_annotators: int, rng: np.random.Generator) -> tuple[RowNumbers, AnnotatorNumbers]:
        """Return ``(rows, annotators)`` with one entry per label to buy, ``labels_per_row`` for each row."""

    @abstractmethod
    def combine(self, answers: Answers, rows: RowNumbers, n_classes: int) -> Codes:
        """Return one label for each of ``rows`` from all answers so far, ``(len(rows),)``."""

    def fingerprint(self) -> str:
        """Return a hash of what the method depends on beyond its parameters; empty by default."""
        return ""

    def automatic(self, pool: Pool, earlier: Automatic | None) -> Automatic | None:
        """Return labels to train on in addition to the bought ones; none by default.

        Called in each loop before its model is trained. It must not change the pool or use its metadata.

        Parameters
        ----------
        pool : with the labels of this loop; its model is that of the last loop, None in loop 0.
        earlier : the labels returned in the last loop, or None.
        """
        return None


def plurality(votes: Array, latest: Codes) -> Codes:
    """Return the class with the most votes for each row; among tied classes the latest answer, or else the first.

    Parameters
    ----------
    votes : ``(n_rows, n_classes)``.
    latest : the latest answer for each row, ``(n_rows,)``.
    """
    tied = votes == votes.max(axis=1, keepdims=True)
    latest_is_tied = tied[np.arange(len(votes)), latest]
    return np.where(latest_is_tied, latest, np.argmax(votes, axis=1))


def latest_answer(answers: Answers, rows: RowNumbers) -> Codes:
    """Return the latest answer for each of ``rows``, which must all have one."""
    if len(rows) == 0:
        return np.empty(0, dtype=np.intp)
    latest = np.zeros(int(max(answers.rows.max(), rows.max())) + 1, dtype=np.intp)
    latest[answers.rows] = answers.labels  # of repeated rows, the last assignment remains
    return latest[rows]
