"""The queue: trials wait, one worker claims each, plays it and finishes it once."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from altune.core.errors import RequestError
from altune.tuning.database import changes, overview, tables
from altune.tuning.database.claims import ClaimedTrial, LostClaim, Requeued, Worker
from altune.tuning.database.overview import Counts, Overview
from altune.tuning.database.storage import SharedStorage
from altune.tuning.database.tables import ATTRIBUTES, CLAIM, NOW, STUDIES, TRIALS, WORKER, attribute

GRACE_SECONDS = 120.0
MOST_ATTEMPTS = 3


class TrialQueue:
    """The trials of one study, shared out among workers.

    Every method may be called by any process at any time, and again after it raised.

    Parameters
    ----------
    storage : from :func:`altune.tuning.database.connect`.
    study_name : a study that exists there.
    grace : seconds of silence after which a worker is taken for dead. The same for all who share the study.
    most_attempts : times that a trial is begun before it is given up as one that kills its workers.

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
        self._directions = len(storage.get_study_directions(self.study_id))

    # owners ---------------------------------------------------------------------------------------------------

    def queue_trials(self, n_total: int) -> Counts:
        """Add waiting trials until there are ``n_total`` in all, those of forbidden draws aside.

        Nothing is added where there are as many or more. Repeating it, here or elsewhere, adds nothing.

        Parameters
        ----------
        n_total : trials that wait, run or are finished, at least 0.
        """

        def change(connection: sa.Connection) -> Counts:
            # The lock that Optuna takes when it makes a trial: numbers are given under it.
            connection.execute(
                sa.select(STUDIES.c.study_id).where(STUDIES.c.study_id == self.study_id).with_for_update()
            )
            there = overview.count(connection, self.study_id)
            missing = max(0, n_total - there.counted)
            if missing:
                changes.insert_waiting(connection, self.study_id, first=there.counted + there.forbidden, count=missing)
            return there._replace(waiting=there.waiting + missing)

        return self.storage.write(change)

    def requeue_stale(self) -> Requeued:
        """Let trials whose workers fell silent wait again, under their numbers and with their parameters.

        A worker is silent when the database got no sign of it for the grace period. The time before the server last
        started does not count: while it was down no one could give a sign. A trial that was begun ``most_attempts``
        times fails, with the reason.
        """

        def change(connection: sa.Connection) -> Requeued:
            found = connection.execute(overview.stale_trials(self.study_id, self.grace)).all()
            requeued = Requeued([], [])
            for trial_id, number, worker in found:
                if changes.attempts(worker) < self.most_attempts:
                    changes.set_waiting(connection, trial_id)
                    requeued.waiting.append(number)
                else:
                    changes.give_up(connection, trial_id, changes.attempts(worker))
                    requeued.failed.append(number)
            return requeued

        return self.storage.write(change)

    def counts(self) -> Counts:
        """Return how many trials there are in each state."""
        return self.storage.write(lambda connection: overview.count(connection, self.study_id))

    def overview(self) -> Overview:
        """Return the states, the workers and their last signs of life."""
        return self.storage.write(lambda connection: overview.overview(connection, self.study_id, self.grace))

    def drawn_trials(self, known: Sequence[int] = ()) -> list[FrozenTrial]:
        """Return the trials that have parameters, without curves or recipes: what a sampler learns from.

        Parameters
        ----------
        known : numbers of trials to leave out: finished ones that the caller has already.
        """
        return self.storage.write(lambda connection: overview.drawn_trials(connection, self.study_id, known))

    # workers --------------------------------------------------------------------------------------------------

    def claim(self, worker: Worker) -> ClaimedTrial | None:
        """Claim the waiting trial of the lowest number, for this worker alone.

        Returns
        -------
        ClaimedTrial or None
            None where nothing waits. ``counts().running`` then says whether others still play, whose trials may come
            back.
        """
        claim = uuid.uuid4().hex
        repeated = False

        def change(connection: sa.Connection) -> ClaimedTrial | None:
            nonlocal repeated
            first_time, repeated = not repeated, True
            if not first_time and (found := self._claimed_before(connection, claim)) is not None:
                trial_id, number, attempt = found
            else:
                waiting = connection.execute(self._lowest_waiting()).first()
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
        """Store what was drawn for a claimed trial; parameters that it has already stay.

        Parameters
        ----------
        trial : claimed, and still this worker's.
        params : values by name.
        distributions : the distribution of each.
        attributes : user attributes to store with them, such as the recipe.

        Returns
        -------
        dict
            The parameters that are stored now, which are the ones to play.

        Raises
        ------
        LostClaim
            If the trial is no longer this worker's; it goes on with another.
        ValueError
            If a parameter's distribution does not agree with that of earlier trials.
        """

        def change(connection: sa.Connection) -> dict[str, Any]:
            state, claim = self._lock_trial(connection, trial)
            if claim != trial.claim or state.is_finished():
                raise LostClaim(f"trial {trial.number} is no longer played here")
            stored, _ = changes.read_parameters(connection, trial.trial_id)
            if stored or not params:
                return stored
            changes.require_compatible(connection, self.study_id, distributions)
            changes.insert_parameters(connection, trial.trial_id, params, distributions)
            tables.write_attributes(connection, trial.trial_id, attributes or {})
            return dict(params)

        return self.storage.write(change)

    def beat(self, trial: ClaimedTrial, pause: Callable[[float], object] = time.sleep) -> bool:
        """Give a sign of life for a claimed trial.

        A trial that went back to the queue and that no one took since is taken back.

        Parameters
        ----------
        trial : claimed.
        pause : how to wait for a database that is away.

        Returns
        -------
        bool
            Whether the trial is still this worker's. If not, another plays it, or it is finished.
        """

        def change(connection: sa.Connection) -> bool:
            state, claim = self._lock_trial(connection, trial)
            if claim != trial.claim or state.is_finished():
                return False
            if state == TrialState.WAITING:
                changes.set_state(connection, trial.trial_id, TrialState.RUNNING)
            tables.write_heartbeat(connection, trial.trial_id)
            return True

        return self.storage.write(change, pause)

    def release(self, trial: ClaimedTrial) -> bool:
        """Give a claimed trial back unplayed, as when the worker is told to stop; return whether it was still its.

        It does not count as an attempt.
        """

        def change(connection: sa.Connection) -> bool:
            state, claim = self._lock_trial(connection, trial)
            if claim != trial.claim or state.is_finished():
                return False
            changes.set_waiting(connection, trial.trial_id)
            tables.write_attributes(
                connection, trial.trial_id, {WORKER: changes.signature(trial.worker, trial.attempt - 1)}
            )
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
        """Finish a trial: values, attributes and state at once, or nothing of them.

        The first to finish a trial wins. A worker whose trial went to another may finish it as well: both play the
        same parameters.

        Parameters
        ----------
        trial : claimed, now or earlier.
        values : one for each direction of the study; None unless it is complete.
        state : complete, failed or pruned.
        attributes : user attributes by name, JSON values of up to some megabytes.

        Returns
        -------
        bool
            Whether it is finished by this claim; a repeated call says so again.

        Raises
        ------
        ValueError
            If the state is no end, or the values do not fit the study.
        """
        told = self._checked(values, state)

        def change(connection: sa.Connection) -> bool:
            now, claim = self._lock_trial(connection, trial)
            if now.is_finished():
                return claim == trial.claim
            signed = {**(attributes or {}), CLAIM: trial.claim, WORKER: changes.signature(trial.worker, trial.attempt)}
            tables.write_attributes(connection, trial.trial_id, signed)
            tables.write_values(connection, trial.trial_id, told)
            tables.write_heartbeat(connection, trial.trial_id)
            changes.set_state(connection, trial.trial_id, state, datetime_complete=NOW)
            return True

        return self.storage.write(change)

    # inside ---------------------------------------------------------------------------------------------------

    def _lowest_waiting(self) -> sa.Select[Any]:
        return (
            sa.select(TRIALS.c.trial_id, TRIALS.c.number, attribute(WORKER).label("worker"))
            .where(TRIALS.c.study_id == self.study_id, TRIALS.c.state == TrialState.WAITING)
            .order_by(TRIALS.c.number)
            .limit(1)
            .with_for_update(of=TRIALS, skip_locked=True)
        )

    def _claimed_before(self, connection: sa.Connection, claim: str) -> tuple[int, int, int] | None:
        """Return the trial that an earlier attempt of the same claim got without our hearing of it."""
        found = connection.execute(
            sa.select(TRIALS.c.trial_id, TRIALS.c.number, attribute(WORKER).label("worker"))
            .where(TRIALS.c.study_id == self.study_id, TRIALS.c.state == TrialState.RUNNING)
            .where(attribute(CLAIM) == json.dumps(claim))
        ).first()
        return None if found is None else (found.trial_id, found.number, changes.attempts(found.worker))

    def _lock_trial(self, connection: sa.Connection, trial: ClaimedTrial) -> tuple[TrialState, str | None]:
        """Lock a trial until the transaction ends; return its state and its claim."""
        state = connection.scalar(
            sa.select(TRIALS.c.state).where(TRIALS.c.trial_id == trial.trial_id).with_for_update()
        )
        if state is None:
            raise LostClaim(f"trial {trial.number} was deleted")
        # Read after the lock is had: in one statement it would be what stood there before.
        claim = connection.scalar(
            sa.select(ATTRIBUTES.c.value_json).where(ATTRIBUTES.c.trial_id == trial.trial_id, ATTRIBUTES.c.key == CLAIM)
        )
        return state, None if claim is None else json.loads(claim)

    def _checked(self, values: Sequence[float] | None, state: TrialState) -> list[float]:
        if not state.is_finished():
            raise ValueError(f"a trial cannot be finished as {state.name}")
        told = [float(value) for value in values or ()]
        if state == TrialState.COMPLETE and (len(told) != self._directions or any(map(math.isnan, told))):
            raise ValueError(f"a complete trial has {self._directions} values that are numbers, not {values}")
        return told
