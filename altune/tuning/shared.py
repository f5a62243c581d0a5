"""A study that many processes share: its owner begins it and queues its trials, workers anywhere play them.

What a worker needs to know stands in the study: the space, the scenario, where the data are and their fingerprint. So
a worker is told the database and the study's name, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optuna.trial import FrozenTrial

from altune.core.errors import RequestError, WorkError
from altune.core.formats import STUDY_FORMAT, changed_libraries
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.simulation.environment import Environment, make_environment
from altune.simulation.scenario import Scenario
from altune.tuning.evaluation import Evaluator
from altune.tuning.memory import bare, new_memory
from altune.tuning.observer import Observer
from altune.tuning.record import StudyRecord
from altune.tuning.search import MOST_FORBIDDEN, SearchProgress
from altune.tuning.settings import Settings
from altune.tuning.stages import Resources, Stages
from altune.tuning.storage import set_attribute
from altune.tuning.trials import RECIPE, VALUES, TrialRecord, record_of

if TYPE_CHECKING:
    import optuna

    from altune.tuning.database import ClaimedTrial, SharedStorage, TrialQueue, Worker

SOURCES = "sources"
GRACE = "grace"
POLL_SECONDS = 2.0


@dataclass(frozen=True, eq=False)
class SharedStudy:
    """A shared study, opened.

    Attributes
    ----------
    study : Optuna's own.
    storage : the database.
    queue : its trials.
    """

    study: optuna.Study
    storage: SharedStorage
    queue: TrialQueue

    @property
    def data_names(self) -> list[str]:
        """Names of the study's data sets."""
        return list(StudyRecord(self.study).data_sets)

    @property
    def where(self) -> str:
        """Database and study, without a password."""
        return f"{self.storage.address}, study {self.study.study_name!r}"


def open_shared(
    url: str, name: str, watch: Observer, directions: Sequence[Any] | None = None, grace: float | None = None
) -> SharedStudy:
    """Open a shared study, making it where ``directions`` are given and there is none.

    Parameters
    ----------
    url, name : the database, and the study's name there.
    watch : told where the database is waited for.
    directions : Optuna's, given by the owner.
    grace : seconds of silence after which a worker is taken for dead, given by the owner; it holds for all.

    Raises
    ------
    RequestError
        If the address is wrong, or there is no such study.
    StorageError
        If no server answers.
    """
    import optuna

    from altune.tuning.database import GRACE_SECONDS, TrialQueue, connect, open_shared_study

    storage = connect(url, tell=watch.say)
    if directions is not None:
        study = open_shared_study(storage, name, list(directions))
        if grace is not None and study.user_attrs.get(GRACE) != grace:
            set_attribute(study, GRACE, grace)
    else:
        TrialQueue(storage, name)  # says in one line where there is no such study
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.load_study(study_name=name, storage=storage)
    return SharedStudy(study, storage, TrialQueue(storage, name, grace=study.user_attrs.get(GRACE, GRACE_SECONDS)))


def begin_shared(shared: SharedStudy, stages: Stages, resources: Resources) -> None:
    """Begin a shared study or make sure that it is this one, play its baselines, and queue its trials.

    Parameters
    ----------
    shared : the study.
    stages : of the run.
    resources : with what to play.

    Raises
    ------
    RequestError
        If the study holds another run, or its search cannot be shared.
    """
    from altune.tuning.database import study_lock

    require_shareable(stages)
    with study_lock(shared.storage, shared.study.study_name, "begin"):
        stages.begin(shared.study, shared.where)
        sources = {
            environment.dataset.name: dict(environment.source)
            for environment in stages.environments
            if environment.source is not None
        }
        set_attribute(shared.study, SOURCES, sources)
        with stages.player(None, resources) as player:
            stages.baselines(shared.study, player)
    shared.queue.queue_trials(stages.wanted)


def require_shareable(stages: Stages) -> None:
    """Refuse what workers that come and go cannot do together.

    Raises
    ------
    RequestError
        Saying what would do.
    """
    if stages.plan().replayed:
        raise RequestError(
            f"the sampler {stages.settings.sampler} keeps a state of its own, which workers cannot share; take tpe, "
            "random, qmc, gp or grid"
        )
    if any(environment.explicit for environment in stages.environments):
        raise RequestError("explicit blocks do not travel to workers; leave out --blocks or --storage")
    if stages.settings.rungs:
        raise RequestError("rungs need the curves of all trials at hand, which workers have not; leave out --rungs")
    if len(stages.environments) > 1 and stages.settings.across == "ranks":
        raise RequestError("ranks change with every trial, which workers cannot share; take --across normalized")


def rebuild(
    shared: SharedStudy, watch: Observer, data: Mapping[str, str] | None = None, target: str | None = None
) -> Stages:
    """Return the stages of a shared study from what stands in it.

    Parameters
    ----------
    shared : the study.
    watch : told how it goes.
    data : where data sets are on this machine, by name, where that is elsewhere than on the owner's.
    target : the label column, where it has another name here.

    Raises
    ------
    RequestError
        If altune did not begin the study, it was begun by another version, or the data here are others.
    """
    record = StudyRecord(shared.study)
    header = record.header
    if header["format"] != STUDY_FORMAT:
        raise RequestError(
            f"{shared.where}: the study is of format {header['format']}, and this version of altune plays format "
            f"{STUDY_FORMAT}"
        )
    if changed := changed_libraries(header["libraries"]):
        raise RequestError(f"{shared.where}: the study was begun with {changed}; a study is played with one version")
    record.require_estimators(shared.where)
    settings = Settings(**{**header["settings"], "rungs": tuple(header["settings"]["rungs"])})
    sources = shared.study.user_attrs.get(SOURCES, {})
    environments = [
        _environment(one, sources, data or {}, target, settings.seed, shared.where) for one in header["environments"]
    ]
    return Stages(environments, SearchSpace.from_dict(header["space"]), settings, watch)


