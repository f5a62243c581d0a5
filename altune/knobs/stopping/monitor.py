"""The quantities of a loop that stopping rules use, each computed when it is first used.

Nothing here may change the pool or the metadata: a rule must not change the trajectory before it fires.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from altune.core.pool import Pool
from altune.core.read_only import read_only_view
from altune.core.streams import Streams
from altune.core.types import Array, Codes, RowNumbers, TrainedModel
from altune.knobs.pool_geometry import current_model, pool_points
from altune.knobs.stopping.base import STOP_SET_ROWS, Mask, StopView
from altune.knobs.stopping.bayes import Components, Posterior, divergence, laplace_posterior, principal_components
from altune.numerics.geometry.distances import Points, squared_distances
from altune.numerics.geometry.neighbours import nearest_neighbours

KEPT_PREDICTIONS = 5
"""Number of models whose predictions of the stop set are kept."""

SPACING_NEIGHBOURS = 10
"""Number of the nearest row that defines the spacing of a pool."""

NO_ROWS: RowNumbers = np.empty(0, dtype=np.intp)
NO_CODES: Codes = np.empty(0, dtype=np.intp)


class StoppingMonitor:
    """Observes a pool once per loop, for a stopping rule or a loop size.

    Parameters
    ----------
    pool : the pool of the trajectory, which the loop keeps up to date.
    streams : random streams of the block; the stop set is the same for every rule and recipe.
    predicts : whether predictions of the stop set are kept.

    Attributes
    ----------
    predictions : predicted classes of the stop set by the last five models, oldest first; empty if not kept.
    """

    def __init__(self, pool: Pool, streams: Streams, *, predicts: bool) -> None:
        self.pool = pool
        self.predictions: deque[Codes] = deque(maxlen=KEPT_PREDICTIONS)
        self._streams = streams
        self._predicts = predicts
        self._posteriors: dict[float, Posterior] = {}

    def restart(self) -> None:
        """Draw a new stop set when it is next used, and forget what models predicted about the last one."""
        for name in ("stop_set", "components", "spacing"):
            vars(self).pop(name, None)
        self.predictions.clear()
        self._posteriors.clear()

    @cached_property
    def stop_set(self) -> RowNumbers:
        """At most 1000 random rows of the pool, sorted, drawn once."""
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
        median = float(np.median(near))
        return median if median > 0 else float(near.max()) or 1.0

    def observe(
        self,
        loop: int,
        chooser: TrainedModel | None,
        new_rows: RowNumbers,
        labels_of: Callable[[RowNumbers], Codes],
    ) -> StopView:
        """Return what a rule sees of the loop that just ended.

        Parameters
        ----------
        loop : number of the loop.
        chooser : the model that selected the rows of the loop; None in loop 0.
        new_rows : rows bought in the loop, ``(n_new,)``.
        labels_of : returns the combined labels of bought rows.
        """
        pool, model = self.pool, current_model(self.pool)
        if self._predicts:
            self.predictions.append(read_only_view(model.predict(pool.inputs[self.stop_set])))
        held_out = pool.held_out
        return StopView(
            predictions=tuple(self.predictions),
            held_out_labels=labels_of(held_out),
            held_out_predictions=model.predict(pool.inputs[held_out]) if len(held_out) else NO_CODES,
            labels_bought=pool.labels_bought,
            n_classes=pool.n_classes,
            rng=self._streams.generator("stopping", loop),
            evidence=LoopEvidence(self, chooser, new_rows if chooser is not None else NO_ROWS, labels_of),
        )

    def divergences(self, precision: float) -> tuple[float, float] | None:
        """Return both divergences between the posteriors of this loop and of the last call, and keep the former."""
        pool = self.pool
        Z = self.components.of(np.asarray(pool.X[pool.labelled], dtype=np.float64))
        now, before = laplace_posterior(Z, pool.labels, pool.n_classes, precision), self._posteriors.get(precision)
        self._posteriors[precision] = now
        return None if before is None else (divergence(now, before), divergence(before, now))


@dataclass(eq=False)
class LoopEvidence:
    """The :class:`altune.knobs.stopping.base.Evidence` of one loop; without a chooser there are no new rows."""

    monitor: StoppingMonitor
    chooser: TrainedModel | None
    new_rows: RowNumbers
    labels_of: Callable[[RowNumbers], Codes]
    _distances: dict[int, Array] = field(default_factory=dict)
    _divergences: dict[float, tuple[float, float] | None] = field(default_factory=dict)

    @cached_property
    def scores(self) -> Array:
        """Class scores of the stop set."""
        pool = self.monitor.pool
        return current_model(pool).class_scores(pool.inputs[self.monitor.stop_set])

    @cached_property
    def unlabelled(self) -> Mask:
        """Whether each row of the stop set is a candidate."""
        return np.isin(self.monitor.stop_set, self.monitor.pool.candidates)

    @cached_property
    def new_scores(self) -> Array:
        """Class scores of the new rows by the model that selected them."""
        pool = self.monitor.pool
        if self.chooser is None or not len(self.new_rows):
            return np.empty((0, pool.n_classes))
        return self.chooser.class_scores(pool.inputs[self.new_rows])

    @cached_property
    def new_predictions(self) -> Codes:
        """Predictions of the new rows by the model that selected them."""
        if self.chooser is None or not len(self.new_rows):
            return NO_CODES
        return self.chooser.predict(self.monitor.pool.inputs[self.new_rows])

    @cached_property
    def new_labels(self) -> Codes:
        """Labels of the new rows."""
        return self.labels_of(self.new_rows)

    def distances(self, neighbours: int) -> Array:
        """Return the distances of the stop set to the labelled rows, in units of the spacing."""
        if neighbours not in self._distances:
            monitor = self.monitor
            points, labelled = pool_points(monitor.pool), monitor.pool.labelled
            squared = _kth_nearest(points.take(monitor.stop_set), points.take(labelled), neighbours)
            squared[np.isin(monitor.stop_set, labelled)] = 0.0
            self._distances[neighbours] = np.sqrt(squared / monitor.spacing)
        return self._distances[neighbours]

    def divergences(self, precision: float) -> tuple[float, float] | None:
        """Return the divergences between the posteriors of this loop and of the last one."""
        if precision not in self._divergences:
            self._divergences[precision] = self.monitor.divergences(precision)
        return self._divergences[precision]


def _kth_nearest(points: Points, others: Points, k: int) -> Array:
    if k == 1:
        nearest: Array = squared_distances(points, others).min(axis=1)
        return nearest
    return nearest_neighbours(points, others, k).squared[:, -1]
