"""tune(): search, confirm, analyse, write the run's folder."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from altune.analysis.findings import Findings, against_of, answer, answer_of_several, find, front_sentences
from altune.curve import LearningCurve
from altune.data import Dataset
from altune.errors import RequestError, StorageError, WorkError
from altune.knobs.initial_sample.base import default_initial_size
from altune.models import as_model
from altune.plain import canonical_digest
from altune.recipe import Recipe
from altune.scenario import Scenario
from altune.space import SearchSpace
from altune.tuning.backends import make_backend
from altune.tuning.confirmation import Confirmation, Played, best_recipes
from altune.tuning.player import processes
from altune.tuning.preference import pareto_trials
from altune.tuning.progress import Observer, Silent
from altune.tuning.record import StudyRecord, make_header
from altune.tuning.search import Callback
from altune.tuning.settings import Settings
from altune.tuning.steps import Means, Steps
from altune.tuning.storage import JOURNAL, ownership, read_study
from altune.tuning.trials import TrialRecord
from altune.world import World, make_world
from altune.yaml import read_yaml, write_yaml

if TYPE_CHECKING:
    import optuna

    from altune.analysis.importance import KnobImportance
    from altune.objectives import Objective

RECIPE_FILE = "recipe.yaml"
SCENARIO_FILE = "scenario.yaml"
CURVES_FILE = "curves.csv"
REPORT_FILE = "report.html"
SHARED_FILE = "storage.yaml"
AnyData = Dataset | str | Path

__all__ = ["JOURNAL", "REPORT_FILE", "Run", "finished_trials", "open_run", "plan", "run_digest", "tune", "tune_worlds"]


class Run:
    """A search with its confirmation: a wrapper of an Optuna study, which stays reachable as ``study``.

    Attributes
    ----------
    record : everything that the study says.
    folder : the run's folder, None for a run in memory.
    seconds : wall seconds of this call; what was read back took none.
    """

    def __init__(self, study: optuna.Study, folder: Path | None = None) -> None:
        self.record = StudyRecord(study)
        self.folder = folder
        self.seconds = 0.0
        self._again: Callable[[dict[str, Any]], None] | None = None

    def __repr__(self) -> str:
        where = f", {str(self.folder)!r}" if self.folder is not None else ""
        return f"Run({self.record.data['name']!r}, {len(self.trials)} trials{where})"

    @property
    def study(self) -> optuna.Study:
        """Optuna's own study."""
        return self.record.study

    @property
    def trials(self) -> list[TrialRecord]:
        """Every trial, forbidden draws and failures included, in the order of numbers."""
        return self.record.trials()

    @property
    def scenario(self) -> Scenario:
        """What every recipe met."""
        return self.record.scenario

    @property
    def objective(self) -> Objective:
        """What was bettered; of several objectives the one that is confirmed."""
        return self.record.objective

    @property
    def front(self) -> list[TrialRecord]:
        """The trials that no other betters in every objective; with one objective, the best."""
        return pareto_trials(self.trials, [one.direction for one in self.record.scenario.make_objectives()])

    @property
    def baselines(self) -> dict[str, Played]:
        """The baselines on the search blocks."""
        return self.record.baselines()

    @property
    def confirmation(self) -> Confirmation | None:
        """What was confirmed on the first data set, None before :meth:`confirm`."""
        return next(iter(self.confirmations.values()), None)

    @property
    def confirmations(self) -> dict[str, Confirmation]:
        """What was confirmed on each data set, by its name; empty before :meth:`confirm`."""
        return self.record.confirmations()

    @property
    def best_trial(self) -> TrialRecord:
        """The best trial of the search, whose value flatters it.

        Raises
        ------
        WorkError
            If no trial succeeded.
        """
        best = best_recipes(self.trials, 1, self.record.scenario.make_objectives(), self.record.preference)
        if not best:
            raise WorkError("no trial succeeded, so there is no best recipe")
        return best[0]

    @property
    def best_recipe(self) -> Recipe:
        """The confirmed recipe; before the confirmation, the best of the search."""
        confirmation = self.confirmation
        if confirmation is not None:
            return confirmation.recipe.recipe
        recipe = self.best_trial.recipe
        if recipe is None:
            raise WorkError("the best trial holds no recipe")
        return recipe

    @property
    def findings(self) -> Findings | None:
        """The numbers of the confirmation on the first data set, None before :meth:`confirm`."""
        return next(iter(self.all_findings.values()), None)

    @cached_property
    def all_findings(self) -> dict[str, Findings]:
        """The numbers of the confirmation on each data set, by its name; empty before :meth:`confirm`."""
        scenarios = self.record.scenarios
        return {
            name: find(one, scenarios[name].make_objective(), scenarios[name].labels)
            for name, one in self.confirmations.items()
        }

    @property
    def answer(self) -> str:
        """What a person can act on, in sentences."""
        if self.findings is None:
            return (
                f"Not confirmed yet: the best of {len(self.trials)} trials is {self.best_recipe.describe()} "
                "Its value in the search is biased upwards and is not shown; run.confirm() gives a fair one."
            )
        return "\n".join(self.sentences)

    @property
    def sentences(self) -> list[str]:
        """The answer sentence by sentence, the most important first."""
        found = self.all_findings
        if len(found) > 1:
            said = answer_of_several(found, self.best_recipe)
        else:
            said = answer(next(iter(found.values())), self.best_recipe)
        objectives = self.record.scenario.make_objectives()
        picked = front_sentences(self.front, self.confirmation, objectives, self.record.preference)
        return [*said[:1], *picked, *said[1:]]

    def confirm(
        self, *, select_among: int | None = None, select_seeds: int | None = None, report_seeds: int | None = None
    ) -> Run:
        """Confirm the best recipes on fresh blocks; done by :func:`tune` unless ``confirm=False``.

        Parameters
        ----------
        select_among, select_seeds, report_seeds : sizes, where they should differ from the run's.

        Raises
        ------
        RequestError
            For a run that was opened from its folder: give the same ``tune`` command again instead.
        """
        if self._again is None:
            raise RequestError("a run opened from its folder has no data; give the same tune command to confirm it")
        given = {"select_among": select_among, "select_seeds": select_seeds, "report_seeds": report_seeds}
        self._again({name: value for name, value in given.items() if value is not None})
        self.__dict__.pop("all_findings", None)
        if self.folder is not None:
            self.write()
        return self

    def importance(self, *, confidence: float = 0.95, seed: int = 0) -> KnobImportance:
        """Return how much of what was gained or lost in the search each knob explains.

        See :func:`altune.analysis.importance.knob_importance`.
        """
        from altune.analysis.importance import importance_of_run

        return importance_of_run(self, confidence=confidence, seed=seed)

    def curves(self) -> pd.DataFrame:
        """Return every learning curve of the run as one table: part, recipe, block, and a row for each point."""
        frames = []
        for part, data, name, block, curve in self._every_curve():
            frame = curve.to_frame()
            columns: dict[str, Any] = {"part": part, "recipe": name, "block": block}
            columns |= {"data": data} if len(self.record.data_sets) > 1 else {}
            for column, value in reversed(columns.items()):
                frame.insert(0, column, value)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        findings = self.findings
        several = {
            name: {"confirmed": one.recipe.to_dict(), "baselines": against_of(one)}
            for name, one in self.all_findings.items()
        }
        plain: dict[str, Any] = {
            "answer": self.answer,
            "objective": self.objective.name,
            "recipe": self.best_recipe.to_dict(),
            "confirmed": None if findings is None else findings.recipe.to_dict(),
            "baselines": {} if findings is None else against_of(findings),
            "trials": [trial.to_dict() for trial in self.trials],
            "seconds": self.seconds,
            "run": None if self.folder is None else str(self.folder),
        }
        plain |= {"data_sets": several} if len(self.record.data_sets) > 1 else {}
        if len(self.record.scenario.objective_names) > 1:
            plain |= {"objectives": list(self.record.scenario.objective_names)}
            plain |= {"front": [trial.number for trial in self.front]}
        return plain

    def write(self) -> None:
        """Write ``recipe.yaml``, ``scenario.yaml``, ``curves.csv`` and ``report.html`` into the run's folder.

        Raises
        ------
        StorageError
            If the folder cannot be written.
        """
        from altune.report.run.page import run_page

        if self.folder is None:
            raise RequestError("a run in memory has no folder; give tune() an `out`")
        try:
            for name, scenario in self.record.scenarios.items():
                file = SCENARIO_FILE if len(self.record.scenarios) == 1 else f"{Path(name).name}.{SCENARIO_FILE}"
                _write_whole(self.folder / file, write_yaml(scenario.to_dict()))
            if self.confirmation is not None:
                self.best_recipe.save(self.folder / RECIPE_FILE)
            _write_whole(self.folder / CURVES_FILE, self.curves().to_csv(index=False))
            _write_whole(self.folder / REPORT_FILE, run_page(self))
        except OSError as error:
            raise StorageError(f"{self.folder}: cannot write: {error.strerror}; the same command goes on") from None

    def _every_curve(self) -> list[tuple[str, str, str, int, LearningCurve]]:
        """Return (part, data set, recipe, block, curve) of every curve there is."""
        names = list(self.record.data_sets)
        found: list[tuple[str, str, str, int, LearningCurve]] = []
        searched = {name: list(played.curves) for name, played in self.baselines.items()}
        searched |= {f"trial_{trial.number}": self.record.curves(trial.number) for trial in self.trials}
        for recipe, curves in searched.items():
            for place, curve in enumerate(curves):
                # Search blocks stand in turn, one of each data set.
                found.append(("search", names[place % len(names)], recipe, place // len(names), curve))
        for data, confirmation in self.confirmations.items():
            parts = [("select", f"trial_{one.trial}", one.played) for one in confirmation.candidates]
            reported = {"confirmed": confirmation.recipe, **confirmation.baselines}
            reported |= {f"{name}_matched": played for name, played in confirmation.matched.items()}
            parts += [("report", name, played) for name, played in reported.items()]
            for part, recipe, played in parts:
                found += [(part, data, recipe, block, curve) for block, curve in enumerate(played.curves)]
        return found


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
    seeds: int = 5,
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
    select_among: int = 5,
    select_seeds: int = 10,
    report_seeds: int = 20,
    blocks: Any = None,
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
    scenario, budget, loops, metric, objective, overrides : the world; single values, ``also``, ``annotators``,
        ``price_per_label``, ``risk``, ``constraints`` and any other field of a scenario among them, replace the
        scenario's. Several objectives give a Pareto front; the first is confirmed against the baselines.
    n_trials : trials, 1 or more. A run that is gone on with counts those it has.
    timeout : seconds after which no further batch is begun; None for no limit.
    trial_timeout : most seconds that a trial may take, shared evenly by its blocks; a longer one has failed.
    seeds : blocks of each data set on which each trial is played.
    batch : trials asked at a time.
    n_jobs : processes; −1 for one on each core. It changes no result.
    seed : the study's seed.
    sampler : ``tpe``, ``random``, ``cmaes``, ``gp``, ``qmc``, ``nsga2``, ``nsga3`` or ``grid``.
    racing, rungs, leader_blocks : see :class:`altune.tuning.spending.Spending`; all off by default.
    across : how several data sets are averaged: ``normalized`` values or ``ranks``.
    prefer : how one trial is picked of several objectives, such as ``score within 0.01, then fewest labels``.
    confirm : whether to confirm at the end.
    select_among, select_seeds, report_seeds : sizes of the confirmation.
    blocks : explicit blocks, see :func:`altune.data.blocks.read_blocks`; for one data set only.
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
        seeds,
        batch,
        seed,
        sampler,
        select_among,
        select_seeds,
        report_seeds,
        racing,
        tuple(rungs),
        leader_blocks,
        across,
        prefer,
        trial_timeout,
    )
    worlds = make_worlds(
        data,
        target=target,
        scenario=scenario,
        seed=seed,
        blocks=blocks,
        budget=budget,
        loops=loops,
        metric=metric,
        objective=objective,
        **overrides,
    )
    jobs = processes(n_jobs)
    means = Means(
        jobs,
        make_backend(backend, jobs, scheduler, tuple(world.dataset for world in worlds)),
        None if cache is None else Path(cache),
        timeout,
        tuple(callbacks),
        storage,
        study_name,
    )
    prepared = prepare_space(space, worlds, model)
    folder = None if out is None else Path(out)
    return tune_worlds(worlds, prepared, settings, means, confirm=confirm, out=folder, observer=observer)


def tune_worlds(
    worlds: Sequence[World],
    space: SearchSpace,
    settings: Settings,
    means: Means,
    *,
    confirm: bool = True,
    out: Path | None = None,
    observer: Observer | None = None,
) -> Run:
    """Do what :func:`tune` does, for worlds that were made and a space that was prepared for them."""
    began = time.monotonic()
    watch = observer if observer is not None else Silent()
    steps = Steps(worlds, space, settings, watch)
    steps.check(confirm)
    for line in [*(line for world in worlds for line in world.advice()), *steps.warnings(), *steps.left_out]:
        watch.say(line)
    with contextlib.nullcontext() if out is None else ownership(out):
        if means.storage is None:
            study = steps.open(out)
            with steps.player(out, means) as player:
                steps.search(study, player, steps.baselines(study, player), means, began)
        else:
            study = _search_together(steps, means, out)
        run = Run(study, out)
        if confirm:
            with steps.player(out, means) as player:
                steps.confirm(study, player, settings)
        run._again = _confirm_later(steps, run, means)
        run.seconds = time.monotonic() - began
        if out is not None:
            run.write()
    return run


def _search_together(steps: Steps, means: Means, out: Path | None) -> optuna.Study:
    """Begin or go on with a study that workers share, and play along until it is done."""
    from altune.tuning.shared import begin_shared, open_shared, play_queue

    directions = [one.direction for one in steps.worlds[0].scenario.make_objectives()]
    shared = open_shared(str(means.storage), means.study_name, steps.watch, directions, means.grace)
    begin_shared(shared, steps, means)
    if out is not None:
        where = {"storage": str(shared.storage.address), "study": means.study_name}
        _write_whole(out / SHARED_FILE, write_yaml(where))
    steps.watch.say(f"workers join with: altune worker --storage {shared.storage.address} --study {means.study_name}")
    steps.watch.stage("search", steps.settings.n_trials * steps.usual)
    play_queue(shared, steps, means)
    return shared.study


def make_worlds(data: AnyData | Sequence[AnyData], *, target: str | None = None, **given: Any) -> list[World]:
    """Return the world of each data set; ``given`` is what :func:`altune.world.make_world` takes.

    Raises
    ------
    RequestError
        If something does not fit, saying what.
    """
    listed = [data] if isinstance(data, (Dataset, str, Path)) else list(data)
    if not listed:
        raise RequestError("no data set was given")
    if len(listed) > 1 and given.get("blocks") is not None:
        raise RequestError("explicit blocks go with one data set")
    return [make_world(one, target=target, **given) for one in listed]


def run_digest(worlds: Sequence[World], space: SearchSpace, settings: Settings) -> str:
    """Return a hash of all that must stay the same for a run to be gone on with."""
    header = make_header(worlds, space, settings)
    return canonical_digest({key: value for key, value in header.items() if key != "version"})


def finished_trials(folder: Path) -> int:
    """Return how many trials a run's folder holds, forbidden draws aside; 0 where there is no run."""
    try:
        record = StudyRecord(_stored_study(folder))
    except RequestError:
        return 0
    return sum(trial.state != "forbidden" for trial in record.trials())


def plan(
    worlds: Sequence[World], space: SearchSpace, settings: Settings, folder: Path, confirm: bool
) -> dict[str, Any]:
    """Return what a call of :func:`tune` would do, every default filled in, without doing it."""
    steps = Steps(worlds, space, settings, Silent())
    steps.check(confirm)
    base = steps.space.base_recipe()
    described = []
    for world in worlds:
        dataset, block = world.dataset, world.blocks("search", 1)[0]
        described.append(
            {
                "data": {"name": dataset.name, "rows": dataset.n_rows, "features": dataset.n_features}
                | {"classes": dataset.n_classes, "pool": len(block.pool), "test": len(block.test)},
                "scenario": world.scenario.to_dict(),
                "first_sample": base.initial_sample.size
                or default_initial_size(world.scenario.labels, dataset.n_classes),
            }
        )
    return {
        **described[0],
        **({"data_sets": described} if len(described) > 1 else {}),
        "space": {"name": steps.space.name, "knobs": steps.space.describe(), "left_out": steps.left_out},
        "defaults": base.to_dict(),
        "baselines": {name: recipe.describe() for name, recipe in steps.recipes.items()},
        "settings": settings.to_dict(),
        "trajectories": steps.trajectories(confirm),
        "run": str(folder),
    }


def open_run(folder: str | Path) -> Run:
    """Open a run from its folder, for reading."""
    run = Run(_stored_study(Path(folder)), Path(folder))
    run.record.require_estimators(str(folder))
    return run


def _stored_study(folder: Path) -> optuna.Study:
    """Return the study of a run's folder, or the one in a database that the folder names."""
    if not (folder / SHARED_FILE).is_file():
        return read_study(folder)
    from altune.tuning.shared import open_shared

    where = read_yaml(folder / SHARED_FILE)
    return open_shared(str(where["storage"]), str(where["study"]), Silent()).study


def prepare_space(space: SearchSpace | str | Path, worlds: Sequence[World], model: Any = None) -> SearchSpace:
    """Return a space with the model fixed, if one is given, checked against the objectives.

    Raises
    ------
    RequestError
        If the model is open already, or stopping is open under objectives that an early stop cannot better.
    """
    found = space if isinstance(space, SearchSpace) else SearchSpace.load(space)
    if model is not None:
        found = found.with_model(as_model(model))
    objectives = worlds[0].scenario.make_objectives()
    if found.is_open("stopping") and not any(objective.rewards_early_stop for objective in objectives):
        raise RequestError(
            f"the space opens `stopping`, and under the objective {objectives[0].name} an early stop gains nothing: "
            f"take net_value with a value and prices, add labels as an objective ({objectives[0].name},labels), or "
            "close stopping"
        )
    explicit = worlds[0].explicit
    if explicit and explicit["search"][0].initial is not None and found.is_open("initial_sample"):
        raise RequestError("the blocks give the first labelled rows, so the space must not open `initial_sample`")
    return found


def _confirm_later(steps: Steps, run: Run, means: Means) -> Callable[[dict[str, Any]], None]:
    def again(changes: dict[str, Any]) -> None:
        owned = contextlib.nullcontext() if run.folder is None else ownership(run.folder)
        with owned, steps.player(run.folder, means) as player:
            steps.confirm(run.study, player, replace(steps.settings, **changes))

    return again


def _write_whole(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.part")
    partial.write_text(text, "utf-8")
    partial.replace(path)
