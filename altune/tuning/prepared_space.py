"""A search space prepared for the environments that it is searched in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from altune.core.errors import RequestError
from altune.models import as_model
from altune.recipes.space import SearchSpace
from altune.simulation.environment import Environment


def prepare_space(
    space: SearchSpace | str | Path, environments: Sequence[Environment], model: Any = None
) -> SearchSpace:
    """Return a space with the model fixed, if one is given, checked against the objectives.

    Raises
    ------
    RequestError
        If the model is open already, or stopping is open under objectives that an early stop cannot better.
    """
    found = space if isinstance(space, SearchSpace) else SearchSpace.load(space)
    if model is not None:
        found = found.with_model(as_model(model))
    objectives = environments[0].scenario.make_objectives()
    if found.is_open("stopping") and not any(objective.rewards_early_stop for objective in objectives):
        raise RequestError(
            f"the space opens `stopping`, and under the objective {objectives[0].name} an early stop gains nothing: "
            f"take net_value with a value and prices, add labels as an objective ({objectives[0].name},labels), or "
            "close stopping"
        )
    explicit = environments[0].explicit
    if explicit and explicit["search"][0].initial is not None and found.is_open("initial_sample"):
        raise RequestError("the blocks give the first labelled rows, so the space must not open `initial_sample`")
    return found
