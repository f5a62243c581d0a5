"""The header of a study: all that must stay the same for the study to be continued, and its stored format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna

from altune.core.errors import RequestError
from altune.core.files import canonical_digest
from altune.core.formats import STUDY_FORMAT, library_versions
from altune.core.registry import find_method
from altune.core.version import __version__
from altune.recipes.space import SearchSpace
from altune.recipes.space.changes import differences
from altune.simulation.environment import Environment
from altune.simulation.store import estimator_text
from altune.tuning.settings import Settings
from altune.tuning.storage import set_attribute

HEADER = "altune"
_FORMAT_1 = {
    "environments": "worlds",
    "n_blocks": "seeds",
    "select_blocks": "select_seeds",
    "report_blocks": "report_seeds",
}
"""Fields by their names in format 1, which altune 0.1.0 wrote."""


def make_header(environments: Sequence[Environment], space: SearchSpace, settings: Settings) -> dict[str, Any]:
    """Return what a study is begun with: all that must stay the same for it to be gone on with."""
    opened = space.decisions.get("model")
    named = [one.method for one in opened.alternatives] if opened is not None else []
    own = {name: estimator_text(find_method("model", name)) for name in named}
    return {
        "format": STUDY_FORMAT,
        "altune": __version__,
        "libraries": library_versions(),
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


def read_header(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored header in the current format, whichever format it was written in."""
    if "format" in stored:
        return dict(stored)
    names = {old: new for new, old in _FORMAT_1.items()}
    header = {names.get(name, name): value for name, value in stored.items() if name != "version"}
    header["settings"] = {names.get(name, name): value for name, value in stored.get("settings", {}).items()}
    return {"format": 1, "altune": stored.get("version", "unknown"), "libraries": {}, **header}


def header_digest(
    header: Mapping[str, Any], settings: Mapping[str, Any] | None = None, *, ablation: bool = False
) -> str:
    """Return a hash of what a header and, where they are given, whole settings ask for.

    It does not depend on the format, so that what an earlier version of altune began or finished is found again.
    """
    plain = {
        _FORMAT_1.get(name, name): value
        for name, value in header.items()
        if name not in ("format", "altune", "libraries")
    }
    plain["settings"] = {_FORMAT_1.get(name, name): value for name, value in header["settings"].items()}
    if settings is None:
        return canonical_digest(plain)
    whole = {_FORMAT_1.get(name, name): value for name, value in settings.items()}
    # A cell of a sweep that was finished without an ablation keeps its key, and is continued where one is asked for.
    more = {"ablation": True} if ablation else {}
    return canonical_digest({"header": {"version": "0.1.0", **plain}, "settings": whole, **more})


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
    changed = what_changed(read_header(stored), header)
    if changed:
        raise RequestError(
            f"{where} holds a run with another request: {'; '.join(changed)}. A study cannot change under its trials: "
            "give the command that began it to go on, or another --out for a new run (with --cache DIR, what was "
            "played before is read back)"
        )


def what_changed(stored: Mapping[str, Any], header: Mapping[str, Any]) -> list[str]:
    """Return what differs between the header of a study and one that is asked for now, in words."""
    if stored["format"] > STUDY_FORMAT or "environments" not in stored:
        return [f"its format is {stored['format']}, and this version of altune reads 1 to {STUDY_FORMAT}"]
    changed = differences(stored["space"], header["space"])
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
