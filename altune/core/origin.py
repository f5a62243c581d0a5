"""Where code is from: a library, which its name and version identify, or the user's own files and notebooks."""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec, resolve_name
from pathlib import Path
from types import CodeType
from typing import Any

PYTHON = "python"
"""The name under which Python and its standard library count as one library."""
_LIBRARIES = frozenset({"altune", "numpy", "pandas", "scipy", "sklearn"})
"""Libraries wherever their files are."""
SCRIPTS = frozenset({"__main__", "__mp_main__"})
"""Modules that no other process can import."""
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_STANDARD = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))


def library_of(module: str | None) -> str:
    """Return the library that a module belongs to, empty if it is the user's own.

    >>> library_of("numpy.linalg"), library_of("json.decoder"), library_of("__main__")
    ('numpy', 'python', '')
    """
    top = (module or "").partition(".")[0]
    if top in _LIBRARIES or top in SCRIPTS:
        return top if top in _LIBRARIES else ""
    loaded = sys.modules.get(module or "") or sys.modules.get(top)
    file = getattr(loaded, "__file__", None)
    if file is None:
        return PYTHON if top in sys.builtin_module_names or _is_frozen(loaded) else ""
    if not _INSTALLED.isdisjoint(Path(file).parts):
        return top
    return PYTHON if file.startswith(_STANDARD) else ""


def own_files() -> dict[str, int]:
    """Return when the file of each of the user's own modules was last changed, by the name of the module."""
    files = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is not None and not library_of(name):
            with contextlib.suppress(OSError):
                files[name] = os.stat(file).st_mtime_ns
    return files


def find(module: str | None, qualified_name: str) -> Any:
    """Return what a qualified name refers to in a loaded module, None if there is nothing."""
    found: Any = sys.modules.get(module or "")
    for name in qualified_name.split("."):
        found = getattr(found, name, None)
    return found


def library_version(library: str) -> str:
    """Return the major and minor version of a library, such as ``"2.3"``; empty if it is not known."""
    if library == PYTHON:
        return ".".join(map(str, sys.version_info[:2]))
    text = getattr(sys.modules.get(library), "__version__", None)
    if not isinstance(text, str):
        try:
            text = version(library)
        except PackageNotFoundError:
            return ""
    return ".".join(text.split(".")[:2])


def own_imports(
    imports: tuple[tuple[int, str, tuple[str, ...]], ...], package: str | None
) -> Iterator[tuple[str, CodeType]]:
    """Yield the user's own modules among those that code imports when it runs, each with its compiled code.

    They are read from their files and not run, so that it does not matter whether they were imported before.

    Parameters
    ----------
    imports : level, name and names taken from each, see :class:`altune.core.bytecode.CodeFacts`.
    package : the package that relative names start from.
    """
    for level, name, taken in imports:
        try:
            full = resolve_name("." * level + name, package)
        except (ImportError, ValueError):
            continue
        for module in (full, *(f"{full}.{part}" for part in taken)):
            try:
                spec = find_spec(module)
                if spec is None or _of_library(spec):
                    continue
                code = SourceFileLoader(module, str(spec.origin)).get_code(module)
            except (ImportError, ValueError, AttributeError, SyntaxError, OSError):
                continue
            if code is not None:
                yield module, code


def _of_library(spec: Any) -> bool:
    if library_of(spec.name) or spec.origin in (None, "built-in", "frozen"):
        return True
    return not _INSTALLED.isdisjoint(Path(spec.origin).parts) or spec.origin.startswith(_STANDARD)


def _is_frozen(module: Any) -> bool:
    return getattr(getattr(module, "__spec__", None), "origin", None) in ("built-in", "frozen")
