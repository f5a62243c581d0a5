"""The first trials of a search: entries of the portfolio that its space admits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from altune.core.needs import Capabilities
from altune.core.text import join_words
from altune.data import family_of
from altune.recipes.portfolio import Portfolio, shipped_portfolio
from altune.recipes.space import SearchSpace
from altune.recipes.space.placing import Task, params_near
from altune.tuning.proposals import is_playable

CANNOT = {"cmaes": "keeps a distribution that given trials are no draws of"}
"""Samplers that cannot learn from given trials, and why."""


@dataclass(frozen=True)
class FirstTrials:
    """The parameters of the first trials of a search.

    Attributes
    ----------
    params : Optuna parameters of each, in the order in which they are played.
    entries : ids of the entries of the portfolio that they come from.
    without : families of data sets that the list was made without.
    why_none : why there are none although some were asked for, empty otherwise.
    """

    params: tuple[Mapping[str, Any], ...] = ()
    entries: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    why_none: str = ""

    @property
    def words(self) -> str:
        """How many there are and what the list was made without, for the plan of a run."""
        if not self.params:
            return f"none from the portfolio{f': {self.why_none}' if self.why_none else ''}"
        count = f"{len(self.params)} recipes" if len(self.params) > 1 else "1 recipe"
        left_out = f", made without the data of {join_words(list(self.without))}" if self.without else ""
        return f"{count} of the portfolio{left_out}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back."""
        return {
            "params": [dict(params) for params in self.params],
            "entries": list(self.entries),
            "without": list(self.without),
            "why_none": self.why_none,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> FirstTrials:
        """Read back what :meth:`to_dict` wrote."""
        return cls(tuple(plain["params"]), tuple(plain["entries"]), tuple(plain["without"]), plain["why_none"])


def first_trials(
    space: SearchSpace,
    capabilities: Sequence[Capabilities],
    data_sets: Sequence[str],
    task: Task,
    sampler: str,
    count: int,
    portfolio: Portfolio | None = None,
) -> FirstTrials:
    """Return the first entries of the portfolio that a space admits, as Optuna parameters.

    A list for built-in data sets is made without their families, so that no recipe was chosen by its result on the data
    that it is tuned on. Entries that become the same recipe in the space are played once.

    Parameters
    ----------
    space : search space, narrowed to what can work.
    capabilities : what the environment of each data set offers.
    data_sets : names of the data sets.
    task : budget and number of classes.
    sampler : name of the sampler.
    count : number of entries that are asked for, 0 or more.
    portfolio : the portfolio; by default the shipped one.
    """
    if count == 0:
        return FirstTrials()
    if sampler in CANNOT:
        return FirstTrials(why_none=f"the sampler {sampler} {CANNOT[sampler]}")
    table = shipped_portfolio() if portfolio is None else portfolio
    families = {family for name in data_sets if (family := family_of(name)) is not None}
    without = tuple(sorted(families.intersection(table.families)))
    if len(without) == len(table.families):
        return FirstTrials(without=without, why_none="it was made of the data that are tuned on alone")
    params: list[Mapping[str, Any]] = []
    entries: list[str] = []
    known: set[str] = set()
    for entry in table.order(without):
        placed = params_near(space, table.recipes[entry], task)
        if placed is None or not is_playable(space, capabilities, placed):
            continue
        recipe = space.recipe_at(placed).digest()
        if recipe not in known:
            known.add(recipe)
            params.append(placed)
            entries.append(entry)
        if len(params) == count:
            break
    why_none = "" if params else "the space admits none of its recipes"
    return FirstTrials(tuple(params), tuple(entries), without, why_none)
