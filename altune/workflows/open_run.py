"""open_run(): open a run from its folder."""

from __future__ import annotations

from pathlib import Path

from altune.analysis.run import Run
from altune.core.arguments import plain_arguments


@plain_arguments()
def open_run(folder: str | Path) -> Run:
    """Open a run from its folder, for reading.

    Raises
    ------
    RequestError
        If there is no run, or its model is an estimator of yours that is not registered here.
    """
    return Run.open(folder)
