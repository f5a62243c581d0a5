"""The eight knobs, one room for each; importing this package registers every method that altune ships."""

from __future__ import annotations

from altune.knobs import (
    initial_sample,
    labeling,
    loop_size,
    model_init,
    query_strategy,
    retrain,
    stopping,
    training,
)

__all__ = [
    "initial_sample",
    "labeling",
    "loop_size",
    "model_init",
    "query_strategy",
    "retrain",
    "stopping",
    "training",
]
