"""What a stored study says: the single source of truth of a run, read without simulating anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import optuna

from altune import __version__
from altune.curve import LearningCurve, Objective
from altune.errors import RequestError
from altune.plain import canonical_digest
from altune.registry import find_method, methods
from altune.scenario import Scenario
from altune.simulation import estimator_text
from altune.space import SearchSpace
from altune.tuning.confirmation import Confirmation, Played
from altune.tuning.search import TrialRecord, curves_of, record_of
from altune.tuning.settings import Settings
from altune.tuning.storage import set_attribute
from altune.world import World

HEADER = "altune"
BASELINES = "baselines"
CONFIRMATION = "confirmation"

_WORDS = {
    "space": "the search space",
    "estimators": "the estimators of your own",
    "scenario": "the scenario",
    "data": "the data",
    "blocks": "the blocks",
    "settings": "seeds, batch, seed or sampler",
}


@dataclass(frozen=True, eq=False)
class StudyRecord:
    """A study and what stands in it.

    Parameters
    ----------
    study : Optuna's own.
    """

    study: optuna.Study

    @cached_property
    def header(self) -> dict[str, Any]:
        """What the study was begun with.

        Raises
        ------
        RequestError
            If altune did not begin it.
        """
        header = self.study.user_attrs.get(HEADER)
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
    def scenario(self) -> Scenario:
        """The resolved scenario."""
        return Scenario.from_dict(self.header["scenario"])

    @property
    def objective(self) -> Objective:
        """What is maximised."""
        return self.scenario.make_objective()

    @property
    def space(self) -> SearchSpace:
        """The search space as it was given."""
        return SearchSpace.from_dict(self.header["space"])

    @property
    def data(self) -> dict[str, Any]:
        """Name, fingerprint, rows, features and classes of the data set."""
        return dict(self.header["data"])

    @property
    def settings(self) -> dict[str, Any]:
        """Sizes and seeds of the study."""
        return dict(self.header["settings"])

    def trials(self) -> list[TrialRecord]:
        """Every trial, forbidden draws and failures included, in the order of numbers."""
        return [record_of(trial) for trial in self.study.get_trials(deepcopy=False)]

    def curves(self, number: int) -> list[LearningCurve]:
        """Return the learning curves of a trial, one for each search block."""
        return curves_of(self.study.get_trials(deepcopy=False)[number])

    def baselines(self) -> dict[str, Played]:
        """Return the baselines on the search blocks, by name."""
        stored = self.study.user_attrs.get(BASELINES, {})
        return {name: Played.from_dict(played) for name, played in stored.items()}

    def confirmation(self) -> Confirmation | None:
        """Return what was confirmed, None where nothing was yet."""
        stored = self.study.user_attrs.get(CONFIRMATION)
        return None if stored is None else Confirmation.from_dict(stored["confirmation"])

    def confirmation_key(self) -> str | None:
        """Return what the stored confirmation was made from."""
        stored = self.study.user_attrs.get(CONFIRMATION)
        return None if stored is None else str(stored["key"])


def make_header(world: World, space: SearchSpace, settings: Settings) -> dict[str, Any]:
    """Return what a study is begun with: all that must stay the same for it to be gone on with."""
    opened = space.decisions.get("model")
    named = [one.method for one in opened.alternatives] if opened is not None else []
    own = {name: estimator_text(find_method("model", name)) for name in named}
    rows = [
        [part, block.pool.tolist(), block.test.tolist(), None if block.initial is None else block.initial.tolist()]
        for part, blocks in world.explicit.items()
        for block in blocks
    ]
    dataset = world.dataset
    return {
        "version": __version__,
        "space": space.to_dict(),
        "estimators": {name: text for name, text in own.items() if text},
        "scenario": world.scenario.to_dict(),
        "data": {
            "name": dataset.name,
            "fingerprint": dataset.fingerprint,
            "rows": dataset.n_rows,
            "features": dataset.n_features,
            "kind": dataset.kind,
            "classes": [str(name) for name in dataset.classes],
            "class_counts": [int(count) for count in dataset.class_counts],
        },
        "blocks": canonical_digest({"explicit": rows}),
        "settings": settings.identity(),
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
    changed = [words for key, words in _WORDS.items() if _comparable(key, stored) != _comparable(key, header)]
    if changed:
        raise RequestError(
            f"{where} holds a run with other values of {', '.join(changed)}; "
            "give the same command to go on with it, or another --out for a new one"
        )


def _comparable(key: str, header: Mapping[str, Any]) -> Any:
    value = header.get(key, {})
    if key == "space" and isinstance(value, Mapping):
        return {name: part for name, part in value.items() if name != "name"}
    if key == "data" and isinstance(value, Mapping):
        return (value.get("name"), value.get("fingerprint"))
    return value
