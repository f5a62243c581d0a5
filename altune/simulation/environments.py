"""The environments of several data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from altune.core.errors import RequestError
from altune.data import Dataset
from altune.simulation.environment import World, make_world

AnyData = Dataset | str | Path


def make_worlds(data: AnyData | Sequence[AnyData], *, target: str | None = None, **given: Any) -> list[World]:
    """Return the world of each data set; ``given`` is what :func:`altune.simulation.environment.make_world` takes.

    Raises
    ------
    RequestError
        If something does not fit, saying what.
    """
    listed = [data] if isinstance(data, (Dataset, str, Path)) else list(data)
    if not listed:
        raise RequestError("no data set was given")
    if len(listed) > 1 and given.get("blocks") is not None:
        raise RequestError("explicit blocks go with one data set")
    return [make_world(one, target=target, **given) for one in listed]
