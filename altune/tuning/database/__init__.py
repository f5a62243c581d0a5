"""Many processes on many machines share one study in PostgreSQL.

What is promised, whatever dies, pauses or restarts:

- The study never holds more counted trials than were asked for, however many owners ask at once.
- A waiting trial is given to one worker at a time; a trial whose worker fell silent waits again under its number, with
  the parameters it had.
- A trial is finished once. The first to finish it is told so, everyone later is told that it was not them.
- An answer lost on the way is asked for again; nothing is queued, claimed or finished twice by that.
- Time is the database's clock, never a worker's.

What is refused: the order of trials, which no one can promise to workers that come and go; and SQLite, which is not
made for several writers.

Each promise rests on one transaction that locks one row (the study's for queueing, the trial's for all else) before it
decides, so no two transactions can wait for each other in a ring. Optuna's interface offers these steps one by one and
without a way to know what a lost answer had done; so they are written here in SQL over Optuna's own tables
(``optuna.storages._rdb.models``, whose version Optuna checks on opening). What is stored is an ordinary study that
Optuna and its dashboard read.
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
