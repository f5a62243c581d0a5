"""The eight knobs, a folder for each, and all that the author of a method needs.

Importing this package registers every method that altune ships.
"""

from __future__ import annotations

from altune.core.history import History
from altune.core.needs import Need
from altune.core.pool import Pool
from altune.core.registry import Method, register
from altune.knobs.columns import COLUMNS, ColumnInfo, carried, column
from altune.knobs.initial_sample import InitialSample
from altune.knobs.labeling import Labeling
from altune.knobs.loop_size import LoopSize
from altune.knobs.model_init import ModelInit
from altune.knobs.query_strategy import Choice, DelegatingStrategy, QueryStrategy, ScoreStrategy, chosen_by
from altune.knobs.retrain import Retrain
from altune.knobs.stopping import Stopping
from altune.knobs.training import Training

__all__ = [
    "COLUMNS",
    "Choice",
    "ColumnInfo",
    "DelegatingStrategy",
    "History",
    "InitialSample",
    "Labeling",
    "LoopSize",
    "Method",
    "ModelInit",
    "Need",
    "Pool",
    "QueryStrategy",
    "Retrain",
    "ScoreStrategy",
    "Stopping",
    "Training",
    "carried",
    "chosen_by",
    "column",
    "register",
]
