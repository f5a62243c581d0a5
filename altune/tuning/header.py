"""The header of a study: everything that must stay the same if the study is resumed, and its stored format."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import optuna

from altune.core.errors import FormatError, RequestError
from altune.core.files import canonical_digest
from altune.core.formats import STUDY_FORMAT, library_versions
from altune.core.version import __version__
from altune.recipes.space import SearchSpace
from altune.recipes.space.changes import differences
from altune.recipes.space.origin import stored_origin
from altune.simulation.environment import Environment
from altune.simulation.scenario import all_fields
from altune.tuning.first_trials import FirstTrials
from altune.tuning.learned import learned_tables, table_changes
from altune.tuning.narrowed_space import ALSO_FOR, AlsoFor
from altune.tuning.own_code import own_changes, own_code, own_fields, own_libraries, renamed, takes_raw
from altune.tuning.report_blocks import USUAL_REPORT
from altune.tuning.search_rows import most_search_rows
from altune.tuning.settings import USUAL_PORTFOLIO, Settings
from altune.tuning.storage import set_attribute

HEADER = "altune"
NARROWING = 2
"""How spaces are narrowed: since 2, alternatives that are equal for two classes are left out. Missing means 1."""
PORTFOLIO = "portfolio"
"""The first trials of a study as they were when it began; a later portfolio does not change them."""
RAW_FINGERPRINT = "raw_fingerprint"
"""Hash of a data set with the types of its columns, which is stored where a model takes raw rows."""
_UNHASHED = ("format", "altune", "libraries", "origin", "narrowing", PORTFOLIO, ALSO_FOR)
"""Fields of a header that do not change what is asked for."""
_LATER_SETTINGS = ("n_simulations", "precision")
"""Settings that altune 0.1.0 did not have. Those that are None are left out of the hash, which stays what it was."""
_FORMAT_1 = {
    "environments": "worlds",
    "n_blocks": "seeds",
    "select_blocks": "select_seeds",
    "report_blocks": "report_seeds",
}
"""Names of fields in format 1, which altune 0.1.0 wrote, by their current names."""


def make_header(
    environments: Sequence[Environment],
    space: SearchSpace,
    settings: Settings,
    *,
    first: FirstTrials | None = None,
    also: Sequence[AlsoFor] = (),
) -> dict[str, Any]:
    """Return the header of a study.

    Its first trials, and what other data sets offer on which all recipes must work, do not change what is asked for.
    """
    own = own_code(space)
    most_rows = most_search_rows(environments, settings.search_rows)
    tables = learned_tables(space)
    return {
        "format": STUDY_FORMAT,
        "altune": __version__,
        "space": space.to_dict(),
        "origin": list(space.origin),
        "narrowing": NARROWING if space.merges else 1,
        "libraries": library_versions() | own_libraries(own),
        **own_fields(own, own_definitions(environments)),
        **({"tables": tables} if tables else {}),
        "environments": [describe_environment(environment, takes_raw(own)) for environment in environments],
        "settings": settings.identity() | ({} if most_rows is None else {"search_rows": most_rows}),
        PORTFOLIO: (FirstTrials() if first is None else first).to_dict(),
        **({ALSO_FOR: [other.to_dict() for other in also]} if also else {}),
    }


def own_definitions(environments: Sequence[Environment]) -> dict[str, str]:
    """Return the hashes of the user's metrics and objectives in some environments."""
    return {name: text for each in environments for name, text in each.scenario.definitions().items()}


def describe_environment(environment: Environment, with_types: bool = False) -> dict[str, Any]:
    """Return what the header stores of one environment, as plain JSON values.

    Parameters
    ----------
    environment : the environment.
    with_types : whether to tell tables apart by the types of their columns, as models that take raw rows do.
    """
    rows = [
        [role, block.pool.tolist(), block.test.tolist(), None if block.initial is None else block.initial.tolist()]
        for role, blocks in environment.explicit.items()
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
            **({} if dataset.groups is None else {"group": dataset.groups.name, "groups": len(dataset.groups.names)}),
            **({} if dataset.time is None else {"time": dataset.time.name}),
            **({RAW_FINGERPRINT: dataset.raw_fingerprint} if with_types else {}),
        },
    }


