"""Nearest neighbours."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from sklearn.neighbors import KNeighborsClassifier

from altune.core.registry import register
from altune.models.base import Model


@register
class KNearestNeighbours(Model):
    """Vote of the k nearest labelled rows; with fewer than k labels, of all of them."""

    abilities = frozenset({"class_scores", "probabilities", "sparse"})
    schedulable = ("n_neighbors",)

    method: Literal["k_nearest_neighbours"] = "k_nearest_neighbours"
    n_neighbors: int = Field(default=5, ge=1, le=1000, description="neighbours, at most the labelled rows")
    weights: Literal["uniform", "distance"] = Field(
        default="uniform", description="weight of a neighbour's vote: equal, or its inverse distance"
    )

    def build(self, seed: int, n_labelled: int) -> KNeighborsClassifier:
        """Return the estimator, on one thread; nothing in it is random."""
        return KNeighborsClassifier(min(self.n_neighbors, n_labelled), weights=self.weights, n_jobs=1)
