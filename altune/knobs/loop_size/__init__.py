"""Knob 4, ``loop_size``: how many rows the next loop labels."""

from altune.knobs.loop_size import agreement, cost, scheduled, utility  # noqa: F401  (register)
from altune.knobs.loop_size.base import Judged, LoopSize, LoopState

__all__ = ["Judged", "LoopSize", "LoopState"]
