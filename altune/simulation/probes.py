"""What is recorded about each loop when a recipe is examined, without changing what the recipe does.

Class scores of the pool are taken from the metadata if the query strategy has computed them. Otherwise they are
computed here and not stored, so that no strategy finds a column that it did not compute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from altune.core.uncertainty import entropy, least_confidence, margin

if TYPE_CHECKING:
    from altune.core.types import RowNumbers
    from altune.loop.loop import ActiveLearningLoop
    from altune.loop.requests import LabelRequest

Array = NDArray[np.float64]

MOST_ROWS = 10_000
"""Of more unlabelled rows than this, a random sample of this size is used."""

MEASURES: dict[str, Callable[[Array], Array]] = {
    "least_confidence": least_confidence,
    "margin": margin,
    "entropy": lambda scores: entropy(scores) / np.log(scores.shape[1]),
}
"""Uncertainty of rows from their class scores, each in [0, 1]; entropy is a share of its maximum."""

GROUPS = ("pool", "picked")
STATISTICS = ("mean", "low", "high")
LOW, HIGH = 0.1, 0.9
WRONG_SUSPECTS = "wrong_suspects"


def uncertainty_key(group: str, measure: str, statistic: str) -> str:
    """Return the name under which a statistic of uncertainty is recorded.

    >>> uncertainty_key("picked", "margin", "mean")
    'picked_margin_mean'
    """
    return f"{group}_{measure}_{statistic}"


def uncertainty_facts(loop: ActiveLearningLoop, request: LabelRequest) -> dict[str, float]:
    """Return how uncertain the current model is about the unlabelled rows, and about those of them that were picked.

    Call it between ``ask`` and ``tell``. It returns nothing before the first model and for models without class scores.

    Parameters
    ----------
    loop : the loop.
    request : the labels that it asked for. Rows that are bought again do not count as picked.
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
        scores = model.class_scores(pool.inputs[rows])
    is_picked = np.isin(rows, picked)
    facts: dict[str, float] = {}
    for name, measure in MEASURES.items():
        values = measure(scores)
        for group, of_group in zip(GROUPS, (values, values[is_picked]), strict=True):
            if len(of_group):
                numbers = (of_group.mean(), *np.quantile(of_group, (LOW, HIGH)))
                facts |= {
                    uncertainty_key(group, name, statistic): float(number)
                    for statistic, number in zip(STATISTICS, numbers, strict=True)
                }
    return facts


def audit_facts(loop: ActiveLearningLoop, truth: RowNumbers) -> dict[str, float]:
    """Return how many suspects of this loop's audit have a wrong label; nothing if no audit ran.

    Parameters
    ----------
    loop : the loop, after ``tell``.
    truth : true class codes of the pool, ``(n_rows,)``.
    """
    if not loop.records[-1].notes.get("audit_ran"):
        return {}
    rows, labels = loop.suspects
    return {WRONG_SUSPECTS: float(np.count_nonzero(labels != truth[rows]))}
