"""Trials: how a trial is stored in an Optuna study, and how a stored one is read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from altune.core.deprecations import OldNames
from altune.core.errors import AltuneError, DamagedError, reason_of
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.items import Failure

BATCH = "batch"
RECIPE = "recipe"
CURVES = "curves"
VALUES = "values"
REASON = "reason"
TRACEBACK = "traceback"
ATTEMPT = "attempt"
VIOLATIONS = "constraints"
FORBIDDEN = "forbidden"
BLOCKS = "blocks"
"""Numbers of the search blocks of a trial, where recipes get blocks by merit."""
AGAIN = "again"
"""Number of the first trial of a recipe that is played again; the attribute marks a play that is no trial."""
PLANNED = "planned"
"""Number of trials and plays again of a batch, where recipes get blocks by merit."""

State = Literal["complete", "dropped", "failed", "forbidden", "running", "waiting"]
_STATES: Mapping[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "dropped",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


@dataclass(frozen=True)
class TrialRecord(OldNames):
    """One trial of the search.

    Attributes
    ----------
    number : Optuna's number of the trial. Plays again have numbers in Optuna's study as well, so there are gaps where
        recipes get blocks by merit.
    state : ``complete``; ``dropped``, stopped early because it was clearly worse than the best trial; ``failed``;
        ``forbidden``, drawn but never played; ``running`` or ``waiting`` in a study that workers share.
    value : first objective over the search blocks, None unless complete. Where recipes get blocks by merit, the mean
        that is expected on further blocks, given all plays of the search.
    params : Optuna's parameters by path.
    values : first objective on each block that was played; their number differs between trials.
    recipe : the recipe, None if the draw was forbidden.
    reason : why the trial failed or was dropped, else empty.
    objectives : every objective over the search blocks, empty unless complete.
    violations : by how much each constraint is violated; 0 or less if it is kept.
    error : standard deviation of ``value``, where recipes get blocks by merit, else None.
    again : number of the first trial of the recipe, if this is a play again and no trial.
    positions : position of the block of each value, where recipes get blocks by merit; else they are the first ones.
    """

    number: int
    state: State
    value: float | None
    params: dict[str, Any]
    values: tuple[float, ...]
    recipe: Recipe | None
    reason: str = ""
    objectives: tuple[float, ...] = ()
    violations: Mapping[str, float] = field(default_factory=dict)
    error: float | None = None
    again: int | None = None
    positions: tuple[int, ...] = ()

    @property
    def feasible(self) -> bool:
        """Whether every constraint is kept."""
        return is_feasible(self.violations)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain: dict[str, Any] = {"number": self.number, "state": self.state, "value": self.value, "params": self.params}
        plain |= {"blocks": list(self.values)} | ({"reason": self.reason} if self.reason else {})
        plain |= {} if self.error is None else {"error": self.error, "played_on": list(self.positions)}
        plain |= {"objectives": list(self.objectives)} if len(self.objectives) > 1 else {}
        return plain | ({"constraints": dict(self.violations)} if self.violations else {})


def is_feasible(violations: Mapping[str, float]) -> bool:
    """Return whether every constraint is kept, given by how much each is violated."""
    return all(violation <= 0 for violation in violations.values())


@dataclass(frozen=True, eq=False)
class Verdict:
    """Result of playing and judging a recipe.

    Attributes
    ----------
    curves : learning curves on the blocks that were played.
    block_values : first objective on each of them.
    objectives : Optuna's values, empty if the trial was dropped or failed.
    violations : by how much each constraint is violated.
    estimate : estimated first objective of a dropped trial.
    failure : why the trial failed, None if it did not.
    dropped : why the trial was dropped, empty if it was not.
    """

    curves: Sequence[LearningCurve] = ()
    block_values: Sequence[float] = ()
    objectives: tuple[float, ...] = ()
    violations: Mapping[str, float] = field(default_factory=dict)
    estimate: float = 0.0
    failure: Failure | None = None
    dropped: str = ""

    @property
    def state(self) -> TrialState:
        """Optuna's state of the trial."""
        if self.failure is not None:
            return TrialState.FAIL
        return TrialState.PRUNED if self.dropped else TrialState.COMPLETE

    def attributes(self) -> dict[str, Any]:
        """Return the user attributes that are stored with the trial."""
        stored: dict[str, Any]
        if self.failure is not None:
            stored = {REASON: self.failure.reason, TRACEBACK: self.failure.details}
            return stored | ({ATTEMPT: self.failure.attempt} if self.failure.attempt else {})
        stored = {VALUES: list(self.block_values), CURVES: [curve.to_dict() for curve in self.curves]}
        stored |= {VIOLATIONS: dict(self.violations)} if self.violations else {}
        return stored | ({REASON: self.dropped} if self.dropped else {})


