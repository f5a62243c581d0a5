"""What a rescored run says: sentences, a short table, and the command that confirms under the new objective."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.analysis.findings import answer, answer_of_several

if TYPE_CHECKING:
    from altune.rescored import Rescored
    from altune.tuning.record import StudyRecord

OPTIONS = {
    "objective": "--objective",
    "metric": "--metric",
    "risk": "--risk",
    "target_score": "--target-score",
    "constraints": "--constraint",
    "over": "--over",
    "value": "--value",
    "price_per_label": "--label-price",
    "price_per_loop": "--loop-price",
    "price_per_hour": "--hour-price",
    "prefer": "--prefer",
}
"""The command line's option for each thing that a run can be rescored by."""
SHOWN = 10


def rescored_sentences(found: Rescored) -> list[str]:
    """Return what a person can act on, the most important first."""
    best = found.trials[0]
    changes = "; ".join(f"{name} {_shown(new)} in place of {_shown(old)}" for name, (old, new) in found.changes.items())
    first = (
        f"By {_objective(found)}, trial {best.number} is the best of {len(found.trials)}, with "
        f"{best.value:.4g} in the search; by the run's own it was number {best.old_rank}. Nothing was simulated."
    )
    said = [first, *([f"Changed: {changes}."] if changes else [])]
    if not best.feasible:
        said.append("No trial keeps every constraint; the best breaks them by the least.")
    if len(found.objectives) > 1:
        names = " and ".join(one.name for one in found.objectives)
        front = len(found.front)
        said.append(f"{front} trial{'s are' if front > 1 else ' is'} on the Pareto front of {names}.")
    if found.spearman is not None:
        said.append(
            f"The old and the new ranking agree with Spearman's rho {found.spearman:.2f} and Kendall's tau "
            f"{found.kendall:.2f}."
        )
    return [*said, *_left_out(found.left_out), *_confirmation(found)]


def _objective(found: Rescored) -> str:
    objective = found.objectives[0]
    return f"{objective.kind.plain} ({objective.metric})"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _left_out(left_out: Mapping[str, str]) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        by_reason.setdefault(reason, []).append(name)
    said = []
    for reason, names in by_reason.items():
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        said.append(f"Left out: {', '.join(names[:SHOWN])}{more}: {reason}.")
    return said


def _confirmation(found: Rescored) -> list[str]:
    said: list[str] = []
    recipe = found.confirmed_recipe
    if found.confirmed and recipe is not None:
        several = len(found.confirmed) > 1
        lines = (
            answer_of_several(found.confirmed, recipe)
            if several
            else answer(next(iter(found.confirmed.values())), recipe)
        )
        said.append(
            f"Trial {found.confirmed_trial}, which the run confirmed, by the new objective on its fresh splits:"
        )
        said += lines
    if found.best_is_confirmed:
        held = "is the confirmed one: what was measured on fresh splits holds for it."
        return [*said, f"The recipe of trial {found.trials[0].number} {held}"]
    said.append(
        f"Trial {found.trials[0].number} has not been confirmed under this objective: its value comes from the search, "
        "which flatters the best. Act on it only after a search that confirms:"
    )
    said.append(
        f"  {found.command}"
        if found.command
        else "  altune.tune with the run's arguments, these changes, and another `out`"
    )
    if not found.replayed:
        said.append(
            "  A metric or price that changes is a part of what a stored trajectory depends on, so it plays them anew."
        )
    return said


def rescored_rows(found: Rescored) -> list[dict[str, Any]]:
    """Return the best trials and the baselines as rows of a table."""
    old, new = found.old_objectives[0].name, found.objectives[0].name
    columns = (old, new) if old != new else (f"{old} before", f"{new} now")
    others = [objective.name for objective in found.objectives[1:]]
    rows: list[dict[str, Any]] = [
        {"rank": one.rank, "was": one.old_rank, "trial": str(one.number)}
        | {columns[0]: one.old_value, columns[1]: one.value}
        | dict(zip(others, one.objectives[1:], strict=True))
        for one in found.trials[:SHOWN]
    ]
    return rows + [
        {"rank": "", "was": "", "trial": name, columns[0]: before, columns[1]: now} | dict.fromkeys(others, "")
        for name, (before, now) in found.baselines.items()
    ]


def tune_command(record: StudyRecord, folder: Path | None, given: Mapping[str, Any], trials: int) -> str:
    """Return the command that searches and confirms under a changed scenario; empty where only Python can.

    What the study does not know stands in capitals: a file of data, or of a space that altune does not ship.

    Parameters
    ----------
    record : of the run.
    folder : the run's.
    given : what is changed, by the scenario's field, and ``prefer``; None where it is not.
    trials : how many the run has.
    """
    if record.header.get("estimators"):
        return ""
    written = folder is not None and len(record.scenarios) == 1
    scenario = f"{folder}/scenario.yaml" if written else "SCENARIO.yaml"
    words = ["altune", "tune", *_data(record), "--space", _space(record), "--scenario", scenario]
    for name, value in given.items():
        for one in value if name == "constraints" else [] if value is None else [value]:
            words += [OPTIONS[name], ",".join(one) if isinstance(one, list) else _shown(one)]
    words += _sizes(record, trials)
    if folder is not None:
        from altune.tuning.steps import TRAJECTORIES

        words += ["--out", f"{folder}-rescored", "--cache", str(folder / TRAJECTORIES)]
    return shlex.join(words)


def _data(record: StudyRecord) -> list[str]:
    from altune.data import list_datasets

    known = {one.name for one in list_datasets()}
    return [name if name in known else f"DATA_OF_{name}" for name in record.data_sets]


def _space(record: StudyRecord) -> str:
    from altune.space import SearchSpace
    from altune.space.shipped import shipped_spaces

    space = record.header["space"]
    name = str(space.get("name"))
    shipped = name in shipped_spaces() and SearchSpace.load(name).to_dict() == space
    return name if shipped else "SPACE.yaml"


def _sizes(record: StudyRecord, trials: int) -> list[str]:
    """Return the run's own sizes and seeds, where they are not the usual ones."""
    from altune.tuning.settings import Settings

    usual, stored = Settings().to_dict(), {"n_trials": trials, **record.header["settings"]}
    names = {"n_trials": "--trials"} | {name: f"--{name.replace('_', '-')}" for name in stored if name != "n_trials"}
    return [
        word
        for name, value in stored.items()
        if name in usual and value != usual[name]
        for word in (names[name], ",".join(f"{one:g}" for one in value) if isinstance(value, list) else _shown(value))
    ]
