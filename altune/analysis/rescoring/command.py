"""The command that searches under the objective of a rescoring."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.analysis.data_words import data_words
from altune.analysis.rescoring.result import shown
from altune.tuning.run_folder import SCENARIO_FILE

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
    if record.header.get("estimators") or record.header.get("own"):
        return ""
    written = folder is not None and len(record.scenarios) == 1
    scenario = str(folder / SCENARIO_FILE) if folder is not None and written else "SCENARIO.yaml"
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
    found = [data_words(record, name) or [f"DATA_OF_{name}"] for name in record.data_sets]
    # All data sets have the same options, of which one of several data sets has a target only.
    return [*(words[0] for words in found), *max((words[1:] for words in found), key=len)]


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
