"""The pool in two dimensions, with the rows that were bought and their loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from altune.core.errors import MissingExtraError, RequestError
from altune.core.settings import with_usual_settings

if TYPE_CHECKING:
    from altune.simulation.curve import LearningCurve
    from altune.simulation.prepared import PreparedBlock

Projection = Literal["pca", "umap"]
Array = NDArray[np.float64]

BACKGROUND_ROWS = 2_000
PICKED_ROWS = 5_000
FITTED_ROWS = 10_000
"""Largest numbers of rows in the background, of rows bought, and of rows to which the projection is fitted."""


@dataclass(frozen=True)
class PoolMap:
    """The pool of one block in two dimensions.

    Attributes
    ----------
    projection : ``pca`` (for sparse features, a truncated singular value decomposition) or ``umap``.
    explained : share of the variance along each axis, in [0, 1]; None for ``umap``.
    classes : names of all classes.
    pool_rows : number of rows of the pool.
    x, y, code : position and class of the rows of the pool, all or 2,000 drawn at random.
    picked_x, picked_y, picked_code : position and class of the rows bought, in the order of purchase.
    picked_loop : loop in which each row was bought.
    picked_row : row number of each row in the data set.
    """

    projection: Projection
    explained: tuple[float, float] | None
    classes: tuple[str, ...]
    pool_rows: int
    x: tuple[float, ...]
    y: tuple[float, ...]
    code: tuple[int, ...]
    picked_x: tuple[float, ...]
    picked_y: tuple[float, ...]
    picked_code: tuple[int, ...]
    picked_loop: tuple[int, ...]
    picked_row: tuple[int, ...]


def pool_map(
    prepared: PreparedBlock, curve: LearningCurve, classes: Sequence[str], projection: Projection = "pca"
) -> PoolMap | None:
    """Return a map of a block's pool with the rows bought; None for fewer than two features or three rows.

    The projection is fitted to the features that the model gets, and does not depend on labels. Only the first 5,000
    rows bought are on the map.

    Parameters
    ----------
    prepared : the block.
    curve : the recipe's learning curve on it.
    classes : names of the classes.
    projection : ``pca`` or ``umap``.

    Raises
    ------
    RequestError
        If there is no such projection.
    MissingExtraError
        If ``umap`` is not installed.
    """
    X = prepared.X_pool
    if X.shape[1] < 2 or X.shape[0] < 3:
        return None
    pool, rng = prepared.block.pool, prepared.streams.generator("pool_map")
    order = np.argsort(pool)
    bought = order[np.searchsorted(pool, curve.rows[:PICKED_ROWS], sorter=order)]
    loops = np.repeat(np.arange(len(curve)), curve.loop_rows)[: len(bought)]
    background = np.sort(rng.permutation(len(pool))[:BACKGROUND_ROWS])
    fitted = np.union1d(background, np.sort(rng.permutation(len(pool))[:FITTED_ROWS]))
    positions, explained = project(X, fitted, np.concatenate([background, bought]), projection, rng)
    # Three decimals of the longer side are the resolution of a screen.
    positions = np.round((positions - positions.min(axis=0)) / (float(np.ptp(positions, axis=0).max()) or 1.0), 3)
    shown, picked = positions[: len(background)], positions[len(background) :]
    return PoolMap(
        projection=projection,
        explained=explained,
        classes=tuple(classes),
        pool_rows=len(pool),
        x=tuple(shown[:, 0].tolist()),
        y=tuple(shown[:, 1].tolist()),
        code=tuple(prepared.y_pool[background].tolist()),
        picked_x=tuple(picked[:, 0].tolist()),
        picked_y=tuple(picked[:, 1].tolist()),
        picked_code=tuple(prepared.y_pool[bought].tolist()),
        picked_loop=tuple(loops.tolist()),
        picked_row=tuple(curve.rows[: len(bought)].tolist()),
    )


def check_projection(projection: str) -> None:
    """Raise an error if a projection is not available, before anything is played.

    Raises
    ------
    RequestError
        If there is no such projection.
    MissingExtraError
        If it is not installed.
    """
    if projection not in get_args(Projection):
        raise RequestError(f"no projection {projection!r} of the pool; use {' or '.join(get_args(Projection))}")
    if projection == "umap" and find_spec("umap") is None:
        raise MissingExtraError("a map of the pool by UMAP", "umap")


@with_usual_settings
def project(
    X: Any, fitted: NDArray[np.intp], shown: NDArray[np.intp], projection: str, rng: np.random.Generator
) -> tuple[Array, tuple[float, float] | None]:
    """Return the positions of rows in two dimensions, ``(n_shown, 2)``, and the variance explained along each axis.

    Parameters
    ----------
    X : features, ``(n_rows, n_features)``, two or more of each, dense or CSR.
    fitted, shown : rows to which the projection is fitted, and rows to project.
    projection : ``pca`` or ``umap``.
    rng : source of the projection's seed.
    """
    check_projection(projection)
    seed = int(rng.integers(2**31))
    if projection == "umap":
        umap = _umap(seed).fit(X[fitted])
        index_of = {int(row): index for index, row in enumerate(fitted)}
        if all(int(row) in index_of for row in shown):
            return np.asarray(umap.embedding_[[index_of[int(row)] for row in shown]], dtype=np.float64), None
        return np.asarray(umap.transform(X[shown]), dtype=np.float64), None
    from sklearn.decomposition import PCA, TruncatedSVD

    kind = TruncatedSVD if sparse.issparse(X) else PCA
    projector = kind(2, random_state=seed).fit(X[fitted])
    share = np.nan_to_num(projector.explained_variance_ratio_).round(4).tolist()
    return np.asarray(projector.transform(X[shown]), dtype=np.float64), (share[0], share[1])


def _umap(seed: int) -> Any:
    from umap import UMAP

    # Only with one thread does a seed give the same map again.
    return UMAP(n_components=2, random_state=seed, n_jobs=1)
