"""The result of a comparison of recipes, on one data set or several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from altune.analysis.comparison.contest import Contest
from altune.analysis.comparison.mean_ranks import PostHoc
from altune.analysis.comparison.over_data import OverData, over_data
from altune.analysis.comparison.sentences import sentences_of_one, sentences_of_several
from altune.analysis.comparison.summary import comparison_line, comparison_rows
from altune.analysis.paired import Comparison
from altune.core.deprecations import OldNames
from altune.core.html import html_table
from altune.recipes.recipe import Recipe
from altune.simulation.objectives import Objective
from altune.simulation.result import Simulation

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class RecipeComparison(OldNames):
    """Recipes on the same blocks of one or more data sets.

    Attributes
    ----------
    recipes : the recipes by name.
    contests : all numbers of each data set.
    played : the simulation of each recipe, by data set and name; empty for stored runs.
    notes : where the recipes come from, as far as it matters to a reader.
    post_hoc : the test of recipes by rank over data sets: ``wilcoxon`` or ``nemenyi``.
    """

    recipes: Mapping[str, Recipe]
    contests: tuple[Contest, ...]
    played: Mapping[str, Mapping[str, Simulation]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    post_hoc: PostHoc = "wilcoxon"

    def __repr__(self) -> str:
        return comparison_line(self.contests, self.result)

    def _repr_html_(self) -> str:
        head, *rows = comparison_rows(self.contests, self.result)
        return html_table(rows, head)

    @property
    def simulations(self) -> Mapping[str, Simulation]:
        """The simulation of each recipe on the first data set, by name."""
        return next(iter(self.played.values()), {})

    @property
    def objective(self) -> Objective:
        """What is measured on the first data set."""
        return self.contests[0].objective

    @property
    def result(self) -> Comparison:
        """Means with intervals, and the difference of every pair with its test; of several data sets over these."""
        return self.contests[0].comparison if self.over_data is None else self.over_data.comparison

    @cached_property
    def over_data(self) -> OverData | None:
        """Means, wins and mean ranks over data sets; None for one data set."""
        return over_data(self.contests, post_hoc=self.post_hoc) if len(self.contests) > 1 else None

    @property
    def sentences(self) -> list[str]:
        """The result in sentences, the most important first."""
        if self.over_data is None:
            return sentences_of_one(self.contests[0])
        return sentences_of_several(self.contests, self.over_data)

    @property
    def answer(self) -> str:
        """The sentences, one a line."""
        return "\n".join(self.sentences)

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each data set, recipe and block."""
        import pandas as pd

        return pd.concat([contest.to_frame() for contest in self.contests], ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``.

        ``recipes`` and ``differences`` are those of the data set; with several data sets they are over all, and those
        of each are under ``data_sets``.
        """
        plain: dict[str, Any] = {
            "answer": self.answer,
            "objective": self.objective.name,
            "metric": self.objective.metric,
            **self.objective.positive_entry(),
            "data": [contest.data for contest in self.contests],
            "notes": list(self.notes),
        }
        if self.over_data is None:
            return plain | self.contests[0].to_dict()
        by_data = {contest.data: contest.to_dict() for contest in self.contests}
        return plain | self.over_data.to_dict() | {"data_sets": by_data}


def yardstick_of(recipes: Mapping[str, Recipe]) -> str:
    """Return the recipe whose final score the others are to reach: random sampling if there is one, else the first.

    >>> from altune.recipes.recipe import load_recipe
    >>> yardstick_of({"a": load_recipe("vanilla"), "b": load_recipe("random_sampling")})
    'b'
    """
    if "random_sampling" in recipes:
        return "random_sampling"
    random = (name for name, recipe in recipes.items() if recipe.query_strategy.method == "random")
    return next(random, next(iter(recipes)))
