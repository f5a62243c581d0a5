"""The stages of a run: baselines, search, confirmation and ablation. Each continues where an earlier call ended."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.core.errors import WorkError
from altune.core.files import absolute, canonical_digest
from altune.core.formats import changed_libraries
from altune.recipes.recipe import RECOMMENDED
from altune.simulation.execution.counting import counted
from altune.simulation.execution.items import WorkItem, curves_or_raise
from altune.simulation.execution.player import Player
from altune.simulation.store import TrajectoryStore
from altune.tuning.ablation import ablate, trajectories_to_ablate
from altune.tuning.ablation_path import differing
from altune.tuning.away_stage import AwayStage
from altune.tuning.confirmation import confirm, trajectories_to_confirm
from altune.tuning.evaluation import Evaluator
from altune.tuning.header import HEADER, begin_or_resume, read_header
from altune.tuning.judging import REFERENCE, Judge
from altune.tuning.observer import Observer
from altune.tuning.played import Played
from altune.tuning.proposals import refusal_anywhere
from altune.tuning.ranking import best_recipes, ranks_of
from altune.tuning.record import (
    ABLATION,
    BASELINES,
    CONFIRMATION,
    ENCODINGS,
    PLAN,
    PREFER,
    SIMULATIONS,
    SOURCES,
    VANILLA,
    WANTED,
    StudyRecord,
)
from altune.tuning.report_blocks import USUAL_REPORT
from altune.tuning.resources import Resources
from altune.tuning.search import Search
from altune.tuning.selection import Prior
from altune.tuning.settings import Settings
from altune.tuning.storage import open_study, set_attribute
from altune.tuning.study_setup import StudySetup
from altune.tuning.trials import TrialRecord

if TYPE_CHECKING:
    import optuna

TRAJECTORIES = "trajectories"
SCRATCH = "blocks"


class Stages:
    """The stages of a run. Each stores its result with the study and does nothing if the study has it already.

    Parameters
    ----------
    setup : what the study is made of.
    observer : receives the progress.
    """

    def __init__(self, setup: StudySetup, observer: Observer) -> None:
        self.setup = setup
        self.observer = observer
        self.blocks = setup.search_blocks.of(setup.environments)

    def open(self, folder: Path | None) -> optuna.Study:
        """Open or create the study in a run's folder, and make sure that it is the study of this run."""
        study = open_study(folder, [objective.direction for objective in self.setup.scenario.make_objectives()])
        self.begin(study, str(folder))
        return study

    def begin(self, study: optuna.Study, where: str) -> None:
        """Write the header into an empty study, or make sure that a stored one is the study of this run.

        A run that was begun with another revision of a shipped space, or before recipes got blocks by merit, continues
        with the space and the blocks that it stored.
        """
        if (stored := study.user_attrs.get(HEADER)) is not None:
            self._resume(read_header(stored), where)
        header = self.setup.header()
        begin_or_resume(study, header, where)
        for line in self.setup.lines():
            self.observer.say(line)
        if changed := changed_libraries(StudyRecord(study).header["libraries"], header["libraries"]):
            self.observer.say(
                f"{where}: the study was started with {changed}; new trajectories may differ from old ones, so give "
                "another --out to play all of them anew"
            )
        if stored := StudyRecord(study).baselines():
            # A study of an earlier version has the baselines of that version.
            self.setup.baselines = {name: played.recipe for name, played in stored.items()}
        sources = {
            environment.dataset.name: dict(environment.source)
            for environment in self.setup.environments
            if environment.source is not None
        }
        settings = self.setup.settings
        current = {PREFER: settings.prefer, WANTED: self.setup.n_trials, SOURCES: sources}
        current[SIMULATIONS] = settings.n_simulations
        attributes = study.user_attrs
        for name, value in current.items():
            if attributes.get(name) != value:
                set_attribute(study, name, value)

    def _resume(self, header: Mapping[str, Any], where: str) -> None:
        asked, self.setup = self.setup, self.setup.resumed(header)
        self.blocks = self.setup.search_blocks.of(self.setup.environments)
        for line in self.setup.resumed_lines(asked):
            self.observer.say(f"{where}: {line}")

    def remember_plan(self, study: optuna.Study, trajectories: Mapping[str, int], command: Sequence[str]) -> None:
        """Store what a run will play and how it was started, for those who watch it."""
        plan = {
            "trajectories": dict(trajectories),
            "command": list(command),
            "folder": str(absolute(Path())) if command else "",
        }
        if study.user_attrs.get(PLAN) != plan:
            set_attribute(study, PLAN, plan)

    def player(self, folder: Path | None, resources: Resources) -> Player:
        """Return a player that saves finished trajectories in the cache or the run's folder, if there is one."""
        cache = resources.cache
        if cache is None and folder is not None:
            cache = folder / TRAJECTORIES
        return Player(
            store=None if cache is None else TrajectoryStore(cache),
            jobs=resources.jobs,
            scratch=None if folder is None else folder / SCRATCH,
            backend=resources.backend,
            rules=self.setup.shared_rules(),
        )

    def baselines(self, study: optuna.Study, player: Player) -> dict[str, Played]:
        """Play the baselines on all search blocks, unless the study has them."""
        recipes = self.setup.baselines
        blocks = {name: [self.blocks[position] for position in self.setup.baseline_blocks(name)] for name in recipes}
        stored, n_all = StudyRecord(study).baselines(), sum(map(len, blocks.values()))
        is_stored = stored.keys() == recipes.keys()
        self.observer.stage("baselines", n_all, done=n_all if is_stored else 0)
        if not is_stored:
            items = [
                WorkItem(recipe, block, environment)
                for name, recipe in recipes.items()
                for environment, block in blocks[name]
            ]
            curves = iter(curves_or_raise(player.play(items, counted(player, self.observer))))
            stored = {
                name: Played(recipe, tuple(islice(curves, len(blocks[name])))) for name, recipe in recipes.items()
            }
            self._store_encodings(study, player, items)
            set_attribute(study, BASELINES, {name: played.to_dict() for name, played in stored.items()})
        judge = self.judge(stored)
        for name, played in stored.items():
            self.observer.baseline(name, judge.values(played.curves[: judge.blocks.n_usual])[0])
        return stored

    def _store_encodings(self, study: optuna.Study, player: Player, items: Sequence[WorkItem]) -> None:
        """Store how each data set became numbers on its first search block, which was just played on."""
        firsts: dict[str, WorkItem] = {}
        for item in items:
            firsts.setdefault(item.environment.dataset.name, item)
        encodings = {name: player.encoding(item) for name, item in firsts.items()}
        set_attribute(
            study, ENCODINGS, {name: encoding.to_dict() for name, encoding in encodings.items() if encoding is not None}
        )

    def judge(self, baselines: Mapping[str, Played]) -> Judge:
        """Return what turns learning curves into values."""
        scenarios = [environment.scenario for environment in self.setup.environments]
        return Judge(scenarios, self.setup.search_blocks, baselines[REFERENCE].curves, self.setup.across)

    def evaluator(self, baselines: Mapping[str, Played], player: Player) -> Evaluator:
        """Return what plays recipes and judges them."""
        settings = self.setup.settings
        judge = self.judge(baselines)
        return Evaluator(player, judge, self.blocks, settings.racing_rules, settings.trial_timeout)

    def search(
        self,
        study: optuna.Study,
        player: Player,
        baselines: Mapping[str, Played],
        resources: Resources,
        started: float,
    ) -> None:
        """Search until all trials are finished or the time limit is reached.

        Parameters
        ----------
        study : stored study.
        player : plays work items.
        baselines : baselines on the search blocks.
        resources : its time limit and callbacks are used.
        started : value of :func:`time.monotonic` at which the run was started.
        """
        settings, timeout = self.setup.settings, resources.timeout
        search = Search(
            study=study,
            proposer=self.setup.proposer(),
            evaluator=self.evaluator(baselines, player),
            batch=settings.batch,
            baselines=StudyRecord(study).baseline_blocks(),
            observe=self.observer.search,
            on_played=counted(player, self.observer),
            callbacks=resources.callbacks,
        )
        self.observer.stage("search", self.setup.n_simulations)
        search.run(
            self.setup.n_trials,
            out_of_time=lambda: timeout is not None and time.monotonic() - started >= timeout,
            n_simulations=settings.n_simulations,
        )

    def best(self, record: StudyRecord, most: int) -> list[TrialRecord]:
        """Return the best trials of the study, the best first.

        Raises
        ------
        WorkError
            If no trial succeeded.
        """
        trials = record.trials()
        judge = record.judge()
        best = best_recipes(trials, most, judge.objectives, self.setup.preference, ranks_of(trials, judge))
        if best:
            return best
        if not any(trial.state != "forbidden" for trial in trials):
            raise WorkError("the time limit was reached before the first trial ended; give the same command more time")
        reasons = [trial.reason for trial in trials if trial.state == "failed" and trial.reason]
        raise WorkError(f"no trial succeeded; the first failed with: {reasons[0] if reasons else 'no reason'}")

    def prior(self, record: StudyRecord, best: Sequence[TrialRecord]) -> Prior | None:
        """Return what the search knows of these trials and the baselines; None after a search on fixed blocks.

        Neither is there one after a search on a part of the rows, where recipes are worth something else.
        """
        standing = record.standing()
        if standing is None or any(environment.search_rows is not None for environment in self.setup.environments):
            return None
        rows: dict[int | str, int] = {
            trial.number: standing.rows[trial.recipe.digest()] for trial in best if trial.recipe is not None
        }
        rows |= {name: standing.rows[name] for name in self.setup.baselines}
        mean, variance = standing.model.mean.tolist(), standing.model.variance.tolist()
        return Prior(
            {name: mean[row] for name, row in rows.items()},
            {name: variance[row] for name, row in rows.items()},
            standing.model.noise,
        )

    def confirm(self, study: optuna.Study, player: Player, settings: Settings) -> bool:
        """Confirm the best recipes, unless the study holds exactly this confirmation.

        Parameters
        ----------
        study : stored study.
        player : plays work items.
        settings : settings with the sizes of the confirmation.

        Returns
        -------
        bool
            Whether it was done now.
        """
        record = StudyRecord(study)
        best = self.best(record, settings.select_among)
        prior = self.prior(record, best)
        key, with_all = (
            _confirmation_key(best, prior, settings, n_report) for n_report in (settings.report_blocks, USUAL_REPORT)
        )
        recipes = self.setup.baselines
        blocks = self.setup.confirmation_blocks(settings)
        n_all, is_stored = trajectories_to_confirm(len(best), len(recipes), blocks), record.confirmation_key() == key
        if settings.report_plan is not None and settings.precision is None:
            # Earlier versions played all of the usual number of report blocks, which is no less.
            is_stored = is_stored or record.confirmation_key() == with_all
        self.observer.stage("confirmation", n_all, done=n_all if is_stored else 0)
        if is_stored:
            return False
        confirmed = confirm(
            player,
            best,
            recipes,
            blocks,
            searched=record.baseline_values(),
            preference=self.setup.preference,
            prior=prior,
            plan=None if any(data_set.environment.explicit for data_set in blocks) else settings.report_plan,
            on_done=counted(player, self.observer),
            say=self.observer.say,
        )
        by_name = {
            name: confirmation.to_dict() for name, confirmation in zip(self.setup.data_sets, confirmed, strict=True)
        }
        set_attribute(study, CONFIRMATION, {"key": key, "confirmations": by_name})
        return True

    def confirm_away(self, study: optuna.Study, player: Player, settings: Settings) -> bool:
        """Confirm the recipe on the data sets away, if there are any; return whether it was done now.

        The parameters are those of :meth:`confirm`, which comes first.
        """
        return AwayStage(self.setup, self.observer).confirm(StudyRecord(study), player, settings)

    def ablation_is_due(self, study: optuna.Study) -> bool:
        """Return whether the path from vanilla to the selected recipe is wanted and was not played yet.

        It is wanted for a trial of the search and for the recommended recipe, if they differ from vanilla. The other
        baselines differ from vanilla by their query strategy alone.
        """
        record = StudyRecord(study)
        confirmation = next(iter(record.confirmations().values()), None)
        if confirmation is None or VANILLA not in confirmation.baselines or record.ablated() is not None:
            return False
        if confirmation.candidates[confirmation.selected].baseline not in ("", RECOMMENDED):
            return False
        return bool(differing(confirmation.baselines[VANILLA].recipe, confirmation.recipe.recipe))

    def ablate(self, study: optuna.Study, player: Player) -> bool:
        """Play the path from vanilla to the confirmed recipe, if it is due; return whether it was played now."""
        if not self.ablation_is_due(study):
            return False
        record, setup = StudyRecord(study), self.setup
        confirmations = list(record.confirmations().values())
        first = confirmations[0]
        start, end = first.baselines[VANILLA].recipe, first.recipe.recipe
        # The ablation takes the blocks of the stored confirmation, whatever the settings are now: its curves on them
        # are known, and the gains of the steps must add up to the confirmed difference.
        sizes = replace(
            setup.settings,
            select_blocks=first.select_blocks,
            report_blocks=len(first.recipe.curves),
            precision=None,
        )
        blocks = setup.confirmation_blocks(sizes)
        self.observer.stage("ablation", trajectories_to_ablate(len(differing(start, end)), blocks))
        ablated = ablate(
            player,
            start,
            end,
            blocks,
            reference=setup.baselines[REFERENCE],
            refusal=partial(refusal_anywhere, setup.space, setup.capabilities),
            known=[
                [confirmation.recipe, *confirmation.baselines.values(), *confirmation.matched.values()]
                for confirmation in confirmations
            ],
            across=setup.across,
            on_done=counted(player, self.observer),
        )
        stored = {"key": record.confirmation_key(), "ablation": ablated.to_dict(setup.data_sets)}
        set_attribute(study, ABLATION, stored)
        return True


def _confirmation_key(
    best: Sequence[TrialRecord], prior: Prior | None, settings: Settings, report_blocks: int | None
) -> str:
    """Return a hash of what a confirmation is made from."""
    plain: dict[str, Any] = {
        "trials": [[trial.number, list(trial.objectives)] for trial in best],
        "sizes": [settings.select_among, settings.select_blocks, report_blocks],
        "prefer": settings.prefer,
    }
    plain |= {} if prior is None else {"prior": prior.to_dict()}
    return canonical_digest(plain | ({} if settings.precision is None else {"precision": settings.precision}))
