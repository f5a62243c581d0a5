"""The study in memory from which samplers draw: finished trials without their curves.

Optuna's samplers read all trials of a study for each draw. The stored study holds every learning curve, and some
samplers keep a pickled state in the study, so they never see the stored one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from altune.simulation.objectives import Direction
from altune.tuning.trials import REASON, VIOLATIONS, set_constraint

_ANY_DATE = datetime(2000, 1, 1)


def new_study(directions: Sequence[Direction]) -> optuna.Study:
    """Return an empty study in memory."""
    return optuna.create_study(directions=list(directions), pruner=optuna.pruners.NopPruner())


def tell(study: optuna.Study, asked: optuna.Trial, finished: FrozenTrial) -> None:
    """Tell the study in memory the result of a trial that it was asked for."""
    if REASON in finished.user_attrs:
        asked.set_user_attr(REASON, finished.user_attrs[REASON])
    for name, violation in finished.user_attrs.get(VIOLATIONS, {}).items():
        set_constraint(asked, name, violation)
    for step, value in finished.intermediate_values.items():
        asked.report(value, step)
    values = finished.values if finished.state == TrialState.COMPLETE else None
    study.tell(asked, values, state=finished.state)


def without_curves(trial: FrozenTrial, values: list[float] | None = None) -> FrozenTrial:
    """Return a copy of a trial without its curves; ``values`` replace its values."""
    attributes: dict[str, Any] = {
        name: trial.user_attrs[name] for name in (REASON, VIOLATIONS) if name in trial.user_attrs
    }
    copy = FrozenTrial(
        number=trial.number,
        trial_id=trial.number,
        state=trial.state,
        value=None,
        values=values if values is not None else trial.values,
        datetime_start=_ANY_DATE,
        datetime_complete=_ANY_DATE if trial.state.is_finished() else None,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs=attributes,
        system_attrs={},
        intermediate_values=trial.intermediate_values,
    )
    for name, violation in attributes.get(VIOLATIONS, {}).items():
        set_constraint(copy, name, violation)
    return copy
