"""The record of a study: everything that is stored in it, read without simulating anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from altune.core.errors import RequestError
from altune.core.registry import methods
from altune.data.description import Encoding
from altune.recipes.recipe import RECOMMENDED
from altune.recipes.space import SearchSpace
from altune.simulation.curve import LearningCurve
from altune.simulation.objectives import KINDS, Objective, load_objectives
from altune.simulation.own_metrics import own_metrics
from altune.simulation.scenario import Scenario
from altune.tuning.ablation import Ablated
from altune.tuning.confirmation import Confirmation
from altune.tuning.header import HEADER, read_header, stored_space
from altune.tuning.judging import REFERENCE, Judge, parse_across
from altune.tuning.merit import MOST_BLOCKS, Standing, merged_trials
from altune.tuning.narrowed_space import AlsoFor, stored_also_for
from altune.tuning.optuna_private import study_attributes
from altune.tuning.own_code import OWN
from altune.tuning.played import Played
from altune.tuning.preference import Preference
from altune.tuning.record_damage import names_damage
from altune.tuning.search_blocks import SearchBlocks
from altune.tuning.stored_away import AWAY, StoredAway, data_sets_of, reported_recipes, scenarios_of
from altune.tuning.trials import BLOCKS, TrialRecord, curves_of, n_plays, reading, record_of

BASELINES = "baselines"
CONFIRMATION = "confirmation"
ABLATION = "ablation"
EXAMINED = "examined"
PLAN = "plan"
ENCODINGS = "encodings"
PREFER = "prefer"
SOURCES = "sources"
WANTED = "wanted"
SIMULATIONS = "simulations"
VANILLA = "vanilla"
"""The baseline at which the path of an ablation starts."""


@names_damage
@dataclass(frozen=True, eq=False)
class StudyRecord:
    """A study and everything that is stored in it.

    Parameters
    ----------
    study : Optuna's study.
    """

    study: optuna.Study

    @property
    def attributes(self) -> Mapping[str, Any]:
        """User attributes of the study, not to be changed."""
        return study_attributes(self.study)

    @cached_property
    def header(self) -> dict[str, Any]:
        """Everything that must stay the same if the study is resumed.

        Raises
        ------
        RequestError
            If the study was not created by altune.
        """
        header = self.attributes.get(HEADER)
        if not isinstance(header, dict):
            raise RequestError(f"the study {self.study.study_name!r} was not created by altune")
        return read_header(header)

    def require_estimators(self, where: str) -> None:
        """Refuse a study with an estimator, metric or objective of the user's own that is not registered here.

        Parameters
        ----------
        where : folder or database of the study, for the message.

        Raises
        ------
        RequestError
            If one is missing; the message says how to register it.
        """
        for name in self.header.get("estimators", {}):
            if name not in methods("model"):
                raise RequestError(
                    f"{where}: the run uses your own estimator {name!r}; register it with altune.register_estimator "
                    "and open the run with altune.open_run in Python"
                )
        load_objectives()
        known: dict[str, Mapping[str, Any]] = {"metric": own_metrics(), "objective": KINDS}
        for what, name in re.findall(r"^(metric|objective) '(.*)'$", "\n".join(self.header.get(OWN, {})), re.M):
            if name not in known[what]:
                raise RequestError(
                    f"{where}: the run uses your own {what} {name!r}; register it with altune.register_{what} and open "
                    "the run with altune.open_run in Python, or install the package that has it"
                )

    @property
    def scenarios(self) -> dict[str, Scenario]:
        """Resolved scenario of each data set, by its name."""
        return scenarios_of(self.header["environments"])

    @property
    def also_for(self) -> tuple[AlsoFor, ...]:
        """What data sets away offer on which the recipes of the search must work; see :mod:`altune.tuning.away`."""
        return stored_also_for(self.header)

    @property
    def scenario(self) -> Scenario:
        """Resolved scenario of the first data set."""
        return next(iter(self.scenarios.values()))

    @property
    def objective(self) -> Objective:
        """Objective to optimise; of several objectives the one that is confirmed."""
        return self.scenario.make_objective()

    @property
    def preference(self) -> Preference:
        """How to choose among several objectives."""
        names = self.scenario.objective_names
        text = self.settings.get("prefer")
        return Preference.usual(names) if text is None else Preference.parse(text, names)

    @property
    def space(self) -> SearchSpace:
        """Search space as it was given."""
        return stored_space(self.header)

    @property
    def recommended(self) -> str:
        """Name of the baseline that altune recommends without any label; empty if the space has its own of that name.

        A study of an earlier version has no such baseline.
        """
        return "" if RECOMMENDED in self.space.baselines else RECOMMENDED

    @property
    def data(self) -> dict[str, Any]:
        """Name, fingerprint, rows, features and classes of the first data set."""
        return dict(self.header["environments"][0]["data"])

    @property
    def data_sets(self) -> dict[str, dict[str, Any]]:
        """Name, fingerprint, rows, features and classes of each data set, by its name."""
        return data_sets_of(self.header["environments"])

    @property
    def sources(self) -> Mapping[str, Mapping[str, Any]] | None:
        """Source of each data set by name, as in :class:`altune.simulation.environment.Environment`.

        Data sets that were made in Python have none. It is None for a study of a version that did not store sources.
        """
        stored: Mapping[str, Mapping[str, str | None]] | None = self.attributes.get(SOURCES)
        return stored if stored is None else {**stored, **self._any_away.sources}

    @property
    def encodings(self) -> dict[str, Encoding]:
        """How each data set became numbers on its first search block, by its name; older studies do not say."""
        return {name: Encoding.from_dict(plain) for name, plain in self.attributes.get(ENCODINGS, {}).items()}

    @property
    def settings(self) -> dict[str, Any]:
        """Sizes and seed of the study."""
        return {**self.header["settings"], "prefer": self.attributes.get(PREFER)}

    @property
    def wanted(self) -> int | None:
        """Number of trials that were asked for last, stored ones included; None if the study does not say."""
        stored = self.attributes.get(WANTED)
        return None if stored is None else int(stored)

    @property
    def n_simulations(self) -> int | None:
        """Largest number of plays of the search that was asked for last; None for no limit."""
        stored = self.attributes.get(SIMULATIONS)
        return None if stored is None else int(stored)

    @property
    def n_played(self) -> int:
        """Number of plays of the search so far."""
        n_each = self.search_blocks.n_usual
        return sum(
            n_plays(trial, n_each) for trial in self.study.get_trials(deepcopy=False) if trial.state.is_finished()
        )

    @property
    def plan(self) -> Mapping[str, Any]:
        """What the last call of the run plays at most and how it was started; empty if the study does not say.

        ``trajectories`` by stage, the words of the ``command`` (none from Python), and the ``folder`` where it ran.
        """
        return dict(self.attributes.get(PLAN, {}))

    def plays(self) -> list[TrialRecord]:
        """Return what is stored for every trial and every play again, in the order of their numbers."""
        with reading("a trial of the study"):
            return [self._record(trial) for trial in self.study.get_trials(deepcopy=False)]

    def trials(self) -> list[TrialRecord]:
        """Return every trial in order of number, forbidden draws and failures included.

        Where recipes get blocks by merit, a trial has all plays of its recipe, and its value is the posterior mean.
        """
        return self._merit()[0] if self.search_blocks.by_merit else self.plays()

    def standing(self) -> Standing | None:
        """Return what recipes and baselines are worth, None unless recipes get blocks by merit."""
        return self._merit()[1] if self.search_blocks.by_merit else None

    def _merit(self) -> tuple[list[TrialRecord], Standing | None]:
        plays = self.plays()
        if len(plays) not in self._merged:  # finished trials never change
            self._merged.clear()
            self._merged[len(plays)] = merged_trials(plays, self.baseline_blocks(), self.objective.sign)
        return self._merged[len(plays)]

    @cached_property
    def _merged(self) -> dict[int, tuple[list[TrialRecord], Standing | None]]:
        return {}

    @cached_property
    def _finished(self) -> dict[int, tuple[FrozenTrial, TrialRecord]]:
        return {}

    def _record(self, trial: FrozenTrial) -> TrialRecord:
        """Return the record of a trial; that of a finished one, which never changes, is made once."""
        known = self._finished.get(trial.number)
        if known is not None and known[0] is trial:
            return known[1]
        record = record_of(trial)
        if trial.state.is_finished():
            self._finished[trial.number] = trial, record
        return record

    def curves(self, number: int) -> list[LearningCurve]:
        """Return the learning curves of a trial, in the order of :attr:`search_blocks`.

        Where recipes get blocks by merit, those are the curves of all plays of its recipe, on the blocks at the
        ``positions`` of the trial.
        """
        if not self.search_blocks.by_merit:
            return curves_of(self._stored(number))
        by_position = {
            position: curve
            for play in self._numbers_by_recipe().get(number, [number])
            for position, curve in self.curves_on(play).items()
        }
        return [by_position[position] for position in sorted(by_position)]

    def curves_on(self, number: int) -> dict[int, LearningCurve]:
        """Return what was played by a trial or a play again where recipes get blocks by merit, by position of block."""
        trial = self._stored(number)
        return dict(zip(trial.user_attrs.get(BLOCKS, ()), curves_of(trial), strict=False))

    def _stored(self, number: int) -> FrozenTrial:
        # Optuna reads the journal again and lists all trials each time it is asked.
        known = self._finished.get(number)
        return self.study.get_trials(deepcopy=False)[number] if known is None else known[0]

    def _numbers_by_recipe(self) -> dict[int, list[int]]:
        """Return the numbers of all trials and plays again of its recipe, by the number of a trial."""
        if not self._of_recipe[1] or self._of_recipe[0] != len(self._finished):  # finished trials never change
            by_recipe: dict[str, list[int]] = {}
            keys = {play.number: play.recipe.digest() for play in self.plays() if play.recipe is not None}
            for number, key in keys.items():
                by_recipe.setdefault(key, []).append(number)
            self._of_recipe[:] = [len(self._finished), {number: by_recipe[key] for number, key in keys.items()}]
        numbers: dict[int, list[int]] = self._of_recipe[1]
        return numbers

    @cached_property
    def _of_recipe(self) -> list[Any]:
        return [0, {}]

    @property
    def search_blocks(self) -> SearchBlocks:
        """Order of the search blocks, in which the curves and values of trials and baselines are stored."""
        if self.settings["n_blocks"] is None:
            return SearchBlocks((MOST_BLOCKS,), by_merit=True)
        n_data_sets, leader_blocks = len(self.header["environments"]), int(self.settings.get("leader_blocks", 0))
        reference = self.attributes.get(BASELINES, {}).get(REFERENCE)
        if reference is None:
            return SearchBlocks((int(self.settings["n_blocks"]),) * n_data_sets, leader_blocks)
        # Explicit blocks may be more or fewer than the settings say; baselines are played on all of them.
        return SearchBlocks.of_stored(len(reference["curves"]), n_data_sets, leader_blocks)

    def baselines(self) -> dict[str, Played]:
        """Return the baselines on the search blocks by name, with curves in the order of :attr:`search_blocks`."""
        with reading("the list of baselines of the study"):
            return {name: Played.from_dict(played) for name, played in self.attributes.get(BASELINES, {}).items()}

    def judge(self) -> Judge:
        """Return what turns learning curves into values; the study must have its baselines."""
        references = Played.from_dict(self.attributes[BASELINES][REFERENCE]).curves
        across = parse_across(self.settings.get("across", "normalized"))
        return Judge(list(self.scenarios.values()), self.search_blocks, references, across)

    def baseline_values(self) -> dict[str, float]:
        """Return the first objective of each baseline on the usual search blocks, on the scale of trials' values."""
        baselines = self.baselines()
        if not baselines:
            return {}
        if (standing := self.standing()) is not None:
            adjusted = {name: standing.model.raw[standing.rows[name]] for name in baselines}
            return {name: self.objective.sign * float(value) for name, value in adjusted.items()}
        judge = self.judge()
        n_usual = judge.blocks.n_usual
        return {name: judge.values(played.curves[:n_usual])[0] for name, played in baselines.items()}

    def baseline_blocks(self) -> dict[str, list[float]]:
        """Return the first objective of each baseline on each of its search blocks, on the scale of trials' values."""
        baselines = self.baselines()
        if not baselines:
            return {}
        judge = self.judge()
        return {name: judge.block_values(played.curves).tolist() for name, played in baselines.items()}

    def confirmations(self) -> dict[str, Confirmation]:
        """Return the confirmation on each data set by its name, empty if the study is not confirmed."""
        stored = self.attributes.get(CONFIRMATION)
        if stored is None:
            return {}
        if stored["key"] not in self._confirmed:  # kept, as it is large and a page reads it some twenty times
            confirmed = {name: Confirmation.from_dict(plain) for name, plain in stored["confirmations"].items()}
            self._confirmed.clear()
            self._confirmed[stored["key"]] = confirmed
        return dict(self._confirmed[stored["key"]])

    @cached_property
    def _confirmed(self) -> dict[str, dict[str, Confirmation]]:
        return {}

    def confirmation_key(self) -> str | None:
        """Return a hash of what the stored confirmation was made from, None if the study is not confirmed."""
        stored = self.attributes.get(CONFIRMATION)
        return None if stored is None else str(stored["key"])

    @property
    def away(self) -> StoredAway:
        """What the confirmed recipe is worth on data sets that no trial saw; empty if that is not known."""
        stored = self._any_away
        home = next(iter(self.confirmations().values()), None) if stored.key is not None else None
        return stored if home is not None and stored.recipes == reported_recipes(home) else StoredAway()

    def outdated_away(self) -> list[str]:
        """Return the names of data sets that no trial saw whose stored report is of another recipe."""
        return [] if self.away.key is not None else list(self._any_away.data_sets)

    @property
    def _any_away(self) -> StoredAway:
        """What is stored of other data sets, of whatever recipe."""
        stored: Mapping[str, Any] = self.attributes.get(AWAY, {})
        if stored.get("key") not in self._known_away:  # kept, as the confirmation is
            self._known_away.clear()
            self._known_away[stored.get("key")] = StoredAway(stored)
        return self._known_away[stored.get("key")]

    @cached_property
    def _known_away(self) -> dict[str | None, StoredAway]:
        return {}

    def examined(self) -> dict[str, dict[str, Any]]:
        """Return the stored facts about each loop of the confirmed recipe by data set, empty if there are none."""
        stored = self.attributes.get(EXAMINED)
        return {} if stored is None or stored["key"] != self.confirmation_key() else dict(stored["loops"])

    def ablated(self) -> Ablated | None:
        """Return the path from vanilla to the confirmed recipe, None if it was not played for this confirmation."""
        stored = self.attributes.get(ABLATION)
        if stored is None or stored["key"] != self.confirmation_key():
            return None
        ends = {
            name: (confirmation.baselines[VANILLA], confirmation.recipe)
            for name, confirmation in self.confirmations().items()
        }
        return Ablated.from_dict(stored["ablation"], ends)
