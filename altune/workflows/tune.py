"""tune(): search, confirm, analyse and write the folder of a run."""

from __future__ import annotations

import contextlib
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.core.arguments import plain_arguments
from altune.core.errors import StorageError, WorkError
from altune.core.files import write_text
from altune.core.yaml import write_yaml
from altune.data.given import is_pair
from altune.recipes.space import SearchSpace
from altune.simulation.environment import AnyData, Environment, make_environments
from altune.simulation.execution.backends import make_backend
from altune.simulation.execution.player import Player
from altune.simulation.execution.processes import processes
from altune.simulation.given_scenario import AnyScenario, scenario_arguments
from altune.tuning.away import make_away
from altune.tuning.folders import require_folder
from altune.tuning.observer import Observer, Silent
from altune.tuning.prepared_space import AnySpace, prepare_space
from altune.tuning.record import StudyRecord
from altune.tuning.resources import Resources
from altune.tuning.search import Callback
from altune.tuning.settings import USUAL_PORTFOLIO, Settings, n_trials_for
from altune.tuning.stages import Stages
from altune.tuning.storage import ownership
from altune.tuning.study_setup import SHARED, StudySetup
from altune.workflows.probe import probe
from altune.workflows.progress import python_observer

if TYPE_CHECKING:
    import optuna

    from altune.analysis.run import Run


LONG_SECONDS = 60.0
"""Seconds after which a run is written before its ablation as well; the page of a short one takes as long."""


