"""Knob 7, ``query_strategy``: which rows are labelled next. Each family of strategies has its module."""

from altune.knobs.query_strategy import (  # noqa: F401  (register)
    adapter,
    bait,
    bandit,
    clustering,
    committee,
    composed,
    covering,
    density,
    diversity,
    expected_change,
    falcun,
    generations,
    hybrid,
    lal,
    learned_ranker,
    margin_coverage,
    neighbourhood,
    random,
    randomised,
    uncertainty,
)
from altune.knobs.query_strategy.base import (
    Choice,
    DelegatingStrategy,
    NestedStrategy,
    QueryStrategy,
    ScoreStrategy,
    chosen_by,
    largest,
)

__all__ = [
    "Choice",
    "DelegatingStrategy",
    "NestedStrategy",
    "QueryStrategy",
    "ScoreStrategy",
    "chosen_by",
    "largest",
]
