"""The result of rescoring a run: old and new ranks of the trials, and the confirmation under the new objective."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from altune.analysis.answer import answer, answer_of_several
from altune.analysis.findings import Findings, against_of
from altune.core.deprecations import OldNames
from altune.core.text import join_words
from altune.recipes.recipe import Recipe
from altune.simulation.objectives import Objective
from altune.simulation.scenario import Scenario
from altune.tuning.trials import is_feasible

if TYPE_CHECKING:
    import pandas as pd


SHOWN = 10
"""Number of names in a sentence, and of rows in a terminal."""


@dataclass(frozen=True, eq=False)
class RankedTrial(OldNames):
    """A trial under the new objective.

    Attributes
    ----------
    number : number of the trial.
    rank, old_rank : rank among the rescored trials, and in the run; 1 is the best.
    value, old_value : first objective over the search blocks, now and in the run.
    objectives : all objectives now.
    violations : by how much each constraint is violated now; 0 or less if it is kept.
    recipe : the recipe.
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
        """Whether all constraints are satisfied."""
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
    scenarios : the changed scenario of each data set by name.
    changes : changed fields of the scenario, before and now.
    objectives, old_objectives : the objectives now, and those of the run.
    trials : all trials that could be rescored, the best first.
    front : numbers of the trials on the Pareto front.
    baselines : first objective of each baseline on the search blocks, before and now.
    spearman, kendall : rank correlation (ρ, τ-b) of the old and the new ranking; equal trials share a rank. None if
        there is nothing to compare.
    left_out : why a trial or a baseline could not be rescored, by its name.
    confirmed : the confirmed recipe against the baselines under the new objective, for each data set; empty if nothing
        was confirmed or it could not be rescored.
    confirmed_trial : number of the trial of the confirmed recipe.
    confirmed_recipe : the confirmed recipe.
    replayed : whether a new search can reuse the stored trajectories; not after a change of prices or metric.
    command : the command that searches and confirms under the new objective; empty if only Python can do it.
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
        """Whether the best recipe now is the confirmed one."""
        recipe = self.confirmed_recipe
        return recipe is not None and bool(self.confirmed) and self.trials[0].recipe.digest() == recipe.digest()

    @property
    def sentences(self) -> list[str]:
        """The result in sentences, the most important first."""
        return rescored_sentences(self)

    @property
    def answer(self) -> str:
        """The sentences, one a line."""
        return "\n".join(self.sentences)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each trial, the best first: ranks, values, all objectives, and the recipe in words."""
        import pandas as pd

        rows = []
        for trial in self.trials:
            row = {"trial": trial.number, "rank": trial.rank, "old_rank": trial.old_rank, "old_value": trial.old_value}
            row |= {objective.name: value for objective, value in zip(self.objectives, trial.objectives, strict=True)}
            rows.append({**row, "feasible": trial.feasible, "recipe": trial.recipe.describe()})
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        several = {"front": list(self.front)} if len(self.objectives) > 1 else {}
        return {
            "answer": self.answer,
            "objective": self.objectives[0].name,
            "objectives": [objective.name for objective in self.objectives],
            "changes": {name: {"old": old, "new": new} for name, (old, new) in self.changes.items()},
            "trials": [trial.to_dict() for trial in self.trials],
            **several,
            "baselines": {name: {"old_value": old, "value": new} for name, (old, new) in self.baselines.items()},
            "spearman": self.spearman,
            "kendall": self.kendall,
            "left_out": dict(self.left_out),
            "confirmed": {
                name: {
                    "trial": self.confirmed_trial,
                    "recipe": findings.recipe.to_dict(),
                    "baselines": against_of(findings),
                }
                for name, findings in self.confirmed.items()
            },
            "best_is_confirmed": self.best_is_confirmed,
            "command": self.command,
        }


def rescored_sentences(rescored: Rescored) -> list[str]:
    """Return the result in sentences, the most important first."""
    best, objective = rescored.trials[0], rescored.objectives[0]
    sentences = [
        f"By {objective.kind.plain} ({objective.metric_text}), trial {best.number} is the best of "
        f"{len(rescored.trials)}, with {best.value:.4g} in the search; by the run's own objective its rank was "
        f"{best.old_rank}. Nothing was simulated."
    ]
    if rescored.changes:
        changes = [f"{name} {shown(new)} instead of {shown(old)}" for name, (old, new) in rescored.changes.items()]
        sentences.append(f"Changed: {'; '.join(changes)}.")
    if not best.feasible:
        sentences.append("No trial satisfies all constraints; the best violates them least.")
    if len(rescored.objectives) > 1:
        names = join_words([objective.name for objective in rescored.objectives])
        count = len(rescored.front)
        sentences.append(f"{count} trial{'s are' if count > 1 else ' is'} on the Pareto front of {names}.")
    if rescored.spearman is not None:
        sentences.append(
            f"The old and the new ranking have a correlation of {rescored.spearman:.2f} (Spearman's rho) and "
            f"{rescored.kendall:.2f} (Kendall's tau)."
        )
    return [*sentences, *_left_out(rescored.left_out), *_confirmation(rescored)]


def shown(value: Any) -> str:
    """Return the value of a field of a scenario as text."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _left_out(left_out: Mapping[str, str]) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        by_reason.setdefault(reason, []).append(name)
    sentences = []
    for reason, names in by_reason.items():
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        sentences.append(f"Left out: {', '.join(names[:SHOWN])}{more}: {reason}.")
    return sentences


def _confirmation(rescored: Rescored) -> list[str]:
    lines: list[str] = []
    recipe, best = rescored.confirmed_recipe, rescored.trials[0].number
    if rescored.confirmed and recipe is not None:
        lines.append(f"The confirmed trial {rescored.confirmed_trial} by the new objective, on its report blocks:")
        if len(rescored.confirmed) > 1:
            lines += answer_of_several(rescored.confirmed, recipe)
        else:
            lines += answer(next(iter(rescored.confirmed.values())), recipe)
    if rescored.best_is_confirmed:
        return [*lines, f"Trial {best} has the confirmed recipe, so the results on the report blocks are its own."]
    lines.append(
        f"Trial {best} is not confirmed under this objective: its value is from the search and biased upwards. Use it "
        "only after a search that confirms it:"
    )
    lines.append(
        f"  {rescored.command or 'altune.tune with the arguments of the run, these changes, and another `out`'}"
    )
    if not rescored.replayed:
        lines.append("  This plays all trajectories again, since they depend on the changed metric or prices.")
    return lines
