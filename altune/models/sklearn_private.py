"""Names of scikit-learn that are not public, all of them here, each checked once when it is first needed.

Where a name is missing or does something else, scikit-learn's public methods do the work: slower, with the same result.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import sklearn

LOG = logging.getLogger(__name__)


class Losses(NamedTuple):
    """scikit-learn's own losses, so that the last bit agrees."""

    two_classes: Callable[..., Any]
    many_classes: Callable[..., Any]


@cache
def losses() -> Losses | None:
    """Return the losses of linear models, None if this scikit-learn has others."""
    try:
        loss = import_module("sklearn._loss.loss")
        return Losses(loss.HalfBinomialLoss, loss.HalfMultinomialLoss)
    except (ImportError, AttributeError) as error:
        note_public_way("LogisticRegression is used as it is", error)
        return None


def network_state(network: Any) -> tuple[Any, Any]:
    """Return the random state and the optimiser of a network that has begun to learn.

    Raises
    ------
    AttributeError
        If it has none under these names.
    """
    return network._random_state, network._optimizer


def drop_optimiser(network: Any) -> None:
    """Remove the optimiser of a network, so that training starts a new one: it holds the old rate and momenta."""
    held = [name for name, value in vars(network).items() if type(value).__name__.endswith("Optimizer")]
    for name in held:
        delattr(network, name)


def note_public_way(what: str, error: Exception) -> None:
    """Write one line for those who look for the reason of a slower run."""
    LOG.debug("scikit-learn %s, NumPy %s: %s (%s)", sklearn.__version__, np.__version__, what, error)
