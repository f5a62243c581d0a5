"""One study in PostgreSQL, shared by many processes on many machines.

Guarantees, whatever process dies, pauses or restarts:

- The study never holds more trials than were asked for, however many owners ask at once.
- A waiting trial is given to one worker at a time. A trial whose worker fell silent waits again, under its number and
  with its parameters.
- A trial is finished once. The first worker to finish it learns that it was the first, any later one that it was not.
- An operation whose answer was lost is repeated. Nothing is queued, claimed or finished twice because of that.
- Time is the clock of the database, never that of a worker.

Not supported are a fixed order of trials, which cannot be guaranteed to workers that come and go, and SQLite, which is
not made for several writers.

Each guarantee rests on one transaction that locks a row before it decides: the row of the study to queue trials, the
row of a trial for everything else. No transaction waits for a second lock, so there are no deadlocks. Optuna's
interface offers these steps one by one, and does not tell what an operation had done whose answer was lost. They are
therefore written here in SQL over Optuna's own tables (:func:`altune.tuning.optuna_private.database_models`), whose
version Optuna checks when it opens them. The result is an ordinary study that Optuna and its dashboard can read.
"""

from altune.tuning.database.address import DatabaseAddress, parse_address, without_password
from altune.tuning.database.claims import ClaimedTrial, LostClaim, Requeued, Worker
from altune.tuning.database.heartbeat import Heartbeat
from altune.tuning.database.overview import Counts, Overview, WorkerSeen
from altune.tuning.database.queue import GRACE_SECONDS, TrialQueue
from altune.tuning.database.retry import Retry
from altune.tuning.database.storage import SharedStorage, connect, open_shared_study, study_lock

__all__ = [
    "GRACE_SECONDS",
    "ClaimedTrial",
    "Counts",
    "DatabaseAddress",
    "Heartbeat",
    "LostClaim",
    "Overview",
    "Requeued",
    "Retry",
    "SharedStorage",
    "TrialQueue",
    "Worker",
    "WorkerSeen",
    "connect",
    "open_shared_study",
    "parse_address",
    "study_lock",
    "without_password",
]
