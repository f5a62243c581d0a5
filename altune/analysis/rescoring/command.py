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
"""The command line's option for each field that rescoring can change."""


def tune_command(record: StudyRecord, folder: Path | None, given: Mapping[str, Any], trials: int) -> str:
    """Return the command that searches and confirms under a changed scenario; empty if only Python can do it.

    Words in capitals stand for what the study does not contain: a file of data, or of a space that altune does not
    ship.

    Parameters
    ----------
    record : the stored study.
    folder : folder of the run, None for a run in memory.
    given : changed fields of the scenario, and ``prefer``; None if a field is not changed.
    trials : number of trials of the run.
    """
    if record.header.get("estimators"):
        return ""
    written = folder is not None and len(record.scenarios) == 1
    scenario = f"{folder}/scenario.yaml" if written else "SCENARIO.yaml"
    words = ["altune", "tune", *_data(record), "--space", _space(record), "--scenario", scenario]
    for name, value in given.items():
        for item in value if name == "constraints" else [] if value is None else [value]:
            words += [OPTIONS[name], ",".join(item) if isinstance(item, list) else shown(item)]
    words += _sizes(record, trials)
    if folder is not None:
        from altune.tuning.stages import TRAJECTORIES

        words += ["--out", f"{folder}-rescored", "--cache", str(folder / TRAJECTORIES)]
    return shlex.join(words)


def _data(record: StudyRecord) -> list[str]:
    from altune.data import list_datasets

    known = {dataset.name for dataset in list_datasets()}
    return [name if name in known else f"DATA_OF_{name}" for name in record.data_sets]


def _space(record: StudyRecord) -> str:
    from altune.recipes.space import SearchSpace
    from altune.recipes.space.shipped import shipped_spaces

    space = record.header["space"]
    name = str(space.get("name"))
    shipped = name in shipped_spaces() and SearchSpace.load(name).to_dict() == space
    return name if shipped else "SPACE.yaml"


def _sizes(record: StudyRecord, trials: int) -> list[str]:
    """Return the options of sizes and seeds that differ from the defaults."""
    from altune.tuning.settings import Settings

    defaults, stored = Settings().to_dict(), {"n_trials": trials, **record.header["settings"]}
    names = {name: f"--{name.removeprefix('n_').replace('_', '-')}" for name in stored}
    return [
        word
        for name, value in stored.items()
        if name in defaults and value != defaults[name]
        for word in (names[name], ",".join(f"{item:g}" for item in value) if isinstance(value, list) else shown(value))
    ]
