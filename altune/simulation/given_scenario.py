"""A scenario as callers have it: an object, a mapping of its fields or a file; and its fields as names of arguments."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from altune.core.errors import ScenarioError
from altune.core.plain import home_path, shown
from altune.data.reading import READING_FIELDS
from altune.simulation.scenario import Scenario


def scenario_arguments() -> tuple[str, ...]:
    """Return what public functions take beside their own arguments: fields of a scenario and options of reading."""
    return (*(name for name in Scenario.model_fields if name != "version"), "splits_file", *READING_FIELDS)


AnyScenario = Scenario | Mapping[str, Any] | str | Path


def as_scenario(value: AnyScenario | None) -> Scenario | None:
    """Return a scenario that is given itself, as a mapping of its fields, or as a YAML file; None for none.

    >>> as_scenario({"budget": 50}).budget
    50

    Raises
    ------
    RequestError
        If it is none of these.
    """
    if value is None or isinstance(value, Scenario):
        return value
    if isinstance(value, Mapping):
        return Scenario.from_dict(value)
    if isinstance(value, (str, PathLike)):
        return Scenario.load(home_path(value, "scenario"))
    raise ScenarioError(f"scenario must be a Scenario, a mapping of its fields or its file, not {shown(value)}")
