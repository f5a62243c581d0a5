"""Strategies that combine uncertainty and diversity in one step."""

from __future__ import annotations

from typing import Literal

import numpy as np

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array, RowNumbers
from altune.knobs.pool_geometry import embedded_points
from altune.knobs.query_strategy.base import QueryStrategy
from altune.numerics.geometry.covering import sample_by_squared_distance
from altune.numerics.geometry.distances import Points, inner_products, make_points, random_argmax, without_rounding


@register
class Badge(QueryStrategy):
    """BADGE: k-means++ seeding on the gradients (p − e_ŷ) ⊗ g of the last layer.

    ŷ is the predicted class and g the model's embedding of the row, which is its features for a linear model. The first
    row is the one with the longest gradient; the others are drawn with probability D² / Σ D², D the distance to the
    nearest gradient selected so far.
    """

    needs = frozenset({"class_scores"})
    source = "Ash, Zhang, Krishnamurthy, Langford, Agarwal, BADGE, ICLR 2020"

    method: Literal["badge"] = "badge"

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates whose gradients are long and far from each other."""
        gradients = Gradients(pool.known().probabilities, embedded_points(pool))
        uncovered = np.full(len(pool.candidates), np.inf)
        first = random_argmax(gradients.norms, rng)
        return pool.candidates[sample_by_squared_distance(gradients.distances_to, uncovered, size, rng, first=first)]


class Gradients:
    """Gradients a ⊗ g of many rows, a = p − e_ŷ, stored as their two factors.

    |a⊗g − a′⊗g′|² = |a|²|g|² + |a′|²|g′|² − 2(a·a′)(g·g′), so the n×(K·d) array is never made. Each factor is scaled by
    a power of two, which scales all distances equally.

    Parameters
    ----------
    probabilities : ``(n_rows, n_classes)``.
    embedding : ``(n_rows, d)``, scaled but not centred.

    Attributes
    ----------
    norms : squared length of each gradient, ``(n_rows,)``.
    """

    def __init__(self, probabilities: Array, embedding: Points) -> None:
        errors = probabilities.copy()
        errors[np.arange(len(errors)), probabilities.argmax(axis=1)] -= 1.0
        self._errors: Points = make_points(errors, centre=False)
        self._embedding = embedding
        self.norms: Array = self._errors.norms * self._embedding.norms

    def distances_to(self, row: int) -> Array:
        """Return the squared distances of all gradients to that of ``row``, ``(n_rows,)``."""
        single = slice(row, row + 1)
        squared = inner_products(self._errors.values, self._errors.values[single])[:, 0]
        squared *= inner_products(self._embedding.values, self._embedding.values[single])[:, 0]
        squared *= 2.0
        lengths = self.norms + self.norms[row]
        return without_rounding(np.subtract(lengths, squared, out=squared), lengths)
