"""What metrics and objectives of the user have in common: names, plugins, one number for an answer, and what they are.

They are known because Python code has registered them, or because an installed package offers them through an entry
point. Reading a scenario never imports what it names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from importlib.metadata import EntryPoint
from numbers import Real
from types import ModuleType
from typing import Any

import numpy as np

from altune.core.blame import calls_own_code, pass_on
from altune.core.errors import RequestError, WorkError, reason_of
from altune.core.plain import shown
from altune.core.plugins import load_plugins


def check_name(name: str, what: str, taken: Collection[str]) -> None:
    """Refuse a name that is no identifier in lower case, or that altune or scikit-learn has given already.

    >>> check_name("my_cost", "metric", ["accuracy"])
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise RequestError(
            f"{name!r} is not a name for {_article(what)}; use lower-case letters, digits and underscores"
        )
    if name in taken:
        raise RequestError(f"{name!r} is {_article(what)} already; choose another name")


def load_own(group: str, kind: type, function: str) -> None:
    """Import what installed packages offer in a group, which registers itself, once in each process.

    Parameters
    ----------
    group : group of entry points.
    kind : class of what they offer.
    function : name of the function that returns it, for messages.
    """

    def load(entry: EntryPoint) -> None:
        loaded = entry.load()
        if not isinstance(loaded, kind | ModuleType):
            raise RequestError(f"{entry.value} is {shown(loaded)}, not what {function} returns")

    load_plugins(group, load)


@calls_own_code("what")
def one_number(what: str, compute: Callable[[], Any]) -> float:
    """Return what a function of the user computes, which must be a finite number.

    Parameters
    ----------
    what : the function in a message, such as ``metric 'cost'``.
    compute : calls the function.

    Raises
    ------
    WorkError
        If the function fails, or returns anything else.
    """
    try:
        value = compute()
    except BaseException as error:
        pass_on(error)
        raise WorkError(f"{what} failed: {reason_of(error)}") from error
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    number = _as_float(value)
    if number is None:
        raise WorkError(f"{what} returned {_described(value)}; it must return one number")
    if not np.isfinite(number):
        raise WorkError(f"{what} returned {number}; it must return a finite number")
    return number


def _as_float(value: Any) -> float | None:
    """Return a value as a number, infinite where it is too large for one; None if it is none."""
    if not isinstance(value, Real | np.integer | np.floating):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf")
    except (TypeError, ValueError):
        return None


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return "nothing" if value is None else _article(type(value).__name__)


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
