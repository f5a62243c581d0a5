"""Strategies that cluster where the model is unsure."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from altune.core.metadata import Metadata
from altune.core.needs import Need
from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Features, RowNumbers
from altune.core.uncertainty import entropy
from altune.knobs.pool_geometry import embedded, pool_points
from altune.knobs.query_strategy.base import QueryStrategy, largest
from altune.numerics.geometry.clustering import central_points
from altune.numerics.geometry.density import unit_rows
from altune.numerics.geometry.distances import is_sparse, make_points
from altune.numerics.geometry.hierarchy import linked_clusters

Array = NDArray[np.float64]


@register
class KMeansQuery(QueryStrategy):
    """Clustering of the uncertain: k-means of the β·b least sure rows, and of each cluster its central row.

    Each row weighs in the clustering as much as it is uncertain. With ``weighted`` off it is plain k-means of the
    same rows.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "Zhdanov, Diverse mini-batch Active Learning, arXiv 1901.05954, 2019"

    method: Literal["kmeans"] = "kmeans"
    beta: int = Field(default=10, ge=2, le=50, description="how many times the loop's rows are clustered")
    uncertainty: Literal["margin", "least_confidence", "entropy"] = Field(
        default="margin", description="what unsure is: 1 − (p₁ − p₂), 1 − p₁, or the entropy"
    )
    weighted: bool = Field(default=True, description="whether rows weigh in the clustering by their uncertainty")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return unsure candidates that lie apart."""
        unsure = uncertainty_of(pool.known(), self.uncertainty)
        best = largest(unsure, self.beta * size, rng)
        points = pool_points(pool).take(pool.candidates[best])
        return pool.candidates[best[central_points(points, size, rng, unsure[best] if self.weighted else None)]]


@register
class Clue(QueryStrategy):
    """CLUE: k-means of all candidates' embeddings, each weighing as much as its entropy, and the central rows.

    The entropy is that of p^{1/T}, scaled to sum to 1; a temperature T below 1 makes the weights differ more.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "Prabhu, Chandrasekaran, Saenko, Hoffman, CLUE, ICCV 2021"

    method: Literal["clue"] = "clue"
    temperature: float = Field(default=1.0, ge=0.1, le=10.0, description="T of the probabilities in the weights")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates near the centres of the unsure."""
        weights = entropy(tempered(pool.known().probabilities, self.temperature))
        points = make_points(embedded(pool, pool.candidates))
        return pool.candidates[central_points(points, size, rng, weights)]


@register
class ClusterMargin(QueryStrategy):
    """Cluster-Margin: of the m·b rows of least margin, one from each cluster in turn, small clusters first.

    The clusters come from one average-linkage hierarchy of the pool's features, built once; there are so many that
    they hold ``cluster_size`` rows on average. Small means few of the m·b rows. Within a cluster rows are drawn at
    random, as the authors do. The method is made for batches of thousands: in small loops a large m takes the
    outliers among the unsure rows, which have clusters of their own.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "Citovsky et al., Batch Active Learning at Scale, NeurIPS 2021"

    method: Literal["cluster_margin"] = "cluster_margin"
    multiple: float = Field(default=1.25, ge=1.0, le=50.0, description="m, how many times the rows compete")
    cluster_size: float = Field(default=10.0, ge=1.0, le=500.0, description="mean rows of a cluster")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates of small margin from many clusters."""
        size = min(size, len(pool.candidates))
        key = ("geometry.linked_clusters", self.cluster_size)
        clusters = pool.shared.get(key, lambda: linked_clusters(pool_points(pool), self.cluster_size))
        unsure = largest(-pool.known().margin, max(size, round(self.multiple * size)), rng)
        rows = pool.candidates[unsure]
        return rows[round_robin(clusters[rows], size, rng)]


@register
class DropQuery(QueryStrategy):
    """DropQuery: k-means of the rows whose predicted class changes when features are dropped at random.

    Of M predictions, each with a share of the features set to 0 (the others divided by the share kept), more than
    half must differ from the one on all features. Where fewer rows than wanted do, the next most changeable join
    them. The clusters are of the embeddings brought to length 1; of each the central row is taken.
    """

    source: ClassVar[str] = "Gupte, Aklilu, Nirschl, Yeung-Levy, TMLR 2024"

    method: Literal["dropquery"] = "dropquery"
    dropout: float = Field(default=0.75, ge=0.05, le=0.95, description="share of the features that is dropped")
    repeats: int = Field(default=3, ge=1, le=25, description="M, predictions with features dropped")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return changeable candidates that lie apart."""
        if pool.model is None:
            raise RuntimeError("dropquery is asked after a model was trained")
        X = pool.known().X
        plain = pool.model.predict(X)
        changed = np.zeros(len(plain))
        for _ in range(self.repeats):
            changed += pool.model.predict(drop_features(X, self.dropout, rng)) != plain
        changeable = int((changed > self.repeats / 2).sum())
        best = largest(changed, max(changeable, size), rng)
        points = make_points(unit_rows(embedded(pool, pool.candidates[best])))
        return pool.candidates[best[central_points(points, size, rng)]]


def uncertainty_of(known: Metadata, kind: str) -> Array:
    """Return 1 − (p₁ − p₂), 1 − p₁ or the entropy of each candidate, ``(n_candidates,)``."""
    if kind == "margin":
        return 1.0 - known.margin
    return known.entropy if kind == "entropy" else known.least_confidence


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
    """Take one random member of each cluster in turn, small clusters first, ties by chance.

    Parameters
    ----------
    clusters : cluster of each member, ``(n_members,)``.
    size : members wanted, at most ``n_members``.
    rng : draws.

    Returns
    -------
    positions, ``(size,)``, distinct, in the order of taking.

    Examples
    --------
    >>> taken = round_robin(np.array([7, 7, 7, 4, 7]), 3, np.random.default_rng(0))
    >>> int(taken[0]), len(set(taken.tolist()))
    (3, 3)
    """
    order = rng.permutation(len(clusters))
    _, codes, counts = np.unique(clusters[order], return_inverse=True, return_counts=True)
    grouped = np.argsort(codes, kind="stable")
    turn = np.empty(len(codes), dtype=np.intp)
    turn[grouped] = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    tie = rng.random(len(counts))
    return order[np.lexsort((tie[codes], counts[codes], turn))[:size]]


def drop_features(X: Features, rate: float, rng: np.random.Generator) -> Features:
    """Return a copy of ``X`` with a share ``rate`` of the entries 0 and the others divided by 1 − rate."""
    if is_sparse(X):
        dropped: Features = sparse.csr_array(X, copy=True)
        dropped.data = dropped.data * ((rng.random(len(dropped.data)) >= rate) / (1.0 - rate))
        return dropped
    return X * ((rng.random(X.shape) >= rate) / (1.0 - rate))
