"""Optuna's storage in PostgreSQL, for many processes at once, which waits while the database does not answer."""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import logging
import time
import uuid
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import optuna
import sqlalchemy as sa
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy import orm

from altune.core.errors import RequestError, StorageError, reason_of
from altune.tuning.database.address import DatabaseAddress, parse_address
from altune.tuning.database.retry import Result, Retry, causes, passing_reason, server_message, sql_state
from altune.tuning.database.tables import models
from altune.tuning.quiet import create_study

Direction = Literal["minimize", "maximize"]

CREATION = "altune:creation"
_SCHEMA_LOCK = "altune:schema"
_POOL = "altune"

# SQLAlchemy logs a traceback for each dead connection that it cannot close; `Retry` reports an outage in one line.
logging.getLogger(f"sqlalchemy.pool.impl.QueuePool.{_POOL}").setLevel(logging.CRITICAL)

# UTC, because Optuna's heartbeats have no time zone. The others let the server end the transactions of a machine that
# has disappeared; with TCP's defaults, its locks would be held for two hours.
_SESSION = {
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}


class SharedStorage(RDBStorage):
    """Optuna's storage, with every operation repeated until the database answers.

    It is made by :func:`connect`. Each process keeps one connection until the storage is no longer used, and opens more
    while threads need them.

    Creating a trial is safe to repeat as well: each creation carries a mark, by which a repeated one finds the trial of
    the first.

    Parameters
    ----------
    address : address of the database.
    retry : how to wait for it.
    """

    def __init__(self, address: DatabaseAddress, retry: Retry) -> None:
        self.address = address
        self.retry = retry
        try:
            super().__init__(
                address.full_url,
                engine_kwargs={
                    "pool_pre_ping": True,
                    "pool_size": 1,
                    "max_overflow": 9,
                    "pool_logging_name": _POOL,
                    "isolation_level": "READ COMMITTED",  # the locks need it, whatever the default of the server
                    "connect_args": address.options,
                },
            )
        finally:  # closes connections without the settings below, also if the storage could not be opened
            if hasattr(self, "engine"):
                self.engine.dispose()
        sa.event.listen(self.engine, "connect", _set_session)
        weakref.finalize(self, self.engine.dispose)

    def ask(
        self, operation: Callable[[], Result], pause: Callable[[float], object] = time.sleep, *, reads: bool = False
    ) -> Result:
        """Return the result of an operation that is safe to repeat, once the database answers.

        Parameters
        ----------
        operation : the operation.
        pause : how to wait for a database that does not answer.
        reads : whether it only reads, so that a wrong value is one that is stored.

        Raises
        ------
        RequestError, StorageError
            If the database answers that it cannot do it, or does not answer within the limit.
        """
        try:
            return self.retry(operation, pause)
        except (sa.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
            raise _explained(error, self.address) from error
        except KeyError:  # Optuna: no such study or trial
            raise
        except (AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
            if not reads and not isinstance(error, json.JSONDecodeError):
                raise
            raise StorageError(
                f"{self.address}: a row of the study is damaged ({reason_of(error)}); restore it from a backup"
            ) from error

    def read(self, query: Callable[[sa.Connection], Result]) -> Result:
        """Return the result of a query in a transaction of its own."""

        def attempt() -> Result:
            with self.engine.begin() as connection:
                return query(connection)

        return self.ask(attempt, reads=True)

    def write(
        self,
        change: Callable[[sa.Connection], Result],
        pause: Callable[[float], object] = time.sleep,
    ) -> Result:
        """Make a change in one transaction, repeated if its answer was lost; return its result."""

        def attempt() -> Result:
            with self.engine.begin() as connection:
                return change(connection)

        return self.ask(attempt, pause)

    def _create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> FrozenTrial:
        template = copy.deepcopy(template_trial) or create_trial(state=TrialState.RUNNING)
        template.system_attrs[CREATION] = uuid.uuid4().hex
        return self.ask(lambda: super(SharedStorage, self)._create_new_trial(study_id, template))

    def _get_prepared_new_trial(self, study_id: int, template_trial: FrozenTrial | None, session: orm.Session) -> Any:
        """Return the trial of an earlier attempt whose answer was lost, else a new one. Optuna has locked the study."""
        marks = models.TrialSystemAttributeModel
        mark = template_trial.system_attrs[CREATION] if template_trial is not None else ""
        earlier = (
            session.query(models.TrialModel)
            .join(marks)
            .filter(models.TrialModel.study_id == study_id, marks.key == CREATION, marks.value_json == f'"{mark}"')
            .one_or_none()
        )
        return earlier or super()._get_prepared_new_trial(study_id, template_trial, session)


def _repeating(name: str) -> Callable[..., Any]:
    method = getattr(RDBStorage, name)

    @functools.wraps(method)
    def repeated(self: SharedStorage, *arguments: Any, **named: Any) -> Any:
        return self.ask(lambda: method(self, *arguments, **named), reads=name.lstrip("_").startswith("get"))

    return repeated


# It is safe to repeat reading, writing one value under one name, and creating a study of a given name
# (`open_shared_study` loads an existing one). The private names are called by Optuna's cache in front of a storage.
for _name in (
    "create_new_study",
    "set_study_user_attr",
    "set_study_system_attr",
    "get_study_id_from_name",
    "get_study_name_from_id",
    "get_study_directions",
    "get_study_user_attrs",
    "get_study_system_attrs",
    "get_all_studies",
    "_set_trial_param",
    "get_trial_id_from_study_id_trial_number",
    "get_trial_param",
    "set_trial_state_values",
    "set_trial_intermediate_value",
    "set_trial_user_attr",
    "set_trial_system_attr",
    "get_trial",
    "_get_trials",
    "_get_best_trial_id",
    "get_trial_user_attrs",
    "get_trial_system_attrs",
    "record_heartbeat",
    "_get_stale_trial_ids",
):
    if hasattr(RDBStorage, _name):
        setattr(SharedStorage, _name, _repeating(_name))


def connect(url: str, *, limit: float = 300.0, tell: Callable[[str], None] = lambda line: None) -> SharedStorage:
    """Connect to the database of a shared study, and create Optuna's tables if there are none.

    Parameters
    ----------
    url : address, see :func:`altune.tuning.database.parse_address`.
    limit : seconds to wait for a database that does not answer, in each operation. This first call waits only for a
        server which reports that it is starting or full; if no server answers, the address is probably wrong.
    tell : called with messages for the user: that the database does not answer, and that it answers again.

    Raises
    ------
    RequestError
        If the address, the password or the database is wrong, or the user may not create tables there.
    StorageError
        If the server cannot be reached.
    """
    address = parse_address(url)
    retry = Retry(str(address), limit, tell)
    try:
        return retry(lambda: _open(address, retry))
    except (sa.exc.SQLAlchemyError, optuna.exceptions.OptunaError, _Unreachable) as error:
        raise _explained(error, address) from None
    except RuntimeError as error:  # Optuna: tables of another version
        raise RequestError(f"{address}: {error}") from None


class _Unreachable(Exception):
    """No server answered. It is not an error of the database, which `Retry` would take for a temporary one."""


def _open(address: DatabaseAddress, retry: Retry) -> SharedStorage:
    # Optuna looks for its tables first and creates them afterwards, so two processes that do so at once would fail.
    engine = sa.create_engine(address.url, connect_args=address.options, poolclass=sa.NullPool)
    try:
        with advisory_lock(engine, _SCHEMA_LOCK):
            return SharedStorage(address, retry)
    except (sa.exc.DBAPIError, OSError) as error:
        if passing_reason(error) is not None and not any(sql_state(link) for link in causes(error)):
            raise _Unreachable(passing_reason(error)) from None
        raise


def _explained(error: Exception, address: DatabaseAddress) -> RequestError | StorageError:
    """Return an error with one line that says what to correct."""
    if isinstance(error, _Unreachable):
        if "SSL" in str(error):
            return RequestError(f"{address}: {error}; leave out sslmode, or let the server encrypt")
        return StorageError(f"{address}: no PostgreSQL server answers there ({error}); check host, port and firewall")
    cause = next((link for link in causes(error) if sql_state(link)), error)
    code, message = sql_state(cause), server_message(cause)
    # psycopg reports a refused connection without a code.
    if code in ("28P01", "28000") or "password" in message or "no pg_hba.conf entry" in message:
        return RequestError(f"{address}: the server refuses the login ({message}); check PGUSER and PGPASSWORD")
    if code == "3D000" or ("database" in message and "does not exist" in message):
        return RequestError(f"{address}: {message}; create it with `createdb {address.url.database}`")
    if code == "42501":
        return RequestError(
            f"{address}: the user may not create Optuna's tables, or use those that are there ({message})"
        )
    if code == "25006":
        return StorageError(f"{address}: the database is read-only ({message}); give the address of one that is not")
    if code in ("42P01", "42703"):  # a table or a column is missing
        return StorageError(f"{address}: Optuna's tables there are damaged ({message}); restore them from a backup")
    if isinstance(cause, sa.exc.SQLAlchemyError) and cause.args and code is None:
        message = str(cause.args[0]).splitlines()[0]
    return StorageError(f"{address}: {message}")


def _set_session(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    calls = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in _SESSION.items())
    cursor.execute(f"SELECT {calls}")
    cursor.close()
    connection.commit()


@contextlib.contextmanager
def advisory_lock(engine: sa.Engine, name: str, *, wait: bool = True) -> Iterator[bool]:
    """Hold a named lock of the database. PostgreSQL releases it when the connection of its holder ends.

    The lock is polled. Waiting inside the server could not be interrupted from the keyboard.

    Parameters
    ----------
    engine : the database.
    name : name of the lock.
    wait : whether to wait for it; otherwise the value is False if another process holds it.
    """
    key = {"name": name}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        pause = 0.02
        while not (held := connection.scalar(sa.text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))"), key)):
            if not wait:
                break
            time.sleep(pause)
            pause = min(1.5 * pause, 1.0)
        try:
            yield bool(held)
        finally:
            if held:
                with contextlib.suppress(sa.exc.SQLAlchemyError):  # lost with the connection, so released already
                    connection.execute(sa.text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), key)


@contextlib.contextmanager
def study_lock(storage: SharedStorage, study_name: str, purpose: str, *, wait: bool = True) -> Iterator[bool]:
    """Hold a lock for one purpose of a study, such as writing its header or playing its baselines.

    The lock is lost with its connection. What is done under it must therefore be harmless if two processes do it.

    Parameters
    ----------
    storage : database of the study.
    study_name : name of the study.
    purpose : what the lock is for; different purposes do not wait for each other.
    wait : whether to wait for it; otherwise the value is False if another process holds it.
    """
    with contextlib.ExitStack() as stack:
        name = f"altune:{study_name}:{purpose}"
        yield storage.ask(lambda: stack.enter_context(advisory_lock(storage.engine, name, wait=wait)))


def open_shared_study(
    storage: SharedStorage, study_name: str, directions: Sequence[Direction] = ("maximize",)
) -> optuna.Study:
    """Open a study, or create it if there is none; any number of processes may do so at once.

    Raises
    ------
    RequestError
        If the stored study has other directions.
    """
    study = create_study(
        storage=storage,
        study_name=study_name,
        directions=list(directions),
        pruner=optuna.pruners.NopPruner(),
        load_if_exists=True,
    )
    stored = [direction.name.lower() for direction in study.directions]
    if stored != list(directions):
        raise RequestError(
            f"{storage.address}: the study {study_name!r} there has the directions {', '.join(stored)}; "
            "choose another name"
        )
    return study
