"""The folder of a run: the names of its files, and its study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from altune.core.errors import RequestError
from altune.core.yaml import read_yaml
from altune.tuning.observer import Silent
from altune.tuning.record import StudyRecord
from altune.tuning.storage import JOURNAL, read_study

if TYPE_CHECKING:
    import optuna


RECIPE_FILE = "recipe.yaml"
SCENARIO_FILE = "scenario.yaml"
CURVES_FILE = "curves.csv"
REPORT_FILE = "report.html"
SHARED_FILE = "storage.yaml"


def is_run(source: str | Path) -> bool:
    """Return whether a path is the folder of a run."""
    return (Path(source) / JOURNAL).is_file() or (Path(source) / SHARED_FILE).is_file()


def finished_trials(folder: Path) -> int:
    """Return the number of trials in a run's folder, without forbidden draws; 0 if there is no run."""
    try:
        record = StudyRecord(stored_study(folder))
    except RequestError:
        return 0
    return sum(trial.state != "forbidden" for trial in record.trials())


def stored_study(folder: Path) -> optuna.Study:
    """Return the study of a run's folder: its journal, or the study in the database that the folder names.

    Raises
    ------
    RequestError
        If there is no run.
    """
    if not (folder / SHARED_FILE).is_file():
        return read_study(folder)
    from altune.tuning.shared import open_shared

    shared = read_yaml(folder / SHARED_FILE)
    return open_shared(str(shared["storage"]), str(shared["study"]), Silent()).study
