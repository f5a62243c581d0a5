"""The study in memory from which samplers draw: finished trials without their curves.

Optuna's samplers read all trials of a study for each draw. The stored study holds every learning curve, and some
samplers keep a pickled state in the study, so they never see the stored one.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime
from typing import Any

import optuna
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from altune.simulation.objectives import Direction
from altune.tuning.quiet import create_study
from altune.tuning.trials import REASON, VIOLATIONS, set_constraint

_ANY_DATE = datetime(2000, 1, 1)


def new_study(directions: Sequence[Direction]) -> optuna.Study:
    """Return an empty study in memory."""
    return create_study(directions=list(directions), pruner=optuna.pruners.NopPruner())


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


def without_curves(
    trial: FrozenTrial,
    values: list[float] | None = None,
    *,
    number: int | None = None,
    state: TrialState | None = None,
) -> FrozenTrial:
    """Return a copy of a trial without its curves; other values, another number or state replace its own."""
    number = trial.number if number is None else number
    state = trial.state if state is None else state
    attributes: dict[str, Any] = {
        name: trial.user_attrs[name] for name in (REASON, VIOLATIONS) if name in trial.user_attrs
    }
    copy = FrozenTrial(
        number=number,
        trial_id=number,
        state=state,
        value=None,
        values=None if state == TrialState.FAIL else values if values is not None else trial.values,
        datetime_start=_ANY_DATE,
        datetime_complete=_ANY_DATE if state.is_finished() else None,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs=attributes,
        system_attrs={},
        intermediate_values=trial.intermediate_values,
    )
    for name, violation in attributes.get(VIOLATIONS, {}).items():
        set_constraint(copy, name, violation)
    return copy


class _RetoldStorage(InMemoryStorage):
    """A storage whose finished trials have values that may be changed, which Optuna's own storages refuse."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[int, FrozenTrial] = {}

    def tell_again(self, number: int, copy: FrozenTrial) -> None:
        """Let a copy take the place of a finished trial."""
        self._told[number] = copy

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return all trials, the changed ones with their new values."""
        trials = super().get_all_trials(study_id, deepcopy=deepcopy)
        told = [self._told.get(trial.number, trial) for trial in trials]
        return [trial for trial in told if states is None or trial.state in states]


class RetoldStudy:
    """A study in memory whose finished trials may get other values, as more is learned of their recipes.

    Parameters
    ----------
    directions : Optuna's direction of each value.

    Attributes
    ----------
    study : the study from which samplers draw.
    """

    def __init__(self, directions: Sequence[Direction]) -> None:
        self._storage = _RetoldStorage()
        self._values: dict[int, float | None] = {}
        self._trials: list[FrozenTrial] = []
        self.study = create_study(storage=self._storage, directions=list(directions), pruner=optuna.pruners.NopPruner())

    def add(self, trial: FrozenTrial) -> None:
        """Add a finished trial under the next number."""
        copy = without_curves(trial, number=len(self._trials))
        self.study.add_trial(copy)
        self._trials.append(copy)

    def tell(self, asked: optuna.Trial, finished: FrozenTrial) -> None:
        """Tell the study the result of a trial that it was asked for."""
        tell(self.study, asked, finished)
        self._trials.append(without_curves(finished, number=asked.number))

    def set_value(self, number: int, value: float | None) -> None:
        """Set the value of a finished trial; None for one whose recipe failed."""
        if number in self._values and self._values[number] == value:
            return
        self._values[number] = value
        trial = self._trials[number]
        values, state = ([value], TrialState.COMPLETE) if value is not None else (None, TrialState.FAIL)
        self._storage.tell_again(number, without_curves(trial, values, state=state))
