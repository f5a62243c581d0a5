"""Labels by several annotators of unknown skill, whose confusions are estimated together with the labels."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.registry import register
from altune.core.types import Array, Codes, RowNumbers
from altune.knobs.labeling.base import AnnotatorNumbers, Answers, latest_answer
from altune.knobs.labeling.vote import SeveralAnnotators

STEPS = 100
TOLERANCE = 1e-6


class Consensus(NamedTuple):
    """The result of expectation maximisation.

    Attributes
    ----------
    posterior : probability of each class for each item, ``(n_items, n_classes)``.
    prior : share of each class, ``(n_classes,)``.
    confusion : probability of each outcome given the class, ``(n_annotators, n_classes, n_outcomes)``.
    """

    posterior: Array
    prior: Array
    confusion: Array


@register
class DawidSkene(SeveralAnnotators):
    """Several labels per row, by different annotators, weighted by the estimated confusion of each annotator.

    Expectation maximisation over all answers so far alternates between the class probabilities of each row,
    q_ik ∝ π_k Π_j π^j_{k, answer}, and the class shares π and confusions π^j. ``smoothing`` and ``trust`` are prior
    answers in each confusion; without them the method is worse than a vote while there are few answers. A row gets the
    most probable of the classes that were answered for it.
    """

    source = "Dawid and Skene, Maximum Likelihood Estimation of Observer Error-Rates, J. R. Stat. Soc. C 1979"
    method: Literal["dawid_skene"] = "dawid_skene"
    smoothing: float = Field(
        default=1.0, gt=0.0, le=10.0, description="number of prior answers of each class, per class and annotator"
    )
    trust: float = Field(
        default=8.0, ge=0.0, le=1000.0, description="number of prior answers that are right, per class and annotator"
    )

    def combine(self, answers: Answers, rows: RowNumbers, n_classes: int) -> Codes:
        """Return the most probable class among those answered for each row; ties go to the latest answer."""
        if len(rows) == 0:
            return np.empty(0, dtype=np.intp)
        answered_rows, items = np.unique(answers.rows, return_inverse=True)
        consensus = dawid_skene(
            items, answers.annotators, answers.labels, n_classes, smoothing=self.smoothing, trust=self.trust
        )
        answered = answers.votes(rows, n_classes) > 0
        belief = np.where(answered, consensus.posterior[np.searchsorted(answered_rows, rows)], -1.0)
        # Small enough to decide between ties only.
        belief[np.arange(len(rows)), latest_answer(answers, rows)] += 1e-9
        best: Codes = np.argmax(belief, axis=1).astype(np.intp)
        return best


def dawid_skene(
    items: NDArray[np.intp],
    annotators: AnnotatorNumbers,
    outcomes: Codes,
    n_classes: int,
    *,
    smoothing: float,
    trust: float = 0.0,
    n_outcomes: int | None = None,
) -> Consensus:
    """Estimate classes, class shares and confusions from answers alone, by expectation maximisation.

    Parameters
    ----------
    items, annotators, outcomes : one entry per answer, ``(n_answers,)``; items are 0 to n − 1 without gaps.
    n_classes : number of classes, 2 or more.
    smoothing : prior answers of each outcome, per class and annotator; above 0.
    trust : prior answers that name the class itself, per class and annotator; 0 or more.
    n_outcomes : number of possible answers, the classes first; None for the classes alone.
    """
    n_kinds = n_outcomes or n_classes
    n_items, n_annotators = int(items.max()) + 1, int(annotators.max()) + 1
    # counts[i, j·n_kinds + l] is how often annotator j answered l for item i. With it both steps are matrix products,
    # and an annotator who did not answer for an item contributes nothing.
    counts = np.zeros((n_items, n_annotators * n_kinds))
    np.add.at(counts, (items, annotators * n_kinds + outcomes), 1.0)
    # The likelihood has several maxima, which differ by a permutation of the classes. The start from votes selects the
    # one in which most annotators are right most of the time.
    named = counts.reshape(n_items, n_annotators, n_kinds)[:, :, :n_classes].sum(axis=1) + 1.0 / (10 * n_classes)
    posterior: Array = named / named.sum(axis=1, keepdims=True)
    added = smoothing + trust * np.eye(n_classes, n_kinds)[:, None, :]
    for _ in range(STEPS):
        # M step: class shares and confusions are counts of answers, weighted by the class probabilities of the items.
        prior = (posterior.sum(axis=0) + smoothing) / (n_items + smoothing * n_classes)
        table = (posterior.T @ counts).reshape(n_classes, n_annotators, n_kinds) + added
        confusion = table / table.sum(axis=2, keepdims=True)
        # E step: Bayes' rule for each item, in logarithms because a product of many answers would underflow.
        logs = np.log(prior) + counts @ np.log(confusion.reshape(n_classes, -1)).T
        logs -= logs.max(axis=1, keepdims=True)
        updated = np.exp(logs)
        updated /= updated.sum(axis=1, keepdims=True)
        change = float(np.abs(updated - posterior).max())
        posterior = updated
        if change < TOLERANCE:
            break
    return Consensus(posterior, prior, confusion.transpose(1, 0, 2))
