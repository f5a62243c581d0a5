"""In how many of their loops the recipes that a run reports had no new model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from altune.analysis.answer import plain_name
from altune.simulation.curve import LearningCurve
from altune.simulation.untrained import untrained_entry, untrained_sentences
from altune.tuning.reported import Reported

RECIPE = "recipe"
"""Name of the recipe of a run beside its baselines."""


def untrained_lines(reports: Mapping[str, Reported], named: bool = False) -> list[str]:
    """Return a line for each data set on which it happened, with the name of the data set if that is wanted."""
    lines = []
    for data, report in reports.items():
        curves = {"the recipe" if name == RECIPE else plain_name(name): each for name, each in _curves(report).items()}
        lines += [f"{data}: {line}" if named else line for line in untrained_sentences(curves)]
    return lines


def untrained_numbers(report: Reported) -> dict[str, Any]:
    """Return the same as a field of JSON, by the names of the recipes; nothing if all loops had a model."""
    return untrained_entry(_curves(report))


def _curves(report: Reported) -> Mapping[str, Sequence[LearningCurve]]:
    """Return the curves of the recipe and of the baselines that are another one."""
    others = {name: played.curves for name, played in report.baselines.items() if played.recipe != report.recipe.recipe}
    return {RECIPE: report.recipe.curves} | others