def _environment(
    header: Mapping[str, Any],
    sources: Mapping[str, Any],
    data: Mapping[str, str],
    target: str | None,
    seed: int,
    where: str,
) -> Environment:
    name = header["data"]["name"]
    source = sources.get(name)
    found = data.get(name, source["data"] if source else None)
    if found is None:
        raise RequestError(
            f"{where}: the data set {name!r} was made in Python, which says of no file; give --data {name}=FILE"
        )
    column = target if target is not None else (source or {}).get("target")
    environment = make_environment(found, target=column, scenario=Scenario.from_dict(header["scenario"]), seed=seed)
    if environment.dataset.fingerprint != header["data"]["fingerprint"]:
        raise RequestError(
            f"{found}: not the data that the study was begun with (its fingerprint is "
            f"{environment.dataset.fingerprint[:12]}, in the study {header['data']['fingerprint'][:12]}); bring the same "
            f"file here, or name it by --data {name}=FILE"
        )
    return environment


def play_queue(shared: SharedStudy, stages: Stages, resources: Resources, *, until_done: bool = True) -> int:
    """Play trials of the queue until none is left, and return how many were finished here.

    Trials of workers that fell silent are put back into the queue, by whoever notices first.

    Parameters
    ----------
    shared : the study.
    stages : of the run.
    resources : with what to play.
    until_done : whether to wait for trials that others still play, in case they come back.

    Raises
    ------
    WorkError
        If the space forbids nearly every draw.
    """
    from altune.tuning.database import Worker

    baselines = StudyRecord(shared.study).baselines()
    if baselines.keys() != stages.recipes.keys():
        raise WorkError(f"{shared.where}: its owner has not played the baselines yet; start this worker again then")
    worker = Worker()
    began = time.monotonic()
    with stages.player(None, resources) as player:
        at_work = _AtWork(shared, stages, stages.evaluator(baselines, player), worker)
        while resources.timeout is None or time.monotonic() - began < resources.timeout:
            shared.queue.requeue_stale()
            claimed = shared.queue.claim(worker)
            if claimed is not None:
                at_work.play(claimed)
                continue
            counts = shared.queue.counts()
            at_work.tell()
            if counts.waiting == 0 and (counts.running == 0 or not until_done):
                break
            time.sleep(POLL_SECONDS)
    return at_work.finished


class _AtWork:
    """One worker: what it knows of the study's trials, and how it plays one."""

    def __init__(self, shared: SharedStudy, stages: Stages, evaluator: Evaluator, worker: Worker) -> None:
        self.shared = shared
        self.stages = stages
        self.evaluator = evaluator
        self.worker = worker
        self.drawing = stages.drawing()
        self.finished = 0
        self._known: dict[int, FrozenTrial] = {}
        self._best: TrialRecord | None = None

    def play(self, claimed: ClaimedTrial) -> None:
        """Play a claimed trial; given back unplayed if this worker is told to stop."""
        from altune.tuning.database import Heartbeat, LostClaim

        try:
            with Heartbeat(self.shared.queue, claimed):
                recipe = self._recipe(claimed)
                verdict = self.evaluator.play([recipe])[0]
        except LostClaim:
            return
        except KeyboardInterrupt:
            self.shared.queue.release(claimed)
            raise
        attributes = {**verdict.attributes(), RECIPE: recipe.to_dict()}
        values = verdict.objectives or None
        self.finished += self.shared.queue.finish(claimed, values, verdict.state, attributes)
        self.tell()

    def tell(self) -> None:
        """Tell the observer how the study stands."""
        counts = self.shared.queue.counts()
        self.stages.watch.search(
            SearchProgress(
                counts.counted,
                finished=counts.finished,
                failed=counts.failed,
                dropped=counts.pruned,
                best=self._best,
            )
        )

    def _recipe(self, claimed: ClaimedTrial) -> Recipe:
        """Return the recipe of a claimed trial: the one an earlier worker drew, or a new draw."""
        if claimed.params:
            return self.stages.space.recipe_at(claimed.params)
        memory = new_memory(self.evaluator.judge.directions)
        memory.add_trials([bare(trial) for trial in self._refreshed()])
        for _ in range(MOST_FORBIDDEN):
            draw = self.drawing.ask(memory, claimed.number)
            if draw.recipe is not None:
                params = self.shared.queue.set_parameters(
                    claimed, draw.trial.params, draw.trial.distributions, {RECIPE: draw.recipe.to_dict()}
                )
                return self.stages.space.recipe_at(params)
        raise WorkError(f"of {MOST_FORBIDDEN} draws none may be played (last: {draw.reason}); open fewer combinations")

    def _refreshed(self) -> list[FrozenTrial]:
        """Return all trials that have parameters, in the order of numbers, and note what finished since."""
        running = []
        for trial in self.shared.queue.drawn_trials(list(self._known)):
            if not trial.state.is_finished():
                running.append(trial)
                continue
            self._known[trial.number] = trial
            if VALUES in trial.user_attrs and trial.values:
                record = record_of(trial)
                self.evaluator.see(trial.user_attrs[VALUES], (), record.feasible)
                sign = self.evaluator.judge.objectives[0].sign
                if self._best is None or sign * (record.value or 0.0) > sign * (self._best.value or 0.0):
                    self._best = record
        return sorted([*self._known.values(), *running], key=lambda trial: trial.number)
