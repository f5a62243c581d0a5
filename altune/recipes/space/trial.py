"""What a search space asks of a trial; Optuna's trials answer it, and so do given parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class SuggestingTrial(Protocol):
    """Whatever suggests a value for each parameter of a space."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of the choices."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Return an integer in ``[low, high]``."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return a float in ``[low, high]``."""
