"""What the loop works out for a stopping rule, each quantity when it is first asked for.

Nothing here may change the pool or the metadata: before it fires, a rule leaves the trajectory as it was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from altune.knobs.pool_geometry import pool_points
from altune.knobs.stopping.base import STOP_SET_ROWS, Array, Mask, StopView
from altune.knobs.stopping.bayes import Components, Posterior, divergence, laplace_posterior, principal_components
from altune.numerics.geometry.distances import Points, squared_distances
from altune.numerics.geometry.neighbours import nearest_neighbours

if TYPE_CHECKING:
    from altune.core.pool import Pool
    from altune.core.streams import Streams
    from altune.core.types import RowNumbers, TrainedModel

KEPT_PREDICTIONS = 5
SPACING_NEIGHBOURS = 10
NO_ROWS: RowNumbers = np.empty(0, dtype=np.intp)


class StoppingMonitor:
    """Looks at a pool once a loop on behalf of a rule.

    Parameters
    ----------
    pool : the pool of the trajectory, which the loop keeps up to date.
    streams : the block's random streams; the stop set is the same for every rule and recipe.
    predicts : whether predictions of the stop set are kept loop by loop.

    Attributes
    ----------
    predictions : predicted classes of the stop set by the last five models, oldest first; empty where not kept.
    """

    def __init__(self, pool: Pool, streams: Streams, *, predicts: bool) -> None:
        self.pool = pool
        self.predictions: deque[RowNumbers] = deque(maxlen=KEPT_PREDICTIONS)
        self._streams = streams
        self._predicts = predicts
        self._posteriors: dict[float, Posterior] = {}

    @cached_property
    def stop_set(self) -> RowNumbers:
        """At most 1000 rows of the pool, sorted, drawn once."""
        size = min(STOP_SET_ROWS, self.pool.n_rows)
        return np.sort(self._streams.generator("stop_set").choice(self.pool.n_rows, size=size, replace=False))

    @cached_property
    def components(self) -> Components:
        """Principal components of the stop set."""
        return principal_components(np.asarray(self.pool.X[self.stop_set], dtype=np.float64))

    @cached_property
    def spacing(self) -> float:
        """Median squared distance of a row of the stop set to its tenth nearest row of the pool; above 0."""
        points = pool_points(self.pool)
        near = nearest_neighbours(points.take(self.stop_set), points, SPACING_NEIGHBOURS + 1).squared[:, -1]
        middle = float(np.median(near))
        return middle if middle > 0 else float(near.max()) or 1.0

    def look(
        self,
        loop: int,
        chooser: TrainedModel | None,
        new_rows: RowNumbers,
        labels_of: Callable[[RowNumbers], RowNumbers],
    ) -> StopView:
        """Return what the rule sees of the loop that just ended.

        Parameters
        ----------
        loop : its number.
        chooser : the model that chose the rows of the loop, None in loop 0.
        new_rows : rows bought in it, ``(n_new,)``.
        labels_of : gives the combined labels of bought rows.
        """
        pool, model = self.pool, self.pool.model
        if model is None:
            raise RuntimeError("a turn ended without a model")
        if self._predicts:
            self.predictions.append(model.predict(pool.X[self.stop_set]))
        held_out = pool.held_out
        return StopView(
            predictions=tuple(self.predictions),
            held_out_labels=labels_of(held_out),
            held_out_predictions=model.predict(pool.X[held_out]) if len(held_out) else NO_ROWS,
            labels_bought=pool.labels_bought,
            n_classes=pool.n_classes,
            rng=self._streams.generator("stopping", loop),
            watched=LoopEvidence(self, chooser, new_rows, labels_of),
        )

    def divergences(self, precision: float) -> tuple[float, float] | None:
        """Return both divergences between this loop's posterior and the last one's, which it then replaces."""
        pool = self.pool
        Z = self.components.of(np.asarray(pool.X[pool.labelled], dtype=np.float64))
        now, before = laplace_posterior(Z, pool.labels, pool.n_classes, precision), self._posteriors.get(precision)
        self._posteriors[precision] = now
        return None if before is None else (divergence(now, before), divergence(before, now))


class LoopEvidence:
    """One loop, as :class:`altune.knobs.stopping.base.Evidence` describes it."""

    def __init__(
        self,
        watch: StoppingMonitor,
        chooser: TrainedModel | None,
        new_rows: RowNumbers,
        labels_of: Callable[[RowNumbers], RowNumbers],
    ) -> None:
        self._watch = watch
        self._chooser = chooser
        self._new_rows = new_rows if chooser is not None else NO_ROWS
        self._labels_of = labels_of
        self._distances: dict[int, Array] = {}
        self._divergences: dict[float, tuple[float, float] | None] = {}

    @cached_property
    def scores(self) -> Array:
        """Class scores of the stop set."""
        pool = self._watch.pool
        if pool.model is None:
            raise RuntimeError("a turn ended without a model")
        return pool.model.class_scores(pool.X[self._watch.stop_set])

    @cached_property
    def unlabelled(self) -> Mask:
        """Which rows of the stop set are candidates."""
        return np.isin(self._watch.stop_set, self._watch.pool.candidates)

    @cached_property
    def new_scores(self) -> Array:
        """Class scores of the new rows by the model that chose them."""
        pool = self._watch.pool
        if self._chooser is None or not len(self._new_rows):
            return np.empty((0, pool.n_classes))
        return self._chooser.class_scores(pool.X[self._new_rows])

    @cached_property
    def new_predictions(self) -> RowNumbers:
        """Classes of the new rows by the model that chose them."""
        if self._chooser is None or not len(self._new_rows):
            return NO_ROWS
        return self._chooser.predict(self._watch.pool.X[self._new_rows])

    @cached_property
    def new_labels(self) -> RowNumbers:
        """Labels of the new rows."""
        return self._labels_of(self._new_rows)

    def distances(self, neighbours: int) -> Array:
        """Distances of the stop set to the labelled rows, in spacings."""
        if neighbours not in self._distances:
            watch = self._watch
            points, labelled = pool_points(watch.pool), watch.pool.labelled
            squared = _kth_nearest(points.take(watch.stop_set), points.take(labelled), neighbours)
            squared[np.isin(watch.stop_set, labelled)] = 0.0
            self._distances[neighbours] = np.sqrt(squared / watch.spacing)
        return self._distances[neighbours]

    def divergences(self, precision: float) -> tuple[float, float] | None:
        """Divergences between this loop's posterior and the last one's."""
        if precision not in self._divergences:
            self._divergences[precision] = self._watch.divergences(precision)
        return self._divergences[precision]


def _kth_nearest(points: Points, others: Points, k: int) -> Array:
    if k == 1:
        nearest: Array = squared_distances(points, others).min(axis=1)
        return nearest
    return nearest_neighbours(points, others, k).squared[:, -1]
