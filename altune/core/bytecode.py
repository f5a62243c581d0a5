"""What compiled code does, as a hash, and which names outside of itself it reads.

Code is compared as compiled, so comments, blank lines, docstrings and the place in a file do not count. Each minor
version of Python compiles in its own way.
"""

from __future__ import annotations

import dis
import functools
import hashlib
from collections.abc import Iterator
from inspect import CO_OPTIMIZED
from types import CodeType
from typing import Any, NamedTuple

_IN_BETWEEN = frozenset({"EXTENDED_ARG", "PUSH_NULL", "CACHE", "PRECALL"})
_CHANGING = frozenset({"STORE_SUBSCR", "DELETE_SUBSCR", "STORE_ATTR", "DELETE_ATTR"})
_MUTATORS = frozenset(
    {"add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "popleft", "remove"}
    | {"setdefault", "update"}
)
"""Methods of containers that change them."""
_NOT_OF_A_CLASS = frozenset({"__doc__", "__module__", "__qualname__", "__firstlineno__", "__static_attributes__"})
"""Names in the body of a class that say where it is, not what it does."""


class CodeFacts(NamedTuple):
    """What there is to know of compiled code, including the code nested in it.

    Attributes
    ----------
    digest : hash of what it does.
    reads : names outside of it that it reads, each with the attributes that it takes of it: ``("np", "log")``.
    imports : modules that it imports when it runs: level, name and names taken from it.
    changes : names outside of it, or attributes, that it changes: a cache or a counter is no part of what it does.
    """

    digest: bytes
    reads: tuple[tuple[str, ...], ...]
    imports: tuple[tuple[int, str, tuple[str, ...]], ...]
    changes: frozenset[str]


@functools.lru_cache(maxsize=4096)
def read_code(code: CodeType) -> CodeFacts:
    """Return the facts of compiled code."""
    digest = hashlib.blake2b(digest_size=16)
    reads: dict[tuple[str, ...], None] = {}
    imports: dict[tuple[int, str, tuple[str, ...]], None] = {}
    changes: set[str] = set()
    for part in _parts(code):
        text = repr(part).encode("utf-8", "surrogatepass")
        digest.update(len(text).to_bytes(8, "little") + text)
    for inner in _all_code(code):
        steps = [step for step in dis.get_instructions(inner) if step.opname not in _IN_BETWEEN]
        reads |= dict.fromkeys(_names_read(steps))
        imports |= dict.fromkeys(_imported(steps))
        changes |= set(_names_changed(steps, inner))
    return CodeFacts(digest.digest(), tuple(reads), tuple(imports), frozenset(changes))


def _parts(code: CodeType) -> Iterator[Any]:
    yield code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags
    yield code.co_varnames, code.co_cellvars, code.co_freevars, code.co_exceptiontable
    if code.co_flags & CO_OPTIMIZED:  # a function
        yield code.co_code, code.co_names
        docstring = _docstring(code)
        yield from (constant_text(constant) for constant in code.co_consts if constant is not docstring)
        return
    # The bodies of classes and modules also hold where they are, between what they do.
    steps = list(dis.get_instructions(code))
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if following is None or following.opname != "STORE_NAME" or following.argval not in _NOT_OF_A_CLASS:
            yield step.opname, constant_text(step.argval) if step.opname == "LOAD_CONST" else step.argval


def _docstring(code: CodeType) -> object:
    """Return the constant that is nothing but the docstring of a function, else something that is no constant."""
    if not code.co_consts or not isinstance(code.co_consts[0], str):
        return code
    used = any(step.arg == 0 and "CONST" in step.opname for step in dis.get_instructions(code))
    return code if used else code.co_consts[0]


def constant_text(constant: object) -> str:
    """Return a text of a constant that is the same in each process; code is replaced by its hash."""
    if isinstance(constant, CodeType):
        return f"code {constant.co_name} {read_code(constant).digest.hex()}"
    if isinstance(constant, tuple):
        return f"tuple {[constant_text(item) for item in constant]}"
    if isinstance(constant, frozenset):
        return f"frozenset {sorted(constant_text(item) for item in constant)}"
    return f"{type(constant).__name__} {constant!r}"


def _all_code(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _all_code(constant)


def _names_read(steps: list[dis.Instruction]) -> Iterator[tuple[str, ...]]:
    chain: tuple[str, ...] = ()
    for step in steps:
        if chain and step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            chain = (*chain, step.argval)
            continue
        if chain:
            yield chain
        chain = (step.argval,) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS") else ()
    if chain:
        yield chain


def _names_changed(steps: list[dis.Instruction], code: CodeType) -> Iterator[str]:
    """Yield what is assigned to, or to what is inside of it, or has a method called that changes it."""
    # An assignment to a part of a name begins where the name itself does.
    targets = {_start(step) for step in steps if step.opname in _CHANGING} - {None}
    inside = (*code.co_freevars, *code.co_cellvars)
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL") or (step.opname == "STORE_DEREF" and step.argval in inside):
            yield step.argval
        attribute = following is not None and following.opname in ("LOAD_ATTR", "LOAD_METHOD")
        if following is not None and step.opname.startswith(("LOAD_GLOBAL", "LOAD_DEREF", "LOAD_NAME", "LOAD_ATTR")):
            assigned = _start(step) in targets and not (attribute and _start(following) == _start(step))
            if assigned or (attribute and following.argval in _MUTATORS):
                yield str(step.argval)


def _start(step: dis.Instruction) -> tuple[int, int] | None:
    place = step.positions
    return None if place is None or None in (place.lineno, place.col_offset) else (place.lineno, place.col_offset)  # type: ignore[return-value]


def _imported(steps: list[dis.Instruction]) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    for index, step in enumerate(steps):
        if step.opname == "IMPORT_NAME":  # the level and the names were loaded just before
            level, names = (previous.argval for previous in steps[index - 2 : index])
            yield level, step.argval, tuple(names or ())
