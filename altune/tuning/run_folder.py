"""The folder of a run: the names of its files, and its study."""

from __future__ import annotations

import glob
import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.core.errors import AltuneError, RequestError
from altune.core.text import printable
from altune.core.yaml import read_yaml
from altune.tuning.header import header_changes
from altune.tuning.observer import Silent
from altune.tuning.record import StudyRecord
from altune.tuning.storage import JOURNAL, read_study

if TYPE_CHECKING:
    import optuna

    from altune.tuning.study_setup import StudySetup

RECIPE_FILE = "recipe.yaml"
SCENARIO_FILE = "scenario.yaml"
CURVES_FILE = "curves.csv"
REPORT_FILE = "report.html"
SHARED_FILE = "storage.yaml"


def scenario_file(data_sets: Collection[str], name: str) -> str:
    """Return the name of the file with the scenario of one of the data sets of a run.

    >>> scenario_file(["iris"], "iris"), scenario_file(["iris", "wine"], "wine")
    ('scenario.yaml', 'wine.scenario.yaml')
    """
    return SCENARIO_FILE if len(data_sets) == 1 else away_scenario_file(name)


def away_scenario_file(name: str) -> str:
    """Return the name of the file with the scenario of a data set that no trial saw.

    >>> away_scenario_file("wine")
    'wine.scenario.yaml'
    """
    plain = re.sub(r'[<>:"|?*\\]', "_", printable(Path(name).name))  # no system has these in the name of a file
    return f"{plain[:40]}.{SCENARIO_FILE}"


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


def stored_header(folder: Path) -> dict[str, Any] | None:
    """Return the header of the study in a run's folder, None if there is no readable study of altune."""
    if not is_run(folder):
        return None
    try:
        return StudyRecord(stored_study(folder)).header
    except AltuneError:
        return None


def folder_of_run(usual: Path, prefix: str, setup: StudySetup) -> Path:
    """Return the folder of the run that a request resumes, by default the usual one.

    The usual folder's name has a hash of the request. A run that was begun with another revision of a shipped space, or
    before a default changed, is in a folder beside it.

    Parameters
    ----------
    usual : folder of a new run.
    prefix : how the names of folders of such runs begin.
    setup : what is requested.
    """
    if is_run(usual):
        return usual
    others = (path for path in sorted(usual.parent.glob(f"{glob.escape(prefix)}*")) if path.is_dir())
    return next((path for path in others if _resumes(path, setup)), usual)


def _resumes(folder: Path, setup: StudySetup) -> bool:
    stored = stored_header(folder)
    return stored is not None and not header_changes(stored, setup.resumed(stored).header())


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
