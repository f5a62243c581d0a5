"""The base of everything that files describe: recipes' methods, scenarios and annotators."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.functional_validators import ModelWrapValidatorHandler

from altune.core.errors import AltuneError, FormatError, did_you_mean, join_path
from altune.core.plain import plain, shown

MOST = 10**15
"""Largest integer of a field."""


class PlainModel(BaseModel):
    """A frozen description whose fields are plain values, and whose errors are one line.

    ``what`` says in messages what it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    what: ClassVar[str] = ""

    def __init__(self, /, *values: Any, **fields: Any) -> None:
        what = self.what or str(fields.get("method", type(self).__name__))
        if values:
            raise FormatError(f"{what} takes its fields by name, such as {next(iter(type(self).model_fields))}=...")
        refuse_unknown_fields(type(self), fields, what)
        try:
            super().__init__(**{name: self._given(name, value) for name, value in fields.items()})
        except ValidationError as error:
            raise explain_validation(error) from None
        except AltuneError:
            raise
        except Exception as error:  # of a validator of the user's
            raise FormatError(f"{what} cannot be made: {type(error).__name__}: {error}") from error

    @model_validator(mode="wrap")
    @classmethod
    def _text_as_keys(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Read a mapping within another one, whose keys need not be text as those of arguments are."""
        return handler({str(name): item for name, item in value.items()} if isinstance(value, dict) else value)

    @classmethod
    def _given(cls, name: str, value: Any) -> Any:
        """Return the plain value of a field, which a single item may stand for; a truth value is no number."""
        value, annotation = plain(value), cls.model_fields[name].annotation
        if (
            isinstance(value, bool)
            and {int, float} & set(leaf_types(annotation))
            and bool not in leaf_types(annotation)
        ):
            raise FormatError(f"{value!r} is not accepted: give a number", path=name, value=value)
        if isinstance(value, int) and abs(value) > MOST:
            raise FormatError(f"{shown(value)} is too large: give at most {MOST}", path=name, value=value)
        takes_list = get_origin(annotation) is tuple
        return (value,) if takes_list and not isinstance(value, (list, tuple, type(None))) else value


def as_fields(given: Any, what: str) -> dict[str, Any]:
    """Return the fields of a mapping by name, as plain values.

    Raises
    ------
    FormatError
        If it is no mapping.
    """
    if not isinstance(given, Mapping):
        raise FormatError(f"{what} is a mapping of its fields, not {shown(given)}", value=given)
    return {str(name): plain(value) for name, value in given.items()}


def leaf_types(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a declared type, without ``Annotated`` and ``Optional``.

    >>> leaf_types(int | None)
    (<class 'int'>,)
    """
    if get_origin(annotation) is Annotated:
        return leaf_types(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(leaf for member in get_args(annotation) for leaf in leaf_types(member))
    return () if annotation is type(None) else (annotation,)


def refuse_unknown_fields(cls: type[BaseModel], given: Any, what: str, path: str = "") -> None:
    """Refuse names that are no fields of a model, and name those it has."""
    for key in given:
        if key not in cls.model_fields:
            accepted = [name for name in cls.model_fields if name != "method"]
            listed = did_you_mean(key, accepted) if accepted else "it has none"
            word = "parameter" if "method" in cls.model_fields else "field"
            raise FormatError(
                f"{what} has no {word} {key!r}; {listed}", path=join_path(path, str(key)), value=key, accepted=accepted
            )


def explain_validation(error: ValidationError, path: str = "") -> FormatError:
    """Return the first error of a pydantic report as one line with path, value and what would be right."""
    first = error.errors(include_url=False)[0]
    cause = first.get("ctx", {}).get("error")
    for step in first["loc"]:
        path = join_path(path, f"[{step}]" if isinstance(step, int) else str(step))
    if isinstance(cause, FormatError):
        return cause.within(path=path)
    message = first["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    value = first["input"]
    if isinstance(cause, Exception):
        return FormatError(str(cause), path=path, value=value)
    return FormatError(f"{shown(value)} is not accepted: {message}", path=path, value=value)
