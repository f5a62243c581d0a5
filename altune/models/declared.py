"""Parameters that need more than a type: numbers or words, and those of a user's own estimator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, ValidatorFunctionWrapHandler, WithJsonSchema

from altune.core.errors import RequestError
from altune.core.plain import plain


def number_or_word(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Validate a number or a word; the error is about the field, not about one branch of its type."""
    try:
        return check(value)
    except ValidationError as error:
        accepted = [str(line["msg"]).removeprefix("Input should be ") for line in error.errors(include_url=False)]
        raise ValueError(f"{value!r} is not accepted: it should be {', or '.join(accepted)}") from None


@dataclass(frozen=True)
class Choice:
    """Validator of a parameter with listed values; a list counts as the tuple of its items."""

    options: tuple[Any, ...]

    def __hash__(self) -> int:
        return hash(repr(self.options))  # an option may be a mapping or a list

    def position(self, value: Any) -> int | None:
        """Return the position of ``value`` among the options, None if it is not one; ``True`` is not ``1``."""
        value = _stored(plain(value))
        for position, option in enumerate(self.options):
            if isinstance(value, bool) == isinstance(option, bool) and value == _stored(option):
                return position
        return None

    def __call__(self, value: Any) -> Any:
        """Return the option that equals ``value``, or raise."""
        position = self.position(value)
        if position is None:
            raise ValueError(f"input should be one of {', '.join(map(repr, self.options))}")
        return self.options[position]

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the options."""
        kinds = {bool: "boolean", int: "integer", float: "number", str: "string", tuple: "array", dict: "object"}
        types = {kinds.get(type(option)) for option in self.options}
        kind = "number" if types == {"integer", "number"} else next(iter(types)) if len(types) == 1 else None
        return {"enum": list(self.options)} | ({"type": kind} if kind else {})


def _stored(value: Any) -> Any:
    """Return a value in the form that it has when it is read from JSON, with tuples for lists."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_stored, value))
    return {str(key): _stored(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def declared_field(name: str, declared: Any, value: Any) -> tuple[Any, Any]:
    """Return annotation and field of one parameter; ``value`` is the estimator's value, the default."""
    declared = plain(declared)
    kind = _number_kind(declared[0]) if isinstance(declared, (list, tuple)) and len(declared) == 3 else None
    if kind is not None:
        low, high = declared[1:]
        if not all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in (low, high)):
            raise RequestError(f"{name}: a range goes from number to number, not from {low!r} to {high!r}")
        if not low < high:
            raise RequestError(f"{name}: the range must go from low to high, not {low!r} to {high!r}")
        if isinstance(value, kind | int) and not isinstance(value, bool) and low <= value <= high:
            return kind, Field(default=value, ge=low, le=high)
        default = Field(default=None, ge=low, le=high, description=f"by default the estimator's own {value!r}")
        return kind | None, default
    numbers = isinstance(declared, tuple) and all(isinstance(option, (int, float)) for option in declared)
    if isinstance(declared, (list, tuple)) and not numbers and [option for option in declared if option is not None]:
        if None in declared and value is not None:
            raise RequestError(f"{name}: None is a choice only where it is the estimator's own value, not {value!r}")
        choice = Choice(tuple(option for option in declared if option is not None))
        annotation: Any = Annotated[Any, AfterValidator(choice), WithJsonSchema(choice.schema())]
        if value is not None and choice.position(value) is not None:
            return annotation, Field(default=value)
        default = Field(default=None, description=f"by default the estimator's own {value!r}")
        return annotation | None, default
    raise RequestError(f"{name}: declare (int, low, high), (float, low, high) or a list of choices, not {declared!r}")


def _number_kind(kind: Any) -> type | None:
    """Return int or float for a type of numbers, of Python or NumPy; None for anything else."""
    if not isinstance(kind, type) or issubclass(kind, bool):
        return None
    return int if issubclass(kind, Integral) else float if issubclass(kind, Real) else None
