"""A forest of regression trees as plain arrays, evaluated for many rows at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.core.types import Array

LEAF = -1
"""The feature of a node without children."""


@dataclass(frozen=True, eq=False)
class Forest:
    """The nodes of all trees, one tree after the other.

    A row at a node goes to the node ``left`` if its feature is at most the threshold, and to ``right`` otherwise. A
    leaf leads to itself.

    Attributes
    ----------
    feature : number of the feature of each node, -1 for a leaf, ``(n_nodes,)``.
    threshold : threshold of each node, 0 for a leaf, ``(n_nodes,)``.
    left, right : numbers of the children, ``(n_nodes,)``.
    value : prediction of each leaf, 0 for the other nodes, ``(n_nodes,)``.
    roots : number of the root of each tree, ``(n_trees,)``.
    """

    feature: NDArray[np.intp]
    threshold: Array
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    value: Array
    roots: NDArray[np.intp]

    @classmethod
    def from_trees(cls, trees: Sequence[dict[str, Sequence[float]]]) -> Forest:
        """Return a forest of trees whose children are numbered within each tree, with node 0 as the root.

        Raises
        ------
        ValueError
            If the lists of a tree have different lengths, or a child does not come after its parent.

        Examples
        --------
        >>> tree = {"feature": [0, -1, -1], "threshold": [0.5, 0, 0], "left": [1, 1, 2], "right": [2, 1, 2]}
        >>> forest = Forest.from_trees([tree | {"value": [0, 10.0, 20.0]}])
        >>> forest.predict(np.array([[0.5], [0.6]])).tolist()
        [10.0, 20.0]
        """
        if not trees:
            raise ValueError("a forest needs a tree")
        roots = np.cumsum([0, *(len(tree["feature"]) for tree in trees[:-1])])
        columns: dict[str, list[NDArray[Any]]] = {
            name: [] for name in ("feature", "threshold", "left", "right", "value")
        }
        for root, tree in zip(roots, trees, strict=True):
            nodes = {name: np.asarray(tree[name]) for name in columns}
            _check_tree(nodes)
            for name, values in nodes.items():
                columns[name].append(values + root if name in ("left", "right") else values)
        joined = {name: np.concatenate(parts) for name, parts in columns.items()}
        return cls(
            joined["feature"].astype(np.intp),
            joined["threshold"].astype(np.float64),
            joined["left"].astype(np.intp),
            joined["right"].astype(np.intp),
            joined["value"].astype(np.float64),
            roots.astype(np.intp),
        )

    def predict(self, X: Array) -> Array:
        """Return the mean prediction of the trees, ``(n_rows,)``.

        Parameters
        ----------
        X : features, ``(n_rows, n_features)``.
        """
        at = np.broadcast_to(self.roots, (len(X), len(self.roots)))
        rows = np.arange(len(X))[:, None]
        while True:
            feature = self.feature[at]
            inner = feature != LEAF
            if not inner.any():
                return np.asarray(self.value[at].mean(axis=1))
            goes_left = X[rows, np.maximum(feature, 0)] <= self.threshold[at]
            at = np.where(inner, np.where(goes_left, self.left[at], self.right[at]), at)


def _check_tree(nodes: dict[str, NDArray[Any]]) -> None:
    """Refuse lists of different lengths, and children before their parents, with which a walk might not end."""
    n_nodes = len(nodes["feature"])
    if not n_nodes or any(values.shape != (n_nodes,) for values in nodes.values()):
        raise ValueError("the lists of a tree need one entry for each node")
    if any(nodes[name].dtype.kind != "i" for name in ("feature", "left", "right")) or nodes["feature"].min() < LEAF:
        raise ValueError("features and children are whole numbers, and the feature of a leaf is -1")
    inner = nodes["feature"] != LEAF
    own = np.arange(n_nodes)
    for side in ("left", "right"):
        children = nodes[side][inner]
        if (children <= own[inner]).any() or (children >= n_nodes).any():
            raise ValueError("a child must come after its parent")
    if not np.isfinite(nodes["threshold"].astype(np.float64)).all() or not np.isfinite(nodes["value"]).all():
        raise ValueError("thresholds and values must be finite")
