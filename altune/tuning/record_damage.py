"""What a study holds that altune cannot read: the line of the journal is named, in place of an error from deep within.

A line with a checksum is what altune wrote. Another one, of another program or an earlier version, may lack a field or
hold a value of another type, which shows only when it is used.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

import optuna
from optuna.storages import JournalStorage

from altune.core.errors import AltuneError, DamagedError, RequestError
from altune.core.text import printable
from altune.tuning.header import HEADER
from altune.tuning.journal import n_replayed, read_operations
from altune.tuning.storage import STUDY_NAME, damaged_line, journal_of

_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RecursionError)
_READ = (
    *("header", "scenarios", "also_for", "objective", "preference", "space", "data", "data_sets", "sources"),
    *("encodings", "settings", "wanted", "n_simulations", "n_played", "plan", "search_blocks", "away"),
)
_CALLED = ("trials", "baselines", "baseline_values", "baseline_blocks", "confirmations", "examined", "ablated")

ClassT = TypeVar("ClassT", bound=type)


def names_damage(cls: ClassT) -> ClassT:
    """Let the public methods and properties of a record of a study name what they cannot read."""
    for name, member in list(vars(cls).items()):
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            setattr(cls, name, property(_naming(member.fget), doc=member.__doc__))
        elif isinstance(member, cached_property):
            member.func = _naming(member.func)
        elif callable(member):
            setattr(cls, name, _naming(member))
    return cls


def _naming(read: Any) -> Callable[..., Any]:
    @functools.wraps(read)
    def reading(record: Any, *given: Any, **keywords: Any) -> Any:
        try:
            return read(record, *given, **keywords)
        except DamagedError as error:
            cause = error.__cause__
            raise (_damage(record, cause) if isinstance(cause, Exception) else None) or error from cause
        except AltuneError:
            raise
        except _UNREADABLE as error:
            raise _damage(record, error) or error from error

    return reading


def _damage(record: Any, error: Exception) -> RequestError | None:
    """Return what is wrong with the journal of a study, None if every line of it can be read."""
    journal = journal_of(record.study)
    if journal is None:
        return None
    try:
        operations = read_operations(journal)
    except OSError:
        return None
    n_read = n_readable(operations, type(record))
    if n_read == len(operations):
        return None
    kind = "a field is missing" if isinstance(error, KeyError) else type(error).__name__
    problem = printable(" ".join(str(error).split())[:100])
    return RequestError(damaged_line(journal, f"line {n_read + 1} cannot be read ({kind}: {problem})"))


def n_readable(operations: Sequence[dict[str, Any]], make_record: Callable[[optuna.Study], Any]) -> int:
    """Return how many of the operations, from the first on, Optuna can replay and altune can read.

    Parameters
    ----------
    operations : the operations.
    make_record : returns the record of a study, :class:`altune.tuning.record.StudyRecord`.
    """
    return n_replayed(operations, functools.partial(_read_all, make_record))


def _read_all(make_record: Callable[[optuna.Study], Any], storage: JournalStorage) -> None:
    if not storage.get_all_studies():
        return
    record = make_record(optuna.load_study(study_name=STUDY_NAME, storage=storage))
    if HEADER not in record.attributes:
        return
    try:
        for name in _READ:
            getattr(record, name)
        for trial in record.trials():
            record.curves(trial.number)
        for name in _CALLED:
            getattr(record, name)()
    except DamagedError:
        raise
    except AltuneError:  # such as an own estimator that is not registered here
        return
