"""All learning curves of a run, with their part, data set, recipe and block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from altune.simulation.curve import LearningCurve
from altune.tuning.record import StudyRecord
from altune.tuning.trials import TrialRecord


class StoredCurve(NamedTuple):
    """A learning curve and where it comes from; ``part`` is ``search``, ``select``, ``report`` or ``ablation``."""

    part: str
    data: str
    recipe: str
    block: int
    curve: LearningCurve


def stored_curves(record: StudyRecord) -> list[StoredCurve]:
    """Return all learning curves of a run."""
    return [*_searched(record), *_confirmed(record), *_ablated(record)]


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
        reported = {"confirmed": confirmation.recipe, **confirmation.baselines}
        reported |= {f"{name}_matched": played for name, played in confirmation.matched.items()}
        parts += [("report", name, played) for name, played in reported.items()]
        for part, recipe, played in parts:
            stored += [StoredCurve(part, data, recipe, block, curve) for block, curve in enumerate(played.curves)]
    return stored


def _ablated(record: StudyRecord) -> list[StoredCurve]:
    """Return the curves of the ablation on the report blocks, without those of the confirmation."""
    ablated, stored = record.ablated(), []
    for data, path in zip(record.confirmations(), ablated.played, strict=True) if ablated is not None else ():
        recipes = {f"step_{number}": played for number, played in enumerate(path.path[1:-1], start=1)}
        recipes |= {f"without_{knob}": played for knob, played in path.without.items()}
        for recipe, played in recipes.items():
            stored += [StoredCurve("ablation", data, recipe, block, curve) for block, curve in enumerate(played.curves)]
    return stored
