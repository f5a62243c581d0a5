"""Knob 8: the model's own hyperparameters as a function of the loop."""

from altune.knobs.training.base import (
    ConstantTraining,
    Training,
    TuningInput,
    set_hyperparameter,
    with_hyperparameter,
)
from altune.knobs.training.retune import Retune
from altune.knobs.training.schedules import PowerTraining, StepsTraining

__all__ = [
    "ConstantTraining",
    "PowerTraining",
    "Retune",
    "StepsTraining",
    "Training",
    "TuningInput",
    "set_hyperparameter",
    "with_hyperparameter",
]
