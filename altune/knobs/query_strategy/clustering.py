"""Strategies that cluster uncertain rows and select from each cluster."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array, Features, RowNumbers
from altune.core.uncertainty import entropy
from altune.knobs.pool_geometry import current_model, embedded, pool_points
from altune.knobs.query_strategy.base import QueryStrategy, largest
from altune.knobs.query_strategy.uncertainty import UncertaintyKind, uncertainty_of
from altune.numerics.geometry.clustering import central_points
from altune.numerics.geometry.density import unit_rows
from altune.numerics.geometry.distances import is_sparse, make_points
from altune.numerics.geometry.hierarchy import linked_clusters


@register
class KMeansQuery(QueryStrategy):
    """Weighted k-means of the β·b most uncertain rows, b the number of rows to select; the central row of each cluster.

    The weight of a row in the clustering is its uncertainty; without ``weighted`` all weights are equal.
    """

    needs = frozenset({"class_scores"})
    source = "Zhdanov, Diverse mini-batch Active Learning, arXiv 1901.05954, 2019"

    method: Literal["kmeans"] = "kmeans"
    beta: int = Field(default=10, ge=2, le=50, description="number β of rows that are clustered for each row to select")
    uncertainty: UncertaintyKind = "margin"
    weighted: bool = Field(default=True, description="whether rows are weighted by their uncertainty")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return uncertain candidates that are far from each other."""
        uncertainty = uncertainty_of(pool.known().probabilities, self.uncertainty)
        best = largest(uncertainty, self.beta * size, rng)
        points = pool_points(pool).take(pool.candidates[best])
        return pool.candidates[best[central_points(points, size, rng, uncertainty[best] if self.weighted else None)]]


@register
class Clue(QueryStrategy):
    """CLUE: k-means of the embeddings of all candidates, weighted by their entropy; the central row of each cluster.

    The entropy is that of p^{1/T}, scaled to sum to 1. A temperature T below 1 makes the weights differ more.
    """

    needs = frozenset({"class_scores"})
    source = "Prabhu, Chandrasekaran, Saenko, Hoffman, CLUE, ICCV 2021"

    method: Literal["clue"] = "clue"
    temperature: float = Field(
        default=1.0, ge=0.1, le=10.0, description="temperature T of the probabilities in the weights"
    )

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the candidates nearest to the centres of the weighted clusters."""
        weights = entropy(tempered(pool.known().probabilities, self.temperature))
        points = make_points(embedded(pool, pool.candidates))
        return pool.candidates[central_points(points, size, rng, weights)]


@register
class ClusterMargin(QueryStrategy):
    """Cluster-Margin: of the m·b rows with the smallest margin, a random one from each cluster in turn.

    b is the number of rows to select. The clusters are cut from one average-linkage hierarchy of the pool's features;
    those with the fewest of the m·b rows come first. The method was made for batches of thousands: in small loops a
    large m selects outliers among the uncertain rows, which have clusters of their own.
    """

    needs = frozenset({"class_scores"})
    source = "Citovsky et al., Batch Active Learning at Scale, NeurIPS 2021"

    method: Literal["cluster_margin"] = "cluster_margin"
    multiple: float = Field(
        default=1.25, ge=1.0, le=50.0, description="number m of rows that compete for each row to select"
    )
    cluster_size: float = Field(default=10.0, ge=1.0, le=500.0, description="mean number of rows in a cluster")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates with a small margin from many clusters."""
        size = min(size, len(pool.candidates))
        key = ("geometry.linked_clusters", self.cluster_size)
        clusters = pool.shared.get(key, lambda: linked_clusters(pool_points(pool), self.cluster_size))
        uncertain = largest(-pool.known().margin, max(size, round(self.multiple * size)), rng)
        rows = pool.candidates[uncertain]
        return rows[round_robin(clusters[rows], size, rng)]


@register
class DropQuery(QueryStrategy):
    """DropQuery: k-means of the rows whose predicted class changes when features are dropped at random.

    In each of M predictions a share of the features is set to 0 and the others are divided by the share kept. Rows for
    which more than half of the M predictions differ from the one on all features are clustered by their embeddings,
    scaled to length 1, and the central row of each cluster is selected. If there are too few such rows, those with the
    most changes join them.
    """

    needs = frozenset({"encoded_features"})
    source = "Gupte, Aklilu, Nirschl, Yeung-Levy, TMLR 2024"

    method: Literal["dropquery"] = "dropquery"
    dropout: float = Field(default=0.75, ge=0.05, le=0.95, description="share of the features that is dropped")
    repeats: int = Field(default=3, ge=1, le=25, description="number M of predictions with dropped features")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates with unstable predictions that are far from each other."""
        model, X = current_model(pool), pool.known().X
        plain = model.predict(X)
        changed = np.zeros(len(plain))
        for _ in range(self.repeats):
            changed += model.predict(drop_features(X, self.dropout, rng)) != plain
        n_unstable = int((changed > self.repeats / 2).sum())
        best = largest(changed, max(n_unstable, size), rng)
        points = make_points(unit_rows(embedded(pool, pool.candidates[best])))
        return pool.candidates[best[central_points(points, size, rng)]]


def tempered(probabilities: Array, temperature: float) -> Array:
    """Return p^{1/T}, each row scaled to sum to 1, ``(n_rows, n_classes)``.

    >>> tempered(np.array([[0.8, 0.2]]), 0.5).round(3).tolist()
    [[0.941, 0.059]]
    """
    if temperature == 1.0:
        return probabilities
    powers = (probabilities / probabilities.max(axis=1, keepdims=True)) ** (1.0 / temperature)
    scaled: Array = powers / powers.sum(axis=1, keepdims=True)
    return scaled


def round_robin(clusters: NDArray[np.intp], size: int, rng: np.random.Generator) -> RowNumbers:
    """Select a random member of each cluster in turn, small clusters first; ties are broken at random.

    Parameters
    ----------
    clusters : cluster of each member, ``(n_members,)``.
    size : number of members, at most ``n_members``.

    Examples
    --------
    >>> selected = round_robin(np.array([7, 7, 7, 4, 7]), 3, np.random.default_rng(0))
    >>> int(selected[0]), len(set(selected.tolist()))
    (3, 3)
    """
    # The members are shuffled, and the turn of each is its position within its cluster. Sorting by turn and then by
    # cluster size visits every cluster once before any twice.
    order = rng.permutation(len(clusters))
    _, codes, counts = np.unique(clusters[order], return_inverse=True, return_counts=True)
    grouped = np.argsort(codes, kind="stable")
    turn = np.empty(len(codes), dtype=np.intp)
    turn[grouped] = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    tie = rng.random(len(counts))
    return order[np.lexsort((tie[codes], counts[codes], turn))[:size]]


def drop_features(X: Features, rate: float, rng: np.random.Generator) -> Features:
    """Return a copy of ``X`` in which a share ``rate`` of the entries is 0 and the others are divided by 1 − rate."""
    if is_sparse(X):
        dropped: Features = sparse.csr_array(X, copy=True)
        dropped.data = dropped.data * ((rng.random(len(dropped.data)) >= rate) / (1.0 - rate))
        return dropped
    return X * ((rng.random(X.shape) >= rate) / (1.0 - rate))
