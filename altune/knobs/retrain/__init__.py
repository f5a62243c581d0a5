"""Knob 3: whether a model is trained from scratch in each loop, or starts from the last one."""

from altune.knobs.retrain.base import Retrain, TrainingInput
from altune.knobs.retrain.methods import Reset, ResetEvery, ShrinkPerturb, WarmStart

__all__ = ["Reset", "ResetEvery", "Retrain", "ShrinkPerturb", "TrainingInput", "WarmStart"]
