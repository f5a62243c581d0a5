"""How a shared study stands: states, workers and their last signs of life, and what a sampler learns from."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from optuna.distributions import json_to_distribution
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState

from altune.tuning.database.tables import HEARTBEATS, NOW, PARAMETERS, TRIALS, VALUES, WORKER, attribute
from altune.tuning.trials import FORBIDDEN, REASON, VIOLATIONS
from altune.tuning.trials import VALUES as ON_BLOCKS

_LEARNT_FROM = (REASON, VIOLATIONS, ON_BLOCKS)


class Counts(NamedTuple):
    """Trials by state; forbidden draws stand apart, and are not among the failed ones."""

    waiting: int = 0
    running: int = 0
    complete: int = 0
    pruned: int = 0
    failed: int = 0
    forbidden: int = 0

    @property
    def finished(self) -> int:
        """Trials that ended, forbidden draws aside."""
        return self.complete + self.pruned + self.failed

    @property
    def counted(self) -> int:
        """Trials that wait, run or are finished, forbidden draws aside."""
        return self.waiting + self.running + self.finished


@dataclass(frozen=True)
class WorkerSeen:
    """A worker as the database knows it.

    Attributes
    ----------
    identifier, host, process : who it is.
    silent : seconds since its last sign of life, by the database's clock.
    running : numbers of the trials that it plays.
    finished : how many it has finished.
    """

    identifier: str
    host: str
    process: int
    silent: float
    running: tuple[int, ...]
    finished: int


@dataclass(frozen=True)
class Overview:
    """How a shared study stands.

    Attributes
    ----------
    counts : trials by state.
    workers : all that ever claimed a trial and hold or finished one, the latest seen first.
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
    """Count the trials of a study by state."""
    forbidden = sa.func.coalesce(attribute(REASON).like(json.dumps(FORBIDDEN)[:-1] + "%"), sa.false())
    which = sa.select(TRIALS.c.state, forbidden.label("forbidden")).where(TRIALS.c.study_id == study_id).subquery()
    rows = connection.execute(sa.select(which.c.state, which.c.forbidden, sa.func.count()).group_by(sa.text("1, 2")))
    counted: dict[str, int] = defaultdict(int)
    for state, is_forbidden, number in rows:
        counted["forbidden" if is_forbidden else _STATES[state]] += number
    return Counts(**counted)


def silence() -> Any:
    """Return the seconds since a running trial's last sign of life, as a column.

    While the server was down no one could give a sign, so that time does not count. A trial that another program runs
    has its start for a sign.
    """
    heartbeat = sa.select(HEARTBEATS.c.heartbeat).where(HEARTBEATS.c.trial_id == TRIALS.c.trial_id)
    seen = sa.func.coalesce(
        heartbeat.correlate(TRIALS).scalar_subquery(), TRIALS.c.datetime_start, sa.text("'-infinity'")
    )
    up = sa.func.timezone("utc", sa.func.pg_postmaster_start_time())
    return sa.func.extract("epoch", NOW - sa.func.greatest(seen, up))


def stale_trials(study_id: int, grace: float) -> sa.Select[Any]:
    """Return the statement that locks the trials whose workers fell silent: their id, number and worker."""
    return (
        sa.select(TRIALS.c.trial_id, TRIALS.c.number, attribute(WORKER).label("worker"))
        .where(TRIALS.c.study_id == study_id, TRIALS.c.state == TrialState.RUNNING, silence() > grace)
        .order_by(TRIALS.c.number)
        .with_for_update(of=TRIALS, skip_locked=True)
    )


def overview(connection: sa.Connection, study_id: int, grace: float) -> Overview:
    """Describe a study."""
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
    seen: dict[str, WorkerSeen] = {}
    for number, state, text, silent in rows:
        if text is None:
            continue
        worker = json.loads(text)
        known = seen.get(worker["id"], WorkerSeen(worker["id"], worker["host"], worker["process"], silent, (), 0))
        runs = state == TrialState.RUNNING
        seen[worker["id"]] = WorkerSeen(
            known.identifier,
            known.host,
            known.process,
            min(known.silent, float(silent)),
            known.running + ((number,) if runs else ()),
            known.finished + (not runs),
        )
    return tuple(sorted(seen.values(), key=lambda worker: worker.silent))


def drawn_trials(connection: sa.Connection, study_id: int, known: Sequence[int]) -> list[FrozenTrial]:
    """Return the trials that have parameters, without their large attributes."""
    wanted = (
        sa.select(
            TRIALS.c.trial_id,
            TRIALS.c.number,
            TRIALS.c.state,
            TRIALS.c.datetime_start,
            TRIALS.c.datetime_complete,
            *(attribute(name).label(name) for name in _LEARNT_FROM),
        )
        .where(TRIALS.c.study_id == study_id, TRIALS.c.state != TrialState.WAITING)
        .where(TRIALS.c.number != sa.all_(sa.literal(list(known), sa.ARRAY(sa.Integer))))
        .order_by(TRIALS.c.number)
    )
    rows = connection.execute(wanted).all()
    ids = [row.trial_id for row in rows]
    params = _by_trial(connection, PARAMETERS, PARAMETERS.c.param_id, ids)
    values = _by_trial(connection, VALUES, VALUES.c.objective, ids)
    return [_frozen(row, params[row.trial_id], values[row.trial_id]) for row in rows if row.trial_id in params]


def _by_trial(connection: sa.Connection, table: Any, order: Any, ids: list[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(
        sa.select(table).where(table.c.trial_id == sa.any_(sa.literal(ids, sa.ARRAY(sa.Integer)))).order_by(order)
    ):
        found[row.trial_id].append(row)
    return found


def _frozen(row: Any, params: list[Any], values: list[Any]) -> FrozenTrial:
    distributions = {one.param_name: json_to_distribution(one.distribution_json) for one in params}
    told = [models.TrialValueModel.stored_repr_to_value(one.value, one.value_type) for one in values]
    return FrozenTrial(
        number=row.number,
        trial_id=row.trial_id,
        state=row.state,
        value=None,
        values=told or None,
        datetime_start=row.datetime_start,
        datetime_complete=row.datetime_complete,
        params={one.param_name: distributions[one.param_name].to_external_repr(one.param_value) for one in params},
        distributions=distributions,
        user_attrs={name: json.loads(text) for name in _LEARNT_FROM if (text := getattr(row, name)) is not None},
        system_attrs={},
        intermediate_values={},
    )
