"""A start that is pretrained on the unlabelled pool."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field
from scipy.optimize import linear_sum_assignment

from altune.core.pool import Pool
from altune.core.raw_rows import NUMBERS, taken
from altune.core.registry import register
from altune.core.streams import Streams
from altune.core.types import Codes, TrainingSet
from altune.knobs.model_init.base import ModelInit
from altune.knobs.pool_geometry import draw_rows, pool_points
from altune.models import FittedModel, Model
from altune.numerics.geometry.clustering import kmeans
from altune.numerics.geometry.distances import make_points


@register
class Pretrained(ModelInit):
    """A model trained first on k-means clusters of the pool as if they were classes, then on the labels.

    There are as many clusters as classes. Each cluster gets the class with which most labels agree, no class twice
    (an assignment problem), so that the pretrained outputs already mean the right classes where the clusters are
    good. The clusters depend on the pool's features alone and are made once for each pool.

    The start must matter to the model: naive Bayes, for one, would count the pseudo-labels as labels for ever.
    """

    source = "Caron et al., Deep Clustering for Unsupervised Learning of Visual Features, ECCV 2018"
    needs = frozenset({"partial_fit", "random_start"})
    method: Literal["pretrained"] = "pretrained"
    rows: int = Field(
        default=500, ge=10, le=100_000, description="most pool rows, drawn at random, it is pretrained on"
    )

    def start(
        self, model: Model, training: TrainingSet, *, streams: Streams, loop: int, pool: Pool | None = None
    ) -> FittedModel:
        """Fit on pseudo-labels and continue with the labels."""
        seed, n_classes = streams.integer("model", loop), training.n_classes
        if pool is None:
            X = training.X
            clusters = kmeans(make_points(taken(X, NUMBERS)), n_classes, np.random.default_rng(0)).labels
            labelled, labels = np.arange(len(training)), training.y
        else:
            X, clusters, labelled, labels = pool.inputs, pool_clusters(pool), pool.labelled, pool.labels
        classes = matched_classes(clusters[labelled], labels, n_classes)
        drawn = draw_rows(np.arange(len(clusters)), self.rows, streams.generator("model_init", loop))
        pretrained = model.fit(TrainingSet(X[drawn], classes[clusters[drawn]], n_classes), seed)
        return model.update(pretrained, training, seed)


def pool_clusters(pool: Pool) -> Codes:
    """Return the cluster of each pool row, ``(n_rows,)``, as many clusters as classes, made once for each pool."""
    key = ("model_init.clusters", pool.n_classes)
    # all trajectories of a block share the clusters, so they must not depend on the stream of one trajectory
    return pool.shared.get(key, lambda: kmeans(pool_points(pool), pool.n_classes, np.random.default_rng(0)).labels)


def matched_classes(clusters: Codes, labels: Codes, n_classes: int) -> Codes:
    """Return the class of each cluster, ``(n_classes,)``: a permutation with which most labels agree.

    Source: H. W. Kuhn, *The Hungarian method for the assignment problem*, Naval Research Logistics 1955.

    >>> matched_classes(np.array([0, 0, 1, 2]), np.array([2, 2, 0, 2]), 3).tolist()
    [2, 0, 1]
    """
    agreeing = np.zeros((n_classes, n_classes))
    np.add.at(agreeing, (clusters, labels), 1.0)
    return linear_sum_assignment(-agreeing)[1]
