"""Loops and loop sizes that are recorded while a recipe is played."""

from __future__ import annotations

from typing import Any

import pytest

from altune.knobs.loop_size import LoopSize, LoopState
from altune.loop.loop import ActiveLearningLoop


def record_loops(monkeypatch: pytest.MonkeyPatch) -> list[ActiveLearningLoop]:
    """Return the list in which each loop of a trajectory appears when it begins."""
    loops: list[ActiveLearningLoop] = []

    class Recorded(ActiveLearningLoop):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            loops.append(self)

    monkeypatch.setattr("altune.simulation.trajectory.ActiveLearningLoop", Recorded)
    return loops


def record_states(monkeypatch: pytest.MonkeyPatch, method: LoopSize) -> list[LoopState]:
    """Return the list in which each state appears that loop sizes of a kind are asked about."""
    states: list[LoopState] = []
    asked = type(method).next_size

    def next_size(self: LoopSize, state: LoopState) -> int:
        states.append(state)
        return asked(self, state)

    monkeypatch.setattr(type(method), "next_size", next_size)
    return states
