"""The mean over blocks × units, where every block is scored on the same units: arrays in, numbers out.

Blocks that are scored on the same test rows are a crossed design. Its mean varies with the blocks that were drawn, with
the units that were held back, and with both together:

    Var(mean) = σ_b²/J + σ_u²/n + σ_bu²/(J·n)

for J blocks and n units. The components are those of a two-way analysis of variance with one value in each cell (S. R.
Searle, G. Casella and C. E. McCulloch, *Variance Components*, Wiley 1992, chapter 4), where a negative one counts as 0.
For statistics that are no mean, blocks and units are resampled (A. B. Owen, *The Pigeonhole Bootstrap*, Annals of
Applied Statistics 1, 2007).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import RequestError
from altune.core.types import Array

RESAMPLES = 1000
_ROUNDING = 1e-24
"""A variance this small, relative to the squared values, counts as rounding."""


@dataclass(frozen=True)
class VarianceParts:
    """What the variance of a mean over blocks × units consists of.

    Attributes
    ----------
    of_blocks, of_units, of_both : the variance components σ_b², σ_u² and σ_bu², 0 or more.
    blocks, units : numbers of blocks J and units n.
    degrees : degrees of freedom of the variance (Satterthwaite), above 0; ∞ where the variance is 0.
    """

    of_blocks: float
    of_units: float
    of_both: float
    blocks: int
    units: int
    degrees: float

    def variance(self, blocks: float | None = None) -> float:
        """Return the variance of the mean, with the given number of blocks in place of J; ∞ blocks leave the units."""
        count = self.blocks if blocks is None else blocks
        return self.of_units / self.units + (self.of_blocks + self.of_both / self.units) / count

    @property
    def standard_error(self) -> float:
        """Standard deviation of the mean."""
        return math.sqrt(self.variance())

    @property
    def share_of_units(self) -> float:
        """Share of the variance that further blocks cannot reduce, in [0, 1]."""
        whole = self.variance()
        return self.variance(math.inf) / whole if whole else 0.0

    def to_dict(self) -> dict[str, float | int]:
        """Return the three terms of the variance of the mean, and the number of units."""
        return {
            "units": self.units,
            "from_blocks": self.of_blocks / self.blocks,
            "from_units": self.of_units / self.units,
            "from_both": self.of_both / (self.blocks * self.units),
        }


def variance_parts(table: Array) -> VarianceParts:
    """Return the variance components of values on blocks × units.

    Parameters
    ----------
    table : ``(n_blocks, n_units)``, two or more of each.

    Examples
    --------
    >>> parts = variance_parts(np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]]))
    >>> parts.of_blocks, parts.of_units, parts.of_both
    (1.0, 0.5, 0.0)
    """
    if table.ndim != 2 or min(table.shape) < 2:
        raise RequestError(f"variance components need two or more blocks and units, got an array of {table.shape}")
    blocks, units = table.shape
    mean, by_block, by_unit = table.mean(), table.mean(axis=1), table.mean(axis=0)
    # Mean squares; each estimates what stands beside it: n·σ_b² + σ_bu², J·σ_u² + σ_bu², and σ_bu².
    of_blocks = units * float(((by_block - mean) ** 2).sum()) / (blocks - 1)
    of_units = blocks * float(((by_unit - mean) ** 2).sum()) / (units - 1)
    residuals = table - by_block[:, None] - by_unit + mean
    of_both = float((residuals**2).sum()) / ((blocks - 1) * (units - 1))
    tiny = _ROUNDING * float((table**2).max())
    of_blocks, of_units, of_both = (square if square > tiny else 0.0 for square in (of_blocks, of_units, of_both))
    squares = [(of_blocks, blocks - 1), (of_units, units - 1), (of_both, (blocks - 1) * (units - 1))]
    if of_blocks <= of_both and of_units <= of_both:
        kept = [squares[2]]
    elif of_blocks <= of_both:
        kept = [squares[1]]
    elif of_units <= of_both:
        kept = [squares[0]]
    else:
        kept = squares
    # The variance of the mean is a sum of these mean squares, the last of three with a minus.
    whole = kept[0][0] if len(kept) == 1 else of_blocks + of_units - of_both
    spread = sum(square**2 / degrees for square, degrees in kept)
    return VarianceParts(
        of_blocks=max(0.0, of_blocks - of_both) / units,
        of_units=max(0.0, of_units - of_both) / blocks,
        of_both=of_both,
        blocks=blocks,
        units=units,
        degrees=whole**2 / spread if spread else math.inf,
    )


def resampled_blocks_and_units(
    blocks: int, units: int, rng: np.random.Generator, resamples: int = RESAMPLES
) -> tuple[NDArray[np.intp], Array]:
    """Draw blocks and units with replacement, independently of each other.

    Returns
    -------
    Numbers of the blocks drawn, ``(resamples, blocks)``, and weights of the units, ``(resamples, units)``, which sum to
    1 in each resample.
    """
    of_blocks = rng.integers(blocks, size=(resamples, blocks))
    return of_blocks, rng.multinomial(units, np.full(units, 1 / units), size=resamples) / units
