"""The command that searches under the objective of a rescoring."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.analysis.rescoring.result import shown

if TYPE_CHECKING:
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
            words += [OPTIONS[name], ",".join(one) if isinstance(one, list) else shown(one)]
    words += _sizes(record, trials)
    if folder is not None:
        from altune.tuning.stages import TRAJECTORIES

        words += ["--out", f"{folder}-rescored", "--cache", str(folder / TRAJECTORIES)]
    return shlex.join(words)


def _data(record: StudyRecord) -> list[str]:
    from altune.data import list_datasets

    known = {one.name for one in list_datasets()}
    return [name if name in known else f"DATA_OF_{name}" for name in record.data_sets]


def _space(record: StudyRecord) -> str:
    from altune.recipes.space import SearchSpace
    from altune.recipes.space.shipped import shipped_spaces

    space = record.header["space"]
    name = str(space.get("name"))
    shipped = name in shipped_spaces() and SearchSpace.load(name).to_dict() == space
    return name if shipped else "SPACE.yaml"


def _sizes(record: StudyRecord, trials: int) -> list[str]:
    """Return the run's own sizes and seeds, where they are not the usual ones."""
    from altune.tuning.settings import Settings

    usual, stored = Settings().to_dict(), {"n_trials": trials, **record.header["settings"]}
    names = {name: f"--{name.removeprefix('n_').replace('_', '-')}" for name in stored}
    return [
        word
        for name, value in stored.items()
        if name in usual and value != usual[name]
        for word in (names[name], ",".join(f"{one:g}" for one in value) if isinstance(value, list) else shown(value))
    ]