def finished_trial(
    verdict: Verdict,
    params: dict[str, Any],
    distributions: dict[str, BaseDistribution],
    attributes: Mapping[str, Any],
) -> FrozenTrial:
    """Return the trial of a recipe that was played, as it is stored."""
    trial = create_trial(
        state=verdict.state,
        values=list(verdict.objectives) if verdict.state == TrialState.COMPLETE else None,
        params=params,
        distributions=distributions,
        user_attrs={**attributes, **verdict.attributes()},
        intermediate_values={len(verdict.block_values): verdict.estimate} if verdict.dropped else None,
    )
    for name, violation in verdict.violations.items():
        set_constraint(trial, name, violation)
    return trial


def set_constraint(trial: Any, name: str, violation: float) -> None:
    """Set by how much a trial violates a constraint, for Optuna's samplers."""
    trial.set_constraint(name, violation)


def forbidden_trial(
    reason: str, params: dict[str, Any], distributions: dict[str, BaseDistribution], attributes: Mapping[str, Any]
) -> FrozenTrial:
    """Return the trial of a forbidden draw, as it is stored."""
    stored = {**attributes, REASON: f"{FORBIDDEN}: {reason}"}
    return create_trial(state=TrialState.FAIL, params=params, distributions=distributions, user_attrs=stored)


def is_forbidden(trial: FrozenTrial) -> bool:
    """Return whether a trial is a forbidden draw, which does not count as a trial of the search."""
    return str(trial.user_attrs.get(REASON, "")).startswith(FORBIDDEN)


@contextlib.contextmanager
def reading(what: str) -> Iterator[None]:
    """Report what cannot be read in a study, because something else has changed it, as one line.

    Parameters
    ----------
    what : what is read, for the message.

    Raises
    ------
    DamagedError
        If the block raises what wrong values raise.
    """
    try:
        yield
    except AltuneError:  # such as a method that is not registered here
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise DamagedError(f"{what} is damaged: {reason_of(error)}; restore the study from a backup") from error


def record_of(trial: FrozenTrial, number: int | None = None) -> TrialRecord:
    """Return the record of a stored trial; ``number`` replaces that of a trial that is not stored yet.

    Raises
    ------
    DamagedError
        If it is damaged.
    """
    with reading(f"trial {trial.number} of the study"):
        return _record_of(trial, number)


def _record_of(trial: FrozenTrial, number: int | None) -> TrialRecord:
    attributes = trial.user_attrs
    state = "forbidden" if is_forbidden(trial) else _STATES[trial.state]
    recipe = Recipe.from_dict(attributes[RECIPE]) if RECIPE in attributes else None
    complete = state == "complete"
    return TrialRecord(
        number=trial.number if number is None else number,
        state=state,
        value=float(trial.values[0]) if complete else None,
        params=dict(trial.params),
        values=tuple(map(float, attributes.get(VALUES, ()))),
        recipe=recipe,
        reason=str(attributes.get(REASON, "")),
        objectives=tuple(trial.values) if complete else (),
        violations=dict(attributes.get(VIOLATIONS, {})),
        again=attributes.get(AGAIN),
        positions=tuple(attributes.get(BLOCKS, ())[: len(attributes.get(VALUES, ()))]),
    )


def n_plays(trial: FrozenTrial, n_each: int) -> int:
    """Return the number of blocks on which a stored trial was played.

    Parameters
    ----------
    trial : a finished trial.
    n_each : number of blocks on which a trial without a list of its blocks was played, if it failed.
    """
    attributes = trial.user_attrs
    if is_forbidden(trial):
        return 0
    return len(attributes[BLOCKS]) if BLOCKS in attributes else len(attributes.get(VALUES, ())) or n_each


def curves_of(trial: FrozenTrial) -> list[LearningCurve]:
    """Return the learning curves of a stored trial, one for each block that was played."""
    with reading(f"trial {trial.number} of the study"):
        return [LearningCurve.from_dict(plain) for plain in trial.user_attrs.get(CURVES, [])]
