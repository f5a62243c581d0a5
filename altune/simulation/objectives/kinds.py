"""What is the same for every objective of one name: its texts, its direction and its reference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Direction = Literal["maximize", "minimize"]
Axis = Literal["plain", "log"]

SLOPE_POINTS = 5
"""Number of last points of a curve from which its slope at the end is computed."""


@dataclass(frozen=True)
class ObjectiveKind:
    """What is the same for every objective of one name.

    Attributes
    ----------
    text : explanation in one line.
    plain : name in a sentence or on an axis.
    measure : what a difference of it measures, with the fields ``{metric}`` and ``{budget}``.
    direction : ``maximize`` or ``minimize``.
    reference : whether it needs the learning curve of random sampling on the same block.
    saves : whether stopping before the budget is used up can improve it.
    prefix : whether the beginning of a curve bounds it, as is the case for areas.
    linear : whether it is a sum of the scores with weights that depend on the label counts alone, so that it is a mean
        over test rows where the score is one.
    by_row : whether it is computed from scores that can be recorded by test row.
    least : least possible value; None if it is that of the score.
    most : largest possible value; None if it is that of the score.
    joined : axis on which the points of a curve are joined by straight lines; None for one that holds each score.
    area : whether it is an area that can be over money instead of labels.
    money : whether it is an amount of money, so that prices change it.
    """

    text: str
    plain: str
    measure: str
    direction: Direction = "maximize"
    reference: bool = False
    saves: bool = False
    prefix: bool = False
    linear: bool = True
    by_row: bool = True
    least: float | None = None
    most: float | None = None
    joined: Axis | None = None
    area: bool = False
    money: bool = False


KINDS: dict[str, ObjectiveKind] = {
    "aulc": ObjectiveKind(
        "area under the learning curve over [0, budget], with each score held until the next model exists",
        "area under the learning curve",
        "mean {metric} over {budget} labels",
        prefix=True,
        area=True,
    ),
    "aulc_trapezoid": ObjectiveKind(
        "the same area with the points joined by lines, as in most published tables",
        "area under the learning curve (trapezoid)",
        "mean {metric} over {budget} labels (trapezoid)",
        prefix=True,
        joined="plain",
        area=True,
    ),
    "aulc_dense": ObjectiveKind(
        "the area with a model refitted at each of a grid of label counts, so that only the selected rows count",
        "area under the learning curve (refitted on a grid)",
        "mean {metric} over {budget} labels (refitted on a grid)",
        by_row=False,
    ),
    "aulc_log": ObjectiveKind(
        "the area over log2 of the label count, so that early labels have more weight",
        "area under the learning curve (log labels)",
        "mean {metric} over the logarithm of {budget} labels",
        prefix=True,
        area=True,
    ),
    "alc_normalized": ObjectiveKind(
        "the area over log2 of the label count with the points joined by lines, 0 for the prior predictor and 1 for a "
        "perfect one, as in the active learning challenge (Guyon 2011)",
        "normalised area under the learning curve",
        "normalised area over the logarithm of {budget} labels",
        prefix=True,
        linear=False,
        least=-math.inf,
        most=1.0,
        joined="log",
        area=True,
    ),
    "aubc_lu": ObjectiveKind(
        "trapezoid(scores[1:]) / len(scores[1:]), as in the benchmark of Lu & Lin (arXiv 2306.08954)",
        "area under the budget curve (Lu & Lin)",
        "mean {metric} over the loops after the first",
    ),
    "deficiency": ObjectiveKind(
        "area between the final score of random sampling and the curve, divided by that of random sampling; below 1 "
        "is better than random sampling (Baram 2004, where the budget is the whole pool)",
        "deficiency against random sampling",
        "deficiency against random sampling",
        direction="minimize",
        reference=True,
        linear=False,
        least=-math.inf,
        most=math.inf,
        area=True,
    ),
    "labels_to_target": ObjectiveKind(
        "labels until the score reaches `target_score`, by default the final one of random sampling; else the budget",
        "labels to the target",
        "labels until {metric} reaches the target",
        direction="minimize",
        reference=True,
        linear=False,
        least=0.0,
        most=math.inf,
    ),
    "data_utilization": ObjectiveKind(
        "labels to the target divided by those of random sampling, on monotone curves; below 1 is better",
        "data utilisation rate",
        "data utilisation rate against random sampling",
        direction="minimize",
        reference=True,
        linear=False,
        least=0.0,
        most=math.inf,
    ),
    "final_score": ObjectiveKind("the score at the end of the budget", "final score", "{metric} at {budget} labels"),
    "last_k_slope": ObjectiveKind(
        f"slope of the last {SLOPE_POINTS} points in score per 100 labels, which further labels would bring",
        "slope at the end (score per 100 labels)",
        "slope of {metric} at the end, per 100 labels",
        least=-math.inf,
        most=math.inf,
    ),
    "net_value": ObjectiveKind(
        "value x final score, minus the price of labels, loops and computing",
        "net value",
        "net value",
        saves=True,
        least=-math.inf,
        most=math.inf,
        money=True,
    ),
    "labels": ObjectiveKind(
        "number of labels bought",
        "labels bought",
        "labels bought",
        direction="minimize",
        saves=True,
        least=0.0,
        most=math.inf,
    ),
    "cost": ObjectiveKind(
        "total cost",
        "money spent",
        "money spent",
        direction="minimize",
        saves=True,
        least=0.0,
        most=math.inf,
        money=True,
    ),
    "loops": ObjectiveKind(
        "number of loops after the first model",
        "loops",
        "loops after the first model",
        direction="minimize",
        saves=True,
        least=0.0,
        most=math.inf,
    ),
    "seconds": ObjectiveKind(
        "seconds of fits and queries, which differ from run to run",
        "seconds of computing",
        "seconds of computing",
        direction="minimize",
        saves=True,
        least=0.0,
        most=math.inf,
    ),
}

OBJECTIVES: dict[str, str] = {name: kind.text for name, kind in KINDS.items()}
"""Explanation of each objective in one line, by name."""

SPENT = ("labels", "cost", "loops", "seconds")
"""Objectives that do not depend on the score, and are useful beside another objective or as constraints."""
