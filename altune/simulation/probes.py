"""What is noted of each loop beyond its curve when a recipe is examined; nothing that the recipe does changes by it.

Scores of the pool that the strategy has worked out are looked at; where it has not, they are worked out beside it and
thrown away, so that no strategy finds a column that it did not ask for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from altune.core.uncertainty import entropy, least_confidence, margin

if TYPE_CHECKING:
    from altune.core.types import RowNumbers
    from altune.loop.loop import ActiveLearningLoop, LabelRequest

Array = NDArray[np.float64]

MOST_ROWS = 10_000
"""Of more unlabelled rows so many are looked at."""

MEASURES: dict[str, Callable[[Array], Array]] = {
    "least_confidence": least_confidence,
    "margin": margin,
    "entropy": lambda scores: entropy(scores) / np.log(scores.shape[1]),
}
"""Uncertainty of rows by their class scores, each in [0, 1]; entropy as a share of the largest there can be."""

GROUPS = ("pool", "picked")
STATISTICS = ("mean", "low", "high")
LOW, HIGH = 0.1, 0.9
WRONG_SUSPECTS = "wrong_suspects"


def uncertainty_key(group: str, measure: str, statistic: str) -> str:
    """Return the name of a fact of uncertainty.

    >>> uncertainty_key("picked", "margin", "mean")
    'picked_margin_mean'
    """
    return f"{group}_{measure}_{statistic}"


def uncertainty_facts(loop: ActiveLearningLoop, request: LabelRequest) -> dict[str, float]:
    """Return how uncertain the model in hand is of the unlabelled rows, and of those among them that it picked.

    To be called between ``ask`` and ``tell``. Nothing before the first model, nor where a model scores no classes.

    Parameters
    ----------
    loop : the loop that has asked.
    request : what it has asked for; rows bought again are no picks.
    """
    pool, model = loop.pool, loop.pool.model
    if pool.metadata is None or model is None or not model.scores_classes:
        return {}
    picked = np.setdiff1d(request.rows, request.again)
    rows, scores = pool.metadata.rows, pool.metadata.computed("probabilities")
    if scores is None:
        if len(rows) > MOST_ROWS:
            rng = loop.streams.generator("examined", len(loop.records))
            rows = np.union1d(rng.choice(rows, size=MOST_ROWS, replace=False), picked)
        scores = model.class_scores(pool.X[rows])
    chosen = np.isin(rows, picked)
    found: dict[str, float] = {}
    for name, measure in MEASURES.items():
        values = measure(scores)
        for group, own in zip(GROUPS, (values, values[chosen]), strict=True):
            if len(own):
                told = (own.mean(), *np.quantile(own, (LOW, HIGH)))
                found |= {
                    uncertainty_key(group, name, what): float(number)
                    for what, number in zip(STATISTICS, told, strict=True)
                }
    return found


def audit_facts(loop: ActiveLearningLoop, truth: RowNumbers) -> dict[str, float]:
    """Return how many of the suspects of this loop's audit are truly wrong; nothing where no audit ran.

    Parameters
    ----------
    loop : the loop that was told.
    truth : true class codes of the pool, ``(n_rows,)``.
    """
    if not loop.records[-1].notes.get("audit_ran"):
        return {}
    rows, labels = loop.suspects
    return {WRONG_SUSPECTS: float(np.count_nonzero(labels != truth[rows]))}
