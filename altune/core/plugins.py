"""Plugins: what installed packages offer through groups of entry points.

A plugin that is broken is left out and reported in one line: it may belong to another project, and a search that does
not use it must not end because of it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, distributions, entry_points
from typing import Any

from altune.core.errors import AltuneWarning, RequestError, reason_of
from altune.core.standard_streams import Marked


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that cannot be used.

    Attributes
    ----------
    group, name, target : the entry point; name and target are empty if they cannot be read.
    package : name and version of the package.
    reason : the error in one line.
    """

    group: str
    name: str
    target: str
    package: str
    reason: str

    def __str__(self) -> str:
        what = f"the plugin {self.name!r}" if self.name else "the list of plugins"
        return f"{what} of {self.package} ({self.group}) is broken: {self.reason}"


class BrokenPluginError(RequestError):
    """A plugin cannot be used."""

    def __init__(self, plugin: BrokenPlugin) -> None:
        self.plugin = plugin
        super().__init__(str(plugin))

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.plugin,))


_begun: dict[str, list[BrokenPlugin]] = {}
_finished: set[str] = set()
_lock = threading.RLock()


def load_plugins(group: str, load: Callable[[EntryPoint], object]) -> None:
    """Load the plugins of a group, once in each process, and warn of each one that is broken.

    Parameters
    ----------
    group : group of entry points.
    load : loads an entry point and checks what it offers; it may raise anything.
    """
    if group in _finished:
        return
    with _lock:  # reentrant: a plugin may ask for the methods that are known when it is imported
        if group in _begun:
            return
        broken = _begun[group] = []
        try:
            for entry in plugin_entries(group, broken):
                try:
                    load_plugin(entry, load)
                except BrokenPluginError as error:
                    broken.append(error.plugin)
        except BaseException:
            del _begun[group]
            raise
        _finished.add(group)
    if multiprocessing.parent_process() is None:  # the owner of a worker process has reported them already
        for plugin in broken:
            warnings.warn(f"{plugin}; altune continues without it", AltuneWarning, stacklevel=3)


def load_plugin(entry: EntryPoint, load: Callable[[EntryPoint], Any] = EntryPoint.load) -> Any:
    """Load one entry point and return what ``load`` returns; what it prints meanwhile goes to standard error, marked.

    Raises
    ------
    BrokenPluginError
        If that raises anything, ``SystemExit`` included.
    """
    try:
        if getattr(entry.pattern.match(entry.value), "group", None) is None:
            raise RequestError(f"its target {entry.value!r} is not of the form module:name")
        marked = Marked(sys.stdout, sys.stderr, lambda depth: f"plugin {entry.name!r}")
        with contextlib.redirect_stdout(marked):
            return load(entry)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        package = f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "an unknown package"
        plugin = BrokenPlugin(entry.group, entry.name, entry.value, package, reason_of(error))
        raise BrokenPluginError(plugin) from error


def plugin_entries(group: str, broken: list[BrokenPlugin] | None = None) -> list[EntryPoint]:
    """Return the entry points of a group.

    Parameters
    ----------
    group : group of entry points.
    broken : receives the packages whose entry points cannot be read.
    """
    try:
        return list(entry_points(group=group))
    except Exception:  # one damaged file hides the entry points of all packages
        return list(_readable_entries(group, [] if broken is None else broken))


def _readable_entries(group: str, broken: list[BrokenPlugin]) -> Iterator[EntryPoint]:
    seen = set()
    for package in distributions():
        if package.name not in seen:
            seen.add(package.name)
            try:
                yield from package.entry_points.select(group=group)
            except Exception as error:
                broken.append(BrokenPlugin(group, "", "", f"{package.name} {package.version}", reason_of(error)))


def broken_plugins(group: str) -> tuple[BrokenPlugin, ...]:
    """Return the broken plugins of a group that was loaded."""
    return tuple(_begun.get(group, ()))


def broken_hint(group: str, name: object) -> str:
    """Return words for an error about an unknown name, empty if no broken plugin may have offered it.

    Parameters
    ----------
    group : group of entry points.
    name : the unknown name; a broken plugin with this name is named, otherwise any other.
    """
    broken = broken_plugins(group)
    named = [plugin for plugin in broken if plugin.name == name] or broken
    return f"{named[0]}; " if named else ""


def forget_plugins(group: str) -> None:
    """Load the plugins of a group again when they are next needed; for tests and notebooks."""
    with _lock:
        _begun.pop(group, None)
        _finished.discard(group)
