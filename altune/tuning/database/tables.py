"""Optuna's tables, and statements over them that several modules share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from altune.tuning.optuna_private import database_models

models = database_models()

STUDIES = models.StudyModel.__table__
TRIALS = models.TrialModel.__table__
PARAMETERS = models.TrialParamModel.__table__
VALUES = models.TrialValueModel.__table__
ATTRIBUTES = models.TrialUserAttributeModel.__table__
HEARTBEATS = models.TrialHeartbeatModel.__table__

# User attributes: the worker that plays or finished a trial, and the mark of its claim.
WORKER = "worker"
CLAIM = "claim"

NOW = sa.func.timezone("utc", sa.func.now())


def attribute(name: str, table: Any = ATTRIBUTES) -> Any:
    """Return the JSON text of a user attribute, as a column of a statement over the trials."""
    text = sa.select(table.c.value_json).where(table.c.trial_id == TRIALS.c.trial_id, table.c.key == name)
    return text.correlate(TRIALS).scalar_subquery()


def write_attributes(connection: sa.Connection, trial_id: int, attributes: Mapping[str, Any]) -> None:
    """Store user attributes of a trial in one statement, replacing those of the same names."""
    if not attributes:
        return
    rows = [{"trial_id": trial_id, "key": name, "value_json": json.dumps(value)} for name, value in attributes.items()]
    new = insert(ATTRIBUTES).values(rows)
    connection.execute(
        new.on_conflict_do_update(index_elements=["trial_id", "key"], set_={"value_json": new.excluded.value_json})
    )


def drop_attribute(connection: sa.Connection, trial_id: int, name: str) -> None:
    """Remove a user attribute of a trial, if it has it."""
    connection.execute(sa.delete(ATTRIBUTES).where(ATTRIBUTES.c.trial_id == trial_id, ATTRIBUTES.c.key == name))


def write_heartbeat(connection: sa.Connection, trial_id: int) -> None:
    """Store the present time of the database as the heartbeat of a trial."""
    new = insert(HEARTBEATS).values(trial_id=trial_id, heartbeat=NOW)
    connection.execute(new.on_conflict_do_update(index_elements=["trial_id"], set_={"heartbeat": NOW}))


def write_values(connection: sa.Connection, trial_id: int, values: list[float]) -> None:
    """Store the objective values of a trial, in place of any that it has."""
    connection.execute(sa.delete(VALUES).where(VALUES.c.trial_id == trial_id))
    stored = [models.TrialValueModel.value_to_stored_repr(value) for value in values]
    rows = [
        {"trial_id": trial_id, "objective": index, "value": value, "value_type": kind}
        for index, (value, kind) in enumerate(stored)
    ]
    if rows:
        connection.execute(sa.insert(VALUES).values(rows))