@plain_arguments(also=scenario_arguments)
def tune(
    data: AnyData | Sequence[AnyData],
    space: AnySpace = "standard",
    *,
    target: str | None = None,
    group: Any = None,
    time: Any = None,
    model: Any = None,
    scenario: AnyScenario | None = None,
    budget: int | None = None,
    loops: int | str | None = None,
    metric: str | None = None,
    objective: str | Sequence[str] | None = None,
    n_trials: int | None = None,
    n_simulations: int | None = None,
    timeout: float | None = None,
    trial_timeout: float | None = None,
    n_blocks: int | None = None,
    search_rows: int | None = None,
    portfolio: int = USUAL_PORTFOLIO,
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
    report_blocks: int | None = None,
    precision: float | None = None,
    confirm_on: AnyData | Sequence[AnyData] = (),
    splits: Any = None,
    out: str | Path | None = None,
    cache: str | Path | None = None,
    backend: str = "loky",
    scheduler: Any = None,
    worker_timeout: float | None = None,
    storage: str | None = None,
    study_name: str = "altune",
    callbacks: Sequence[Callback] = (),
    observer: Observer | None = None,
    progress: bool = True,
    **overrides: Any,
) -> Run:
    """Search for the best recipe on a data set, or on several at once, and confirm it.

    Parameters
    ----------
    data : data set, name of a built-in data set, file, DataFrame with its ``target``, or pair (X, y); a list of them
        for a recipe that performs well on all.
    space : search space, name of a shipped one, YAML file, or mapping as in such a file. Labels in its place make a
        pair with ``data``: ``tune(X, y)``.
    target : label column of a table.
    group, time : names of columns that are no features: no split separates rows of a group, and tests are later than
        pools; see :class:`altune.Dataset`.
    model : model to use: a name, a mapping, an altune model, or any scikit-learn classifier.
    scenario, budget, loops, metric, objective, overrides : the scenario, a mapping of its fields, or its file. Single
        values replace its fields: the named ones, ``also``, ``annotators``, ``price_per_label``, ``risk``,
        ``constraints`` or any other field. Several objectives give a Pareto front; the first one is confirmed against
        the baselines. Options of reading a file are given here as well, such as ``sep`` and ``drop``: see
        :class:`altune.data.Reading`.
    n_trials : number of trials, which are recipes drawn from the space, 1 or more; a resumed run counts those it
        already has. By default 60, or as many as ``n_simulations`` allows.
    n_simulations : largest number of plays of the search, a play being one recipe on one block; None for no limit.
    timeout : time in seconds after which no further batch of trials is started; None for no limit.
    trial_timeout : time limit for one trial in seconds, split evenly over its blocks, or for one play if recipes get
        blocks by merit; a trial that exceeds it fails.
    n_blocks : number of blocks of each data set on which each trial is played. By default a trial is played on one
        block, and recipes that do well are played again, on up to 12 blocks; a search that cannot do so (several data
        sets or objectives, constraints, a risk, racing, explicit splits, a shared study, the samplers cmaes, nsga2 and
        nsga3) plays each trial on 5.
    search_rows : number of rows of a search block, pool and test together; None for all rows. The confirmation always
        plays on all rows.
    portfolio : number of first trials that are recipes which served well on other data
        (:mod:`altune.recipes.portfolio`), as far as the space has them; 0 for none.
    batch : number of trials asked of the sampler at a time.
    n_jobs : number of processes; −1 uses all cores. It does not affect results.
    seed : seed of the study.
    sampler : ``tpe``, ``random``, ``cmaes``, ``gp``, ``qmc``, ``nsga2``, ``nsga3`` or ``grid``.
    racing, rungs, leader_blocks : see :class:`altune.tuning.racing.Racing`; all disabled by default.
    across : how several data sets are averaged: by ``normalized`` values or by ``ranks``.
    prefer : rule that picks one trial from several objectives, such as ``score within 0.01, then fewest labels``.
    confirm : whether to confirm the best recipes on fresh blocks.
    ablation : whether to play the path from vanilla to the confirmed recipe after the confirmation, knob by knob.
    select_among : number of best recipes to confirm.
    select_blocks : largest number of fresh blocks on which one of them is selected.
    report_blocks : number of fresh blocks on which it is reported; None for up to 20, as many as narrow the intervals.
    precision : wanted precision of the result, in place of a number of report blocks: half of the largest width of the
        95 % intervals of its differences to the baselines, drawn for all of them together.
    confirm_on : data sets that no trial sees, on which the recipe is confirmed as well: what is learned from the labels
        of last year is worth this on the rows of this year. The recipe is still selected on ``data``. A run that has
        ended is confirmed on further data when it is repeated with them. The scenario is that of ``data``; what is not
        given, such as the budget, has its default on each data set.
    splits : explicit splits, see :func:`altune.data.blocks.read_splits`; for one data set only, that of the
        search.
    out : folder of the run; None keeps the run in memory. A folder that holds the same run resumes it; one that holds
        anything else is refused.
    cache : folder of finished trajectories that several runs share.
    backend, scheduler : ``loky`` for processes on this machine; ``dask`` with the address of a scheduler, or with a
        cluster of Dask such as ``LocalCluster``.
    worker_timeout : seconds without any worker of the Dask cluster after which the run ends; 60 by default.
    storage, study_name : address of a PostgreSQL database and the name of the study in it, so that ``altune worker``
        can join from any machine; None stores a journal in the folder of the run.
    callbacks : called with the Optuna study and each trial that was just stored.
    observer : receives messages and progress, in place of the display.
    progress : whether to show messages and progress where someone watches: in a terminal, on standard error, and in a
        notebook. In scripts, tests and jobs nothing is shown.

    Returns
    -------
    Run

    Raises
    ------
    RequestError
        If the request is wrong; nothing is written in that case.
    WorkError
        If no trial succeeded, or a baseline failed.
    """
    if not isinstance(space, (SearchSpace, str, Path, Mapping)) and is_pair((data, space)):
        data, space = (data, space), "standard"
    settings = Settings(
        n_trials=n_trials_for(n_trials, n_simulations),
        n_simulations=n_simulations,
        n_blocks=n_blocks,
        batch=batch,
        seed=seed,
        sampler=sampler,
        select_among=select_among,
        select_blocks=select_blocks,
        report_blocks=report_blocks,
        precision=precision,
        racing=racing,
        rungs=tuple(rungs),
        leader_blocks=leader_blocks,
        across=across,
        prefer=prefer,
        trial_timeout=trial_timeout,
        search_rows=search_rows,
        portfolio=portfolio,
    )
    given: dict[str, Any] = {
        "target": target,
        "group": group,
        "time": time,
        "scenario": scenario,
        "seed": seed,
        "budget": budget,
        "loops": loops,
    }
    given |= {"metric": metric, "objective": objective, **overrides}
    environments = make_environments(data, splits=splits, **given)
    away = make_away(confirm_on, environments, **given)
    jobs = processes(n_jobs)
    resources = Resources(
        jobs=jobs,
        backend=make_backend(
            backend, jobs, scheduler, tuple(each.dataset for each in (*environments, *away)), worker_timeout
        ),
        cache=None if cache is None else Path(cache),
        timeout=timeout,
        callbacks=tuple(callbacks),
        storage=storage,
        study_name=study_name,
    )
    prepared = prepare_space(space, environments, model)
    folder = None if out is None else Path(out)
    return tune_environments(
        environments,
        prepared,
        settings,
        resources,
        away=away,
        confirm=confirm,
        ablation=ablation,
        out=folder,
        observer=observer if observer is not None else python_observer(progress),
    )


