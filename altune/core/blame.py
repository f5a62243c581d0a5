"""Which method of a recipe is at work, and an exception of it in one line.

Methods, estimators, metrics and objectives may be the user's, and may raise anything. The frames that an exception went
through say whose it is, so that nothing has to be noted while they run.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType
from typing import Any, Protocol, TypeVar

from altune.core.errors import Interruption, reason_of

FunctionT = TypeVar("FunctionT", bound=Callable[..., object])
MOST_DETAILS = 20_000
"""Most characters of a traceback that are kept."""


_named: dict[CodeType, str] = {}


def calls_own_code(name: str) -> Callable[[FunctionT], FunctionT]:
    """Return a decorator of a function that calls code of the user which is no method, such as a metric.

    Parameters
    ----------
    name : the local variable of the function that is the name of this code, or an object whose class is.
    """

    def decorated(function: FunctionT) -> FunctionT:
        if isinstance(function, FunctionType):
            _named[function.__code__] = name
        return function

    return decorated


def failed(error: BaseException, loop: int | None = None) -> tuple[str, str]:
    """Return what code of a recipe has raised, in one line, and its traceback.

    Parameters
    ----------
    error : what was raised.
    loop : number of the loop, None where there is none.

    Raises
    ------
    BaseException
        The error itself, if it interrupts altune: Ctrl-C, or what altune has raised in the code.
    """
    pass_on(error)
    method = _method_in(error)
    line = reason_of(error)
    if "read-only" in line and isinstance(error, ValueError):
        line = f"it changed an array that it may only read ({line})"
    if method is not None and method.method not in line:
        line = f"{method.knob} {method.method!r}{'' if loop is None else f' in loop {loop}'}: {line}"
    import traceback

    return line, "".join(traceback.format_exception(error))[-MOST_DETAILS:]


def pass_on(error: BaseException) -> None:
    """Raise an error that interrupts altune, and no other one."""
    if isinstance(error, (KeyboardInterrupt, Interruption)):
        raise error


def at_work(depth: int = 1) -> str:
    """Return the method that is at work in this thread, such as ``model 'mine'``; empty without any.

    Parameters
    ----------
    depth : number of callers to leave out.
    """
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        if (method := _method_of(frame)) is not None:
            return f"{method.knob} {method.method!r}"
        if (name := _named.get(frame.f_code)) is not None:
            named = frame.f_locals[name]
            return named if isinstance(named, str) else type(named).__name__
        frame = frame.f_back
    return ""


def _method_in(error: BaseException) -> _Method | None:
    """Return the innermost method that an exception went through."""
    method, trace = None, error.__traceback__
    while trace is not None:
        method, trace = _method_of(trace.tb_frame) or method, trace.tb_next
    return method


def _method_of(frame: FrameType) -> _Method | None:
    owner: Any = frame.f_locals.get("self")
    # looked up without asking the class, which may be anyone's
    knob = inspect.getattr_static(type(owner), "knob", None)
    if not (isinstance(knob, str) and knob):
        return None
    method: _Method | None = owner if isinstance(getattr(owner, "method", None), str) else None
    return method


class _Method(Protocol):
    """What this module needs of :class:`altune.core.registry.Method`, which imports it."""

    knob: str
    method: str
