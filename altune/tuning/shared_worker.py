"""A worker of a shared study: it rebuilds the study's setup from the database and plays trials of the queue."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from optuna.trial import FrozenTrial

from altune.core.errors import RequestError, StorageError, WorkError
from altune.core.formats import STUDY_FORMAT, changed_libraries, library_versions
from altune.data.reading import SPECIAL_COLUMNS, Reading
from altune.recipes.recipe import Recipe
from altune.simulation.environment import Environment, make_environment
from altune.simulation.scenario import Scenario
from altune.tuning.evaluation import Evaluator
from altune.tuning.header import RAW_FINGERPRINT, data_changes, describe_environment, own_definitions, stored_first
from altune.tuning.in_memory_study import new_study, without_curves
from altune.tuning.learned import learned_tables, table_changes
from altune.tuning.observer import Observer
from altune.tuning.own_code import own_changes, own_code, own_fields, own_libraries
from altune.tuning.ranking import best_so_far
from altune.tuning.record import StudyRecord
from altune.tuning.resources import Resources
from altune.tuning.search import SearchProgress
from altune.tuning.settings import Settings
from altune.tuning.shared import SharedStudy
from altune.tuning.stages import Stages
from altune.tuning.study_setup import StudySetup
from altune.tuning.trials import RECIPE, VALUES, TrialRecord, reading, record_of

if TYPE_CHECKING:
    from altune.tuning.database import ClaimedTrial, Worker

POLL_SECONDS = 2.0


def rebuild(
    shared: SharedStudy, observer: Observer, data: Mapping[str, str] | None = None, target: str | None = None
) -> Stages:
    """Return the stages of a shared study, rebuilt from what is stored in it.

    Parameters
    ----------
    shared : the study.
    observer : receives the progress.
    data : files of data sets on this machine, by name, where they differ from those on the owner's machine.
    target : name of the label column, if it differs here.

    Raises
    ------
    RequestError
        If the study was not created by altune, was created with other versions, or the data here differ.
    """
    record = StudyRecord(shared.study)
    header = record.header
    if header["format"] != STUDY_FORMAT:
        raise RequestError(
            f"{shared.where}: the study has format {header['format']}, and this version of altune plays format "
            f"{STUDY_FORMAT}"
        )
    record.require_estimators(shared.where)
    own = own_code(record.space)
    libraries = library_versions() | own_libraries(own)
    if changed := changed_libraries(header["libraries"], libraries):
        raise RequestError(
            f"{shared.where}: the study was started with {changed}; all workers need the versions of its owner"
        )
    stored_settings = {"portfolio": 0, **header["settings"], "rungs": tuple(header["settings"]["rungs"])}
    sources = record.sources or {}
    environments = [
        _environment(stored, sources, data or {}, target, stored_settings["seed"], shared.where)
        for stored in header["environments"]
    ]
    if tables := table_changes(header, {"tables": learned_tables(record.space)}):
        raise RequestError(f"{shared.where}: {'; '.join(tables)}; all workers need the tables of the study's owner")
    own_code_here = {"libraries": libraries, **own_fields(own, own_definitions(environments))}
    if changes := own_changes(header, own_code_here):
        raise RequestError(f"{shared.where}: {'; '.join(changes)}; all workers need the code of the study's owner")
    settings = Settings(**stored_settings)
    setup = StudySetup(environments, record.space, settings, first=stored_first(header), also=record.also_for)
    if stored_baselines := record.baselines():  # those of the version that began the study
        setup.baselines = {name: played.recipe for name, played in stored_baselines.items()}
    return Stages(setup, observer)


def _environment(
    stored: Mapping[str, Any],
    sources: Mapping[str, Any],
    data: Mapping[str, str],
    target: str | None,
    seed: int,
    where: str,
) -> Environment:
    name = stored["data"]["name"]
    source = sources.get(name)
    file = data.get(name, source["data"] if source else None)
    if file is None:
        raise RequestError(
            f"{where}: the data set {name!r} was made in Python, so the study has no file of it; give --data "
            f"{name}=FILE"
        )
    columns = {column: stored["data"].get(column) for column in SPECIAL_COLUMNS}
    reading = Reading.of_stored(columns | (source or {}))
    given = {**reading.given, **({} if target is None else {"target": target})}
    environment = make_environment(file, scenario=Scenario.from_dict(stored["scenario"]), seed=seed, **given)
    here = describe_environment(environment, RAW_FINGERPRINT in stored["data"])
    if changes := data_changes(stored["data"], here["data"]):
        raise RequestError(
            f"{file}: not the data of the study ({changes[0]}); copy the same file to this machine, or give --data "
            f"{name}=FILE"
        )
    return environment


def play_queue(shared: SharedStudy, stages: Stages, resources: Resources, *, until_done: bool = True) -> int:
    """Play trials of the queue until none is left, and return how many were finished here.

    Any worker that notices that another one has died puts its trial back into the queue.

    Parameters
    ----------
    shared : the study.
    stages : stages of the study.
    resources : processes to play with, and a time limit.
    until_done : whether to wait for trials that others are playing, in case they come back to the queue.

    Raises
    ------
    WorkError
        If the space forbids nearly every draw.
    """
    from altune.tuning.database import Worker

    baselines = StudyRecord(shared.study).baselines()
    if baselines.keys() != stages.setup.baselines.keys():
        raise WorkError(f"{shared.where}: the owner has not played the baselines yet; start this worker again later")
    started = time.monotonic()
    with stages.player(None, resources) as player:
        trial_player = _TrialPlayer(shared, stages, stages.evaluator(baselines, player), Worker())
        trial_player.notify()
        while resources.timeout is None or time.monotonic() - started < resources.timeout:
            shared.queue.requeue_stale()
            claimed = shared.queue.claim(trial_player.worker)
            if claimed is not None:
                trial_player.play(claimed)
                continue
            trial_player.notify()
            counts = shared.queue.counts()
            if counts.waiting == 0 and (counts.running == 0 or not until_done):
                break
            time.sleep(POLL_SECONDS)
    return trial_player.finished


class _TrialPlayer:
    """Plays claimed trials, with everything that this worker knows of the others."""

    def __init__(self, shared: SharedStudy, stages: Stages, evaluator: Evaluator, worker: Worker) -> None:
        self.worker = worker
        self.finished = 0
        self._shared = shared
        self._stages = stages
        self._evaluator = evaluator
        self._proposer = stages.setup.proposer()
        self._known: dict[int, FrozenTrial] = {}
        self._best: TrialRecord | None = None

    def play(self, claimed: ClaimedTrial) -> None:
        """Play a claimed trial. If this worker is interrupted, the trial goes back to the queue unplayed."""
        from altune.tuning.database import Heartbeat, LostClaim

        try:
            with Heartbeat(self._shared.queue, claimed):
                recipe = self._recipe(claimed)
                verdict = self._evaluator.play([recipe], attempt=claimed.attempt - 1)[0]
        except LostClaim:
            return
        except KeyboardInterrupt:
            self._shared.queue.release(claimed)
            raise
        attributes = {**verdict.attributes(), RECIPE: recipe.to_dict()}
        values = verdict.objectives or None
        self.finished += self._shared.queue.finish(claimed, values, verdict.state, attributes)
        self.notify()

    def notify(self) -> None:
        """Notify the observer of the progress of the study."""
        counts, judge = self._shared.queue.counts(), self._evaluator.judge
        n_each = judge.blocks.n_usual
        self._stages.observer.search(
            SearchProgress(
                counts.counted,
                finished=counts.finished,
                failed=counts.failed,
                dropped=counts.pruned,
                played=counts.finished * n_each,
                left=(counts.counted - counts.finished) * n_each,
                best=self._best,
                objectives=judge.objectives,
                data_sets=len(judge.scenarios),
            )
        )

    def _recipe(self, claimed: ClaimedTrial) -> Recipe:
        """Return the recipe of a claimed trial: the one that an earlier worker drew, else a new draw."""
        space = self._stages.setup.space
        if claimed.params:
            with reading(f"{self._shared.where}: trial {claimed.number}"):
                return space.recipe_at(claimed.params)
        memory = new_study(self._evaluator.judge.directions)
        memory.add_trials([without_curves(trial) for trial in self._drawn_trials()])
        *_, proposal = self._proposer.ask_until_playable(memory, claimed.number)
        recipe = space.recipe_at(proposal.trial.params)
        # Another worker may have taken over the trial and drawn already; then its parameters are the ones to play.
        try:
            params = self._shared.queue.set_parameters(
                claimed, proposal.trial.params, proposal.trial.distributions, {RECIPE: recipe.to_dict()}
            )
        except ValueError as error:
            raise StorageError(
                f"{self._shared.where}: a stored trial has other choices than the search space ({error})"
            ) from error
        return space.recipe_at(params)

    def _drawn_trials(self) -> list[FrozenTrial]:
        """Return all trials that have parameters in order of number, and add those that finished to the evaluator."""
        running = []
        for trial in self._shared.queue.drawn_trials(list(self._known)):
            if not trial.state.is_finished():
                running.append(trial)
                continue
            self._known[trial.number] = trial
            if VALUES in trial.user_attrs and trial.values:
                record = record_of(trial)
                self._evaluator.see(list(record.values), (), record.feasible)
                self._best = best_so_far(self._best, record, self._evaluator.judge.objectives[0])
        return sorted([*self._known.values(), *running], key=lambda trial: trial.number)
