"""The domain of a parameter: a fixed value, a range of numbers, or a choice of values."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol, get_origin

from altune.core.errors import FormatError, did_you_mean
from altune.core.plain import plain
from altune.core.registry import Method
from altune.core.yaml import MAX_INTEGER
from altune.recipes.recipe import leaf_types

_RANGE = ("low", "high", "log", "step")


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


@dataclass(frozen=True)
class Fixed:
    """A parameter with a fixed value."""

    value: Any

    def suggest(self, trial: SuggestingTrial, path: str) -> Any:
        """Return the value, which is not an Optuna parameter."""
        return self.value

    def to_plain(self) -> Any:
        """Return the value."""
        return self.value

    def contains(self, value: Any) -> bool:
        """Return whether a plain value is the fixed value."""
        return same(value, self.value)

    def count(self) -> int:
        """Return 1."""
        return 1


@dataclass(frozen=True)
class Range:
    """A range of integers or floats, including both ends.

    In Python it takes the place of ``{low: ..., high: ...}`` in a file.

    Attributes
    ----------
    low, high : the ends.
    log : whether values are drawn on a logarithmic scale.
    step : distance between neighbouring values, None for every value in between.
    whole : whether the parameter is an integer; a search space sets it from the declared type.

    Examples
    --------
    >>> from altune.recipes.space import Range, SearchSpace
    >>> space = SearchSpace.from_dict({"initial_sample": {"method": "random", "size": Range(5, 60, log=True)}})
    >>> space.to_dict()["initial_sample"]
    {'method': 'random', 'size': {'low': 5, 'high': 60, 'log': True}}
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False

    def suggest(self, trial: SuggestingTrial, path: str) -> int | float:
        """Ask Optuna for a number."""
        if self.whole:
            step = 1 if self.step is None else int(self.step)
            return trial.suggest_int(path, int(self.low), int(self.high), step=step, log=self.log)
        return trial.suggest_float(path, self.low, self.high, step=self.step, log=self.log)

    def to_plain(self) -> dict[str, Any]:
        """Return the range as it is written in a file."""
        optional = {"log": self.log or None, "step": self.step}
        return {"low": self.low, "high": self.high} | {
            key: value for key, value in optional.items() if value is not None
        }

    def contains(self, value: Any) -> bool:
        """Return whether a plain value is in the range, and on its grid if it has a step."""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not self.low <= value <= self.high:
            return False
        if self.whole and value != int(value):
            return False
        return self.step is None or _whole_steps(value - self.low, self.step)

    def count(self) -> int | None:
        """Return the number of values, None for floats without a step."""
        if self.step is None:
            return int(self.high) - int(self.low) + 1 if self.whole else None
        # Decimals, as in Optuna: 0.3 is three steps of 0.1.
        distance = Decimal(str(self.high)) - Decimal(str(self.low))
        return int(distance // Decimal(str(self.step))) + 1

    def each(self) -> Iterator[float]:
        """Yield every value, from low to high; none for floats without a step."""
        return (self._value(index) for index in range(self.count() or 0))

    def at(self, coordinate: float) -> float:
        """Return the value at a coordinate in [0, 1), which is the one that Optuna draws for this uniform number."""
        count = self.count()
        if self.log:
            half = 0.5 if self.whole else 0.0
            start, end = math.log(self.low - half), math.log(self.high + half)
            drawn = math.exp(start + coordinate * (end - start))
            return min(max(round(drawn) if self.whole else drawn, self.low), self.high)
        if count is None:
            return min(self.low + coordinate * (self.high - self.low), self.high)
        return self._value(int(coordinate * count))

    def _value(self, index: int) -> float:
        if self.whole:
            return int(self.low) + index * int(self.step or 1)
        return min(self.low + index * (self.step or 0.0), self.high)


@dataclass(frozen=True)
class Choices:
    """A choice of plain values. Optuna stores values that are not scalars as canonical JSON text.

    In Python it takes the place of ``{choices: [...]}`` in a file.
    """

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(self.values))

    def suggest(self, trial: SuggestingTrial, path: str) -> Any:
        """Ask Optuna for one of the values."""
        stored = [stored_choice(value) for value in self.values]
        return self.values[stored.index(trial.suggest_categorical(path, stored))]

    def to_plain(self) -> dict[str, Any]:
        """Return the choice as it is written in a file."""
        return {"choices": list(self.values)}

    def contains(self, value: Any) -> bool:
        """Return whether a plain value is one of the choices."""
        return any(same(value, choice) for choice in self.values)

    def count(self) -> int:
        """Return the number of values."""
        return len(self.values)

    def each(self) -> Iterator[Any]:
        """Yield every value, in order."""
        return iter(self.values)

    def at(self, coordinate: float) -> Any:
        """Return the value whose slice of [0, 1) contains a coordinate; all slices have equal size."""
        return self.values[int(coordinate * len(self.values))]


Domain = Fixed | Range | Choices


