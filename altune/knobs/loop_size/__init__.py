"""Knob 4, ``loop_size``: how many rows the next loop labels."""

from altune.knobs.loop_size.agreement import AgreementLoops
from altune.knobs.loop_size.base import Judged, LoopSize, LoopState, equal_part
from altune.knobs.loop_size.cost import CostAwareLoops
from altune.knobs.loop_size.scheduled import (
    ConstantLoops,
    FractionLoops,
    GeometricLoops,
    LinearLoops,
    ListedLoops,
)
from altune.knobs.loop_size.utility import DiminishingLoops, ThresholdLoops

__all__ = [
    "AgreementLoops",
    "ConstantLoops",
    "CostAwareLoops",
    "DiminishingLoops",
    "FractionLoops",
    "GeometricLoops",
    "Judged",
    "LinearLoops",
    "ListedLoops",
    "LoopSize",
    "LoopState",
    "ThresholdLoops",
    "equal_part",
]
