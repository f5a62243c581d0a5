"""Knob 7, ``query_strategy``: which rows to label next. One module for each family."""

from __future__ import annotations

from altune.knobs.query_strategy import composed, density, diversity, hybrid, random, uncertainty
from altune.knobs.query_strategy.base import NestedStrategy, QueryStrategy, ScoreStrategy, largest

__all__ = [
    "NestedStrategy",
    "QueryStrategy",
    "ScoreStrategy",
    "composed",
    "density",
    "diversity",
    "hybrid",
    "largest",
    "random",
    "uncertainty",
]
