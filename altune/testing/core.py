"""What all checks share: the error that they raise, the comparison of results, and the check of random state."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from altune.core.errors import AltuneError, FormatError, RequestError, reason_of
from altune.core.registry import Method, validate_fields

Check = tuple[str, Callable[[], None]]
"""A check's name and the check itself, which returns nothing or raises :class:`ContractError`."""
Checks = Mapping[str, Callable[[Any], None]]
"""Functions that check a method, by the name of the check."""

T = TypeVar("T")
MethodT = TypeVar("MethodT", bound=Method)


class ContractError(AltuneError):
    """A method breaks a rule that altune relies on.

    Parameters
    ----------
    method : the method that was checked.
    problem : what is wrong and what would be right.
    """

    def __init__(self, method: Method, problem: str) -> None:
        self.method = method
        self.problem = problem
        super().__init__(f"{method.knob} {method.method!r}: {problem}")

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.method, self.problem))


def require(method: Method, holds: object, problem: str) -> None:
    """Raise :class:`ContractError` with ``problem`` unless ``holds``."""
    if not holds:
        raise ContractError(method, problem)


def instance(method: MethodT | type[MethodT]) -> MethodT:
    """Return a method unchanged, or an instance of a class with every parameter at its default.

    Raises
    ------
    RequestError
        If the class has parameters without a default.
    """
    if isinstance(method, Method):
        return method
    try:
        return validate_fields(method, {})
    except FormatError as error:
        raise RequestError(f"{method.__name__} needs a value for {error.path!r}; pass an instance") from None


@contextmanager
def blaming(method: Method, doing: str) -> Iterator[None]:
    """Turn an error of a method into a :class:`ContractError`."""
    try:
        yield
    except ContractError:
        raise
    except Exception as error:
        raise ContractError(method, f"{doing} raised {reason_of(error)}") from error


def check_randomness(method: Method, doing: str, act: Callable[[], Any]) -> None:
    """Check that ``act``, which makes its own generators, is repeatable and leaves the global random state unchanged.

    It runs under two global states: a method that draws from them either changes them or gives two results.
    """
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        results = []
        for seed in (1, 2):
            np.random.seed(seed)  # noqa: NPY002
            random.seed(seed)
            before = _global_state()
            with blaming(method, doing):
                results.append(act())
            untouched = _global_state() == before
            require(method, untouched, f"{doing} drew from the global random state; draw from the given generator")
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
    same = alike(results[0], results[1])
    require(method, same, f"{doing} gave two results for one generator; draw all random numbers from it")


def _global_state() -> tuple[object, ...]:
    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002
    return (name, np.asarray(keys).tobytes(), *rest, random.getstate())


def alike(a: Any, b: Any) -> bool:
    """Return whether two results of arrays, sequences and plain values are equal; NaN equals NaN."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        a, b = np.asarray(a), np.asarray(b)
        return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=a.dtype.kind == b.dtype.kind == "f"))
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(alike(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)
