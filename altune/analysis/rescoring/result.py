"""What rescoring a run gives: every trial's old and new place, and what of the confirmation still holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from altune.analysis.findings import Findings, against_of, answer, answer_of_several
from altune.core.text import join_words
from altune.recipes.recipe import Recipe
from altune.simulation.objectives import Objective
from altune.simulation.scenario import Scenario
from altune.tuning.trials import is_feasible

if TYPE_CHECKING:
    import pandas as pd


SHOWN = 10
"""Names that a sentence lists before it counts the rest, and rows that a terminal shows."""


@dataclass(frozen=True, eq=False)
class RankedTrial:
    """A trial under the new objective.

    Attributes
    ----------
    number : the trial's.
    rank, old_rank : its place, 1 for the best: now, among the trials that could be rescored; and in the run.
    value, old_value : first objective over the search blocks, now and in the run.
    objectives : every objective now.
    violations : by how much each constraint is violated now; 0 or less if it is kept.
    recipe : what was played.
    """

    number: int
    rank: int
    old_rank: int
    value: float
    old_value: float
    objectives: tuple[float, ...]
    violations: Mapping[str, float]
    recipe: Recipe

    @property
    def feasible(self) -> bool:
        """Whether every constraint is kept."""
        return is_feasible(self.violations)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain: dict[str, Any] = {"number": self.number, "rank": self.rank, "old_rank": self.old_rank}
        plain |= {"value": self.value, "old_value": self.old_value}
        plain |= {"objectives": list(self.objectives)} if len(self.objectives) > 1 else {}
        return plain | ({"constraints": dict(self.violations)} if self.violations else {})


@dataclass(frozen=True, eq=False)
class Rescored:
    """A run under another objective or other prices.

    Attributes
    ----------
    scenarios : the changed scenario of each data set, by its name.
    changes : what was changed, by the scenario's field: before and now.
    objectives, old_objectives : what is bettered now, and what the run bettered.
    trials : every trial that could be rescored, best first.
    front : numbers of the trials that no other betters in every objective.
    baselines : first objective of each baseline on the search blocks: before and now.
    spearman, kendall : rank correlation (ρ, τ-b) of the old and the new ranking, equal trials sharing a rank; None
        where there is nothing to compare.
    left_out : why a trial or a baseline could not be rescored, by its name.
    confirmed : the confirmed recipe against the baselines under the new objective, for each data set; empty where
        nothing was confirmed or it could not be rescored.
    confirmed_trial : number of the trial whose recipe is the confirmed one.
    confirmed_recipe : that recipe.
    replayed : whether another search could read this run's trajectories back; a changed price or metric cannot.
    command : what searches and confirms under the new objective; empty where only Python can.
    """

    scenarios: Mapping[str, Scenario]
    changes: Mapping[str, tuple[Any, Any]]
    objectives: tuple[Objective, ...]
    old_objectives: tuple[Objective, ...]
    trials: tuple[RankedTrial, ...]
    front: tuple[int, ...]
    baselines: Mapping[str, tuple[float, float]]
    spearman: float | None
    kendall: float | None
    left_out: Mapping[str, str]
    confirmed: Mapping[str, Findings]
    confirmed_trial: int | None
    confirmed_recipe: Recipe | None
    replayed: bool
    command: str

    @property
    def best_is_confirmed(self) -> bool:
        """Whether the recipe that is best now is the one whose value was measured on fresh splits."""
        recipe = self.confirmed_recipe
        return recipe is not None and bool(self.confirmed) and self.trials[0].recipe.digest() == recipe.digest()

    @property
    def sentences(self) -> list[str]:
        """What a person can act on, the most important first."""
        return rescored_sentences(self)

    @property
    def answer(self) -> str:
        """The sentences, a line each."""
        return "\n".join(self.sentences)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each trial, best first: ranks, values, every objective, and the recipe in words."""
        import pandas as pd

        rows = []
        for one in self.trials:
            row = {"trial": one.number, "rank": one.rank, "old_rank": one.old_rank, "old_value": one.old_value}
            row |= {objective.name: value for objective, value in zip(self.objectives, one.objectives, strict=True)}
            rows.append({**row, "feasible": one.feasible, "recipe": one.recipe.describe()})
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        several = {"front": list(self.front)} if len(self.objectives) > 1 else {}
        return {
            "answer": self.answer,
            "objective": self.objectives[0].name,
            "objectives": [one.name for one in self.objectives],
            "changes": {name: {"old": old, "new": new} for name, (old, new) in self.changes.items()},
            "trials": [one.to_dict() for one in self.trials],
            **several,
            "baselines": {name: {"old_value": old, "value": new} for name, (old, new) in self.baselines.items()},
            "spearman": self.spearman,
            "kendall": self.kendall,
            "left_out": dict(self.left_out),
            "confirmed": {
                name: {"trial": self.confirmed_trial, "recipe": one.recipe.to_dict(), "baselines": against_of(one)}
                for name, one in self.confirmed.items()
            },
            "best_is_confirmed": self.best_is_confirmed,
            "command": self.command,
        }


def rescored_sentences(found: Rescored) -> list[str]:
    """Return what a person can act on, the most important first."""
    best = found.trials[0]
    changes = "; ".join(f"{name} {shown(new)} in place of {shown(old)}" for name, (old, new) in found.changes.items())
    first = (
        f"By {_objective(found)}, trial {best.number} is the best of {len(found.trials)}, with "
        f"{best.value:.4g} in the search; by the run's own it was number {best.old_rank}. Nothing was simulated."
    )
    said = [first, *([f"Changed: {changes}."] if changes else [])]
    if not best.feasible:
        said.append("No trial keeps every constraint; the best breaks them by the least.")
    if len(found.objectives) > 1:
        names = join_words([one.name for one in found.objectives])
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


def shown(value: Any) -> str:
    """Return the value of a field of a scenario as words."""
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
