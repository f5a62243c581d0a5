"""open_run(): open a run from its folder."""

from __future__ import annotations

from pathlib import Path

from altune.analysis.run import Run
from altune.tuning.run_folder import _stored_study


def open_run(folder: str | Path) -> Run:
    """Open a run from its folder, for reading."""
    run = Run(_stored_study(Path(folder)), Path(folder))
    run.record.require_estimators(str(folder))
    return run
