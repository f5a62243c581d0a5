"""The stages of a run: baselines, search, confirmation, ablation. Each goes on where an earlier call was cut off."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from altune.core.errors import RequestError, WorkError
from altune.core.files import canonical_digest
from altune.core.formats import changed_libraries
from altune.core.registry import find_method
from altune.data.blocks import BlockRole
from altune.recipes.space import SearchSpace
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment
from altune.simulation.execution.backends import Backend
from altune.simulation.execution.items import WorkItem, curves_or_raise
from altune.simulation.execution.player import Player
from altune.simulation.store import TrajectoryStore
from altune.tuning.ablation import ablate, trajectories_to_ablate
from altune.tuning.ablation_path import differing
from altune.tuning.confirmation import ConfirmationBlocks, Played, best_recipes, confirm, trajectories_to_confirm
from altune.tuning.evaluation import Evaluator
from altune.tuning.header import begin_or_continue, make_header
from altune.tuning.judging import REFERENCE, Judge, Place, check_several
from altune.tuning.observer import Observer
from altune.tuning.preference import Preference
from altune.tuning.proposals import Drawing, is_playable, refusal_anywhere
from altune.tuning.record import (
    ABLATION,
    BASELINES,
    CONFIRMATION,
    PREFER,
    VANILLA,
    WANTED,
    StudyRecord,
)
from altune.tuning.samplers import SamplerPlan
from altune.tuning.search import Callback, Search
from altune.tuning.settings import Settings
from altune.tuning.storage import open_study, set_attribute
from altune.tuning.trials import TrialRecord

if TYPE_CHECKING:
    import optuna

    from altune.knobs.stopping import Stopping

TRAJECTORIES = "trajectories"
SCRATCH = "blocks"
PLAYED_AGAIN = 3
"""Report blocks on which the confirmed recipe is played again, to note more of its loops than its curves do."""
RANKED = ("tpe", "random", "qmc", "grid")
"""Samplers that keep no state of their own, which ranks, changing with each trial, would spoil."""


@dataclass(frozen=True, eq=False)
class Resources:
    """With what a run is made; none of it changes a result.

    Attributes
    ----------
    jobs : worker processes.
    backend : where they are; by default on this machine.
    cache : folder of finished trajectories that several runs share; by default one in the run's own folder.
    timeout : seconds after which no further batch is begun, None for no limit.
    callbacks : called with the study and each trial that was just stored.
    storage, study_name : address of a database and the study's name there, for a study that workers share; None for a
        journal in the run's folder.
    grace : seconds of silence after which a worker of a shared study is taken for dead; None for the usual.
    """

    jobs: int = 1
    backend: Backend | None = None
    cache: Path | None = None
    timeout: float | None = None
    callbacks: Sequence[Callback] = ()
    storage: str | None = None
    study_name: str = "altune"
    grace: float | None = None


class Stages:
    """The stages of a run.

    Parameters
    ----------
    environments : one for each data set.
    space : as it was given.
    settings : sizes and seed.
    watch : told how it goes.

    Attributes
    ----------
    space : narrowed to what can work in every environment.
    left_out : one line for each alternative that was left out.
    recipes : the baselines.
    places : the search blocks that every trial is played on, of all data sets in turn; then those for leaders.
    parts : the fresh blocks of each data set.
    """

    def __init__(
        self, environments: Sequence[Environment], space: SearchSpace, settings: Settings, watch: Observer
    ) -> None:
        check_several(environments, settings.across)
        self.environments = list(environments)
        self.given = space
        self.space, self.left_out = _narrowed(space, environments)
        self.settings = settings
        self.watch = watch
        self.recipes = self.space.baseline_recipes()
        self.usual, self.places = self._places()
        self.parts = self._parts(settings)
        scenario = environments[0].scenario
        names = scenario.objective_names
        self.preference = None if settings.prefer is None else Preference.parse(settings.prefer, names)
        settings.racing_rules.check(self.usual, names, scenario.over, scenario.risk)

    @property
    def wanted(self) -> int:
        """Trials that the search makes: those asked for, or all that a grid has where those are fewer."""
        most = self.plan().most_trials
        return self.settings.n_trials if most is None else min(self.settings.n_trials, most)

    def check(self, confirm: bool) -> None:
        """Refuse what cannot work, before anything is written."""
        for environment in self.environments:
            for name, recipe in self.recipes.items():
                environment.require(recipe, f"the baseline {name}")
        self.plan()
        if confirm and any(not part.select or len(part.report) < 2 for part in self.parts):
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

    def plan(self) -> SamplerPlan:
        """Return what draws the trials.

        Raises
        ------
        RequestError
            If the sampler cannot search this space.
        """
        scenario, capabilities = (
            self.environments[0].scenario,
            [environment.capabilities for environment in self.environments],
        )
        if self.settings.across == "ranks" and len(self.environments) > 1 and self.settings.sampler not in RANKED:
            raise RequestError(f"--across ranks needs the sampler {', '.join(RANKED)}, not {self.settings.sampler}")
        return SamplerPlan(
            self.settings.sampler,
            self.space,
            self.settings.seed,
            partial(is_playable, self.space, capabilities),
            n_objectives=len(scenario.objective_names),
            constraints=bool(scenario.constraints),
        )

    def trajectories(self, confirm: bool, ablation: bool = False) -> dict[str, int]:
        """Return how many trajectories each step asks for at most."""
        among = min(self.settings.select_among, self.settings.n_trials)
        return {
            "baselines": len(self.recipes) * len(self.places),
            "search": self.wanted * self.usual,
            "confirmation": trajectories_to_confirm(among, len(self.recipes), self.parts) if confirm else 0,
            "examination": sum(min(PLAYED_AGAIN, len(part.report)) for part in self.parts) if confirm else 0,
            "ablation": trajectories_to_ablate(self._most_changes(), self.parts) if confirm and ablation else 0,
        }

    def header(self) -> dict[str, Any]:
        """Return all that must stay the same for the run to be gone on with."""
        return make_header(self.environments, self.given, self.settings)

    def open(self, folder: Path | None) -> optuna.Study:
        """Open or make the study in a run's folder, and make sure that it is this run's."""
        study = open_study(folder, [one.direction for one in self.environments[0].scenario.make_objectives()])
        self.begin(study, str(folder))
        return study

    def begin(self, study: optuna.Study, where: str) -> None:
        """Begin an empty study, or make sure that one that was begun is this run's."""
        begin_or_continue(study, self.header(), where)
        if changed := changed_libraries(StudyRecord(study).header["libraries"]):
            self.watch.say(f"{where}: begun with {changed}; what is played now may differ from what was played then")
        if study.user_attrs.get(PREFER) != self.settings.prefer:
            set_attribute(study, PREFER, self.settings.prefer)
        if study.user_attrs.get(WANTED) != self.wanted:
            set_attribute(study, WANTED, self.wanted)

    def player(self, folder: Path | None, resources: Resources) -> Player:
        """Return a player that keeps what it finishes in the cache or the run's folder; in memory it keeps nothing."""
        kept = resources.cache if resources.cache is not None else None if folder is None else folder / TRAJECTORIES
        return Player(
            store=None if kept is None else TrajectoryStore(kept),
            jobs=resources.jobs,
            scratch=None if folder is None else folder / SCRATCH,
            backend=resources.backend,
            rules=self._shared_rules(),
        )

    def baselines(self, study: optuna.Study, player: Player) -> dict[str, Played]:
        """Play the baselines on the search blocks, unless the study has them."""
        stored = StudyRecord(study).baselines()
        if stored.keys() != self.recipes.keys():
            self.watch.stage("baselines", len(self.recipes) * len(self.places))
            tasks = [
                WorkItem(recipe, one.block, one.environment) for recipe in self.recipes.values() for one in self.places
            ]
            curves = curves_or_raise(player.play(tasks, self._played))
            size = len(self.places)
            stored = {
                name: Played(recipe, tuple(curves[index * size : (index + 1) * size]))
                for index, (name, recipe) in enumerate(self.recipes.items())
            }
            set_attribute(study, BASELINES, {name: played.to_dict() for name, played in stored.items()})
        judge = self.judge(stored)
        for name, played in stored.items():
            self.watch.baseline(name, judge.values(played.curves[: self.usual])[0])
        return stored

    def judge(self, baselines: dict[str, Played]) -> Judge:
        """Return what turns curves into values."""
        references: Sequence[LearningCurve] = baselines[REFERENCE].curves
        return Judge(self.places, references, self.usual, "ranks" if self.settings.across == "ranks" else "normalized")

    def evaluator(self, baselines: dict[str, Played], player: Player) -> Evaluator:
        """Return what plays recipes and judges them."""
        return Evaluator(player, self.judge(baselines), self.settings.racing_rules, self.settings.trial_timeout)

    def drawing(self) -> Drawing:
        """Return what draws recipes."""
        return Drawing(self.space, [environment.capabilities for environment in self.environments], self.plan())

    def search(
        self, study: optuna.Study, player: Player, baselines: dict[str, Played], resources: Resources, began: float
    ) -> None:
        """Search until the trials are finished or time is up."""
        search = Search(
            study=study,
            drawing=self.drawing(),
            evaluator=self.evaluator(baselines, player),
            batch=self.settings.batch,
            observe=self.watch.search,
            callbacks=resources.callbacks,
        )
        self.watch.stage("search", self.settings.n_trials * self.usual)
        timeout = resources.timeout
        search.run(
            self.settings.n_trials,
            out_of_time=lambda: timeout is not None and time.monotonic() - began >= timeout,
        )

    def best(self, record: StudyRecord, most: int) -> list[TrialRecord]:
        """Return the best trials of the study, best first.

        Raises
        ------
        WorkError
            If no trial succeeded.
        """
        trials = record.trials()
        objectives = self.environments[0].scenario.make_objectives()
        best = best_recipes(trials, most, objectives, self.preference, self._ranks(trials))
        if best:
            return best
        if not any(trial.state != "forbidden" for trial in trials):
            raise WorkError("the time limit ended before the first trial; give more time and the same command")
        reasons = [trial.reason for trial in trials if trial.state == "failed" and trial.reason]
        raise WorkError(f"no trial succeeded; the first failed with: {reasons[0] if reasons else 'no reason'}")

    def confirm(self, study: optuna.Study, player: Player, settings: Settings) -> bool:
        """Confirm the best recipes, unless the study holds just that confirmation; return whether it was done now."""
        record = StudyRecord(study)
        best = self.best(record, settings.select_among)
        key = canonical_digest(
            {
                "trials": [[trial.number, list(trial.objectives)] for trial in best],
                "sizes": [settings.select_among, settings.select_blocks, settings.report_blocks],
                "prefer": settings.prefer,
            }
        )
        if record.confirmation_key() == key:
            return False
        parts = self._parts(settings)
        self.watch.stage("confirmation", trajectories_to_confirm(len(best), len(self.recipes), parts))
        found = confirm(player, best, self.recipes, parts, preference=self.preference, on_done=self._played)
        named = {part.environment.dataset.name: one.to_dict() for part, one in zip(parts, found, strict=True)}
        set_attribute(study, CONFIRMATION, {"key": key, "confirmations": named})
        return True

    def ablation_is_due(self, study: optuna.Study) -> bool:
        """Return whether something is confirmed that differs from vanilla, and the path to it was not yet played."""
        record = StudyRecord(study)
        found = next(iter(record.confirmations().values()), None)
        if found is None or VANILLA not in found.baselines or record.ablated() is not None:
            return False
        return bool(differing(found.baselines[VANILLA].recipe, found.recipe.recipe))

    def ablate(self, study: optuna.Study, player: Player) -> bool:
        """Play the path from vanilla to the confirmed recipe, if it is due; return whether it was done now."""
        if not self.ablation_is_due(study):
            return False
        record = StudyRecord(study)
        found = list(record.confirmations().values())
        start, end = found[0].baselines[VANILLA].recipe, found[0].recipe.recipe
        # Blocks as many as the confirmation had, whatever is asked for now: its curves are not played again.
        select, report = len(found[0].candidates[0].played.curves), len(found[0].recipe.curves)
        parts = self._parts(replace(self.settings, select_blocks=select, report_blocks=report))
        self.watch.stage("ablation", trajectories_to_ablate(len(differing(start, end)), parts))
        ablated = ablate(
            player,
            start,
            end,
            parts,
            reference=self.recipes[REFERENCE],
            refusal=partial(
                refusal_anywhere, self.space, [environment.capabilities for environment in self.environments]
            ),
            known=[[one.recipe, *one.baselines.values(), *one.matched.values()] for one in found],
            across="ranks" if self.settings.across == "ranks" else "normalized",
            on_done=self._played,
        )
        names = [environment.dataset.name for environment in self.environments]
        set_attribute(study, ABLATION, {"key": record.confirmation_key(), "ablation": ablated.to_dict(names)})
        return True

    # what they are made from ----------------------------------------------------------------------------------

    def _most_changes(self) -> int:
        """Return in how many knobs a recipe of the space can differ from vanilla."""
        usual, vanilla = self.space.base_recipe(), self.recipes[VANILLA]
        return sum(
            self.space.is_open(knob) or getattr(usual, knob) != getattr(vanilla, knob) for knob in usual.methods()
        )

    def _places(self) -> tuple[int, list[Place]]:
        """Return how many places every trial is played on, and all places."""
        settings = self.settings
        usual = _in_turn(self.environments, "search", 0, settings.n_blocks)
        extra: list[Place] = []
        if settings.leader_blocks:
            if any(environment.explicit for environment in self.environments):
                raise RequestError("explicit blocks leave none for leaders; leave out leader_blocks (--leader-blocks)")
            if settings.across == "ranks" and len(self.environments) > 1:
                raise RequestError("ranks are taken on the blocks of all trials; leave out leader_blocks or --across")
            extra = _in_turn(self.environments, "search", settings.n_blocks, settings.n_blocks + settings.leader_blocks)
        return len(usual), usual + extra

    def _parts(self, settings: Settings) -> list[ConfirmationBlocks]:
        return [
            ConfirmationBlocks(
                environment,
                environment.blocks("select", settings.select_blocks),
                environment.blocks("report", settings.report_blocks),
            )
            for environment in self.environments
        ]

    def _shared_rules(self) -> list[Stopping]:
        """Return the stopping rules that are worth replaying: so few other recipes that trials must share them."""
        opened = self.space.decisions.get("stopping")
        if opened is None or not self.space.is_open("stopping"):
            return []
        others = self.space.close("stopping").count()
        if others is None or others > self.settings.n_trials / 2:
            return []
        rules: list[Stopping] = [one.typical() for one in opened.alternatives]  # type: ignore[misc]
        return [rule for rule in rules if rule.method != "budget" and not rule.held_out_rows]

    def _ranks(self, trials: Sequence[TrialRecord]) -> dict[int, float] | None:
        if len(self.environments) == 1 or self.settings.across != "ranks":
            return None
        judge = Judge(self.places, (), self.usual, "ranks")
        return judge.ranked({one.number: np.array(one.values) for one in trials if one.state == "complete"})

    def _played(self, index: int, outcome: object) -> None:
        self.watch.played()


def _narrowed(space: SearchSpace, environments: Sequence[Environment]) -> tuple[SearchSpace, list[str]]:
    left_out: list[str] = []
    for environment in environments:
        space, reasons = space.narrow(environment.capabilities)
        left_out += reasons
    return space, list(dict.fromkeys(left_out))


def _in_turn(environments: Sequence[Environment], part: BlockRole, first: int, last: int) -> list[Place]:
    """Return places of all data sets in turn, so that any first few of them hold all alike."""
    blocks = [environment.blocks(part, last)[first:] for environment in environments]
    return [
        Place(environment, own[number], data)
        for number in range(max(len(own) for own in blocks))
        for data, (environment, own) in enumerate(zip(environments, blocks, strict=True))
        if number < len(own)
    ]
