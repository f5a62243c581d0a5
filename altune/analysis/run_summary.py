"""A run in a line and in a small table: what a Python prompt and a notebook show of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from altune.core.text import amount_within, counted

if TYPE_CHECKING:
    from altune.analysis.findings import Findings
    from altune.recipes.recipe import Recipe

Row = tuple[str, str]


@dataclass(frozen=True)
class RunSummary:
    """What is shown of a run.

    Attributes
    ----------
    data_sets : names of its data sets.
    trials : number of trials, without forbidden draws.
    folder : folder of the run, None for a run in memory.
    findings : results of the confirmation by data set; empty before it.
    recipe : the recipe of the run, None before the confirmation.
    away : results on data sets that no trial saw, by data set.
    """

    data_sets: tuple[str, ...]
    trials: int
    folder: Path | None
    findings: Mapping[str, Findings]
    recipe: Recipe | None
    away: Mapping[str, Findings] = field(default_factory=dict)

    def line(self) -> str:
        """Return one line: data, number of trials, the value of the recipe, its start and query strategy, the folder.

        With several data sets, the value is that on the first one.
        """
        parts = [", ".join(map(repr, self.data_sets)), f"{counted(self.trials, 'trial')}"]
        if self.recipe is None:
            parts.append("not confirmed")
        else:
            first = next(iter(self.findings.values()))
            parts += [f"{first.objective.words} {_value(first)}"]
            parts += [f"{self.recipe.initial_sample.method} start, {self.recipe.query_strategy.method}"]
        parts += [f"folder {str(self.folder)!r}"] if self.folder is not None else []
        return f"Run({', '.join(parts)})"

    def rows(self) -> list[Row]:
        """Return the rows of a table: data, trials, the recipe, its values, and what it gains over each baseline."""
        rows = [("data", ", ".join(self.data_sets)), ("trials", str(self.trials))]
        rows += [("folder", str(self.folder))] if self.folder is not None else []
        if self.recipe is None:
            return [*rows, ("confirmed", "not yet; run.confirm() does it")]
        rows.append(("recipe", self.recipe.describe()))
        for name, findings in [*self.findings.items(), *self.away.items()]:
            where = f" on {name}" if len(self.findings) + len(self.away) > 1 else ""
            rows.append((f"{findings.objective.words}{where}", _value(findings)))
            for baseline, against in findings.others.items():
                of = against.difference
                gain = amount_within(of.mean, of.low, of.high, signed=True)
                rows.append((f"over {baseline.replace('_', ' ')}{where}", gain))
        return rows


def _value(findings: Findings) -> str:
    of = findings.recipe
    return f"{amount_within(of.mean, of.low, of.high)} on {counted(of.blocks, 'block')}"
