"""All learning curves of a run, with their part, data set, recipe and block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from altune.simulation.curve import LearningCurve
from altune.tuning.played import Played
from altune.tuning.record import StudyRecord
from altune.tuning.reported import Reported
from altune.tuning.trials import TrialRecord


class StoredCurve(NamedTuple):
    """A learning curve and where it comes from.

    ``part`` is ``search``, ``select``, ``report``, ``away`` (on data that no trial saw) or ``ablation``.
    """

    part: str
    data: str
    recipe: str
    block: int
    curve: LearningCurve


def stored_curves(record: StudyRecord) -> list[StoredCurve]:
    """Return all learning curves of a run."""
    return [*_searched(record), *_confirmed(record), *_away(record), *_ablated(record)]


def _searched(record: StudyRecord) -> list[StoredCurve]:
    names, order = list(record.data_sets), record.search_blocks.order
    recipes = {name: list(played.curves) for name, played in record.baselines().items()}
    trials = record.trials() if not record.search_blocks.by_merit else _first_of_each_recipe(record.trials())
    recipes |= {f"trial_{trial.number}": record.curves(trial.number) for trial in trials}
    positions = {f"trial_{trial.number}": trial.positions for trial in trials if trial.positions}
    return [
        StoredCurve("search", names[order[position][0]], recipe, order[position][1], curve)
        for recipe, curves in recipes.items()
        # A dropped trial has curves on the first blocks only.
        for position, curve in zip(positions.get(recipe, range(len(order))), curves, strict=False)
    ]


def _first_of_each_recipe(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the first trial of each recipe, which has the plays of all others that drew it."""
    firsts: dict[str, TrialRecord] = {}
    for trial in trials:
        if trial.recipe is not None:
            firsts.setdefault(trial.recipe.digest(), trial)
    return list(firsts.values())


def _confirmed(record: StudyRecord) -> list[StoredCurve]:
    stored = []
    for data, confirmation in record.confirmations().items():
        parts = [
            ("select", candidate.baseline or f"trial_{candidate.trial}", candidate.played)
            for candidate in confirmation.candidates
        ]
        parts += [("report", name, played) for name, played in _reported(confirmation).items()]
        for part, recipe, played in parts:
            stored += [StoredCurve(part, data, recipe, block, curve) for block, curve in enumerate(played.curves)]
    return stored


def _away(record: StudyRecord) -> list[StoredCurve]:
    """Return the curves on the report blocks of data sets that no trial saw."""
    return [
        StoredCurve("away", data, recipe, block, curve)
        for data, report in record.away.reports.items()
        for recipe, played in _reported(report).items()
        for block, curve in enumerate(played.curves)
    ]


def _reported(report: Reported) -> dict[str, Played]:
    """Return the recipe and the baselines, plain and matched, on the report blocks by name."""
    matched = {f"{name}_matched": played for name, played in report.matched.items()}
    return {"confirmed": report.recipe, **report.baselines, **matched}


def _ablated(record: StudyRecord) -> list[StoredCurve]:
    """Return the curves of the ablation on the report blocks, without those of the confirmation."""
    ablated, stored = record.ablated(), []
    for data, path in zip(record.confirmations(), ablated.played, strict=True) if ablated is not None else ():
        recipes = {f"step_{number}": played for number, played in enumerate(path.path[1:-1], start=1)}
        recipes |= {f"without_{knob}": played for knob, played in path.without.items()}
        for recipe, played in recipes.items():
            stored += [StoredCurve("ablation", data, recipe, block, curve) for block, curve in enumerate(played.curves)]
    return stored
