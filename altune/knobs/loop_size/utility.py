"""Sizes that follow from how useful the candidates are."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.needs import Need
from altune.core.registry import register
from altune.knobs.loop_size.base import BoundedLoops, LoopState, UtilityOf

Array = NDArray[np.float64]


@register
class ThresholdLoops(BoundedLoops):
    """All rows of utility u ≥ τ, within bounds: b = |{x : u(x) ≥ τ}|.

    With ``of: uncertainty`` u is 1 − p₁, from 0 to 1 − 1/K for K classes. With ``of: strategy`` it is the query
    strategy's own score on its own scale (margin's is −(p₁ − p₂), below 0), or 1 − p₁ where the strategy scores no
    rows. The strategy's scores are then computed once for the size and once for the selection.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = (
        "Lewis & Catlett, Heterogeneous Uncertainty Sampling, ICML 1994 (uncertainty as a threshold)"
    )
    method: Literal["threshold"] = "threshold"
    tau: float = Field(default=0.3, ge=-1000.0, le=1000.0, description="the least utility τ that is labelled")
    of: UtilityOf = Field(default="uncertainty", description="whether u is 1 − p₁ or the query strategy's score")

    def wanted(self, state: LoopState) -> int:
        """Return the number of candidates of utility τ or more."""
        return int(np.count_nonzero(state.utilities(self.of) >= self.tau))


@register
class DiminishingLoops(BoundedLoops):
    """Fill the loop, best rows first, until the next one's utility falls below η times the first's, within bounds.

    b = |{x : u(x) ≥ η·max u}|. Utilities that go below 0 are counted from the least of them.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = (
        "the rule of diminishing marginal returns; Krause & Golovin, Submodular Function Maximization, 2014"
    )
    method: Literal["diminishing"] = "diminishing"
    eta: float = Field(default=0.8, ge=0.0, le=1.0, description="the share η of the first utility to fall below")
    of: UtilityOf = Field(default="strategy", description="whether u is the query strategy's score or 1 − p₁")

    def wanted(self, state: LoopState) -> int:
        """Return the number of candidates whose utility is η times the largest or more."""
        return filled(state.utilities(self.of), self.eta)


def filled(utilities: Array, eta: float) -> int:
    """Return how many utilities are ``eta`` times the largest or more, counted from min(0, the least).

    >>> filled(np.array([1.0, 0.79, 0.8, 0.1]), 0.8), filled(np.array([-1.0, 0.0, -0.2]), 0.8)
    (2, 2)
    """
    if len(utilities) == 0:
        return 0
    above = utilities - min(0.0, float(utilities.min()))
    # 1 − .2 in floats is a shade above .8, and a tie is no fall
    return int(np.count_nonzero(above >= eta * float(above.max()) * (1 - 1e-12)))
