"""A study that many processes share: its owner creates it and queues its trials, and workers on any machine play them.

Everything that a worker needs is stored in the study: the space, the scenario, where the data sets are and their
fingerprints. A worker is only given the address of the database and the name of the study.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from altune.core.errors import RequestError
from altune.simulation.objectives import Direction
from altune.tuning.observer import Observer
from altune.tuning.record import StudyRecord
from altune.tuning.resources import Resources
from altune.tuning.stages import Stages
from altune.tuning.storage import set_attribute
from altune.tuning.study_setup import StudySetup

if TYPE_CHECKING:
    import optuna

    from altune.tuning.database import SharedStorage, TrialQueue

GRACE = "grace"


@dataclass(frozen=True, eq=False)
class SharedStudy:
    """A shared study that is open.

    Attributes
    ----------
    study : Optuna's study.
    storage : the database.
    queue : the trials of the study.
    """

    study: optuna.Study
    storage: SharedStorage
    queue: TrialQueue

    @property
    def data_names(self) -> list[str]:
        """Name of each data set."""
        return list(StudyRecord(self.study).data_sets)

    @property
    def where(self) -> str:
        """Database and study, without the password."""
        return f"{self.storage.address}, study {self.study.study_name!r}"


def open_shared(
    url: str, name: str, observer: Observer, directions: Sequence[Direction] | None = None, grace: float | None = None
) -> SharedStudy:
    """Open a shared study; its owner, who gives the directions, creates it if there is none.

    Parameters
    ----------
    url, name : address of the database, and name of the study there.
    observer : notified when the database does not answer.
    directions : Optuna's directions, given by the owner.
    grace : seconds without a heartbeat after which a worker counts as dead, given by the owner. It is stored, so that
        it is the same for all workers.

    Raises
    ------
    RequestError
        If the address is wrong, or a study is missing that is not to be created.
    StorageError
        If no server answers.
    """
    import optuna

    from altune.tuning.database import GRACE_SECONDS, TrialQueue, connect, open_shared_study

    storage = connect(url, tell=observer.say)
    if directions is not None:
        study = open_shared_study(storage, name, list(directions))
        if grace is not None and study.user_attrs.get(GRACE) != grace:
            set_attribute(study, GRACE, grace)
    else:
        TrialQueue(storage, name)  # raises with one line where Optuna would raise a KeyError
        study = optuna.load_study(study_name=name, storage=storage)
    return SharedStudy(study, storage, TrialQueue(storage, name, grace=study.user_attrs.get(GRACE, GRACE_SECONDS)))


def begin_shared(shared: SharedStudy, stages: Stages, resources: Resources) -> None:
    """Begin a shared study, or make sure that it is the study of this run; play its baselines and queue its trials.

    Raises
    ------
    RequestError
        If the study holds another run, or its search cannot be shared.
    """
    from altune.tuning.database import study_lock

    require_shareable(stages.setup)
    with study_lock(shared.storage, shared.study.study_name, "begin"):
        stages.begin(shared.study, shared.where)
        with stages.player(None, resources) as player:
            stages.baselines(shared.study, player)
    shared.queue.queue_trials(stages.setup.n_trials)


def require_shareable(setup: StudySetup) -> None:
    """Refuse a study that workers which come and go cannot play together.

    Raises
    ------
    RequestError
        If the study cannot be shared; the message says what could.
    """
    if setup.sampler_plan().replayed:
        raise RequestError(
            f"the sampler {setup.settings.sampler} keeps a state of its own, which workers cannot share; use tpe, "
            "random, qmc, gp or grid"
        )
    if any(environment.explicit for environment in setup.environments):
        raise RequestError("explicit blocks are not sent to workers; leave out --splits or --storage")
    if setup.settings.rungs:
        raise RequestError("rungs need the curves of all trials, which workers do not have; leave out --rungs")
    if len(setup.environments) > 1 and setup.across == "ranks":
        raise RequestError("ranks change with every trial, which workers cannot share; use --across normalized")
