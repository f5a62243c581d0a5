"""Knob 7, ``query_strategy``: which rows to label next. One module for each family."""

from __future__ import annotations

from altune.knobs.query_strategy import (
    committee,
    composed,
    density,
    diversity,
    expected_change,
    generations,
    hybrid,
    random,
    randomised,
    uncertainty,
)
from altune.knobs.query_strategy.base import NestedStrategy, QueryStrategy, ScoreStrategy, largest

__all__ = [
    "NestedStrategy",
    "QueryStrategy",
    "ScoreStrategy",
    "committee",
    "composed",
    "density",
    "diversity",
    "expected_change",
    "generations",
    "hybrid",
    "largest",
    "random",
    "randomised",
    "uncertainty",
]
