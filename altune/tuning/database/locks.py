"""The statements that lock rows. Each transaction locks rows by one of them, and decides afterwards."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from optuna.trial import TrialState

from altune.tuning.database.claims import ClaimedTrial, LostClaim
from altune.tuning.database.overview import silence
from altune.tuning.database.tables import ATTRIBUTES, CLAIM, STUDIES, TRIALS, WORKER, attribute


def lock_study(connection: sa.Connection, study_id: int) -> None:
    """Lock a study until the transaction ends.

    Optuna takes the same lock when it creates a trial, so no other process gives out a number in the meantime.
    """
    connection.execute(sa.select(STUDIES.c.study_id).where(STUDIES.c.study_id == study_id).with_for_update())


def lock_lowest_waiting(connection: sa.Connection, study_id: int) -> Any:
    """Lock the waiting trial with the lowest number, and return its id, number and worker; None if none waits.

    A trial that another worker is claiming right now is locked, and skipped here. Without ``SKIP LOCKED``, all workers
    would wait for the same row, and all but the first would find it claimed.
    """
    return connection.execute(
        sa.select(TRIALS.c.trial_id, TRIALS.c.number, attribute(WORKER).label("worker"))
        .where(TRIALS.c.study_id == study_id, TRIALS.c.state == TrialState.WAITING)
        .order_by(TRIALS.c.number)
        .limit(1)
        .with_for_update(of=TRIALS, skip_locked=True)
    ).first()


def lock_stale(connection: sa.Connection, study_id: int, grace: float) -> list[Any]:
    """Lock the running trials whose workers fell silent, and return the id, number and worker of each.

    A locked trial is skipped: its worker is writing a heartbeat right now, or another process requeues it.
    """
    statement = (
        sa.select(TRIALS.c.trial_id, TRIALS.c.number, attribute(WORKER).label("worker"))
        .where(TRIALS.c.study_id == study_id, TRIALS.c.state == TrialState.RUNNING, silence() > grace)
        .order_by(TRIALS.c.number)
        .with_for_update(of=TRIALS, skip_locked=True)
    )
    return list(connection.execute(statement).all())


def lock_claimed(connection: sa.Connection, trial: ClaimedTrial) -> tuple[TrialState, str | None]:
    """Lock a claimed trial until the transaction ends, and return its state and its present claim.

    Raises
    ------
    LostClaim
        If the trial was deleted.
    """
    state = connection.scalar(sa.select(TRIALS.c.state).where(TRIALS.c.trial_id == trial.trial_id).with_for_update())
    if state is None:
        raise LostClaim(f"trial {trial.number} was deleted")
    # A statement of its own: PostgreSQL reads all rows of a statement as they were when it began, which may be before
    # the lock was released by another process.
    claim = connection.scalar(
        sa.select(ATTRIBUTES.c.value_json).where(ATTRIBUTES.c.trial_id == trial.trial_id, ATTRIBUTES.c.key == CLAIM)
    )
    return state, None if claim is None else json.loads(claim)
