"""The stored formats, each with a number of its own; each has one reader, which reads every number up to its own.

A format's number changes when the meaning of what is stored changes, whatever the version of altune. New optional
fields need no new number.
"""

from __future__ import annotations

import functools
from importlib.metadata import PackageNotFoundError, version

RECIPE_FORMAT = 1
"""``version`` in the YAML of recipes, search spaces and scenarios."""

STUDY_FORMAT = 2
"""``format`` in the header of a study; 1 had no such field and other names (:mod:`altune.tuning.header`)."""

TRAJECTORY_FORMAT = "0.1.0"
"""First part of the key of a stored trajectory. It is what altune 0.1.0 wrote, and stays while a trajectory means the same."""

LIBRARIES = ("numpy", "scikit-learn")
"""Libraries whose versions may change a trajectory."""


@functools.cache
def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that results depend on, without their last part: ``{"numpy": "2.3", ...}``."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = ".".join(version(name).split(".")[:2])
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def changed_libraries(stored: dict[str, str]) -> str:
    """Return which libraries differ from those that something was stored with, in words; empty where none does.

    What was stored without versions was written by altune 0.1.0 and counts as unchanged.
    """
    now = library_versions()
    return ", ".join(f"{name} {old} (now {now[name]})" for name, old in stored.items() if now.get(name, old) != old)
