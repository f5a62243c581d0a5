"""Arguments of public functions: plain values of the declared kind, or one line that says what would be right.

The annotation of a parameter is its rule. ``int`` takes every whole number, of NumPy too, but no truth value; a list
takes anything that can be listed, and a single item; a path knows ``~``; None means the default. Types of altune
and ``Any`` are left to the function.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import inspect
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import Any, TypeVar, cast

from altune.core.deprecations import KEYWORDS, new_keywords
from altune.core.errors import RequestError
from altune.core.plain import home_path, plain, shown
from altune.core.system_errors import system_errors

MOST = 10**9
"""Largest number of anything but a seed."""
MOST_SEED = 2**128 - 1
_OTHER_NAMES = {
    "random_state": "seed",
    "n_trial": "n_trials",
    "max_iter": "n_trials",
    "n_iter": "n_trials",
    "cv": "n_blocks",
    "n_seeds": "n_blocks",
    "scoring": "metric",
    "estimator": "model",
    "label_price": "price_per_label",
    "loop_price": "price_per_loop",
    "hour_price": "price_per_hour",
    "verbose": "progress",
    "quiet": "progress",
    "folder": "out",
    "path": "out",
}
"""Names of other libraries and of the command line, and what they are called here."""
_ALIASES = {
    "AnyData": "Any",
    "AnyRecipe": "Any",
    "AnyScenario": "Any",
    "AnySpace": "Any",
    "Embedding": "str",
    "Parameters": "Mapping[str, Any]",
    "PostHoc": "str",
    "Projection": "str",
    "TakenRows": "str",
}
"""Names of types in annotations, and how their values are checked; the functions check them further."""
_PROTOCOLS = ("Observer", "SweepObserver")
_LISTS = ("Sequence", "list", "tuple", "Iterable")
_WORDS = {
    "int": "an integer",
    "float": "a number",
    "bool": "True or False",
    "str": "text",
    "Path": "a path",
    "None": "None",
}

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
ClassT = TypeVar("ClassT", bound=type)


class _Wrong(Exception):
    """A value is not of the kind that an annotation asks for."""


def plain_arguments(also: Callable[[], Iterable[str]] = tuple) -> Callable[[FunctionT], FunctionT]:
    """Return a decorator by which a function, also the ``__init__`` of a class, takes its arguments as plain values.

    Keywords by their old names are accepted too.

    Parameters
    ----------
    also : names that its ``**keywords`` accept.

    Raises
    ------
    RequestError
        By the function: for an unknown, missing or further argument, and for a value of another kind.

    Examples
    --------
    >>> @plain_arguments()
    ... def play(n_blocks: "int" = 5, rungs: "tuple[float, ...]" = ()) -> object:
    ...     return n_blocks, rungs
    >>> import numpy as np
    >>> play(np.int64(3), rungs=0.5)
    (3, (0.5,))
    >>> play(blocks_=3)
    Traceback (most recent call last):
    altune.core.errors.RequestError: play() has no argument 'blocks_'; did you mean 'n_blocks'?
    """

    def decorate(function: FunctionT) -> FunctionT:
        parameters = inspect.signature(function).parameters
        name = function.__qualname__.removesuffix(".__init__")

        @functools.wraps(function)
        def wrapper(*given: Any, **keywords: Any) -> Any:
            if keywords.keys() & KEYWORDS.keys() - parameters.keys():
                keywords = new_keywords(keywords)
            bound = _bound(name, parameters, given, keywords, also)
            with system_errors():
                return function(**bound)

        return cast(FunctionT, wrapper)

    return decorate


def plain_fields(cls: ClassT) -> ClassT:
    """Make the constructor of a class take its arguments as :func:`plain_arguments` does."""
    setattr(cls, "__init__", plain_arguments()(getattr(cls, "__init__")))  # noqa: B009, B010  (mypy)
    return cls


def _bound(
    function: str,
    parameters: Mapping[str, inspect.Parameter],
    given: tuple[Any, ...],
    keywords: Mapping[str, Any],
    also: Callable[[], Iterable[str]],
) -> dict[str, Any]:
    """Return the arguments of a call by name."""
    named = {name: each for name, each in parameters.items() if each.kind is not inspect.Parameter.VAR_KEYWORD}
    positional = [name for name, each in named.items() if each.kind is not inspect.Parameter.KEYWORD_ONLY]
    if len(given) > len(positional):
        shown = [name for name in positional if name != "self"]
        without = f"only {', '.join(shown)}" if shown else "none of them"
        raise RequestError(f"{function}() takes {without} by position; give the other arguments by name")
    bound = dict(zip(positional, given, strict=False))
    for name in keywords:
        if name in bound:
            raise RequestError(f"{function}() got {name} twice, by position and by name; give it once")
        if name not in named and (len(named) == len(parameters) or name not in (known := tuple(also()))):
            accepted = [*(each for each in named if each != "self"), *([] if len(named) == len(parameters) else known)]
            raise RequestError(f"{function}() has no argument {name!r}; {_nearest(name, accepted)}")
        bound[name] = keywords[name]
    for name, parameter in named.items():
        if name not in bound and parameter.default is inspect.Parameter.empty:
            raise RequestError(f"{function}() needs {name}; give it")
        if name in bound and parameter.annotation is not inspect.Parameter.empty:
            bound[name] = checked(name, bound[name], str(parameter.annotation).strip("'"), parameter.default)
    return bound


def _nearest(name: str, accepted: list[str]) -> str:
    near = difflib.get_close_matches(name, accepted, n=1, cutoff=0.6)
    if other := _OTHER_NAMES.get(name):
        near = [other] if other in accepted else near
    near = near or [each for each in accepted if name in each.split("_")][:1]
    return f"did you mean {near[0]!r}?" if near else f"its arguments are {', '.join(sorted(accepted))}"


def checked(name: str, value: Any, annotation: str, default: Any = inspect.Parameter.empty) -> Any:
    """Return the plain value of an argument by its annotation.

    Raises
    ------
    RequestError
        If it is of another kind.

    >>> checked("seed", 3.0, "int | None")
    3
    """
    kinds = _kinds(annotation)
    if "Any" in kinds:
        return value
    if value is None:
        if "None" in kinds or default is inspect.Parameter.empty:
            return None if "None" in kinds else _refuse(name, value, kinds)
        return default
    with contextlib.suppress(_Wrong):
        return _of_kind(value, kinds, name)
    return _refuse(name, value, kinds)


def _refuse(name: str, value: Any, kinds: tuple[str, ...]) -> Any:
    words = [_in_words(kind) for kind in kinds]
    if name.endswith("timeout"):
        words[0] = "a number of seconds"
    raise RequestError(f"{name} must be {' or '.join(words)}, not {shown(value)}")


def _in_words(kind: str) -> str:
    outer, inner = _parts(kind)
    if outer in _LISTS:
        return f"a list of {' or '.join(_plural(each) for each in _kinds(inner.removesuffix(', ...')))}"
    if outer == "Literal":
        return inner
    if outer in ("Callable", "Callback"):
        return "a function"
    return "a mapping" if outer == "Mapping" else _WORDS.get(kind, f"a {kind}")


def _plural(kind: str) -> str:
    return {"int": "integers", "float": "numbers", "str": "texts", "Path": "paths"}.get(kind, f"{_parts(kind)[0]}s")


@functools.cache
def _kinds(annotation: str) -> tuple[str, ...]:
    """Return the members of a union, as they are written.

    >>> _kinds("int | dict[str, int | None] | None")
    ('int', 'dict[str, int | None]', 'None')
    """
    members, depth = [""], 0
    for character in annotation:
        depth += (character == "[") - (character == "]")
        if character == "|" and not depth:
            members.append("")
        else:
            members[-1] += character
    return tuple(_ALIASES.get(member.strip(), member.strip()) for member in members)


def _parts(kind: str) -> tuple[str, str]:
    outer, _, inner = kind.partition("[")
    return outer, inner.removesuffix("]")


def _of_kind(value: Any, kinds: tuple[str, ...], name: str) -> Any:
    if any(kind in _PROTOCOLS and _matches(value, kind) for kind in kinds):
        return value  # whatever else it seems to be: an object may answer to every name
    if isinstance(value, str) and "Path" in kinds:
        return home_path(value, name)
    if isinstance(value, PathLike):
        if "Path" in kinds:
            return home_path(value, name)
        if "str" not in kinds:
            raise _Wrong
    if not isinstance(value, Mapping):
        value = plain(value)
    if not isinstance(value, (bool, int, float, str, list, tuple, Mapping)):
        return _object(value, kinds)
    listed = next((kind for kind in kinds if _parts(kind)[0] in _LISTS), None)
    if isinstance(value, Mapping):
        if any(_parts(kind)[0] == "Mapping" for kind in kinds):
            return value
        raise _Wrong
    if isinstance(value, (list, tuple)):
        if listed is None:
            raise _Wrong
        inner = _kinds(_parts(listed)[1].removesuffix(", ..."))
        return tuple(value if "Any" in inner else (_of_kind(item, inner, name) for item in value))
    for kind in kinds:
        found = _scalar(value, kind, kinds, name)
        if found is not None:
            return found
    if listed is not None:
        return (_of_kind(value, _kinds(_parts(listed)[1].removesuffix(", ...")), name),)
    if name.endswith("timeout") and value == math.inf:
        return None
    raise _Wrong


def _object(value: Any, kinds: tuple[str, ...]) -> Any:
    """Return an object that an annotation may mean: by the name of its class, or a function; protocols take any."""
    for kind in kinds:
        outer, inner = _parts(kind)
        if outer in _LISTS and inner:
            if any(_matches(value, each) for each in _kinds(inner.removesuffix(", ..."))):
                return (value,)
        elif _matches(value, kind):
            return value
    raise _Wrong


def _matches(value: Any, kind: str) -> bool:
    outer = _parts(kind)[0]
    if outer in ("Callable", "Callback"):
        return callable(value)
    if kind in _PROTOCOLS:
        return callable(getattr(value, "say", None))
    return kind == "Any" or any(cls.__name__ == outer for cls in type(value).__mro__)


def _scalar(value: Any, kind: str, kinds: tuple[str, ...], name: str) -> Any:
    """Return a plain value as one of a kind, None if it is none."""
    if kind == "bool":
        return bool(value) if isinstance(value, bool) or value in (0, 1) else None
    if kind == "str":
        return value if isinstance(value, str) else None
    if _parts(kind)[0] == "Literal":
        return value if repr(value) in _parts(kind)[1].replace('"', "'").split(", ") else None
    if kind in ("int", "float"):
        return _numeric(value, kind, "str" in kinds, name)
    return None


def _numeric(value: Any, kind: str, text: bool, name: str) -> Any:
    if isinstance(value, str) and not text:
        try:
            value = float(value) if kind == "float" else int(value)
        except ValueError:
            return None
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or (isinstance(value, float) and not math.isfinite(value))
    ):
        return None
    if (kind == "float" and abs(value) > sys.float_info.max) or (kind == "int" and value != int(value)):
        return None
    value = int(value) if kind == "int" else value
    most = MOST_SEED if name == "seed" else MOST
    if abs(value) > most and kind == "int":
        raise RequestError(f"{name} must be at most {most}, not {shown(value)}")
    return value
