"""The queue of trials: each waiting trial is claimed by one worker, played, and finished once."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from altune.core.errors import RequestError
from altune.tuning.database import changes, locks, overview, tables
from altune.tuning.database.claims import ClaimedTrial, LostClaim, Requeued, Worker
from altune.tuning.database.overview import Counts, Overview
from altune.tuning.database.storage import SharedStorage
from altune.tuning.database.tables import CLAIM, NOW, WORKER

GRACE_SECONDS = 120.0
MOST_ATTEMPTS = 3


class TrialQueue:
    """The trials of one study, distributed among workers.

    Every method may be called by any process at any time, and again if it raised.

    Parameters
    ----------
    storage : database, from :func:`altune.tuning.database.connect`.
    study_name : name of an existing study.
    grace : seconds without a heartbeat after which a worker counts as dead; the same for all who share the study.
    most_attempts : number of times that a trial is started before it fails, as one that kills its workers.

    Raises
    ------
    RequestError
        If there is no such study.
    """

    def __init__(
        self,
        storage: SharedStorage,
        study_name: str,
        *,
        grace: float = GRACE_SECONDS,
        most_attempts: int = MOST_ATTEMPTS,
    ) -> None:
        self.storage = storage
        self.study_name = study_name
        self.grace = grace
        self.most_attempts = most_attempts
        try:
            self.study_id = storage.get_study_id_from_name(study_name)
        except KeyError:
            raise RequestError(f"{storage.address}: there is no study {study_name!r}") from None
        self._n_values = len(storage.get_study_directions(self.study_id))

    # owners ---------------------------------------------------------------------------------------------------

    def queue_trials(self, n_total: int) -> Counts:
        """Add waiting trials until there are ``n_total`` in all, without forbidden draws; return the counts.

        Nothing is added if there are as many already, so it does not matter how often this is called, or where.

        Parameters
        ----------
        n_total : number of trials that wait, run or are finished, 0 or more.
        """

        def change(connection: sa.Connection) -> Counts:
            # Counted under the lock of the study, so that two owners do not both add the trials that are missing.
            locks.lock_study(connection, self.study_id)
            counts = overview.count(connection, self.study_id)
            missing = max(0, n_total - counts.counted)
            if missing:
                first = counts.counted + counts.forbidden
                changes.insert_waiting(connection, self.study_id, first=first, count=missing)
            return counts._replace(waiting=counts.waiting + missing)

        return self.storage.write(change)

    def requeue_stale(self) -> Requeued:
        """Let trials whose workers fell silent wait again, under their numbers and with their parameters.

        A worker is silent if the database received no heartbeat of it for the grace period. The time before the last
        start of the server does not count, because no heartbeat could be written while it was down. A trial that was
        started ``most_attempts`` times fails.
        """

        def change(connection: sa.Connection) -> Requeued:
            requeued = Requeued([], [])
            for trial_id, number, worker in locks.lock_stale(connection, self.study_id, self.grace):
                if changes.attempts(worker) < self.most_attempts:
                    changes.set_waiting(connection, trial_id)
                    requeued.waiting.append(number)
                else:
                    changes.give_up(connection, trial_id, changes.attempts(worker))
                    requeued.failed.append(number)
            return requeued

        return self.storage.write(change)

    def counts(self) -> Counts:
        """Return the number of trials in each state."""
        return self.storage.read(lambda connection: overview.count(connection, self.study_id))

    def overview(self) -> Overview:
        """Return the state of all trials and workers."""
        return self.storage.read(lambda connection: overview.overview(connection, self.study_id, self.grace))

    def drawn_trials(self, known: Sequence[int] = ()) -> list[FrozenTrial]:
        """Return the trials that have parameters, without curves and recipes, for samplers to learn from.

        Parameters
        ----------
        known : numbers of finished trials that the caller has already, which are left out.
        """
        return self.storage.read(lambda connection: overview.drawn_trials(connection, self.study_id, known))

    # workers --------------------------------------------------------------------------------------------------

    def claim(self, worker: Worker) -> ClaimedTrial | None:
        """Claim the waiting trial with the lowest number for a worker.

        Returns
        -------
        ClaimedTrial or None
            None if no trial waits. A running trial may come back to the queue later, see ``counts().running``.
        """
        # The mark of the claim is made here, before the first attempt. If the answer of an attempt is lost, it is not
        # known whether a trial was claimed. The repeated attempt looks for this mark first, so that no trial stays
        # claimed by a worker that does not know of it.
        claim = uuid.uuid4().hex
        repeated = False

        def change(connection: sa.Connection) -> ClaimedTrial | None:
            nonlocal repeated
            first_time, repeated = not repeated, True
            claimed = None if first_time else changes.read_claimed(connection, self.study_id, claim)
            if claimed is not None:
                trial_id, number, attempt = claimed
            else:
                waiting = locks.lock_lowest_waiting(connection, self.study_id)
                if waiting is None:
                    return None
                trial_id, number, attempt = waiting.trial_id, waiting.number, changes.attempts(waiting.worker) + 1
                changes.set_running(connection, trial_id, claim, changes.signature(worker, attempt))
            return ClaimedTrial(
                number, trial_id, worker, claim, attempt, *changes.read_parameters(connection, trial_id)
            )

        return self.storage.write(change)

    def set_parameters(
        self,
        trial: ClaimedTrial,
        params: Mapping[str, Any],
        distributions: Mapping[str, BaseDistribution],
        attributes: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Store the parameters that were drawn for a claimed trial, unless it has some already.

        Parameters
        ----------
        trial : a trial that this worker has claimed.
        params : values by name.
        distributions : distribution of each.
        attributes : user attributes to store with them, such as the recipe.

        Returns
        -------
        dict
            The parameters that are stored now, which are the ones to play.

        Raises
        ------
        LostClaim
            If another worker has the trial now, or it is finished.
        ValueError
            If a distribution does not agree with that of earlier trials.
        """

        def change(connection: sa.Connection) -> dict[str, Any]:
            state, claim = locks.lock_claimed(connection, trial)
            if claim != trial.claim or state.is_finished():
                raise LostClaim(f"trial {trial.number} is no longer played by this worker")
            stored, _ = changes.read_parameters(connection, trial.trial_id)
            if stored or not params:
                return stored
            changes.require_compatible(connection, self.study_id, distributions)
            changes.insert_parameters(connection, trial.trial_id, params, distributions)
            tables.write_attributes(connection, trial.trial_id, attributes or {})
            return dict(params)

        return self.storage.write(change)

    def beat(self, trial: ClaimedTrial, pause: Callable[[float], object] = time.sleep) -> bool:
        """Write the heartbeat of a claimed trial.

        A trial that went back to the queue and was not claimed since is taken back.

        Parameters
        ----------
        trial : a trial that this worker has claimed.
        pause : how to wait for a database that does not answer.

        Returns
        -------
        bool
            Whether the trial is still this worker's. If not, another worker plays it, or it is finished.
        """

        def change(connection: sa.Connection) -> bool:
            state, claim = locks.lock_claimed(connection, trial)
            if claim != trial.claim or state.is_finished():
                return False
            if state == TrialState.WAITING:
                changes.set_state(connection, trial.trial_id, TrialState.RUNNING)
            tables.write_heartbeat(connection, trial.trial_id)
            return True

        return self.storage.write(change, pause)

    def release(self, trial: ClaimedTrial) -> bool:
        """Put a claimed trial back into the queue unplayed; return whether it was still this worker's.

        It does not count as an attempt.
        """

        def change(connection: sa.Connection) -> bool:
            state, claim = locks.lock_claimed(connection, trial)
            if claim != trial.claim or state.is_finished():
                return False
            changes.set_waiting(connection, trial.trial_id)
            earlier = changes.signature(trial.worker, trial.attempt - 1)
            tables.write_attributes(connection, trial.trial_id, {WORKER: earlier})
            tables.drop_attribute(connection, trial.trial_id, CLAIM)
            return True

        return self.storage.write(change)

    def finish(
        self,
        trial: ClaimedTrial,
        values: Sequence[float] | None = None,
        state: TrialState = TrialState.COMPLETE,
        attributes: Mapping[str, Any] | None = None,
    ) -> bool:
        """Finish a trial: store its values, attributes and state in one transaction.

        The first worker to finish a trial wins. A worker whose trial was given to another one may finish it as well:
        both play the same parameters.

        Parameters
        ----------
        trial : a trial that this worker has claimed, now or earlier.
        values : one for each direction of the study; None unless the trial is complete.
        state : complete, failed or pruned.
        attributes : user attributes by name, JSON values of up to some megabytes.

        Returns
        -------
        bool
            Whether it is finished by this claim. A repeated call returns the same.

        Raises
        ------
        ValueError
            If the state is not that of a finished trial, or the number of values is wrong.
        """
        checked = self._checked(values, state)

        def change(connection: sa.Connection) -> bool:
            stored_state, claim = locks.lock_claimed(connection, trial)
            if stored_state.is_finished():
                return claim == trial.claim
            signed = {**(attributes or {}), CLAIM: trial.claim, WORKER: changes.signature(trial.worker, trial.attempt)}
            tables.write_attributes(connection, trial.trial_id, signed)
            tables.write_values(connection, trial.trial_id, checked)
            tables.write_heartbeat(connection, trial.trial_id)
            changes.set_state(connection, trial.trial_id, state, datetime_complete=NOW)
            return True

        return self.storage.write(change)

    def _checked(self, values: Sequence[float] | None, state: TrialState) -> list[float]:
        if not state.is_finished():
            raise ValueError(f"a trial cannot be finished as {state.name}")
        checked = [float(value) for value in values or ()]
        if state == TrialState.COMPLETE and (len(checked) != self._n_values or any(map(math.isnan, checked))):
            raise ValueError(f"a complete trial has {self._n_values} values that are numbers, not {values}")
        return checked
