"""Knob 2: how the model's parameters start."""

from altune.knobs.model_init.base import DefaultStart, ModelInit
from altune.knobs.model_init.pretrained import Pretrained
from altune.knobs.model_init.prior import ClassPriorStart, log_class_priors
from altune.knobs.model_init.several import BestOfStarts, EnsembleOfStarts, mean_log_probability

__all__ = [
    "BestOfStarts",
    "ClassPriorStart",
    "DefaultStart",
    "EnsembleOfStarts",
    "ModelInit",
    "Pretrained",
    "log_class_priors",
    "mean_log_probability",
]
