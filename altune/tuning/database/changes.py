"""Single changes of trials. Each is a part of a transaction that holds the lock of the trial, or of the study."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from optuna.distributions import (
    BaseDistribution,
    check_distribution_compatibility,
    distribution_to_json,
    json_to_distribution,
)
from optuna.trial import TrialState

from altune.tuning.database import tables
from altune.tuning.database.claims import Worker
from altune.tuning.database.tables import CLAIM, NOW, PARAMETERS, TRIALS, WORKER, attribute
from altune.tuning.trials import REASON


def insert_waiting(connection: sa.Connection, study_id: int, first: int, count: int) -> None:
    """Add waiting trials, numbered from ``first``; the study is locked."""
    numbers = sa.select(
        sa.func.generate_series(first, first + count - 1).column_valued("number"),
        sa.literal(study_id),
        sa.literal(TrialState.WAITING, TRIALS.c.state.type),
    ).order_by(sa.text("1"))
    connection.execute(sa.insert(TRIALS).from_select(["number", "study_id", "state"], numbers))


def set_state(connection: sa.Connection, trial_id: int, state: TrialState, **columns: Any) -> None:
    """Set the state of a trial, and further columns."""
    connection.execute(sa.update(TRIALS).where(TRIALS.c.trial_id == trial_id).values(state=state, **columns))


def set_running(connection: sa.Connection, trial_id: int, claim: str, worker: dict[str, Any]) -> None:
    """Start a trial with its claim and its first heartbeat, so that a running trial is never without them."""
    set_state(connection, trial_id, TrialState.RUNNING, datetime_start=NOW)
    tables.write_attributes(connection, trial_id, {CLAIM: claim, WORKER: worker})
    tables.write_heartbeat(connection, trial_id)


def set_waiting(connection: sa.Connection, trial_id: int) -> None:
    """Put a trial back into the queue. Its claim is kept, so that a worker that was only slow can take it back."""
    set_state(connection, trial_id, TrialState.WAITING, datetime_start=None)


def give_up(connection: sa.Connection, trial_id: int, attempts: int) -> None:
    """Fail a trial that was started too often."""
    reason = f"started {attempts} times and never finished: its workers died or were killed, maybe for lack of memory"
    tables.write_attributes(connection, trial_id, {REASON: reason})
    tables.drop_attribute(connection, trial_id, CLAIM)
    set_state(connection, trial_id, TrialState.FAIL, datetime_complete=NOW)


def signature(worker: Worker, attempt: int) -> dict[str, Any]:
    """Return what is stored with a trial about the worker that plays it."""
    return {"id": worker.identifier, "host": worker.host, "process": worker.process, "attempt": attempt}


def attempts(worker: str | None) -> int:
    """Return how often workers of altune have started a trial, from what is stored about its worker.

    What cannot be read counts as none: the trial is only played again.
    """
    with contextlib.suppress(KeyError, TypeError, ValueError):
        return 0 if worker is None else int(json.loads(worker)["attempt"])
    return 0


def read_claimed(connection: sa.Connection, study_id: int, claim: str) -> tuple[int, int, int] | None:
    """Return the id, number and attempt of the trial that runs under a claim, None if there is none."""
    claimed = connection.execute(
        sa.select(TRIALS.c.trial_id, TRIALS.c.number, attribute(WORKER).label("worker"))
        .where(TRIALS.c.study_id == study_id, TRIALS.c.state == TrialState.RUNNING)
        .where(attribute(CLAIM) == json.dumps(claim))
    ).first()
    return None if claimed is None else (claimed.trial_id, claimed.number, attempts(claimed.worker))


def read_parameters(connection: sa.Connection, trial_id: int) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
    """Return the parameters of a trial and their distributions, in the order in which they were drawn."""
    rows = connection.execute(
        sa.select(PARAMETERS.c.param_name, PARAMETERS.c.param_value, PARAMETERS.c.distribution_json)
        .where(PARAMETERS.c.trial_id == trial_id)
        .order_by(PARAMETERS.c.param_id)
    ).all()
    distributions = {name: json_to_distribution(text) for name, _, text in rows}
    return {name: distributions[name].to_external_repr(value) for name, value, _ in rows}, distributions


def insert_parameters(
    connection: sa.Connection, trial_id: int, params: Mapping[str, Any], distributions: Mapping[str, BaseDistribution]
) -> None:
    """Store the parameters of a trial that has none yet."""
    rows = [
        {
            "trial_id": trial_id,
            "param_name": name,
            "param_value": distributions[name].to_internal_repr(value),
            "distribution_json": distribution_to_json(distributions[name]),
        }
        for name, value in params.items()
    ]
    connection.execute(sa.insert(PARAMETERS).values(rows))


def require_compatible(connection: sa.Connection, study_id: int, distributions: Mapping[str, BaseDistribution]) -> None:
    """Refuse a parameter whose kind or choices differ from those of earlier trials, as Optuna does.

    Raises
    ------
    ValueError
        From Optuna.
    """
    earlier = connection.execute(
        sa.select(PARAMETERS.c.param_name, sa.func.min(PARAMETERS.c.distribution_json))
        .join(TRIALS, TRIALS.c.trial_id == PARAMETERS.c.trial_id)
        .where(TRIALS.c.study_id == study_id, PARAMETERS.c.param_name.in_(list(distributions)))
        .group_by(PARAMETERS.c.param_name)
    )
    for name, text in earlier:
        check_distribution_compatibility(json_to_distribution(text), distributions[name])
