"""Policies near the rule: tables of ``learned_ranker`` whose weights differ from the rule's by a random step.

Steps come in pairs of opposite signs. All steps are drawn once; each block plays a random subset of the pairs, so that
data sets that are left out later need no plays of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from altune.core.errors import RequestError
from altune.core.streams import Streams
from altune.core.types import Array
from altune.knobs.query_strategy.learned_ranker import LearnedRanker
from altune.knobs.query_strategy.ranker_table import RANKERS, STATES, RankerTable

LEAST_CHANGE = 0.2
"""Changes of a column's weights below this share of the largest change are left out of a learned table."""


@dataclass(frozen=True, eq=False)
class Policies:
    """Random steps from the rule.

    Parameters
    ----------
    columns : columns of the tables, the rule's first.
    n_pairs : number of pairs of opposite steps.
    per_block : number of pairs that each block plays.
    radius : standard deviation of the change of a weight.
    seed : seed of the steps and of the subsets.
    """

    columns: tuple[str, ...]
    n_pairs: int = 200
    per_block: int = 20
    radius: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.per_block <= self.n_pairs:
            raise RequestError(f"each block plays 1 to {self.n_pairs} pairs of policies, not {self.per_block}")
        if not 0 < self.radius <= 1:
            raise RequestError(f"the radius of the policies must be above 0 and at most 1, not {self.radius:g}")

    @property
    def rule(self) -> RankerTable:
        """The table of the rule with all columns."""
        return RankerTable.rule(self.columns)

    @cached_property
    def steps(self) -> Array:
        """The steps in units of the radius, ``(n_pairs, n_weights)``; weights are in the order of the table's rows."""
        rng = Streams(self.seed, "learned_ranker", "policies", 0).generator("steps")
        steps: Array = rng.standard_normal((self.n_pairs, len(self.columns) * len(STATES)))
        return steps

    def pairs_of(self, data: str, block: int) -> list[int]:
        """Return the pairs that a block of a data set plays, sorted."""
        rng = Streams(self.seed, data, "policies", block).generator("subset")
        return sorted(rng.choice(self.n_pairs, self.per_block, replace=False).tolist())

    def table(self, step: Array) -> RankerTable:
        """Return the table at a step from the rule, in units of the radius, ``(n_weights,)``."""
        rule = self.rule
        return RankerTable(rule.columns, rule.weights + self.radius * step.reshape(rule.weights.shape))

    def learned(self, step: Array) -> RankerTable:
        """Return the table at a step that was learned, without small changes and with short numbers.

        A column whose weights change by less than a fifth of the largest change keeps those of the rule, so that a
        query does not compute it for next to nothing.
        """
        by_column = step.reshape(len(self.columns), len(STATES))
        change = np.abs(by_column).max(axis=1)
        table = self.table(np.where(change[:, None] < LEAST_CHANGE * change.max(), 0.0, by_column).ravel())
        return RankerTable(table.columns, table.weights.round(4))

    @cached_property
    def tables(self) -> dict[str, RankerTable]:
        """The table of each policy by its name, to be registered while they are played."""
        made = [(self.table(step), self.table(-step)) for step in self.steps]
        return {policy_name(table): table for pair in made for table in pair}

    def strategies(self, pair: int) -> tuple[LearnedRanker, LearnedRanker]:
        """Return the two policies of a pair, whose tables must be registered."""
        plus, minus = (self.table(sign * self.steps[pair]) for sign in (1.0, -1.0))
        return played_alone(plus), played_alone(minus)


def played_alone(table: RankerTable) -> LearnedRanker:
    """Return the strategy that always plays a registered table alone, as a policy is trained."""
    return LearnedRanker(table=policy_name(table), trust="always", weight=1.0, adapt=0.0)


def played_as_usual(table: RankerTable) -> LearnedRanker:
    """Return the strategy that always plays a registered table, with the share and adaptation of the defaults."""
    return LearnedRanker(table=policy_name(table), trust="always")


def policy_name(table: RankerTable) -> str:
    """Return a name for a table that is registered while it is trained or tested."""
    return f"policy-{table.digest()}"


def registered_tables(tables: Sequence[RankerTable]) -> dict[str, RankerTable]:
    """Return tables by the names under which the strategies of this module find them."""
    return {policy_name(table): table for table in tables}


KIND = RANKERS
"""Where these tables are registered."""
