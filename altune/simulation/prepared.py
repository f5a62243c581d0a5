"""A block prepared for simulation: encoded features, true labels and random streams."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from altune.core.pool import FeatureCache
from altune.core.streams import Streams
from altune.core.types import Features, RowNumbers
from altune.data import Dataset, encode
from altune.data.blocks import Block
from altune.data.encoding import Scaling
from altune.loop.prefix_cache import PrefixCache
from altune.simulation.annotators import cross_fitted


@dataclass(frozen=True, eq=False)
class PreparedBlock:
    """A block made ready to be played on: encoded features, true labels, random streams.

    The features were encoded by what the pool's features alone say; ``shared`` gathers what trajectories build of
    them, for as long as the prepared lives. ``feature_names`` are the columns' names where encoding kept the columns.
    What depends on true labels is gathered in ``hidden``, which no recipe sees; what equal beginnings of trajectories
    come to, in ``prefixes``.
    """

    block: Block
    X_pool: Features
    X_test: Features
    y_pool: RowNumbers
    y_test: RowNumbers
    n_classes: int
    streams: Streams
    feature_names: tuple[str, ...] | None = None
    shared: FeatureCache = field(default_factory=FeatureCache)
    hidden: FeatureCache = field(default_factory=FeatureCache)
    prefixes: PrefixCache = field(default_factory=PrefixCache)

    def class_probabilities(self) -> NDArray[np.float64]:
        """Return what a model of all true labels says of each pool row it did not learn from, worked out once."""
        return self.hidden.get(
            "cross_fitted", lambda: cross_fitted(self.X_pool, self.y_pool, self.n_classes, self.streams)
        )

    @property
    def first_rows(self) -> RowNumbers | None:
        """Positions in the pool of the rows that are labelled first, where the block fixes them."""
        if self.block.initial is None:
            return None
        order = np.argsort(self.block.pool)
        return order[np.searchsorted(self.block.pool, self.block.initial, sorter=order)]


def prepare_block(dataset: Dataset, block: Block, seed: int, scaling: Scaling = "auto") -> PreparedBlock:
    """Encode a block's features and gather what is needed to play on it."""
    X_pool, X_test = encode(dataset, block.pool, block.test, scaling=scaling)
    return PreparedBlock(
        block=block,
        X_pool=X_pool,
        X_test=X_test,
        y_pool=dataset.y[block.pool],
        y_test=dataset.y[block.test],
        n_classes=dataset.n_classes,
        streams=block.streams(seed, dataset.name),
        feature_names=kept_names(dataset, int(X_pool.shape[1])),
    )


def kept_names(dataset: Dataset, width: int) -> tuple[str, ...] | None:
    """Return the names of encoded columns, None where nobody named them or encoding made others of them."""
    names = dataset.feature_names
    return names if dataset.kind != "table" and names is not None and len(names) == width else None
