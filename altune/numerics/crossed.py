"""The mean over blocks × units, where every block is scored on the same units: arrays in, numbers out.

Blocks that are scored on the same test rows are a crossed design. Its mean varies with the blocks that were drawn, with
the units that were held back, and with both together:

    Var(mean) = σ_b²/J + σ_u²/n + σ_bu²/(J·n)

for J blocks and n units. The components are those of a two-way analysis of variance with one value in each cell (S. R.
Searle, G. Casella and C. E. McCulloch, *Variance Components*, Wiley 1992, chapter 4), where a negative one counts as 0.

Test rows are held back by class, so that their shares of the classes are those of all rows. Within a class units vary
as above; that a class is easier than another one counts with the number of all rows only (W. G. Cochran, *Sampling
Techniques*, Wiley 1977, chapter 5).

The pools of the blocks are drawn from the same rows, so their labelled rows recur: a table with lucky rows is lucky in
all of its blocks, which no variance between blocks shows. If a score were linear in the labelled rows, two blocks whose
labelled rows are alike by ρ would have the correlation ρ, and ρ/(1 − ρ)·σ_b² would be missing. Only the first-order
part of a score has it (W. Hoeffding, *A Class of Statistics with Asymptotically Normal Distribution*, Annals of
Mathematical Statistics 19, 1948); half of it gives intervals that hold the truth (``benchmarks/coverage.py``).

For statistics that are no mean, blocks and units are resampled (A. B. Owen, *The Pigeonhole Bootstrap*, Annals of
Applied Statistics 1, 2007), units within their class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import RequestError
from altune.core.types import Array

RESAMPLES = 1000
FIRST_ORDER = 0.5
"""How much of the correlation of blocks with the same labelled rows counts, in [0, 1]."""
MOST_ALIKE = 0.95
"""The most that blocks count as alike: where all label the same rows, nothing varies between them."""
_ROUNDING = 1e-24
"""A variance this small, relative to the squared values, counts as rounding."""


@dataclass(frozen=True)
class VarianceParts:
    """What the variance of a mean over blocks × units consists of.

    Attributes
    ----------
    of_blocks, of_units, of_both : the variance components σ_b², σ_u² and σ_bu², 0 or more.
    of_classes : variance of the class means, over the number of all rows; 0 if units have no classes.
    of_table : variance that all blocks have in common, as their pools are drawn from the same rows.
    blocks, units : numbers of blocks J and units n.
    degrees : degrees of freedom of the variance (Satterthwaite), above 0; ∞ where the variance is 0.
    """

    of_blocks: float
    of_units: float
    of_both: float
    of_classes: float
    of_table: float
    blocks: int
    units: int
    degrees: float

    def variance(self, blocks: float | None = None) -> float:
        """Return the variance of the mean, with the given number of blocks in place of J; ∞ blocks leave the units."""
        count = self.blocks if blocks is None else blocks
        common = self.of_units / self.units + self.of_classes + self.of_table
        return common + (self.of_blocks + self.of_both / self.units) / count

    def degrees_with(self, blocks: float) -> float:
        """Return the degrees of freedom that the variance would have with a number of blocks, for units of one class.

        With ∞ blocks the variance of the blocks is known, and that of the units is as well as their number allows.
        """
        if math.isinf(blocks):
            return math.inf if self.of_units == 0 else self.units - 1
        of_both = self.of_both
        squares = (self.units * self.of_blocks + of_both, blocks * self.of_units + of_both, of_both)
        common = self.of_table / self.of_blocks if self.of_blocks else 0.0
        counts = (1 + blocks * common if self.of_blocks else 0.0, float(self.of_units > 0))
        degrees = (blocks - 1, self.units - 1, (blocks - 1) * (self.units - 1))
        return _degrees(squares, counts, degrees, blocks * self.units, self.of_classes)

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return math.sqrt(self.variance())

    @property
    def share_of_rows(self) -> float:
        """Share of the variance that further blocks cannot reduce, in [0, 1]."""
        whole = self.variance()
        return self.variance(math.inf) / whole if whole else 0.0

    def to_dict(self) -> dict[str, float | int]:
        """Return the terms of the variance of the mean, and the number of units."""
        return {
            "units": self.units,
            "from_blocks": self.of_blocks / self.blocks,
            "from_units": self.of_units / self.units + self.of_classes,
            "from_table": self.of_table,
            "from_both": self.of_both / (self.blocks * self.units),
        }


def variance_parts(
    table: Array, classes: NDArray[np.int64] | None = None, rows: float = math.inf, alike: float = 0.0
) -> VarianceParts:
    """Return the variance components of values on blocks × units.

    Parameters
    ----------
    table : ``(n_blocks, n_units)``, two or more of each.
    classes : class code of each unit, ``(n_units,)``, where units were drawn by class; None for one class.
    rows : number of all rows, from which the units were drawn by class.
    alike : how alike the labelled rows of two blocks are, ρ in [0, 1); see :func:`likeness`.

    Examples
    --------
    >>> parts = variance_parts(np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]]))
    >>> parts.of_blocks, parts.of_units, parts.of_both
    (1.0, 0.5, 0.0)
    """
    if table.ndim != 2 or min(table.shape) < 2:
        raise RequestError(f"variance components need two or more blocks and units, got an array of {table.shape}")
    blocks, units = table.shape
    of_class = _class_shares(classes, units)
    if len(of_class) > units // 2:
        of_class = _class_shares(None, units)
    by_block, by_unit = table.mean(axis=1), table.mean(axis=0)
    in_class = table @ of_class.T
    usual, sizes = in_class.mean(axis=0), (of_class > 0).sum(axis=1)
    member = (of_class > 0).astype(np.float64)
    within = units - len(of_class)
    # Mean squares; each estimates one of these: n·σ_b² + σ_bu², J·σ_u² + σ_bu², and σ_bu².
    squares = (
        units * float(((by_block - by_block.mean()) ** 2).sum()) / (blocks - 1),
        blocks * float(((by_unit - usual @ member) ** 2).sum()) / within,
        float(((table - in_class @ member - by_unit + usual @ member) ** 2).sum()) / ((blocks - 1) * within),
    )
    tiny = _ROUNDING * float((table**2).max())
    of_blocks, of_units, of_both = (square if square > tiny else 0.0 for square in squares)
    between = float(sizes @ (usual - by_unit.mean()) ** 2) / units / rows
    common = FIRST_ORDER * alike / (1 - alike)
    degrees = (blocks - 1, within, (blocks - 1) * within)
    counts = (1 + blocks * common if of_blocks > of_both else 0.0, float(of_units > of_both))
    return VarianceParts(
        of_blocks=max(0.0, of_blocks - of_both) / units,
        of_units=max(0.0, of_units - of_both) / blocks,
        of_both=of_both,
        of_classes=between,
        of_table=common * max(0.0, of_blocks - of_both) / units,
        blocks=blocks,
        units=units,
        degrees=_degrees((of_blocks, of_units, of_both), counts, degrees, blocks * units, between),
    )


def _degrees(
    squares: tuple[float, float, float],
    counts: tuple[float, float],
    degrees: tuple[float, float, float],
    cells: float,
    known: float,
) -> float:
    """Return Satterthwaite's degrees of freedom of the variance, of which the part ``known`` has no uncertainty.

    The variance is a sum of the mean squares of blocks and units, each as often as in ``counts``, and of as many of
    both together as make one: where a component counts as 0, so does its mean square.
    """
    parts = [square * count / cells for square, count in zip(squares, (*counts, 1 - sum(counts)), strict=True)]
    spread = sum(part**2 / count for part, count in zip(parts, degrees, strict=True))
    return (sum(parts) + known) ** 2 / spread if spread else math.inf


def likeness(weights: Array) -> float:
    """Return how alike the rows are that blocks rest on, in [0, 1): the correlation of two blocks' sums over rows.

    Parameters
    ----------
    weights : what each row counts in each block, ``(n_blocks, n_rows)``, two blocks or more.

    Examples
    --------
    >>> likeness(np.array([[0.5, 0.5, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0]]))
    0.5
    """
    products = weights @ weights.T
    own = float(np.trace(products))
    if own <= 0.0:
        return 0.0
    pairs = (float(products.sum()) - own) / (len(weights) - 1)
    return min(max(0.0, pairs / own), MOST_ALIKE)


def resampled_blocks_and_units(
    blocks: int,
    units: int,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    classes: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.intp], Array]:
    """Draw blocks and units with replacement, independently of each other.

    Parameters
    ----------
    blocks, units : their numbers.
    rng : the only source of randomness.
    resamples : number of resamples.
    classes : class code of each unit, ``(units,)``; units are drawn within their class. None for one class.

    Returns
    -------
    Numbers of the blocks drawn, ``(resamples, blocks)``, and weights of the units, ``(resamples, units)``, which sum to
    1 in each resample.
    """
    of_blocks = rng.integers(blocks, size=(resamples, blocks))
    weights = np.zeros((resamples, units))
    for shares in _class_shares(classes, units):
        members = np.flatnonzero(shares)
        weights[:, members] = rng.multinomial(len(members), shares[members], size=resamples)
    return of_blocks, weights / units


def _class_shares(classes: NDArray[np.int64] | None, units: int) -> Array:
    """Return the share of each unit in the mean of its class, ``(n_classes, n_units)``."""
    codes = np.zeros(units, dtype=np.int64) if classes is None else classes
    member = (codes == np.unique(codes)[:, None]).astype(np.float64)
    shares: Array = member / member.sum(axis=1, keepdims=True)
    return shares
