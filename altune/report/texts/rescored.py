"""A rescored run as a table for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from altune.analysis.rescoring.result import SHOWN

if TYPE_CHECKING:
    from altune.analysis.rescoring.result import Rescored


def rescored_rows(rescored: Rescored) -> list[dict[str, Any]]:
    """Return the best trials and the baselines as rows of a table."""
    old, new = rescored.old_objectives[0].name, rescored.objectives[0].name
    before, now = (old, new) if old != new else (f"{old} before", f"{new} now")
    others = [objective.name for objective in rescored.objectives[1:]]
    rows: list[dict[str, Any]] = [
        {"rank": trial.rank, "was": trial.old_rank, "trial": str(trial.number)}
        | {before: trial.old_value, now: trial.value}
        | dict(zip(others, trial.objectives[1:], strict=True))
        for trial in rescored.trials[:SHOWN]
    ]
    return rows + [
        {"rank": "", "was": "", "trial": name, before: old_value, now: value} | dict.fromkeys(others, "")
        for name, (old_value, value) in rescored.baselines.items()
    ]