def read_header(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored header of any format in the current format."""
    if "format" in stored:
        return dict(stored)
    names = {old: new for new, old in _FORMAT_1.items()}
    header = {names.get(name, name): value for name, value in stored.items() if name != "version"}
    header["settings"] = {names.get(name, name): value for name, value in stored.get("settings", {}).items()}
    return {"format": 1, "altune": stored.get("version", "unknown"), "libraries": {}, **header}


def header_digest(
    header: Mapping[str, Any], settings: Mapping[str, Any] | None = None, *, ablation: bool = False
) -> str:
    """Return a hash of what a header and, if given, all settings ask for.

    It does not depend on the format, so that what an earlier version of altune stored is found again.
    """
    plain = {_FORMAT_1.get(name, name): value for name, value in header.items() if name not in _UNHASHED}
    plain["settings"] = _hashed_settings(header["settings"])
    if settings is None:
        return canonical_digest(plain)
    # The number of search rows is in the header where it changes anything.
    all_settings = {
        name: value
        for name, value in _hashed_settings(settings).items()
        if name != "search_rows" and (value is not None or name not in _LATER_SETTINGS)
    }
    if settings.get("report_blocks", 0) is None:
        all_settings[_FORMAT_1["report_blocks"]] = USUAL_REPORT
    # A cell of a sweep that was finished without an ablation keeps its key.
    more = {"ablation": True} if ablation else {}
    return canonical_digest({"header": {"version": "0.1.0", **plain}, "settings": all_settings, **more})


def _hashed_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings under the names of format 1. No portfolio is left out, as studies before it had none."""
    earlier = {"portfolio": 0}
    return {_FORMAT_1.get(name, name): value for name, value in settings.items() if earlier.get(name, ...) != value}


def stored_first(header: Mapping[str, Any]) -> FirstTrials:
    """Return the first trials with which a stored study began; a study of an earlier version has none."""
    return FirstTrials.from_dict(header[PORTFOLIO]) if PORTFOLIO in header else FirstTrials()


def stored_space(header: Mapping[str, Any]) -> SearchSpace:
    """Return the search space of a stored study, which is narrowed as it was when the study began."""
    plain = header["space"]
    origin = tuple(header["origin"]) if "origin" in header else stored_origin(plain)
    merges = header.get("narrowing", 1) >= NARROWING
    return replace(SearchSpace.from_dict(plain), origin=origin, merges=merges)


def space_to_resume(header: Mapping[str, Any], asked: SearchSpace) -> SearchSpace | None:
    """Return the stored space if it was asked for in the same way; None if another space is asked for.

    Parameters
    ----------
    header : header of the stored study.
    asked : the space that is asked for now. A shipped space may have changed since the study began.
    """
    if header["format"] > STUDY_FORMAT or "space" not in header:
        return None
    try:
        stored = stored_space(header)
    except FormatError:  # it names a method that is not registered here, such as an estimator with other arguments
        return None
    same_words = bool(stored.origin) and stored.origin == asked.origin
    return stored if same_words or not differences(header["space"], asked.to_dict()) else None


def settings_to_resume(header: Mapping[str, Any], asked: Settings) -> Settings:
    """Return the settings of a stored study where it was begun with another default and the default is asked for.

    Since format 3, recipes get blocks by merit unless a number of blocks is given. Studies that do not name a portfolio
    began without one.
    """
    if "settings" in header and "portfolio" not in header["settings"] and asked.portfolio == USUAL_PORTFOLIO:
        asked = replace(asked, portfolio=0)
    if header["format"] >= 3 or asked.n_blocks is not None or "settings" not in header:
        return asked
    return replace(asked, n_blocks=header["settings"].get("n_blocks"))


def resumed_words(stored: SearchSpace, asked: SearchSpace) -> str:
    """Return that a run continues with the space it stored, and not with the one of the same name as it is now."""
    return (
        f"the search space {asked.name} has changed since this run was started (revision {stored.revision} in the run, "
        f"{asked.revision} now); the run continues with the space that it stored"
    )


def begin_or_resume(study: optuna.Study, header: Mapping[str, Any], where: str) -> None:
    """Write the header into a new study, or make sure that a stored study has the same.

    Raises
    ------
    RequestError
        If the headers differ; the message says in what.
    """
    stored = study.user_attrs.get(HEADER)
    if stored is None:
        if study.get_trials(deepcopy=False):
            raise RequestError(f"{where}: the study there was not created by altune; give another --out")
        set_attribute(study, HEADER, dict(header))
        return
    changes = header_changes(read_header(stored), header)
    if changes:
        raise RequestError(
            f"{where} holds a run with another request: {'; '.join(changes)}. All trials of a study need the same "
            "request: give the original command to resume the run, or another --out to start a new one (with "
            "--cache DIR, trajectories that were played before are read back)"
        )


def header_changes(stored: Mapping[str, Any], header: Mapping[str, Any]) -> list[str]:
    """Return in what the header of a stored study differs from the one that is asked for, one text for each change."""
    if stored["format"] > STUDY_FORMAT or "environments" not in stored:
        return [f"its format is {stored['format']}, and this version of altune reads formats 1 to {STUDY_FORMAT}"]
    space = json.dumps(stored["space"])
    for name, name_before in renamed(stored, header).items():
        space = space.replace(json.dumps(name_before), json.dumps(name))
    changes = differences(json.loads(space), header["space"])
    changes += _redefined(stored)
    changes += own_changes(stored, header)
    changes += table_changes(stored, header)
    changes += _environment_changes(stored["environments"], header["environments"])
    usual = {"search_rows": "all", "portfolio": 0}
    asked, before = ({**usual, **side["settings"]} for side in (header, stored))
    for name, value in asked.items():
        if before.get(name) != value:
            changes.append(f"{name} is {value}, in the run {before.get(name)}")
    return changes


def _redefined(stored: Mapping[str, Any]) -> list[str]:
    """Return what a study of format 1 asks for that has another meaning since, one text for each."""
    if stored["format"] > 1:
        return []
    scenarios = [environment["scenario"] for environment in stored["environments"]]
    texts = {
        "alc_normalized joins the points of a curve by lines, in the run it held each score": any(
            "alc_normalized"
            in ([scenario["objective"]] if isinstance(scenario["objective"], str) else scenario["objective"])
            for scenario in scenarios
        ),
        "errors that depend on the row have the stated mean, in the run they had at most that": any(
            annotator["instance"] for scenario in scenarios for annotator in scenario["annotators"]
        ),
        "the stopping rule target is sure over a whole run, in the run it was in each loop": '"target"'
        in json.dumps(stored["space"].get("stopping")),
    }
    return [text for text, applies in texts.items() if applies]


def data_changes(stored: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Return in which way the rows of two data sets of one name differ, given what headers store of them.

    The types of columns count where models of both studies take raw rows, since only then both have a hash of them.
    """
    if stored["fingerprint"] != here["fingerprint"]:
        return [f"the rows of {here['name']} differ"]
    types = [data[RAW_FINGERPRINT] for data in (stored, here) if RAW_FINGERPRINT in data]
    return [f"the types of the columns of {here['name']} differ"] if len(set(types)) > 1 else []


def _environment_changes(stored: Sequence[Mapping[str, Any]], asked: Sequence[Mapping[str, Any]]) -> list[str]:
    stored_names, names = ([environment["data"]["name"] for environment in side] for side in (stored, asked))
    if stored_names != names:
        return [f"the data is {', '.join(names)}, in the run {', '.join(stored_names)}"]
    changes = []
    for old, new in zip(stored, asked, strict=True):
        columns = [
            f"the {name} column is {new['data'].get(name)}, in the run {old['data'].get(name)}"
            for name in ("group", "time")
            if new["data"].get(name) != old["data"].get(name)
        ]
        changes += columns or data_changes(old["data"], new["data"])
        asked_fields, stored_fields = all_fields(new["scenario"]), all_fields(old["scenario"])
        for name in dict.fromkeys([*asked_fields, *stored_fields]):
            value, before = asked_fields.get(name), stored_fields.get(name)
            if value != before:
                changes.append(f"the scenario's {name} is {value}, in the run {before}")
        if old["blocks"] != new["blocks"]:
            changes.append("the explicit blocks differ")
    return changes
