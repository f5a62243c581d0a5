"""Preparation of a search space for the environments of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from altune.core.arguments import plain_arguments
from altune.core.errors import RequestError
from altune.core.plain import shown
from altune.models import as_model
from altune.recipes.space import SearchSpace
from altune.simulation.environment import Environment

AnySpace = SearchSpace | Mapping[str, Any] | str | Path


@plain_arguments()
def prepare_space(space: AnySpace, environments: Sequence[Environment], model: Any = None) -> SearchSpace:
    """Load a search space, fix its model if one is given, and check it against the objectives and the blocks.

    Parameters
    ----------
    space : a search space, the name of a shipped one, a YAML file, or a mapping as in such a file.
    environments : environment of each data set.
    model : fixes the model: a name, a mapping, an altune model, or any scikit-learn classifier.

    Raises
    ------
    RequestError
        If a model is given and the space leaves it open; if the space leaves stopping open and an early stop cannot
        improve an objective; or if it leaves the initial sample open and the explicit blocks fix it.
    """
    if not environments:
        raise RequestError("no environment was given")
    prepared = as_space(space)
    if model is not None:
        prepared = prepared.with_model(as_model(model))
    objectives = environments[0].scenario.make_objectives()
    if prepared.is_open("stopping") and not any(objective.rewards_early_stop for objective in objectives):
        raise RequestError(
            f"the space leaves `stopping` open, and an early stop gains nothing under the objective "
            f"{objectives[0].name}: use net_value with a value and prices, add labels as an objective "
            f"({objectives[0].name},labels), or fix stopping"
        )
    explicit = environments[0].explicit
    if explicit and explicit["search"][0].initial is not None and prepared.is_open("initial_sample"):
        raise RequestError(
            "the explicit blocks fix the first labelled rows, so the space must not leave `initial_sample` open"
        )
    return prepared


def as_space(space: AnySpace) -> SearchSpace:
    """Return a search space that is given itself, by its name, its file, or as a mapping.

    Raises
    ------
    RequestError
        If it is none of these.
    """
    if isinstance(space, SearchSpace):
        return space
    if isinstance(space, Mapping):
        return SearchSpace.from_dict(space)
    if not isinstance(space, (str, PathLike)):
        raise RequestError(f"space must be a search space, its name, its file or a mapping, not {shown(space)}")
    return SearchSpace.load(space if isinstance(space, str) else Path(space))
