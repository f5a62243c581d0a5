"""What a stored study says: the single source of truth of a run, read without simulating anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial

from altune.core.errors import RequestError
from altune.core.files import canonical_digest
from altune.core.registry import find_method, methods
from altune.core.version import __version__
from altune.recipes.space import SearchSpace
from altune.recipes.space.changes import differences
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment
from altune.simulation.objectives import Objective
from altune.simulation.scenario import Scenario
from altune.simulation.store import estimator_text
from altune.tuning.ablation import Ablated
from altune.tuning.confirmation import Confirmation, Played
from altune.tuning.judging import REFERENCE, normalized
from altune.tuning.preference import Preference
from altune.tuning.settings import Settings
from altune.tuning.storage import set_attribute
from altune.tuning.trials import TrialRecord, curves_of, record_of

HEADER = "altune"
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
        return header

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


def make_header(environments: Sequence[Environment], space: SearchSpace, settings: Settings) -> dict[str, Any]:
    """Return what a study is begun with: all that must stay the same for it to be gone on with."""
    opened = space.decisions.get("model")
    named = [one.method for one in opened.alternatives] if opened is not None else []
    own = {name: estimator_text(find_method("model", name)) for name in named}
    return {
        "version": __version__,
        "space": space.to_dict(),
        "estimators": {name: text for name, text in own.items() if text},
        "environments": [describe_environment(environment) for environment in environments],
        "settings": settings.identity(),
    }


def describe_environment(environment: Environment) -> dict[str, Any]:
    """Return what a study says of one of its data sets, as plain JSON values."""
    rows = [
        [part, block.pool.tolist(), block.test.tolist(), None if block.initial is None else block.initial.tolist()]
        for part, blocks in environment.explicit.items()
        for block in blocks
    ]
    dataset = environment.dataset
    return {
        "scenario": environment.scenario.to_dict(),
        "blocks": canonical_digest({"explicit": rows}),
        "data": {
            "name": dataset.name,
            "fingerprint": dataset.fingerprint,
            "rows": dataset.n_rows,
            "features": dataset.n_features,
            "kind": dataset.kind,
            "classes": [str(name) for name in dataset.classes],
            "class_counts": [int(count) for count in dataset.class_counts],
        },
    }


def begin_or_continue(study: optuna.Study, header: Mapping[str, Any], where: str) -> None:
    """Write the header into a new study, or make sure that a stored one was begun with the same.

    Raises
    ------
    RequestError
        Naming what differs.
    """
    stored = study.user_attrs.get(HEADER)
    if stored is None:
        if study.get_trials(deepcopy=False):
            raise RequestError(f"{where}: the study there was not made by altune; give another --out")
        set_attribute(study, HEADER, dict(header))
        return
    changed = what_changed(stored, header)
    if changed:
        raise RequestError(
            f"{where} holds a run with another request: {'; '.join(changed)}. A study cannot change under its trials: "
            "give the command that began it to go on, or another --out for a new run (with --cache DIR, what was "
            "played before is read back)"
        )


def what_changed(stored: Mapping[str, Any], header: Mapping[str, Any]) -> list[str]:
    """Return what differs between the header of a study and one that is asked for now, in words."""
    if "environments" not in stored:
        return [f"it was begun by altune {stored.get('version', '?')}, whose studies this version does not read"]
    changed = differences(stored["space"], header["space"])
    if stored["version"] != header["version"]:
        changed.append(f"altune is {header['version']}, the run was begun by {stored['version']}")
    if stored["estimators"] != header["estimators"]:
        changed.append("the estimators of your own are others")
    changed += _changed_environments(stored["environments"], header["environments"])
    for name, value in header["settings"].items():
        if stored["settings"].get(name) != value:
            changed.append(f"{name} is {value}, in the run {stored['settings'].get(name)}")
    return changed


def _changed_environments(stored: Sequence[Mapping[str, Any]], asked: Sequence[Mapping[str, Any]]) -> list[str]:
    names = [[one["data"]["name"] for one in environments] for environments in (stored, asked)]
    if names[0] != names[1]:
        return [f"the data is {', '.join(names[1])}, in the run {', '.join(names[0])}"]
    changed = []
    for old, new in zip(stored, asked, strict=True):
        if old["data"]["fingerprint"] != new["data"]["fingerprint"]:
            changed.append(f"the rows of {new['data']['name']} are others than those the run was begun with")
        for name, value in new["scenario"].items():
            if old["scenario"].get(name) != value:
                changed.append(f"the scenario's {name} is {value}, in the run {old['scenario'].get(name)}")
        if old["blocks"] != new["blocks"]:
            changed.append("the explicit blocks are others")
    return changed
