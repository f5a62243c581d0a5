"""The answer of a rescoring, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from altune.analysis.findings import answer, answer_of_several
from altune.report.texts.rescored import SHOWN

if TYPE_CHECKING:
    from altune.analysis.rescoring.result import Rescored


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
