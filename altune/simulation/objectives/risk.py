"""How the values of several blocks are summarised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from altune.core.errors import ScenarioError
from altune.simulation.curve import Array
from altune.simulation.objectives.kinds import Direction


@dataclass(frozen=True)
class Risk:
    """Summary of the values of several blocks: their mean, or the values of the worst blocks.

    Parameters
    ----------
    kind : ``mean``; ``quantile``, the value that a share of the blocks does not reach; or ``cvar``, the mean over the
        worst share of the blocks (conditional value at risk).
    share : the share, in (0, 1); without effect for the mean.

    Examples
    --------
    >>> Risk.parse("cvar:0.5")([1.0, 2.0, 3.0, 4.0], "maximize")
    1.5
    """

    kind: str = "mean"
    share: float = 0.1

    @classmethod
    def parse(cls, text: str) -> Risk:
        """Read ``mean``, ``quantile:0.1`` or ``cvar:0.2``.

        Raises
        ------
        ScenarioError
            For anything else.
        """
        kind, _, number = text.partition(":")
        try:
            share = float(number) if number else 0.1
        except ValueError:
            share = -1.0
        if kind not in ("mean", "quantile", "cvar") or not 0 < share < 1 or (kind == "mean" and number):
            raise ScenarioError(
                f"unknown risk {text!r}; accepted: mean, quantile:SHARE and cvar:SHARE, such as cvar:0.1"
            )
        return cls(kind, share)

    @property
    def words(self) -> str:
        """How the values of blocks become one value, for a sentence.

        >>> Risk.parse("cvar:0.2").words
        'the mean over the worst 20 % of the blocks'
        """
        if self.kind == "mean":
            return "the mean over the blocks"
        share = f"{100 * self.share:g} % of the blocks"
        if self.kind == "cvar":
            return f"the mean over the worst {share}"
        return f"the value that the worst {share} do not reach"

    def __call__(self, values: Sequence[float] | Array, direction: Direction) -> float:
        """Return the summary of the values of several blocks."""
        ordered = np.sort(np.asarray(values, dtype=np.float64))
        if self.kind == "mean":
            return float(np.mean(np.asarray(values, dtype=np.float64)))
        worst_first = ordered if direction == "maximize" else ordered[::-1]
        if self.kind == "quantile":
            return float(np.quantile(ordered, self.share if direction == "maximize" else 1 - self.share))
        whole = self.share * len(worst_first)
        weights = np.clip(whole - np.arange(len(worst_first)), 0.0, 1.0)
        return float(worst_first @ weights / weights.sum())


MEAN = Risk()
"""The mean of the blocks."""
