"""The stored formats. Each has its own number, and one reader that reads every number up to the current one.

The number of a format changes when the meaning of what is stored changes, independent of the version of altune. A new
optional field needs no new number. The readers are :func:`altune.core.files.check_keys` with the classes of recipes and
search spaces, :class:`altune.simulation.scenario.Scenario`, :mod:`altune.tuning.header` for studies, and
:meth:`altune.simulation.curve.LearningCurve.from_dict`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

RECIPE_FORMAT = 1
"""``version`` in the YAML of recipes, search spaces and scenarios."""

STUDY_FORMAT = 3
"""``format`` in the header of a study. Format 1 had no such field, and other names. Until format 2, each trial was
played on the same number of blocks."""

CURVE_FORMAT = 2
"""``format`` of a stored learning curve. Format 1 had no such field, and other names."""

TRAJECTORY_FORMAT = "0.1.0"
"""First part of the key of a stored trajectory. It changes only when a recipe would be simulated differently."""

LIBRARIES = ("numpy", "scikit-learn")
"""Libraries whose versions may change the result of a simulation."""


@functools.cache
def library_versions() -> dict[str, str]:
    """Return the major and minor versions of the libraries that results depend on, such as ``{"numpy": "2.3"}``."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = ".".join(version(name).split(".")[:2])
        except PackageNotFoundError:
            versions[name] = "unknown"
    return versions


def changed_libraries(stored: Mapping[str, str], current: Mapping[str, str] | None = None) -> str:
    """Return a text that names the libraries whose versions differ from the stored ones; empty if none does.

    altune 0.1.0 stored no versions, so a library without a stored version counts as unchanged.

    Parameters
    ----------
    stored : versions by name.
    current : versions now, by default those of the libraries that every result depends on.
    """
    now = library_versions() if current is None else current
    return ", ".join(f"{name} {old} (now {now[name]})" for name, old in stored.items() if now.get(name, old) != old)
