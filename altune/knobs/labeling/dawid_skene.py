"""Labels by several people of unknown skill: their confusions and the labels are estimated together."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.needs import Capabilities, Need
from altune.core.registry import register
from altune.core.types import Learner, RowNumbers
from altune.knobs.labeling.base import Answers, Labeling, latest_answer
from altune.knobs.labeling.vote import ask_several, too_few_annotators

Array = NDArray[np.float64]
STEPS = 100
TOLERANCE = 1e-6


class Consensus(NamedTuple):
    """What expectation maximisation found.

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
class DawidSkene(Labeling):
    """Several different annotators for each row, weighed by how well they prove to know each class.

    Expectation maximisation over all answers so far, bought-again and held-out ones included:
    q_ik ∝ π_k Π_j π^j_{k, answer} and back, from votes as the start. To each annotator's confusions it adds
    ``smoothing`` answers of each kind and ``trust`` right ones for each class: without these it is worse than the vote
    while answers are few. A row gets the most probable of the classes that were answered for it.
    """

    source: ClassVar[str] = (
        "Dawid & Skene, Maximum Likelihood Estimation of Observer Error-Rates, J. R. Stat. Soc. C 1979"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"several_annotators"})
    method: Literal["dawid_skene"] = "dawid_skene"
    annotators: int = Field(default=3, ge=2, le=25, description="annotators asked for each row; each is one label")
    smoothing: float = Field(default=1.0, gt=0.0, le=10.0, description="answers of each kind added to each confusion")
    trust: float = Field(default=8.0, ge=0.0, le=1000.0, description="right answers added for each class and annotator")

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
        """Return the most probable class among those answered for each row; between equals the newest."""
        if len(rows) == 0:
            return np.empty(0, dtype=np.intp)
        every, items = np.unique(answers.rows, return_inverse=True)
        found = dawid_skene(
            items, answers.annotators, answers.labels, n_classes, smoothing=self.smoothing, trust=self.trust
        )
        answered = answers.votes(rows, n_classes) > 0
        belief = np.where(answered, found.posterior[np.searchsorted(every, rows)], -1.0)
        # So little decides between equals and nothing else.
        belief[np.arange(len(rows)), latest_answer(answers, rows)] += 1e-9
        best: RowNumbers = np.argmax(belief, axis=1).astype(np.intp)
        return best


def dawid_skene(
    items: RowNumbers,
    annotators: RowNumbers,
    outcomes: RowNumbers,
    n_classes: int,
    *,
    smoothing: float,
    trust: float = 0.0,
    n_outcomes: int | None = None,
) -> Consensus:
    """Estimate classes, class shares and confusions from answers alone.

    Parameters
    ----------
    items, annotators, outcomes : one entry for each answer, ``(n_answers,)``; items are 0 to n − 1 without gaps.
    n_classes : classes, 2 or more.
    smoothing : answers of each outcome added to each row of each confusion, above 0.
    trust : answers that name the class itself added to each row of each confusion, 0 or more.
    n_outcomes : what an answer can be, the classes first; by default the classes alone.

    Returns
    -------
    Consensus
        Started from the answers that name a class, counted with equal weight.
    """
    kinds = n_outcomes or n_classes
    n_items, n_annotators = int(items.max()) + 1, int(annotators.max()) + 1
    places = annotators * kinds + outcomes
    # One row for each item: how often each annotator gave each outcome.
    counts = np.zeros((n_items, n_annotators * kinds))
    np.add.at(counts, (items, places), 1.0)
    named = counts.reshape(n_items, n_annotators, kinds)[:, :, :n_classes].sum(axis=1) + 1.0 / (10 * n_classes)
    posterior: Array = named / named.sum(axis=1, keepdims=True)
    added = smoothing + trust * np.eye(n_classes, kinds)[:, None, :]
    for _ in range(STEPS):
        prior = (posterior.sum(axis=0) + smoothing) / (n_items + smoothing * n_classes)
        table = (posterior.T @ counts).reshape(n_classes, n_annotators, kinds) + added
        confusion = table / table.sum(axis=2, keepdims=True)
        logs = np.log(prior) + counts @ np.log(confusion.reshape(n_classes, -1)).T
        logs -= logs.max(axis=1, keepdims=True)
        now = np.exp(logs)
        now /= now.sum(axis=1, keepdims=True)
        moved = float(np.abs(now - posterior).max())
        posterior = now
        if moved < TOLERANCE:
            break
    return Consensus(posterior, prior, confusion.transpose(1, 0, 2))
