"""What a stored study says: the single source of truth of a run, read without simulating anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial

from altune.core.errors import RequestError
from altune.core.registry import methods
from altune.recipes.space import SearchSpace
from altune.simulation.curve import LearningCurve
from altune.simulation.objectives import Objective
from altune.simulation.scenario import Scenario
from altune.tuning.ablation import Ablated
from altune.tuning.confirmation import Confirmation, Played
from altune.tuning.header import HEADER, read_header
from altune.tuning.judging import REFERENCE, normalized
from altune.tuning.preference import Preference
from altune.tuning.trials import TrialRecord, curves_of, record_of

BASELINES = "baselines"
CONFIRMATION = "confirmation"
ABLATION = "ablation"
EXAMINED = "examined"
PREFER = "prefer"
WANTED = "wanted"
VANILLA = "vanilla"
"""The baseline at which the path of an ablation starts."""


@dataclass(frozen=True, eq=False)
class StudyRecord:
    """A study and what stands in it.

    Parameters
    ----------
    study : Optuna's own.
    """

    study: optuna.Study

    @property
    def attributes(self) -> Mapping[str, Any]:
        """What is stored with the study, to be read and not to be changed.

        Optuna's own ``user_attrs`` copies all of it, every curve of the confirmation included, at each look.
        """
        return self.study._storage.get_study_user_attrs(self.study._study_id)

    @cached_property
    def header(self) -> dict[str, Any]:
        """What the study was begun with.

        Raises
        ------
        RequestError
            If altune did not begin it.
        """
        header = self.attributes.get(HEADER)
        if not isinstance(header, dict):
            raise RequestError(f"the study {self.study.study_name!r} was not made by altune")
        return read_header(header)

    def require_estimators(self, where: str) -> None:
        """Refuse to read recipes whose model is an estimator of the user's that is not registered here.

        Raises
        ------
        RequestError
            Saying how to register it.
        """
        for name in self.header.get("estimators", {}):
            if name not in methods("model"):
                raise RequestError(
                    f"{where}: the run was made with an estimator of your own, {name!r}; register it with "
                    "altune.register_estimator and open the run with altune.open_run in Python"
                )

    @property
    def scenarios(self) -> dict[str, Scenario]:
        """The resolved scenario of each data set, by its name."""
        return {one["data"]["name"]: Scenario.from_dict(one["scenario"]) for one in self.header["environments"]}

    @property
    def scenario(self) -> Scenario:
        """The resolved scenario of the first data set."""
        return next(iter(self.scenarios.values()))

    @property
    def objective(self) -> Objective:
        """What is bettered; of several objectives the one that is confirmed."""
        return self.scenario.make_objective()

    @property
    def preference(self) -> Preference:
        """How one trial is picked of several objectives."""
        names = self.scenario.objective_names
        text = self.settings.get("prefer")
        return Preference.usual(names) if text is None else Preference.parse(text, names)

    @property
    def space(self) -> SearchSpace:
        """The search space as it was given."""
        return SearchSpace.from_dict(self.header["space"])

    @property
    def data(self) -> dict[str, Any]:
        """Name, fingerprint, rows, features and classes of the data set."""
        return dict(self.header["environments"][0]["data"])

    @property
    def data_sets(self) -> dict[str, dict[str, Any]]:
        """The same of each data set, by its name."""
        return {one["data"]["name"]: dict(one["data"]) for one in self.header["environments"]}

    @property
    def settings(self) -> dict[str, Any]:
        """Sizes and seeds of the study."""
        return {**self.header["settings"], "prefer": self.attributes.get(PREFER)}

    @property
    def wanted(self) -> int | None:
        """Trials that were asked for last, those that are there included; None where the study does not say."""
        stored = self.attributes.get(WANTED)
        return None if stored is None else int(stored)

    def trials(self) -> list[TrialRecord]:
        """Every trial, forbidden draws and failures included, in the order of numbers."""
        return [self._record(trial) for trial in self.study.get_trials(deepcopy=False)]

    @cached_property
    def _finished(self) -> dict[int, tuple[FrozenTrial, TrialRecord]]:
        return {}

    def _record(self, trial: FrozenTrial) -> TrialRecord:
        """Return what a trial says; of a finished one, which never changes, it is worked out once."""
        known = self._finished.get(trial.number)
        if known is not None and known[0] is trial:
            return known[1]
        record = record_of(trial)
        if trial.state.is_finished():
            self._finished[trial.number] = trial, record
        return record

    def curves(self, number: int) -> list[LearningCurve]:
        """Return the learning curves of a trial, one for each search block."""
        known = self._finished.get(number)
        # Optuna looks at the journal again, and lists all trials, each time it is asked.
        return curves_of(self.study.get_trials(deepcopy=False)[number] if known is None else known[0])

    def baselines(self) -> dict[str, Played]:
        """Return the baselines on the search blocks, by name; of several data sets, one after the other."""
        stored = self.attributes.get(BASELINES, {})
        return {name: Played.from_dict(played) for name, played in stored.items()}

    def baseline_values(self) -> dict[str, float]:
        """Return the first objective of each baseline on the search blocks, on the scale of the trials' values."""
        scenarios = list(self.scenarios.values())
        played = self.baselines()
        references = played[REFERENCE].curves if played else ()
        usual = len(references) - len(scenarios) * int(self.settings.get("leader_blocks", 0))
        found = {}
        for name, one in played.items():
            shares: list[list[float]] = [[] for _ in scenarios]
            for place, (curve, reference) in enumerate(zip(one.curves[:usual], references, strict=False)):
                # Search blocks stand in turn, one of each data set.
                objective = scenarios[place % len(scenarios)].make_objective()
                value = objective(curve, reference)
                shares[place % len(scenarios)].append(
                    normalized(objective, value, reference) if len(scenarios) > 1 else value
                )
            found[name] = float(np.mean([self.objective.over_blocks(own) for own in shares]))
        return found

    def confirmations(self) -> dict[str, Confirmation]:
        """Return what was confirmed on each data set, empty where nothing was yet."""
        stored = self.attributes.get(CONFIRMATION)
        if stored is None:
            return {}
        if stored["key"] not in self._confirmed:  # it is stored once, whole; a page asks for it twenty times
            found = {name: Confirmation.from_dict(plain) for name, plain in stored["confirmations"].items()}
            self._confirmed.clear()
            self._confirmed[stored["key"]] = found
        return dict(self._confirmed[stored["key"]])

    @cached_property
    def _confirmed(self) -> dict[str, dict[str, Confirmation]]:
        return {}

    def confirmation_key(self) -> str | None:
        """Return what the stored confirmation was made from."""
        stored = self.attributes.get(CONFIRMATION)
        return None if stored is None else str(stored["key"])

    def examined(self) -> dict[str, dict[str, Any]]:
        """Return what each loop of the confirmed recipe did on each data set, as it is stored; empty where unknown."""
        stored = self.attributes.get(EXAMINED)
        return {} if stored is None or stored["key"] != self.confirmation_key() else dict(stored["loops"])

    def ablated(self) -> Ablated | None:
        """Return the path from vanilla to the confirmed recipe; None where it was not played for this confirmation."""
        stored = self.attributes.get(ABLATION)
        if stored is None or stored["key"] != self.confirmation_key():
            return None
        ends = {name: (one.baselines[VANILLA], one.recipe) for name, one in self.confirmations().items()}
        return Ablated.from_dict(stored["ablation"], ends)
