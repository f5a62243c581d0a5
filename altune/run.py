"""tune(): search, confirm, analyse, write the run's folder."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from altune.analysis.findings import Findings, answer, find
from altune.data import Dataset
from altune.data.blocks import Block
from altune.errors import RequestError, StorageError, WorkError
from altune.knobs.initial_sample.base import default_initial_size
from altune.models import as_model
from altune.plain import canonical_digest
from altune.recipe import Recipe
from altune.registry import find_method
from altune.scenario import Scenario
from altune.simulation import TrajectoryStore
from altune.space import SearchSpace
from altune.tuning.confirmation import Confirmation, Played, best_recipes, confirm, trajectories_to_confirm
from altune.tuning.player import Player, processes
from altune.tuning.progress import Observer, Silent
from altune.tuning.record import BASELINES, CONFIRMATION, StudyRecord, begin_or_continue, make_header
from altune.tuning.search import Search, TrialRecord
from altune.tuning.settings import Settings
from altune.tuning.storage import JOURNAL, open_study, ownership, read_study, set_attribute
from altune.world import World, make_world
from altune.yaml import write_yaml

if TYPE_CHECKING:
    import optuna

    from altune.curve import Objective

RECIPE_FILE = "recipe.yaml"
SCENARIO_FILE = "scenario.yaml"
CURVES_FILE = "curves.csv"
REPORT_FILE = "report.html"
TRAJECTORIES = "trajectories"
SCRATCH = "blocks"

__all__ = ["JOURNAL", "REPORT_FILE", "Run", "finished_trials", "open_run", "plan", "run_digest", "tune", "tune_world"]


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
        self._again: Callable[[Run, Settings], None] | None = None
        self._settings: Settings | None = None

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
        """What was maximised."""
        return self.record.objective

    @property
    def baselines(self) -> dict[str, Played]:
        """The baselines on the search blocks."""
        return self.record.baselines()

    @property
    def confirmation(self) -> Confirmation | None:
        """What was confirmed, None before :meth:`confirm`."""
        return self.record.confirmation()

    @property
    def best_trial(self) -> TrialRecord:
        """The trial of the highest value in the search, which is biased upwards.

        Raises
        ------
        WorkError
            If no trial succeeded.
        """
        best = best_recipes(self.trials, 1)
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

    @cached_property
    def findings(self) -> Findings | None:
        """The numbers of the confirmation, None before :meth:`confirm`."""
        confirmation = self.confirmation
        return None if confirmation is None else find(confirmation, self.objective, self.scenario.labels)

    @property
    def answer(self) -> str:
        """What a person can act on, in sentences."""
        if self.findings is None:
            return (
                f"Not confirmed yet: the best of {len(self.trials)} trials is {self.best_recipe.describe()} "
                "Its value in the search is biased upwards and is not shown; run.confirm() gives a fair one."
            )
        return "\n".join(answer(self.findings, self.best_recipe))

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
        if self._again is None or self._settings is None:
            raise RequestError("a run opened from its folder has no data; give the same tune command to confirm it")
        given = {"select_among": select_among, "select_seeds": select_seeds, "report_seeds": report_seeds}
        changes = {name: value for name, value in given.items() if value is not None}
        self._again(self, Settings(**{**self._settings.to_dict(), **changes}))
        return self

    def curves(self) -> pd.DataFrame:
        """Return every learning curve of the run as one table: part, recipe, block, and a row for each point."""
        frames = []
        for part, name, block, curve in self._every_curve():
            frame = curve.to_frame()
            frame.insert(0, "block", block)
            frame.insert(0, "recipe", name)
            frame.insert(0, "part", part)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        findings = self.findings
        return {
            "answer": self.answer,
            "objective": self.objective.name,
            "recipe": self.best_recipe.to_dict(),
            "confirmed": None if findings is None else findings.recipe.to_dict(),
            "baselines": {} if findings is None else {name: one.to_dict() for name, one in findings.against.items()},
            "trials": [trial.to_dict() for trial in self.trials],
            "seconds": self.seconds,
            "run": None if self.folder is None else str(self.folder),
        }

    def write(self) -> None:
        """Write ``recipe.yaml``, ``scenario.yaml``, ``curves.csv`` and ``report.html`` into the run's folder.

        Raises
        ------
        StorageError
            If the folder cannot be written.
        """
        from altune.report.run_page import run_page

        if self.folder is None:
            raise RequestError("a run in memory has no folder; give tune() an `out`")
        try:
            _write_whole(self.folder / SCENARIO_FILE, write_yaml(self.scenario.to_dict()))
            if self.confirmation is not None:
                self.best_recipe.save(self.folder / RECIPE_FILE)
            _write_whole(self.folder / CURVES_FILE, self.curves().to_csv(index=False))
            _write_whole(self.folder / REPORT_FILE, run_page(self))
        except OSError as error:
            raise StorageError(f"{self.folder}: cannot write: {error.strerror}; the same command goes on") from None

    def _every_curve(self) -> list[tuple[str, str, int, Any]]:
        found: list[tuple[str, str, int, Any]] = []
        for name, played in self.baselines.items():
            found += [("search", name, block, curve) for block, curve in enumerate(played.curves)]
        for trial in self.trials:
            curves = self.record.curves(trial.number)
            found += [("search", f"trial_{trial.number}", block, curve) for block, curve in enumerate(curves)]
        confirmation = self.confirmation
        if confirmation is None:
            return found
        for candidate in confirmation.candidates:
            curves = list(candidate.played.curves)
            found += [("select", f"trial_{candidate.trial}", block, curve) for block, curve in enumerate(curves)]
        reported = {"confirmed": confirmation.recipe, **confirmation.baselines}
        reported |= {f"{name}_matched": played for name, played in confirmation.matched.items()}
        for name, played in reported.items():
            found += [("report", name, block, curve) for block, curve in enumerate(played.curves)]
        return found


def tune(
    data: Dataset | str | Path,
    space: SearchSpace | str | Path = "standard",
    *,
    target: str | None = None,
    model: Any = None,
    scenario: Scenario | None = None,
    budget: int | None = None,
    loops: int | str | None = None,
    metric: str | None = None,
    objective: str | None = None,
    n_trials: int = 60,
    timeout: float | None = None,
    seeds: int = 5,
    batch: int = 4,
    n_jobs: int = 1,
    seed: int = 0,
    sampler: str = "tpe",
    confirm: bool = True,
    select_among: int = 5,
    select_seeds: int = 10,
    report_seeds: int = 20,
    blocks: Any = None,
    out: str | Path | None = None,
    observer: Observer | None = None,
    **overrides: Any,
) -> Run:
    """Search for the best recipe on a data set, and confirm it.

    Parameters
    ----------
    data : a data set, the name of a built-in one, or a file.
    space : a search space, the name of a shipped one, or a YAML file.
    target : the label column of a table.
    model : fixes the model: a name, a mapping, an altune model, or any scikit-learn classifier.
    scenario, budget, loops, metric, objective, overrides : the world; single values, ``also``, ``annotators``,
        ``price_per_label`` and any other field of a scenario among them, replace the scenario's.
    n_trials : trials, 1 or more. A run that is gone on with counts those it has.
    timeout : seconds after which no further batch is begun; None for no limit.
    seeds : blocks on which each trial is played.
    batch : trials asked at a time.
    n_jobs : processes; −1 for one on each core. It changes no result.
    seed : the study's seed.
    sampler : ``tpe`` or ``random``.
    confirm : whether to confirm at the end.
    select_among, select_seeds, report_seeds : sizes of the confirmation.
    blocks : explicit blocks, see :func:`altune.data.blocks.read_blocks`.
    out : the run's folder; None keeps the run in memory. A folder that holds the same run is gone on with.
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
    settings = Settings(n_trials, seeds, batch, seed, sampler, select_among, select_seeds, report_seeds)
    world = make_world(
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
    return tune_world(
        world,
        prepare_space(space, world, model),
        settings,
        timeout=timeout,
        confirm=confirm,
        n_jobs=n_jobs,
        out=None if out is None else Path(out),
        observer=observer,
    )


def tune_world(
    world: World,
    space: SearchSpace,
    settings: Settings,
    *,
    timeout: float | None = None,
    confirm: bool = True,
    n_jobs: int = 1,
    out: Path | None = None,
    observer: Observer | None = None,
) -> Run:
    """Do what :func:`tune` does, for a world that was made and a space that was prepared for it."""
    began = time.monotonic()
    watch = observer if observer is not None else Silent()
    work = Work(world, space, settings, watch)
    work.check(confirm)
    jobs = processes(n_jobs)
    for line in [*world.advice(), *work.warnings(), *work.left_out]:
        watch.say(line)
    with contextlib.nullcontext() if out is None else ownership(out):
        study = work.open(out)
        run = Run(study, out)
        with make_player(world, out, jobs) as player:
            work.baselines(study, player)
            work.search(study, player, timeout, began)
            if confirm:
                work.confirm(run, player, settings)
        run._settings = settings
        run._again = _confirm_later(work, jobs)
        run.seconds = time.monotonic() - began
        if out is not None:
            run.write()
    return run


def run_digest(world: World, space: SearchSpace, settings: Settings) -> str:
    """Return a hash of all that must stay the same for a run to be gone on with."""
    header = make_header(world, space, settings)
    return canonical_digest({key: value for key, value in header.items() if key != "version"})


def finished_trials(folder: Path) -> int:
    """Return how many trials a run's folder holds, forbidden draws aside; 0 where there is no run."""
    try:
        record = StudyRecord(read_study(folder))
    except RequestError:
        return 0
    return sum(trial.state != "forbidden" for trial in record.trials())


def plan(world: World, space: SearchSpace, settings: Settings, folder: Path, confirm: bool) -> dict[str, Any]:
    """Return what a call of :func:`tune` would do, every default filled in, without doing it."""
    work = Work(world, space, settings, Silent())
    work.check(confirm)
    dataset, scenario = world.dataset, world.scenario
    baselines = len(work.recipes)
    among = min(settings.select_among, settings.n_trials)
    base = work.space.base_recipe()
    return {
        "data": {"name": dataset.name, "rows": dataset.n_rows, "features": dataset.n_features}
        | {"classes": dataset.n_classes, "pool": len(work.blocks[0].pool), "test": len(work.blocks[0].test)},
        "scenario": scenario.to_dict(),
        "first_sample": base.initial_sample.size or default_initial_size(scenario.labels, dataset.n_classes),
        "space": {"name": work.space.name, "knobs": work.space.describe(), "left_out": work.left_out},
        "defaults": base.to_dict(),
        "baselines": {name: recipe.describe() for name, recipe in work.recipes.items()},
        "settings": settings.to_dict(),
        "trajectories": {
            "baselines": baselines * len(work.blocks),
            "search": settings.n_trials * len(work.blocks),
            "confirmation": trajectories_to_confirm(among, baselines, len(work.select), len(work.report))
            if confirm
            else 0,
        },
        "run": str(folder),
    }


def open_run(folder: str | Path) -> Run:
    """Open a run from its folder, for reading."""
    run = Run(read_study(Path(folder)), Path(folder))
    run.record.require_estimators(str(folder))
    return run


def prepare_space(space: SearchSpace | str | Path, world: World, model: Any = None) -> SearchSpace:
    """Return a space with the model fixed, if one is given, checked against the objective.

    Raises
    ------
    RequestError
        If the model is open already, or stopping is open under an objective that an early stop cannot raise.
    """
    found = space if isinstance(space, SearchSpace) else SearchSpace.load(space)
    if model is not None:
        found = found.with_model(as_model(model))
    if found.is_open("stopping") and not world.objective.rewards_early_stop:
        raise RequestError(
            f"the space opens `stopping`, and under the objective {world.objective.name} an early stop gains nothing: "
            "take net_value with a value and prices, or close stopping"
        )
    if world.explicit and world.explicit["search"][0].initial is not None and found.is_open("initial_sample"):
        raise RequestError("the blocks give the first labelled rows, so the space must not open `initial_sample`")
    return found


class Work:
    """The steps of :func:`tune`, each of which goes on where an earlier call was cut off."""

    def __init__(self, world: World, space: SearchSpace, settings: Settings, watch: Observer) -> None:
        self.world = world
        self.given = space
        self.space, self.left_out = space.narrow(world.facts)
        self.settings = settings
        self.watch = watch
        self.recipes = self.space.baseline_recipes()
        self.blocks = world.blocks("search", settings.seeds)
        self.select: Sequence[Block] = world.blocks("select", settings.select_seeds)
        self.report: Sequence[Block] = world.blocks("report", settings.report_seeds)

    def check(self, confirm: bool) -> None:
        """Refuse what cannot work, before anything is written."""
        for name, recipe in self.recipes.items():
            self.world.require(recipe, f"the baseline {name}")
        if confirm and (not self.select or len(self.report) < 2):
            raise RequestError(
                "explicit blocks have no `select` or fewer than two `report` blocks; give them, or confirm=False "
                "(--no-confirm)"
            )

    def warnings(self) -> list[str]:
        """Return what a person should know of this space; usually nothing."""
        opened = self.space.decisions.get("initial_sample")
        return [
            f"initial_sample {one.method!r} uses labels that nobody has paid for: what it reaches is an upper bound"
            for one in (opened.alternatives if opened is not None else ())
            if getattr(find_method("initial_sample", one.method), "uses_oracle", False)
        ]

    def open(self, folder: Path | None) -> optuna.Study:
        """Open or make the study, and make sure that it is this run's."""
        study = open_study(folder)
        header = make_header(self.world, self.given, self.settings)
        begin_or_continue(study, header, str(folder))
        return study

    def baselines(self, study: optuna.Study, player: Player) -> None:
        """Play the baselines on the search blocks, unless the study has them."""
        record = StudyRecord(study)
        stored = record.baselines()
        if stored.keys() != self.recipes.keys():
            self.watch.stage("baselines", len(self.recipes) * len(self.blocks))
            stored = {
                name: Played(recipe, tuple(player.curves(recipe, self.blocks, self._played)))
                for name, recipe in self.recipes.items()
            }
            set_attribute(study, BASELINES, {name: played.to_dict() for name, played in stored.items()})
        objective = self.world.objective
        for name, played in stored.items():
            self.watch.baseline(name, float(np.mean([objective(curve) for curve in played.curves])))

    def search(self, study: optuna.Study, player: Player, timeout: float | None, began: float) -> None:
        """Search until the trials are finished or time is up."""
        search = Search(
            study=study,
            space=self.space,
            facts=self.world.facts,
            player=player,
            blocks=self.blocks,
            objective=self.world.objective,
            seed=self.settings.seed,
            sampler=self.settings.sampler,
            batch=self.settings.batch,
            observe=self.watch.search,
        )
        self.watch.stage("search", self.settings.n_trials * len(self.blocks))
        search.run(
            self.settings.n_trials,
            out_of_time=lambda: timeout is not None and time.monotonic() - began >= timeout,
        )

    def confirm(self, run: Run, player: Player, settings: Settings) -> None:
        """Confirm the best recipes, unless the study holds just that confirmation."""
        best = best_recipes(run.trials, settings.select_among)
        if not best:
            if not run.trials:
                raise WorkError("the time limit ended before the first trial; give more time and the same command")
            reasons = [trial.reason for trial in run.trials if trial.reason]
            raise WorkError(f"no trial succeeded; the first failed with: {reasons[0] if reasons else 'no reason'}")
        key = canonical_digest(
            {
                "trials": [[trial.number, trial.value] for trial in best],
                "sizes": [settings.select_among, settings.select_seeds, settings.report_seeds],
            }
        )
        if run.record.confirmation_key() == key:
            return
        select = self.world.blocks("select", settings.select_seeds)
        report = self.world.blocks("report", settings.report_seeds)
        many = trajectories_to_confirm(len(best), len(self.recipes), len(select), len(report))
        self.watch.stage("confirmation", many)
        confirmation = confirm(
            player,
            best,
            self.recipes,
            select=select,
            report=report,
            objective=self.world.objective,
            on_done=self._played,
        )
        set_attribute(run.study, CONFIRMATION, {"key": key, "confirmation": confirmation.to_dict()})
        run.__dict__.pop("findings", None)

    def _played(self, index: int, outcome: object) -> None:
        self.watch.played()


def make_player(world: World, folder: Path | None, jobs: int) -> Player:
    """Return a player that keeps what it finishes in a run's folder; in memory it keeps nothing."""
    if folder is None:
        return Player(world.dataset, world.scenario, world.seed, jobs=jobs)
    store = TrajectoryStore(folder / TRAJECTORIES)
    return Player(world.dataset, world.scenario, world.seed, store=store, jobs=jobs, scratch=folder / SCRATCH)


def _confirm_later(work: Work, jobs: int) -> Callable[[Run, Settings], None]:
    def again(run: Run, settings: Settings) -> None:
        with contextlib.nullcontext() if run.folder is None else ownership(run.folder):
            with make_player(work.world, run.folder, jobs) as player:
                work.confirm(run, player, settings)
            if run.folder is not None:
                run.write()

    return again


def _write_whole(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.part")
    partial.write_text(text, "utf-8")
    partial.replace(path)
