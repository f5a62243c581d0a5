"""Agglomerative clusters."""

from __future__ import annotations

import numpy as np

from altune.numerics.geometry import hierarchy
from altune.numerics.geometry.distances import make_points
from altune.numerics.geometry.hierarchy import linked_clusters


def test_clusters_of_one_linkage_and_one_for_each_row_far_off(monkeypatch):
    chance = np.random.default_rng(0)
    X = np.concatenate([chance.normal(size=(20, 3)) + 40 * c for c in range(5)])
    points = make_points(X)
    blob = np.repeat(np.arange(5), 20)

    def same_partition(labels):
        pairs = {(int(a), int(b)) for a, b in zip(labels, blob, strict=True)}
        return len(pairs) == 5 == len(set(labels.tolist()))

    assert same_partition(linked_clusters(points, 20))
    monkeypatch.setattr(hierarchy, "MOST_ROWS", 50)  # the others join the cluster of the nearest of 50
    assert same_partition(linked_clusters(points, 20))
    assert len(set(linked_clusters(make_points(X[:10]), 1.0).tolist())) == 10
    assert linked_clusters(make_points(X[:1]), 5).tolist() == [0]
