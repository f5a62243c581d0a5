"""The interface between a search space and a trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class SuggestingTrial(Protocol):
    """A trial of Optuna, or given parameters in its place."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of the choices."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Return an integer in ``[low, high]``."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return a float in ``[low, high]``."""
