"""tune(): search, confirm, analyse and write the folder of a run."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.core.deprecations import renamed_keywords
from altune.core.errors import StorageError, WorkError
from altune.core.files import write_text
from altune.core.yaml import write_yaml
from altune.recipes.space import SearchSpace
from altune.simulation.environment import AnyData, Environment, make_environments
from altune.simulation.execution.backends import make_backend
from altune.simulation.execution.player import Player
from altune.simulation.execution.processes import processes
from altune.simulation.scenario import Scenario
from altune.tuning.header import header_digest, make_header
from altune.tuning.observer import Observer, Silent
from altune.tuning.prepared_space import prepare_space
from altune.tuning.search import Callback
from altune.tuning.settings import Settings
from altune.tuning.stages import Resources, Stages
from altune.tuning.storage import ownership

if TYPE_CHECKING:
    import optuna

    from altune.analysis.run import Run


@renamed_keywords
def tune(
    data: AnyData | Sequence[AnyData],
    space: SearchSpace | str | Path = "standard",
    *,
    target: str | None = None,
    model: Any = None,
    scenario: Scenario | None = None,
    budget: int | None = None,
    loops: int | str | None = None,
    metric: str | None = None,
    objective: str | Sequence[str] | None = None,
    n_trials: int = 60,
    timeout: float | None = None,
    trial_timeout: float | None = None,
    n_blocks: int = 5,
    batch: int = 4,
    n_jobs: int = 1,
    seed: int = 0,
    sampler: str = "tpe",
    racing: float = 0.0,
    rungs: Sequence[float] = (),
    leader_blocks: int = 0,
    across: str = "normalized",
    prefer: str | None = None,
    confirm: bool = True,
    ablation: bool = True,
    select_among: int = 5,
    select_blocks: int = 10,
    report_blocks: int = 20,
    splits: Any = None,
    out: str | Path | None = None,
    cache: str | Path | None = None,
    backend: str = "loky",
    scheduler: str | None = None,
    storage: str | None = None,
    study_name: str = "altune",
    callbacks: Sequence[Callback] = (),
    observer: Observer | None = None,
    **overrides: Any,
) -> Run:
    """Search for the best recipe on a data set, or on several at once, and confirm it.

    Parameters
    ----------
    data : a data set, the name of a built-in one, or a file; a list of them for a recipe that does well on all.
    space : a search space, the name of a shipped one, or a YAML file.
    target : the label column of a table.
    model : fixes the model: a name, a mapping, an altune model, or any scikit-learn classifier.
    scenario, budget, loops, metric, objective, overrides : the environment; single values, ``also``, ``annotators``,
        ``price_per_label``, ``risk``, ``constraints`` and any other field of a scenario among them, replace the
        scenario's. Several objectives give a Pareto front; the first is confirmed against the baselines.
    n_trials : trials, 1 or more. A run that is gone on with counts those it has.
    timeout : seconds after which no further batch is begun; None for no limit.
    trial_timeout : most seconds that a trial may take, shared evenly by its blocks; a longer one has failed.
    n_blocks : blocks of each data set on which each trial is played.
    batch : trials asked at a time.
    n_jobs : processes; −1 for one on each core. It changes no result.
    seed : the study's seed.
    sampler : ``tpe``, ``random``, ``cmaes``, ``gp``, ``qmc``, ``nsga2``, ``nsga3`` or ``grid``.
    racing, rungs, leader_blocks : see :class:`altune.tuning.racing.Racing`; all off by default.
    across : how several data sets are averaged: ``normalized`` values or ``ranks``.
    prefer : how one trial is picked of several objectives, such as ``score within 0.01, then fewest labels``.
    confirm : whether to confirm at the end.
    ablation : whether to play, after the confirmation, the path from vanilla to the confirmed recipe, one knob at a
        time, which says which decision made the difference.
    select_among, select_blocks, report_blocks : sizes of the confirmation.
    splits : explicit blocks, see :func:`altune.data.blocks.read_splits`; for one data set only.
    out : the run's folder; None keeps the run in memory. A folder that holds the same run is gone on with.
    cache : folder of finished trajectories that several runs share; what one has played, no other plays again.
    backend, scheduler : ``loky`` for processes of this machine; ``dask`` with the address of a cluster's scheduler.
    storage, study_name : address of a PostgreSQL database and the study's name there, so that workers on any machine
        play along (``altune worker``); by default a journal in the run's folder.
    callbacks : called with Optuna's study and each trial that was just stored.
    observer : told how it goes.

    Returns
    -------
    Run

    Raises
    ------
    RequestError
        If what is asked for is wrong; nothing was written then.
    WorkError
        If no trial succeeded, or a baseline failed.
    """
    settings = Settings(
        n_trials,
        n_blocks,
        batch,
        seed,
        sampler,
        select_among,
        select_blocks,
        report_blocks,
        racing,
        tuple(rungs),
        leader_blocks,
        across,
        prefer,
        trial_timeout,
    )
    environments = make_environments(
        data,
        target=target,
        scenario=scenario,
        seed=seed,
        splits=splits,
        budget=budget,
        loops=loops,
        metric=metric,
        objective=objective,
        **overrides,
    )
    jobs = processes(n_jobs)
    resources = Resources(
        jobs,
        make_backend(backend, jobs, scheduler, tuple(environment.dataset for environment in environments)),
        None if cache is None else Path(cache),
        timeout,
        tuple(callbacks),
        storage,
        study_name,
    )
    prepared = prepare_space(space, environments, model)
    folder = None if out is None else Path(out)
    return tune_environments(
        environments, prepared, settings, resources, confirm=confirm, ablation=ablation, out=folder, observer=observer
    )


def tune_environments(
    environments: Sequence[Environment],
    space: SearchSpace,
    settings: Settings,
    resources: Resources,
    *,
    confirm: bool = True,
    ablation: bool = True,
    out: Path | None = None,
    observer: Observer | None = None,
) -> Run:
    """Do what :func:`tune` does, for environments that were made and a space that was prepared for them."""
    began = time.monotonic()
    watch = observer if observer is not None else Silent()
    stages = Stages(environments, space, settings, watch)
    stages.check(confirm)
    for line in [
        *(line for environment in environments for line in environment.advice()),
        *stages.warnings(),
        *stages.left_out,
    ]:
        watch.say(line)
    with contextlib.nullcontext() if out is None else ownership(out):
        if resources.storage is None:
            study = stages.open(out)
            with stages.player(out, resources) as player:
                stages.search(study, player, stages.baselines(study, player), resources, began)
        else:
            study = _search_together(stages, resources, out)
        # What analyses and writes is imported here, so that the first trial does not wait for it.
        from altune.analysis.run import Run
        from altune.report.write import write_run
        from altune.workflows.examine import examine_run
        from altune.workflows.later import StagesOfRun

        run = Run(study, out, later=StagesOfRun(stages, resources))
        if confirm:
            with stages.player(out, resources) as player:
                stages.confirm(study, player, settings)
                examine_run(stages, study, player)
                if ablation and stages.ablation_is_due(study):
                    _ablate(stages, run, player)
        run.seconds = time.monotonic() - began
        if out is not None:
            write_run(run)
    return run


def _ablate(stages: Stages, run: Run, player: Player) -> None:
    """Play the path to the confirmed recipe; whatever ends that early leaves a complete run."""
    from altune.report.write import write_run

    if run.folder is not None:
        write_run(run)
    try:
        stages.ablate(run.study, player)
    except StorageError:
        raise
    except WorkError as error:
        stages.watch.say(f"there is no ablation, what is confirmed stands: {error}")
    run.read_again()


def _search_together(stages: Stages, resources: Resources, out: Path | None) -> optuna.Study:
    """Begin or go on with a study that workers share, and play along until it is done."""
    from altune.tuning.run_folder import SHARED_FILE
    from altune.tuning.shared import begin_shared, open_shared, play_queue

    directions = [one.direction for one in stages.environments[0].scenario.make_objectives()]
    shared = open_shared(str(resources.storage), resources.study_name, stages.watch, directions, resources.grace)
    begin_shared(shared, stages, resources)
    if out is not None:
        where = {"storage": str(shared.storage.address), "study": resources.study_name}
        write_text(out / SHARED_FILE, write_yaml(where))
    stages.watch.say(
        f"workers join with: altune worker --storage {shared.storage.address} --study {resources.study_name}"
    )
    stages.watch.stage("search", stages.settings.n_trials * stages.usual)
    play_queue(shared, stages, resources)
    return shared.study


def run_digest(environments: Sequence[Environment], space: SearchSpace, settings: Settings) -> str:
    """Return a hash of all that must stay the same for a run to be gone on with."""
    return header_digest(make_header(environments, space, settings))
