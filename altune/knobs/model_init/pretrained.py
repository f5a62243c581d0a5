"""A start that has seen the unlabelled pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.optimize import linear_sum_assignment

from altune.core.needs import Need
from altune.core.registry import register
from altune.core.streams import Streams
from altune.knobs.model_init.base import ModelInit, Weight
from altune.knobs.pool_geometry import draw_rows, pool_points
from altune.models import FittedModel, Model
from altune.numerics.geometry.clustering import kmeans
from altune.numerics.geometry.distances import make_points

if TYPE_CHECKING:
    from altune.core.pool import Pool
    from altune.core.types import Features, RowNumbers


@register
class Pretrained(ModelInit):
    """Trained first on k-means clusters of the pool as if they were classes, then on the labels.

    There are as many clusters as classes; each is given the class that makes the most labels agree, no class twice
    (an assignment problem), so that the pretrained outputs already mean the right classes where the clusters are
    good. The clusters depend on the pool's features alone and are made once for each pool.

    The model's start must matter: naive Bayes, for one, would count the pseudo-labels as labels for ever.
    """

    source: ClassVar[str] = "Caron et al., Deep Clustering for Unsupervised Learning of Visual Features, ECCV 2018"
    needs: ClassVar[frozenset[Need]] = frozenset({"partial_fit", "random_start"})
    method: Literal["pretrained"] = "pretrained"
    rows: int = Field(
        default=500, ge=10, le=100_000, description="most pool rows, drawn at random, it is pretrained on"
    )

    def start(
        self,
        model: Model,
        X: Features,
        y: RowNumbers,
        weight: Weight,
        *,
        n_classes: int,
        streams: Streams,
        loop: int,
        pool: Pool | None = None,
    ) -> FittedModel:
        """Fit on pseudo-labels and go on with the labels."""
        seed = streams.integer("model", loop)
        if pool is None:
            everything, clusters, known, labels = X, clustered(X, n_classes), np.arange(len(y)), y
        else:
            everything, clusters, known, labels = pool.X, pool_clusters(pool), pool.labelled, pool.labels
        classes = matched_classes(clusters[known], labels, n_classes)
        drawn = draw_rows(np.arange(len(clusters)), self.rows, streams.generator("model_init", loop))
        taught = model.fit(everything[drawn], classes[clusters[drawn]], n_classes, seed)
        return model.update(taught, X, y, n_classes, seed, weight)


def pool_clusters(pool: Pool) -> RowNumbers:
    """Return the cluster of each pool row, ``(n_rows,)``, as many clusters as classes, made once for each pool."""
    key = ("model_init.clusters", pool.n_classes)
    # what trajectories share may not hang on one of them, so the draws come from a stream of their own
    return pool.shared.get(key, lambda: kmeans(pool_points(pool), pool.n_classes, np.random.default_rng(0)).labels)


def clustered(X: Features, n_clusters: int) -> RowNumbers:
    """Return the k-means cluster of each row, ``(n_rows,)``."""
    return kmeans(make_points(X), n_clusters, np.random.default_rng(0)).labels


def matched_classes(clusters: RowNumbers, labels: RowNumbers, n_classes: int) -> RowNumbers:
    """Return the class that each cluster is given, ``(n_classes,)``: a permutation that makes most labels agree.

    Source: H. W. Kuhn, *The Hungarian method for the assignment problem*, Naval Research Logistics 1955.

    >>> matched_classes(np.array([0, 0, 1, 2]), np.array([2, 2, 0, 2]), 3).tolist()
    [2, 0, 1]
    """
    agreeing = np.zeros((n_classes, n_classes))
    np.add.at(agreeing, (clusters, labels), 1.0)
    classes: RowNumbers = linear_sum_assignment(-agreeing)[1]
    return classes