def stored_choice(value: Any) -> bool | int | float | str | None:
    """Return what Optuna stores for a choice: a scalar as it is, and any other value as canonical JSON text.

    >>> stored_choice(3), stored_choice([50, 20])
    (3, '[50,20]')
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return canonical(value)


def canonical(value: Any) -> str:
    """Return the canonical JSON text of a plain value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def same(value: Any, other: Any) -> bool:
    """Return whether two plain values are equal; a boolean never equals a number."""
    if isinstance(value, (int, float)) and isinstance(other, (int, float)):
        return isinstance(value, bool) == isinstance(other, bool) and value == other
    return canonical(value) == canonical(other)


def read_domain(cls: type[Method], parameter: str, value: Any, path: str) -> Domain:
    """Read the domain of a parameter from a file.

    Raises
    ------
    FormatError
        At ``path``, if a range or choice is not well formed or does not fit the declared type.
    """
    value = plain(value.to_plain() if isinstance(value, (Range, Choices)) else value)
    kinds = leaf_types(cls.model_fields[parameter].annotation)
    takes_mapping = any(isinstance(get_origin(kind) or kind, type) and _is_mapping(kind) for kind in kinds)
    if not isinstance(value, Mapping) or (takes_mapping and not _looks_open(value)):
        return Fixed(value)
    if "choices" in value:
        return _read_choices(value, path)
    for key in value:
        if key not in _RANGE:
            accepted = (*_RANGE, "choices")
            raise FormatError(f"a range has no field {key!r}; {did_you_mean(key, accepted)}", path=path, value=key)
    for key in ("low", "high"):
        if key not in value:
            raise FormatError(f"the range lacks {key!r}; write {{low: ..., high: ...}}", path=path, value=value)
    if float in kinds:
        return _read_range(value, whole=False, path=path)
    if int in kinds:
        return _read_range(value, whole=True, path=path)
    raise FormatError(
        f"{parameter!r} is not a number, so it has no range; write {{choices: [...]}}",
        path=path,
        value=dict(value),
    )


def _read_choices(value: Mapping[str, Any], path: str) -> Choices:
    extra = [key for key in value if key != "choices"]
    if extra:
        raise FormatError(f"a choice has no field {extra[0]!r} beside `choices`", path=path, value=extra[0])
    choices = value["choices"]
    if not isinstance(choices, (list, tuple)):
        raise FormatError(f"choices must be a list, not {choices!r}", path=path, value=choices)
    if not choices:
        raise FormatError("choices is empty; give at least one value", path=path, value=choices)
    return Choices(tuple(choices))


def _read_range(value: Mapping[str, Any], *, whole: bool, path: str) -> Domain:
    low, high = (_number(value[key], key, whole, path) for key in ("low", "high"))
    log = value.get("log", False)
    if not isinstance(log, bool):
        raise FormatError(f"log must be true or false, not {log!r}", path=path, value=log)
    step = None if value.get("step") is None else _number(value["step"], "step", whole, path)
    if low > high:
        raise FormatError(f"low {low} is above high {high}", path=path, value=low)
    if log and low <= 0:
        raise FormatError(f"a logarithmic range needs low above 0, not {low}", path=path, value=low)
    if step is not None:
        _check_step(low, high, step, log, path)
    return Fixed(low) if low == high else Range(low, high, log, step, whole)


def _check_step(low: float, high: float, step: float, log: bool, path: str) -> None:
    if log:
        raise FormatError("step and log exclude each other; leave out one of them", path=path, value=step)
    if step <= 0:
        raise FormatError(f"step must be above 0, not {step}", path=path, value=step)
    if not math.isfinite((high - low) / step):
        raise FormatError(f"step {step} is too small for a range from {low} to {high}", path=path, value=step)
    if not _whole_steps(high - low, step):
        reached = low + step * math.floor((high - low) / step)
        raise FormatError(
            f"steps of {step} from {low} do not reach high {high}; the last value is {reached:g}",
            path=path,
            value=high,
        )


def _number(value: Any, key: str, whole: bool, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= sys.float_info.max:
        raise FormatError(f"{key} must be a number, not {value!r}", path=path, value=value)
    if not whole:
        return float(value)
    if value != int(value):
        raise FormatError(f"{key} must be an integer, not {value!r}", path=path, value=value)
    if abs(value) > MAX_INTEGER:
        raise FormatError(f"{key} {value:g} is too large", path=path, value=value)
    return int(value)


def _whole_steps(distance: float, step: float) -> bool:
    n = distance / step
    return math.isfinite(n) and math.isclose(n, round(n), rel_tol=1e-9, abs_tol=1e-9)


def _looks_open(value: Mapping[str, Any]) -> bool:
    return bool(value) and ("choices" in value or {"low", "high"} <= set(value)) and set(value) <= {*_RANGE, "choices"}


def _is_mapping(kind: Any) -> bool:
    return issubclass(get_origin(kind) or kind, Mapping)
