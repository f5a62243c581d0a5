"""What a rescored run says: sentences, a short table, and the command that confirms under the new objective."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from altune.analysis.rescoring.result import SHOWN

if TYPE_CHECKING:
    from altune.analysis.rescoring.result import Rescored


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
