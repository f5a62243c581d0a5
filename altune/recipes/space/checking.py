"""What is left of a space in an environment, before anything is played."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from altune.core.needs import Capabilities
from altune.core.registry import FIELDS
from altune.recipes.space.domains import Choices, Range
from altune.recipes.space.editing import default_decision
from altune.recipes.space.tree import Decision

if TYPE_CHECKING:
    from altune.recipes.space.core import SearchSpace

DRAWS = 200
"""Random draws that estimate the share of forbidden combinations."""


@dataclass(frozen=True)
class KnobCheck:
    """What is left of one knob.

    Attributes
    ----------
    knob : the knob, or ``model``.
    given : labels of the alternatives that the space gives; of a knob that it does not name, the default.
    left : those that can work.
    left_out : one line with its reason for each alternative, choice or nested alternative that cannot.
    open : for each Optuna path that is left open its labels, or its range or choices as in a file.
    """

    knob: str
    given: tuple[str, ...]
    left: tuple[str, ...]
    left_out: tuple[str, ...]
    open: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "knob": self.knob,
            "given": list(self.given),
            "left": list(self.left),
            "left_out": list(self.left_out),
            "open": dict(self.open),
        }


@dataclass(frozen=True)
class SpaceCheck:
    """What is left of a space in an environment.

    Attributes
    ----------
    space : its name, None where it has none.
    knobs : one check for each knob and the model.
    recipes : number of different assignments left, forbidden ones included; None where it is infinite.
    draws : random draws that the next two are estimated from.
    forbidden : how many of them may not be played.
    reasons : why, with the number of draws, the most common first.
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
        return {
            "space": self.space,
            "knobs": [knob.to_dict() for knob in self.knobs],
            "recipes": self.recipes,
            "draws": self.draws,
            "forbidden": self.forbidden,
            "forbidden_share": self.forbidden_share,
            "reasons": [{"reason": reason, "draws": draws} for reason, draws in self.reasons],
        }


def check_space(space: SearchSpace, capabilities: Capabilities, draws: int = DRAWS, seed: int = 0) -> SpaceCheck:
    """Return what is left of a space in an environment, and how many random draws of it may not be played.

    Parameters
    ----------
    space : the space as it was given.
    capabilities : what the environment offers.
    draws : random draws to estimate with, 1 or more.
    seed : of these draws.

    Raises
    ------
    FormatError
        If a knob has no alternative left.

    Examples
    --------
    >>> from altune.recipes.space import SearchSpace
    >>> check = check_space(SearchSpace.load("quick"), Capabilities(n_classes=3))
    >>> check.recipes, check.forbidden_share
    (72, 0.0)
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
    opened = {path: _described(kept, path) for path in kept.open_paths(knob)}
    own = tuple(reason for reason in reasons if reason.startswith(f"{knob}."))
    return KnobCheck(knob, given.labels, kept.labels, own, opened)


def _described(decision: Decision, path: str) -> Any:
    node = decision.find(path, decision.knob)
    if isinstance(node, Decision):
        return list(node.labels)
    return node.to_plain() if isinstance(node, (Range, Choices)) else None


def _forbidden(space: SearchSpace, capabilities: Capabilities, draws: int, seed: int) -> Counter[str]:
    rng = np.random.default_rng(seed)
    drawn = [space.random_params(rng) for _ in range(draws)]
    found = (space.check_draw(space.recipe_at(params), capabilities, params) for params in drawn)
    return Counter(reason for reason in found if reason is not None)
