"""The in-memory study that samplers are asked from: finished trials, without their curves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from altune.simulation.objectives import Direction
from altune.tuning.trials import BROKEN, REASON, set_constraint

_LONG_AGO = datetime(2000, 1, 1)


def new_memory(directions: Sequence[Direction]) -> optuna.Study:
    """Return an empty study in memory."""
    return optuna.create_study(directions=list(directions), pruner=optuna.pruners.NopPruner())


def tell(memory: optuna.Study, asked: optuna.Trial, finished: FrozenTrial) -> None:
    """Tell the study in memory what became of a trial that it was asked for."""
    if REASON in finished.user_attrs:
        asked.set_user_attr(REASON, finished.user_attrs[REASON])
    for name, by in finished.user_attrs.get(BROKEN, {}).items():
        set_constraint(asked, name, by)
    for step, value in finished.intermediate_values.items():
        asked.report(value, step)
    values = finished.values if finished.state == TrialState.COMPLETE else None
    memory.tell(asked, values, state=finished.state)


def bare(trial: FrozenTrial, values: list[float] | None = None) -> FrozenTrial:
    """Return a trial without its curves, which samplers have no use for; ``values`` take the place of its own."""
    kept: dict[str, Any] = {name: trial.user_attrs[name] for name in (REASON, BROKEN) if name in trial.user_attrs}
    found = FrozenTrial(
        number=trial.number,
        trial_id=trial.number,
        state=trial.state,
        value=None,
        values=values if values is not None else trial.values,
        datetime_start=_LONG_AGO,
        datetime_complete=_LONG_AGO if trial.state.is_finished() else None,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs=kept,
        system_attrs={},
        intermediate_values=trial.intermediate_values,
    )
    for name, by in kept.get(BROKEN, {}).items():
        set_constraint(found, name, by)
    return found
