"""Check what remains of a search space in an environment before anything is played."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from altune.core.needs import Capabilities
from altune.core.registry import FIELDS
from altune.recipes.space.editing import default_decision
from altune.recipes.space.tree import Decision

if TYPE_CHECKING:
    from altune.recipes.space.core import SearchSpace

DRAWS = 200
"""Number of random draws from which the share of forbidden combinations is estimated."""


@dataclass(frozen=True)
class KnobCheck:
    """What remains of one knob.

    Attributes
    ----------
    knob : the knob, or ``model``.
    given : labels of the alternatives in the space; the default if it does not name the knob.
    left : labels of the alternatives that work.
    left_out : one line with the reason for each alternative, choice or nested alternative that does not work.
    open : the labels, range or choices at each open Optuna path, as in a file.
    """

    knob: str
    given: tuple[str, ...]
    left: tuple[str, ...]
    left_out: tuple[str, ...]
    open: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}


@dataclass(frozen=True)
class SpaceCheck:
    """What remains of a search space in an environment.

    Attributes
    ----------
    space : name of the space, None if it has none.
    knobs : one check for each knob and for the model.
    recipes : number of different assignments that remain, including forbidden ones; None if it is infinite.
    draws : number of random draws.
    forbidden : number of draws that may not be played.
    reasons : why they may not be played, with the number of draws, the most frequent reason first.
    """

    space: str | None
    knobs: tuple[KnobCheck, ...]
    recipes: int | None
    draws: int
    forbidden: int
    reasons: tuple[tuple[str, int], ...]

    @property
    def forbidden_share(self) -> float:
        """Share of random draws that may not be played, in [0, 1]."""
        return self.forbidden / self.draws

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as for JSON."""
        return vars(self) | {
            "knobs": [knob.to_dict() for knob in self.knobs],
            "forbidden_share": self.forbidden_share,
            "reasons": [{"reason": reason, "draws": draws} for reason, draws in self.reasons],
        }


def check_space(space: SearchSpace, capabilities: Capabilities, draws: int = DRAWS, seed: int = 0) -> SpaceCheck:
    """Return what remains of a search space in an environment, and how many random draws of it may not be played.

    Parameters
    ----------
    space : the search space.
    capabilities : what the environment offers.
    draws : number of random draws, 1 or more.
    seed : seed of the draws.

    Raises
    ------
    FormatError
        If no alternative of a knob remains.

    Examples
    --------
    >>> from altune.recipes.space import SearchSpace
    >>> check = check_space(SearchSpace.load("quick"), Capabilities(n_classes=3))
    >>> check.recipes, check.forbidden_share
    (96, 0.0)
    """
    left, reasons = space.narrow(capabilities)
    counted = _forbidden(left, capabilities, draws, seed)
    return SpaceCheck(
        space.name,
        tuple(_check_knob(knob, space, left, reasons) for knob in FIELDS),
        left.count(),
        draws,
        sum(counted.values()),
        tuple(counted.most_common()),
    )


def _check_knob(knob: str, space: SearchSpace, left: SearchSpace, reasons: list[str]) -> KnobCheck:
    given = space.decisions.get(knob) or default_decision(knob)
    kept = left.decisions.get(knob) or given
    opened = {
        path: list(node.labels) if isinstance(node, Decision) else node.to_plain()
        for path, node in kept.open_nodes(knob).items()
    }
    left_out = tuple(reason for reason in reasons if reason.startswith(f"{knob}."))
    return KnobCheck(knob, given.labels, kept.labels, left_out, opened)


def _forbidden(space: SearchSpace, capabilities: Capabilities, draws: int, seed: int) -> Counter[str]:
    rng = np.random.default_rng(seed)
    drawn = [space.random_params(rng) for _ in range(draws)]
    reasons = (space.check_draw(space.recipe_at(params), capabilities, params) for params in drawn)
    return Counter(reason for reason in reasons if reason is not None)
