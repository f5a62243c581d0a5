"""Workers, and the trials that they have claimed."""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from optuna.distributions import BaseDistribution


@dataclass(frozen=True)
class Worker:
    """A process that claims trials.

    Attributes
    ----------
    identifier : name of the worker, unique in the study.
    host : name of its machine.
    process : its process identifier on that machine.
    """

    identifier: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    host: str = field(default_factory=socket.gethostname)
    process: int = field(default_factory=os.getpid)


@dataclass(frozen=True, eq=False)
class ClaimedTrial:
    """A trial that one worker has claimed.

    Attributes
    ----------
    number : Optuna's number of the trial.
    trial_id : identifier of the trial in the database.
    worker : worker that claimed it.
    claim : mark of this one claim. A later claim of the same trial has another mark.
    attempt : 1 for the first claim; one more for each worker that fell silent before.
    params : parameters that an earlier worker drew, empty if there are none.
    distributions : distribution of each parameter.
    """

    number: int
    trial_id: int
    worker: Worker
    claim: str
    attempt: int
    params: dict[str, Any]
    distributions: dict[str, BaseDistribution]


class Requeued(NamedTuple):
    """Numbers of trials whose workers fell silent: those that wait again, and those that failed for good."""

    waiting: list[int]
    failed: list[int]


class LostClaim(Exception):
    """The trial was given to another worker, or finished by one, while this worker was silent."""
