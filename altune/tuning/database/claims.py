"""Who plays which trial."""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from optuna.distributions import BaseDistribution


@dataclass(frozen=True)
class Worker:
    """Who claims a trial.

    Attributes
    ----------
    identifier : its name, its own in the study.
    host : name of its machine.
    process : its process identifier there.
    """

    identifier: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    host: str = field(default_factory=socket.gethostname)
    process: int = field(default_factory=os.getpid)


@dataclass(frozen=True, eq=False)
class ClaimedTrial:
    """A trial that one worker plays.

    Attributes
    ----------
    number : Optuna's number of it.
    trial_id : the database's.
    worker : who claimed it.
    claim : the mark of this one claim.
    attempt : 1 when it is played for the first time, more after workers that fell silent.
    params : its parameters where an earlier worker had drawn them, else empty.
    distributions : of the parameters.
    """

    number: int
    trial_id: int
    worker: Worker
    claim: str
    attempt: int
    params: dict[str, Any]
    distributions: dict[str, BaseDistribution]


class Requeued(NamedTuple):
    """Numbers of trials whose workers fell silent: those that wait again, and those that were given up."""

    waiting: list[int]
    failed: list[int]


class LostClaim(Exception):
    """The trial was given to another worker, or finished by one, while this one was silent."""
