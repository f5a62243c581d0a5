"""A trial with given parameters, which a search space can ask like one of Optuna."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from altune.core.errors import FormatError, did_you_mean
from altune.recipes.space.domains import Range, same


class GivenTrial:
    """Returns given parameters as an Optuna trial does, and refuses those that do not fit.

    Parameters
    ----------
    params : values by Optuna path.
    """

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = dict(params)
        self._asked: set[str] = set()

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return the given choice."""
        value = self._given(name)
        if not any(same(value, choice) for choice in choices):
            accepted = did_you_mean(value, [str(choice) for choice in choices])
            raise FormatError(f"{value!r} is not a choice; {accepted}", path=name, value=value)
        return value

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Return the given integer."""
        return int(self._number(name, Range(low, high, whole=True, log=log, step=step)))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return the given number."""
        return float(self._number(name, Range(low, high, whole=False, log=log, step=step)))

    def refuse_unasked(self) -> None:
        """Refuse parameters that were not asked for, because the given choices do not use them."""
        for name in self._params:
            if name not in self._asked:
                asked = did_you_mean(name, self._asked)
                raise FormatError(f"the given choices do not use this parameter; {asked}", path=name, value=name)

    def _number(self, name: str, domain: Range) -> Any:
        value = self._given(name)
        if not domain.contains(value):
            raise FormatError(f"{value!r} is not in {domain.to_plain()}", path=name, value=value)
        return value

    def _given(self, name: str) -> Any:
        self._asked.add(name)
        if name not in self._params:
            raise FormatError("the parameter is missing", path=name)
        return self._params[name]
