"""What is the same for every objective of one name: its words, its direction, what it is measured against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["maximize", "minimize"]

SLOPE_POINTS = 5
"""Points of a curve that its slope at the end is taken from."""


@dataclass(frozen=True)
class ObjectiveKind:
    """What is the same for every objective of one name.

    Attributes
    ----------
    text : one line of explanation.
    plain : its name in a sentence or on an axis.
    measure : what a difference of it is a difference of, with ``{metric}`` and ``{budget}`` open.
    direction : whether more or less is better.
    reference : whether it is measured against random sampling on the same block.
    saves : whether ending before the budget can better it.
    prefix : whether it follows from the part of a curve that was seen, plus what comes after (areas do).
    """

    text: str
    plain: str
    measure: str
    direction: Direction = "maximize"
    reference: bool = False
    saves: bool = False
    prefix: bool = False


KINDS: dict[str, ObjectiveKind] = {
    "aulc": ObjectiveKind(
        "area under the learning curve over [0, budget]; each score holds until the next model exists",
        "area under the learning curve",
        "mean {metric} over {budget} labels",
        prefix=True,
    ),
    "aulc_trapezoid": ObjectiveKind(
        "the same area with the points joined by lines, as most published tables have it",
        "area under the learning curve (trapezoid)",
        "mean {metric} over {budget} labels (trapezoid)",
        prefix=True,
    ),
    "aulc_dense": ObjectiveKind(
        "the area with a model refitted at each of a grid of label counts: the worth of the selected rows alone",
        "area under the learning curve (refitted on a grid)",
        "mean {metric} over {budget} labels (refitted on a grid)",
    ),
    "aulc_log": ObjectiveKind(
        "the held area over log2 of the label count: early labels weigh more",
        "area under the learning curve (log labels)",
        "mean {metric} over the logarithm of {budget} labels",
        prefix=True,
    ),
    "alc_normalized": ObjectiveKind(
        "the held area over log2 of the label count, 0 for the prior predictor and 1 for a perfect one (Guyon 2011)",
        "normalised area under the learning curve",
        "normalised area over the logarithm of {budget} labels",
        prefix=True,
    ),
    "aubc_lu": ObjectiveKind(
        "trapezoid(scores[1:]) / len(scores[1:]), as Lu & Lin's benchmark has it (arXiv 2306.08954)",
        "area under the budget curve (Lu & Lin)",
        "mean {metric} over the loops after the first",
    ),
    "deficiency": ObjectiveKind(
        "area between random sampling's final score and the curve, over the same for random sampling; less than 1 is "
        "better than it (Baram 2004)",
        "deficiency against random sampling",
        "deficiency against random sampling",
        direction="minimize",
        reference=True,
    ),
    "labels_to_target": ObjectiveKind(
        "labels until the score is `target_score`, by default random sampling's final one; else the budget",
        "labels to the target",
        "labels until {metric} is at the target",
        direction="minimize",
        reference=True,
    ),
    "data_utilization": ObjectiveKind(
        "labels to the target over those that random sampling needs, on monotone curves; less than 1 is better than it",
        "data utilisation rate",
        "data utilisation rate against random sampling",
        direction="minimize",
        reference=True,
    ),
    "final_score": ObjectiveKind("the score at the end of the budget", "final score", "{metric} at {budget} labels"),
    "last_k_slope": ObjectiveKind(
        f"slope of the last {SLOPE_POINTS} points, in score per 100 labels: what more labels would still bring",
        "slope at the end (score per 100 labels)",
        "slope of {metric} at the end, per 100 labels",
    ),
    "net_value": ObjectiveKind(
        "value x final score, less the price of labels, loops and computing", "net value", "net value", saves=True
    ),
    "labels": ObjectiveKind(
        "labels bought by the end", "labels bought", "labels bought", direction="minimize", saves=True
    ),
    "cost": ObjectiveKind("money spent by the end", "money spent", "money spent", direction="minimize", saves=True),
    "loops": ObjectiveKind(
        "loops after the first model", "loops", "loops after the first model", direction="minimize", saves=True
    ),
    "seconds": ObjectiveKind(
        "seconds of computing, fits and queries; no two runs agree on it",
        "seconds of computing",
        "seconds of computing",
        direction="minimize",
        saves=True,
    ),
}

OBJECTIVES: dict[str, str] = {name: kind.text for name, kind in KINDS.items()}
"""Objectives by name, each with one line of explanation."""

SPENT = ("labels", "cost", "loops", "seconds")
"""Objectives that say nothing of the score: worth something beside another one, or as constraints."""
