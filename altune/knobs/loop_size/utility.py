"""Loop sizes that follow from the utility of the candidates."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from altune.core.registry import register
from altune.core.types import Array
from altune.knobs.loop_size.base import BoundedLoops, LoopState, UtilityOf


@register
class ThresholdLoops(BoundedLoops):
    """All rows with a utility of at least τ, within bounds: b = |{x : u(x) ≥ τ}|.

    With ``of: uncertainty`` u is 1 − p₁, from 0 to 1 − 1/K for K classes. With ``of: strategy`` u is the score of the
    query strategy on its own scale, such as −(p₁ − p₂) for ``margin``, or 1 − p₁ if the strategy has no scores.
    """

    needs = frozenset({"class_scores"})
    source = "Lewis and Catlett, Heterogeneous Uncertainty Sampling, ICML 1994 (a threshold on the uncertainty)"
    method: Literal["threshold"] = "threshold"
    tau: float = Field(default=0.3, ge=-1000.0, le=1000.0, description="smallest utility τ that is labelled")
    of: UtilityOf = Field(default="uncertainty", description="utility u: 1 − p₁, or the score of the query strategy")

    def wanted(self, state: LoopState) -> int:
        """Return the number of candidates with a utility of at least τ."""
        return int(np.count_nonzero(state.utilities(self.of) >= self.tau))


@register
class DiminishingLoops(BoundedLoops):
    """All rows with a utility of at least η times the largest, within bounds: b = |{x : u(x) ≥ η·max u}|.

    If a utility is below 0, all are counted from the smallest one.
    """

    needs = frozenset({"class_scores"})
    source = "the rule of diminishing returns; Krause and Golovin, Submodular Function Maximization, 2014"
    method: Literal["diminishing"] = "diminishing"
    eta: float = Field(
        default=0.8, ge=0.0, le=1.0, description="smallest utility that is labelled, as a share η of the largest"
    )
    of: UtilityOf = Field(default="strategy", description="utility u: the score of the query strategy, or 1 − p₁")

    def wanted(self, state: LoopState) -> int:
        """Return the number of candidates with a utility of at least η times the largest."""
        return filled(state.utilities(self.of), self.eta)


def filled(utilities: Array, eta: float) -> int:
    """Return how many utilities are at least ``eta`` times the largest, counted from min(0, smallest utility).

    >>> filled(np.array([1.0, 0.79, 0.8, 0.1]), 0.8), filled(np.array([-1.0, 0.0, -0.2]), 0.8)
    (2, 2)
    """
    if len(utilities) == 0:
        return 0
    above = utilities - min(0.0, float(utilities.min()))
    # In floating point 1 − .2 is slightly above .8, and such a tie must count.
    return int(np.count_nonzero(above >= eta * float(above.max()) * (1 - 1e-12)))
