"""A block prepared for simulation: encoded features, true labels and random streams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import RequestError
from altune.core.needs import Capabilities
from altune.core.pool import FeatureCache
from altune.core.raw_rows import RawOffer, RawRows, RawTable
from altune.core.read_only import locked
from altune.core.streams import Streams
from altune.core.types import Codes, Features, RowNumbers, TrainingSet
from altune.data import Dataset
from altune.data.blocks import Block
from altune.data.description import Encoding
from altune.data.encoding import TextFeatures, encode_described, is_sparse
from altune.data.scaling import Scaling
from altune.loop.prefix_cache import PrefixCache
from altune.simulation.panel import cross_fitted

SPARSE_TEXT = "the sparse TF-IDF of text (--text-features lsa makes it dense)"


def no_raw() -> RawTable | None:
    """Return no raw rows."""
    return None


@dataclass(frozen=True, eq=False)
class PreparedBlock:
    """A block that is ready to be played on.

    Attributes
    ----------
    block : its row numbers in the data set.
    X_pool, X_test : encoded features, read-only. The encoding was fitted on the features of the pool alone.
    y_pool, y_test : true class codes, read-only.
    n_classes : number of classes of the scenario.
    streams : the block's random streams.
    encoding : how the features were encoded. Worker processes do not get it.
    feature_names : names of the encoded columns, None where encoding made new columns.
    raw : returns the raw rows of the whole data set, None where it has none. All blocks share them.
    shared : what trajectories build from the features, kept as long as the prepared block.
    hidden : what depends on true labels, which no recipe sees.
    prefixes : samples and models of the first loops, which trajectories with the same beginning share.
    """

    block: Block
    X_pool: Features
    X_test: Features
    y_pool: Codes
    y_test: Codes
    n_classes: int
    streams: Streams
    encoding: Encoding | None = None
    feature_names: tuple[str, ...] | None = None
    raw: Callable[[], RawTable | None] = no_raw
    shared: FeatureCache = field(default_factory=FeatureCache)
    hidden: FeatureCache = field(default_factory=FeatureCache)
    prefixes: PrefixCache = field(default_factory=PrefixCache)

    def __post_init__(self) -> None:
        for name in ("X_pool", "X_test", "y_pool", "y_test"):
            object.__setattr__(self, name, locked(getattr(self, name)))

    def inputs(self, takes_raw: bool) -> tuple[Features, Features]:
        """Return pool and test rows as models are given them: encoded, or with their raw rows if one takes those.

        Raises
        ------
        RequestError
            If there are no raw rows.
        """
        if not takes_raw:
            return self.X_pool, self.X_test
        table = self.raw()
        if table is None:
            raise RequestError("the data have no raw rows; give a DataFrame to a model that takes them")
        return RawRows.of(table, self.block.pool, self.X_pool), RawRows.of(table, self.block.test, self.X_test)

    def class_probabilities(self) -> NDArray[np.float64]:
        """Return the probabilities of :func:`altune.simulation.panel.cross_fitted`, computed once."""
        return self.hidden.get(
            "cross_fitted",
            lambda: cross_fitted(TrainingSet(self.X_pool, self.y_pool, self.n_classes), self.streams),
        )

    @property
    def test_groups(self) -> NDArray[np.int64] | None:
        """Group of each test row, ``(n_test,)``; None if the data have no groups."""
        return None if self.block.groups is None else self.block.groups[self.block.test]

    @property
    def pool_groups(self) -> Codes | None:
        """Group of each pool row, ``(n_pool,)``; None if the data have no groups."""
        return None if self.block.groups is None else self.block.groups[self.block.pool].astype(np.intp)

    @property
    def first_rows(self) -> RowNumbers | None:
        """Positions in the pool of the rows that are labelled first, None where the block does not fix them."""
        if self.block.initial is None:
            return None
        order = np.argsort(self.block.pool)
        return order[np.searchsorted(self.block.pool, self.block.initial, sorter=order)]


def offered(dataset: Dataset, labels: Codes, text_features: TextFeatures = "lsa", **further: Any) -> Capabilities:
    """Return what the rows of a data set offer to a recipe.

    Parameters
    ----------
    dataset : the data.
    labels : class codes with which a model that takes raw rows is tried, ``(n_rows,)``.
    text_features : what a column of text becomes.
    further : other fields of :class:`altune.core.needs.Capabilities`.
    """
    # Encoding keeps columns of numbers without missing values. What it makes of others is known once it was fitted.
    kept = dataset.kind == "sparse" or (dataset.kind == "dense" and bool(np.isfinite(dataset.X).all()))
    width = int(dataset.X.shape[1]) if kept else None
    return Capabilities(
        sparse=is_sparse(dataset, text_features),
        sparse_words=SPARSE_TEXT if dataset.kind == "table" else Capabilities.sparse_words,
        n_features=width,
        feature_names=None if width is None else kept_names(dataset, width),
        raw=RawOffer(dataset.name, dataset.kind, dataset.n_features, partial(getattr, dataset, "raw_table"), labels),
        **further,
    )


def prepare_block(
    dataset: Dataset, block: Block, seed: int, scaling: Scaling = "auto", text_features: TextFeatures = "lsa"
) -> PreparedBlock:
    """Encode the features of a block and gather everything that is needed to play on it."""
    X_pool, X_test, encoding = encode_described(
        dataset, block.pool, block.test, scaling=scaling, text_features=text_features
    )
    return PreparedBlock(
        block=block,
        X_pool=X_pool,
        X_test=X_test,
        y_pool=dataset.y[block.pool],
        y_test=dataset.y[block.test],
        n_classes=dataset.n_classes,
        streams=block.streams(seed, dataset.name),
        encoding=encoding,
        feature_names=kept_names(dataset, int(X_pool.shape[1])),
        raw=partial(getattr, dataset, "raw_table"),
    )


def kept_names(dataset: Dataset, width: int) -> tuple[str, ...] | None:
    """Return the names of the encoded columns, None if there are none or if encoding made new columns."""
    names = dataset.feature_names
    return names if dataset.kind != "table" and names is not None and len(names) == width else None