def tune_environments(
    environments: Sequence[Environment],
    space: SearchSpace,
    settings: Settings,
    resources: Resources,
    *,
    away: Sequence[Environment] = (),
    confirm: bool = True,
    ablation: bool = True,
    out: Path | None = None,
    observer: Observer | None = None,
) -> Run:
    """Do what :func:`tune` does, with environments and a search space that are already prepared."""
    began = time.monotonic()
    setup = StudySetup(
        environments, space, settings, why_fixed=SHARED if resources.storage is not None else "", away=away
    )
    setup.check(confirm)
    if out is not None:
        require_folder(out, "run")
    stages = Stages(setup, observer if observer is not None else Silent())
    trajectories = setup.trajectories(confirm, ablation)
    with contextlib.closing(stages.observer), contextlib.nullcontext() if out is None else ownership(out):
        stages.observer.plan(trajectories)
        if resources.storage is None:
            study = stages.open(out)
            stages.remember_plan(study, trajectories, resources.command)
            _warn_of_long_run(stages, study, trajectories, resources)
            with stages.player(out, resources) as player:
                stages.search(study, player, stages.baselines(study, player), resources, began)
        else:
            study = _search_together(stages, resources, out, trajectories)
        return _finish(stages, study, resources, out, began, confirm, ablation)


def _warn_of_long_run(
    stages: Stages, study: optuna.Study, trajectories: Mapping[str, int], resources: Resources
) -> None:
    """Tell the observer if a new run will take more than an hour, and what would shorten it."""
    if type(stages.observer) is Silent or StudyRecord(study).baselines():
        return
    # A baseline that fails stops the run in a moment, with its reason.
    with contextlib.suppress(WorkError):
        if advice := probe(stages.setup, trajectories, resources.jobs, resources.timeout).advice:
            stages.observer.say(advice)


def _finish(
    stages: Stages,
    study: optuna.Study,
    resources: Resources,
    out: Path | None,
    began: float,
    confirm: bool,
    ablation: bool,
) -> Run:
    """Confirm, examine and ablate a study whose search has ended, and write the folder of its run."""
    # Analysis and report are imported here, so that the first trial does not wait for them.
    from altune.analysis.run import Run
    from altune.report.write import write_run
    from altune.workflows.examine import examine_run
    from altune.workflows.later import StagesOfRun

    run = Run(study, out, later=StagesOfRun(stages, resources))
    if confirm:
        with stages.player(out, resources) as player:
            stages.confirm(study, player, stages.setup.settings)
            stages.confirm_away(study, player, stages.setup.settings)
            examine_run(stages, study, player)
            if ablation and stages.ablation_is_due(study):
                _ablate(stages, run, player, write_first=time.monotonic() - began >= LONG_SECONDS)
        # What was planned and not played, such as the rest of a short path, is not left open in the display.
        stages.observer.stage("done", 0)
    run.seconds = time.monotonic() - began
    if out is not None:
        write_run(run)
    return run


def _ablate(stages: Stages, run: Run, player: Player, write_first: bool) -> None:
    """Play the path to the confirmed recipe. The run is complete without it, so a long one is written first."""
    from altune.report.write import write_run

    if run.folder is not None and write_first:
        write_run(run)
    try:
        stages.ablate(run.study, player)
    except StorageError:
        raise
    except WorkError as error:
        stages.observer.say(f"the ablation failed, the confirmation is complete: {error}")
    run.read_again()


def _search_together(
    stages: Stages, resources: Resources, out: Path | None, trajectories: Mapping[str, int]
) -> optuna.Study:
    """Start or resume a study that workers share, and play trials until it is finished."""
    from altune.tuning.run_folder import SHARED_FILE
    from altune.tuning.shared import begin_shared, open_shared
    from altune.tuning.shared_worker import play_queue

    directions = [objective.direction for objective in stages.setup.scenario.make_objectives()]
    shared = open_shared(str(resources.storage), resources.study_name, stages.observer, directions, resources.grace)
    begin_shared(shared, stages, resources)
    stages.remember_plan(shared.study, trajectories, resources.command)
    address = str(shared.storage.address)
    if out is not None:
        where = {"storage": address, "study": resources.study_name}
        write_text(out / SHARED_FILE, write_yaml(where))
    stages.observer.say(
        f"workers join with: {shlex.join(['altune', 'worker', '--storage', address, '--study', resources.study_name])}"
    )
    stages.observer.stage("search", stages.setup.n_simulations)
    play_queue(shared, stages, resources)
    return shared.study
