"""Queries of a shared study: trials by state, workers and their heartbeats, and the trials that samplers learn from."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import sqlalchemy as sa
from optuna.distributions import json_to_distribution
from optuna.trial import FrozenTrial, TrialState

from altune.tuning.database.tables import HEARTBEATS, NOW, PARAMETERS, TRIALS, VALUES, WORKER, attribute, models
from altune.tuning.trials import FORBIDDEN, REASON, VIOLATIONS
from altune.tuning.trials import VALUES as BLOCK_VALUES

_SMALL_ATTRIBUTES = (REASON, VIOLATIONS, BLOCK_VALUES)
"""User attributes that are read with a trial. Curves and recipes are large, and no sampler needs them."""


class Counts(NamedTuple):
    """Number of trials in each state. Forbidden draws are counted apart, not as failed."""

    waiting: int = 0
    running: int = 0
    complete: int = 0
    pruned: int = 0
    failed: int = 0
    forbidden: int = 0

    @property
    def finished(self) -> int:
        """Number of trials that have ended, without forbidden draws."""
        return self.complete + self.pruned + self.failed

    @property
    def counted(self) -> int:
        """Number of trials that wait, run or have ended, without forbidden draws."""
        return self.waiting + self.running + self.finished


@dataclass(frozen=True)
class WorkerSeen:
    """A worker, as stored in the database.

    Attributes
    ----------
    identifier, host, process : name, machine and process identifier of the worker.
    silent : seconds since its last heartbeat, by the clock of the database.
    running : numbers of the trials that it plays.
    finished : number of trials that it has finished.
    """

    identifier: str
    host: str
    process: int
    silent: float
    running: tuple[int, ...]
    finished: int


@dataclass(frozen=True)
class Overview:
    """The state of a shared study.

    Attributes
    ----------
    counts : number of trials in each state.
    workers : workers that play or have finished a trial, the one with the latest heartbeat first.
    stale : numbers of the running trials whose workers fell silent; ``requeue_stale`` lets them wait again.
    """

    counts: Counts
    workers: tuple[WorkerSeen, ...]
    stale: tuple[int, ...]


_STATES = {
    TrialState.WAITING: "waiting",
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


def count(connection: sa.Connection, study_id: int) -> Counts:
    """Return the number of trials of a study in each state."""
    forbidden = sa.func.coalesce(attribute(REASON).like(json.dumps(FORBIDDEN)[:-1] + "%"), sa.false())
    trials = sa.select(TRIALS.c.state, forbidden.label("forbidden")).where(TRIALS.c.study_id == study_id).subquery()
    rows = connection.execute(sa.select(trials.c.state, trials.c.forbidden, sa.func.count()).group_by(sa.text("1, 2")))
    counts: dict[str, int] = defaultdict(int)
    for state, is_forbidden, number in rows:
        counts["forbidden" if is_forbidden else _STATES[state]] += number
    return Counts(**counts)


def silence() -> Any:
    """Return the seconds since the last heartbeat of a running trial, as a column.

    The time before the last start of the server does not count, because no heartbeat could be written while it was
    down. A trial that another program runs has no heartbeat; its start counts as one.
    """
    heartbeat = sa.select(HEARTBEATS.c.heartbeat).where(HEARTBEATS.c.trial_id == TRIALS.c.trial_id)
    seen = sa.func.coalesce(
        heartbeat.correlate(TRIALS).scalar_subquery(), TRIALS.c.datetime_start, sa.text("'-infinity'")
    )
    up = sa.func.timezone("utc", sa.func.pg_postmaster_start_time())
    return sa.func.extract("epoch", NOW - sa.func.greatest(seen, up))


def overview(connection: sa.Connection, study_id: int, grace: float) -> Overview:
    """Return the state of a study."""
    rows = connection.execute(
        sa.select(TRIALS.c.number, TRIALS.c.state, attribute(WORKER), silence())
        .where(TRIALS.c.study_id == study_id, TRIALS.c.state != TrialState.WAITING)
        .order_by(TRIALS.c.number)
    ).all()
    return Overview(
        count(connection, study_id),
        _workers(rows),
        tuple(number for number, state, _, silent in rows if state == TrialState.RUNNING and silent > grace),
    )


def _workers(rows: Iterable[Any]) -> tuple[WorkerSeen, ...]:
    workers: dict[str, WorkerSeen] = {}
    for number, state, signature, silent in rows:
        if signature is None:
            continue
        try:
            plain = json.loads(signature)
            new = WorkerSeen(str(plain["id"]), str(plain["host"]), int(plain["process"]), silent, (), 0)
        except (KeyError, TypeError, ValueError):  # damaged; no result depends on who played a trial
            continue
        worker = workers.get(new.identifier, new)
        runs = state == TrialState.RUNNING
        workers[new.identifier] = replace(
            worker,
            silent=min(worker.silent, float(silent)),
            running=worker.running + ((number,) if runs else ()),
            finished=worker.finished + (not runs),
        )
    return tuple(sorted(workers.values(), key=lambda worker: worker.silent))


def drawn_trials(connection: sa.Connection, study_id: int, known: Sequence[int]) -> list[FrozenTrial]:
    """Return the trials that have parameters, without their large attributes."""
    statement = (
        sa.select(
            TRIALS.c.trial_id,
            TRIALS.c.number,
            TRIALS.c.state,
            TRIALS.c.datetime_start,
            TRIALS.c.datetime_complete,
            *(attribute(name).label(name) for name in _SMALL_ATTRIBUTES),
        )
        .where(TRIALS.c.study_id == study_id, TRIALS.c.state != TrialState.WAITING)
        .where(TRIALS.c.number != sa.all_(sa.literal(list(known), sa.ARRAY(sa.Integer))))
        .order_by(TRIALS.c.number)
    )
    rows = connection.execute(statement).all()
    ids = [row.trial_id for row in rows]
    params = _by_trial(connection, PARAMETERS, PARAMETERS.c.param_id, ids)
    values = _by_trial(connection, VALUES, VALUES.c.objective, ids)
    return [_frozen(row, params[row.trial_id], values[row.trial_id]) for row in rows if row.trial_id in params]


def _by_trial(connection: sa.Connection, table: Any, order: Any, ids: list[int]) -> dict[int, list[Any]]:
    """Return the rows of a table by the trial to which they belong."""
    by_trial: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(
        sa.select(table).where(table.c.trial_id == sa.any_(sa.literal(ids, sa.ARRAY(sa.Integer)))).order_by(order)
    ):
        by_trial[row.trial_id].append(row)
    return by_trial


def _frozen(row: Any, params: list[Any], values: list[Any]) -> FrozenTrial:
    distributions = {param.param_name: json_to_distribution(param.distribution_json) for param in params}
    if row.state == TrialState.COMPLETE and not values:
        raise ValueError(f"trial {row.number} is complete and has no values")
    objectives = [models.TrialValueModel.stored_repr_to_value(value.value, value.value_type) for value in values]
    return FrozenTrial(
        number=row.number,
        trial_id=row.trial_id,
        state=row.state,
        value=None,
        values=objectives or None,
        datetime_start=row.datetime_start,
        datetime_complete=row.datetime_complete,
        params={
            param.param_name: distributions[param.param_name].to_external_repr(param.param_value) for param in params
        },
        distributions=distributions,
        user_attrs={name: json.loads(text) for name in _SMALL_ATTRIBUTES if (text := getattr(row, name)) is not None},
        system_attrs={},
        intermediate_values={},
    )
