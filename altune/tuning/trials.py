"""Trials: what a stored one says, and how a finished one is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.items import Failure

BATCH = "batch"
RECIPE = "recipe"
CURVES = "curves"
VALUES = "values"
REASON = "reason"
TRACEBACK = "traceback"
BROKEN = "constraints"
FORBIDDEN = "forbidden"

State = Literal["complete", "dropped", "failed", "forbidden", "running", "waiting"]
_STATES: Mapping[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "dropped",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


@dataclass(frozen=True)
class TrialRecord:
    """One trial of the search.

    Attributes
    ----------
    number : Optuna's number.
    state : ``complete``; ``dropped``, given up early because it was clearly worse than the best; ``failed``;
        ``forbidden``, drawn and never played; ``running`` or ``waiting`` while workers are at it.
    value : first objective over the search blocks, None unless complete.
    params : Optuna's parameters by path.
    values : first objective on each block that was played.
    recipe : what was played, None where the draw was forbidden.
    reason : why it failed or was dropped, empty where it did not.
    objectives : every objective over the search blocks, empty unless complete.
    broken : by how much each constraint is broken; 0 or less where it is kept.
    """

    number: int
    state: State
    value: float | None
    params: dict[str, Any]
    values: tuple[float, ...]
    recipe: Recipe | None
    reason: str = ""
    objectives: tuple[float, ...] = ()
    broken: Mapping[str, float] = field(default_factory=dict)

    @property
    def feasible(self) -> bool:
        """Whether every constraint is kept."""
        return all(by <= 0 for by in self.broken.values())

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain: dict[str, Any] = {"number": self.number, "state": self.state, "value": self.value, "params": self.params}
        plain |= {"blocks": list(self.values)} | ({"reason": self.reason} if self.reason else {})
        plain |= {"objectives": list(self.objectives)} if len(self.objectives) > 1 else {}
        return plain | ({"constraints": dict(self.broken)} if self.broken else {})


@dataclass(frozen=True, eq=False)
class Verdict:
    """What came of playing a trial.

    Attributes
    ----------
    curves : of the blocks that were played.
    on_places : first objective on each of them.
    objectives : Optuna's values; empty where it was dropped or failed.
    broken : by how much each constraint is broken.
    estimate : what a dropped trial would have been worth, as far as it was seen.
    failure : why it failed, None where it did not.
    dropped : why it was dropped, empty where it was not.
    """

    curves: Sequence[LearningCurve] = ()
    on_places: Sequence[float] = ()
    objectives: tuple[float, ...] = ()
    broken: Mapping[str, float] = field(default_factory=dict)
    estimate: float = 0.0
    failure: Failure | None = None
    dropped: str = ""

    @property
    def state(self) -> TrialState:
        """Optuna's state for it."""
        if self.failure is not None:
            return TrialState.FAIL
        return TrialState.PRUNED if self.dropped else TrialState.COMPLETE

    def attributes(self) -> dict[str, Any]:
        """Return what is stored with the trial."""
        if self.failure is not None:
            return {REASON: self.failure.reason, TRACEBACK: self.failure.details}
        stored: dict[str, Any] = {VALUES: list(self.on_places), CURVES: [curve.to_dict() for curve in self.curves]}
        stored |= {BROKEN: dict(self.broken)} if self.broken else {}
        return stored | ({REASON: self.dropped} if self.dropped else {})


def finished_trial(
    verdict: Verdict,
    params: dict[str, Any],
    distributions: dict[str, BaseDistribution],
    attributes: Mapping[str, Any],
) -> FrozenTrial:
    """Return a trial as it is stored once it was played."""
    trial = create_trial(
        state=verdict.state,
        values=list(verdict.objectives) if verdict.state == TrialState.COMPLETE else None,
        params=params,
        distributions=distributions,
        user_attrs={**attributes, **verdict.attributes()},
        intermediate_values={len(verdict.on_places): verdict.estimate} if verdict.dropped else None,
    )
    for name, by in verdict.broken.items():
        set_constraint(trial, name, by)
    return trial


def set_constraint(trial: Any, name: str, by: float) -> None:
    """Tell Optuna by how much a trial breaks a constraint."""
    trial.set_constraint(name, by)


def forbidden_trial(
    reason: str, params: dict[str, Any], distributions: dict[str, BaseDistribution], attributes: Mapping[str, Any]
) -> FrozenTrial:
    """Return a draw that may not be played, as it is stored."""
    stored = {**attributes, REASON: f"{FORBIDDEN}: {reason}"}
    return create_trial(state=TrialState.FAIL, params=params, distributions=distributions, user_attrs=stored)


def is_forbidden(trial: FrozenTrial) -> bool:
    """Return whether a trial is a draw that was forbidden, and so not counted."""
    return str(trial.user_attrs.get(REASON, "")).startswith(FORBIDDEN)


def record_of(trial: FrozenTrial, number: int | None = None) -> TrialRecord:
    """Return what a stored trial says; ``number`` stands in for that of a trial not stored yet."""
    attributes = trial.user_attrs
    state = "forbidden" if is_forbidden(trial) else _STATES[trial.state]
    recipe = Recipe.from_dict(attributes[RECIPE]) if RECIPE in attributes else None
    complete = state == "complete"
    return TrialRecord(
        number=trial.number if number is None else number,
        state=state,
        value=float(trial.values[0]) if complete else None,
        params=dict(trial.params),
        values=tuple(attributes.get(VALUES, ())),
        recipe=recipe,
        reason=str(attributes.get(REASON, "")),
        objectives=tuple(trial.values) if complete else (),
        broken=dict(attributes.get(BROKEN, {})),
    )


def curves_of(trial: FrozenTrial) -> list[LearningCurve]:
    """Return the learning curves of a stored trial, one for each search block."""
    return [LearningCurve.from_dict(plain) for plain in trial.user_attrs.get(CURVES, [])]
