"""The formulas of the columns of metadata.

Neighbours of a row are its 20 nearest rows in the pool, with the similarity s_ij of
:mod:`altune.numerics.geometry.coverage`. The class of a row is its label if it has one, and else the class that the
model predicts; its probabilities are 1 for its label, and else those of the model.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from altune.core.metadata import Metadata
from altune.core.pool import Pool
from altune.core.types import Array, Codes, RowNumbers
from altune.core.uncertainty import entropy, least_confidence, margin
from altune.knobs.pool_coverage import PoolCoverage, pool_neighbour_graph
from altune.knobs.pool_geometry import covered_distances, current_model, embedded_points, pool_similarity
from altune.numerics.row_scores import expected_gradient_lengths, mean_neighbour_divergence, weighted_history

__all__ = ["entropy", "least_confidence"]

NEIGHBOURS = 20
"""Number of neighbours, as in ``margin_cover``."""
PAST = 4
"""Number of earlier loops that count."""
DECAY = 0.5
LEAST_PROBABILITY = 1e-7


class View:
    """What several columns of one loop share, computed on first use.

    Parameters
    ----------
    pool : a pool with a model.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.known: Metadata = pool.known()

    @classmethod
    def of(cls, pool: Pool) -> View:
        """Return the view of the current loop, the same for all columns."""
        latest: list[View] = pool.memory.get("columns.view", list)
        if not latest or latest[0].known is not pool.metadata:
            latest[:] = [cls(pool)]
        return latest[0]

    @cached_property
    def u(self) -> Array:
        """1 − margin of each candidate, ``(n_candidates,)``."""
        return 1.0 - self.known.margin

    @cached_property
    def generations(self) -> list[tuple[int, Array]]:
        """Class probabilities of this loop and of up to four before, each after the number of loops back."""
        then = [(back, self.known.earlier(back, "probabilities")) for back in range(1, PAST + 1)]
        return [(0, self.known.probabilities), *((back, scores) for back, scores in then if scores is not None)]

    @cached_property
    def past_u(self) -> list[tuple[int, Array]]:
        """1 − margin in each of these loops, after the number of loops back."""
        past = [(0, self.u)]
        for back in range(1, PAST + 1):
            then = self.known.earlier(back, "margin")
            if then is not None:
                past.append((back, 1.0 - then))
            elif (scores := self.known.earlier(back, "probabilities")) is not None:
                past.append((back, closeness(scores)))
        return past

    @cached_property
    def last(self) -> Array | None:
        """Class probabilities one loop ago, None if they are not known."""
        return self.known.earlier(1, "probabilities")

    @cached_property
    def coverage(self) -> PoolCoverage:
        """Coverage of the pool by the rows that were bought, and the graph of neighbours."""
        return PoolCoverage(self.pool, NEIGHBOURS)

    @cached_property
    def neighbours(self) -> RowNumbers:
        """Neighbours of each candidate that the graph has, as positions in it, ``(n_competing, k)``."""
        return self.coverage.graph.neighbours[self.coverage.candidates]

    @cached_property
    def similarity(self) -> Array:
        """Similarity of each of them, ``(n_competing, k)``."""
        return self.coverage.graph.similarity[self.coverage.candidates]

    @cached_property
    def similarity_sums(self) -> Array:
        """Sum of the similarities of each of these rows, ``(n_competing,)``; all loops of a block share it."""
        similarity = self.coverage.graph.similarity
        sums: Array = self.pool.shared.get(("columns.similarity_sums", NEIGHBOURS), lambda: similarity.sum(axis=1))
        return sums[self.coverage.candidates]

    @cached_property
    def rest(self) -> RowNumbers:
        """Pool rows that are neither candidates nor labelled: held out, or dropped by an audit."""
        rest = np.ones(self.pool.n_rows, dtype=bool)
        rest[self.pool.labelled] = rest[self.pool.candidates] = False
        return np.flatnonzero(rest)

    @cached_property
    def rest_scores(self) -> Array:
        """Class probabilities of these rows, which the model is asked about, ``(n_rest, n_classes)``."""
        if not len(self.rest):
            return np.empty((0, self.pool.n_classes))
        scores: Array = current_model(self.pool).class_scores(self.pool.inputs[self.rest])
        return scores

    @cached_property
    def probabilities(self) -> Array:
        """Class probabilities of each row of the graph, ``(n_graph, n_classes)``; 0 and 1 for labelled rows."""
        pool = self.pool
        scores = np.zeros((pool.n_rows, pool.n_classes))
        scores[pool.labelled, pool.labels] = 1.0
        scores[pool.candidates], scores[self.rest] = self.known.probabilities, self.rest_scores
        return scores[self.rows]

    @cached_property
    def rows(self) -> RowNumbers:
        """Pool rows of the graph, sorted."""
        return pool_neighbour_graph(self.pool, NEIGHBOURS).rows

    @cached_property
    def classes(self) -> Codes:
        """Class of each row of the graph, its label or the prediction, ``(n_graph,)``."""
        pool = self.pool
        codes = np.empty(pool.n_rows, dtype=np.intp)
        codes[pool.labelled], codes[pool.candidates] = pool.labels, self.known.predictions
        if len(self.rest):
            codes[self.rest] = self.rest_scores.argmax(axis=1)
        return codes[self.rows]

    @cached_property
    def differs(self) -> Array:
        """1 where a neighbour has another class than the one that is predicted for the candidate, else 0."""
        predicted = self.classes[self.coverage.candidates]
        return np.not_equal(self.classes[self.neighbours], predicted[:, None]).astype(np.float64)

    @cached_property
    def labelled_similarity(self) -> Array:
        """Similarity of the neighbours that have a label, 0 for others, ``(n_competing, k)``."""
        has_label = np.zeros(self.pool.n_rows)
        has_label[self.pool.labelled] = 1.0
        return self.similarity * has_label[self.rows][self.neighbours]

    @cached_property
    def labelled_sums(self) -> Array:
        """Sum of these similarities, ``(n_competing,)``."""
        sums: Array = self.labelled_similarity.sum(axis=1)
        return sums

    @cached_property
    def label_shares(self) -> Array:
        """Share of each class among the labels, ``(n_classes,)``."""
        counts = np.bincount(self.pool.labels, minlength=self.pool.n_classes)
        return counts / max(1, len(self.pool.labels))

    def spread(self, values: Array) -> Array:
        """Return values of candidates that the graph has as values of all candidates, NaN for the others."""
        spread = np.full(len(self.pool.candidates), np.nan)
        spread[self.coverage.positions] = values
        return spread


# Class probabilities


def closeness(probabilities: Array) -> Array:
    """Return 1 − (p₁ − p₂)."""
    return 1.0 - margin(probabilities)


def second(probabilities: Array) -> Array:
    """Return p₂, ``(n_rows,)``."""
    return np.partition(probabilities, -2, axis=1)[:, -2]


def log_odds(probabilities: Array) -> Array:
    """Return ln p₂ − ln p₁, ``(n_rows,)``; both are clipped at 1e-7."""
    top = np.maximum(np.partition(probabilities, -2, axis=1)[:, -2:], LEAST_PROBABILITY)
    return np.log(top[:, 0]) - np.log(top[:, 1])


def gradient(view: View) -> Array:
    """Return the expected length of the gradient of the last layer."""
    lengths = np.sqrt(embedded_points(view.pool).norms)
    return expected_gradient_lengths(view.known.probabilities, lengths)


def smoothed(view: View) -> Array:
    """Return the mean of u over a row and its neighbours; that of rows that were bought is 0."""
    u = np.zeros(view.pool.n_rows)
    u[view.pool.candidates] = view.u
    on_graph = u[view.rows]
    around = np.einsum("ij,ij->i", view.similarity, on_graph[view.neighbours])
    return view.spread((on_graph[view.coverage.candidates] + around) / (1.0 + view.similarity_sums))


# Coverage and density


def cov(view: View) -> Array:
    """Return what each candidate adds to the coverage by the rows that were bought."""
    return view.spread(view.coverage.of_labelled().values[view.coverage.candidates])


def bcov(view: View) -> Array:
    """Return what each candidate adds to the coverage by an empty batch, weighted by u."""
    return view.spread(view.coverage.of_batch(view.u).values[view.coverage.candidates])


def covered(view: View) -> Array:
    """Return the coverage of each candidate by the rows that were bought."""
    return view.spread(view.coverage.covered[view.coverage.candidates])


def distance(view: View) -> Array | None:
    """Return the distance of each candidate to the nearest row that was bought, None if there is none."""
    squared = covered_distances(view.pool).squared[view.pool.candidates]
    return np.sqrt(squared) if np.isfinite(squared).all() else None


def similarity(view: View) -> Array:
    """Return the mean similarity of each candidate to the pool."""
    return pool_similarity(view.pool)[view.pool.candidates]


def typicality(view: View) -> Array | None:
    """Return the mean similarity to the neighbours, None in a pool of one row."""
    return view.spread(view.similarity_sums / k) if (k := view.coverage.graph.similarity.shape[1]) else None


def hubness(view: View) -> Array:
    """Return the number of rows among whose neighbours each candidate is."""
    return view.spread(np.diff(view.coverage.graph.ends)[view.coverage.candidates].astype(np.float64))


# Classes of the neighbours


def disagreement(view: View) -> Array:
    """Return the share of the neighbours in another class than predicted."""
    return view.spread(_weighted_share(view.differs, view.similarity, view.similarity_sums))


def divergence(view: View) -> Array | None:
    """Return the mean divergence of the neighbours' probabilities, None in a pool of one row."""
    if not view.neighbours.shape[1]:
        return None
    own = view.probabilities[view.coverage.candidates]
    return view.spread(mean_neighbour_divergence(view.probabilities, view.neighbours, own))


def labelled_share(view: View) -> Array:
    """Return the share of the neighbours that have a label."""
    return view.spread(_share(view.labelled_sums, view.similarity_sums))


def label_conflict(view: View) -> Array:
    """Return the share of the neighbours' labels other than predicted, NaN where no neighbour has a label."""
    return view.spread(_weighted_share(view.differs, view.labelled_similarity, view.labelled_sums))


# Balance of the classes


def rarity(view: View) -> Array:
    """Return the expected reward for a label of a rare class."""
    counts = np.bincount(view.pool.labels, minlength=view.pool.n_classes)
    expected: Array = np.einsum("ij,j->i", view.known.probabilities, 1.0 / np.maximum(1, counts))
    return expected


def predicted_share(view: View) -> Array:
    """Return the share of the predicted class among the labels."""
    return view.label_shares[view.known.predictions]


def class_gap(view: View) -> Array:
    """Return by how much the predicted class is more common among the predictions than among the labels."""
    predictions = view.known.predictions
    shares = np.bincount(predictions, minlength=view.pool.n_classes) / max(1, len(predictions))
    return (shares - view.label_shares)[predictions]


# Earlier loops


def change(view: View) -> Array | None:
    """Return u minus that of the loop before, None in the first loop."""
    return None if view.last is None else view.u - closeness(view.last)


def discrepancy(view: View) -> Array | None:
    """Return the distance between the class probabilities and those of the loop before, None in the first loop."""
    return None if view.last is None else np.asarray(np.linalg.norm(view.known.probabilities - view.last, axis=1))


def flips(view: View) -> Array | None:
    """Return how often the predicted class changed, None in the first loop."""
    predicted = [scores.argmax(axis=1) for _, scores in view.generations]
    return np.count_nonzero(np.diff(predicted, axis=0), axis=0).astype(np.float64) if len(predicted) > 1 else None


def variance(view: View) -> Array | None:
    """Return the variance of u over the loops that are known, None in the first loop."""
    if len(view.past_u) < 2:
        return None
    apart = np.array([u for _, u in view.past_u])
    apart -= np.add.reduce(apart) / len(apart)
    apart *= apart
    return np.asarray(np.add.reduce(apart) / len(apart))


def mean_u(view: View) -> Array:
    """Return the weighted mean of u over the loops that are known."""
    return weighted_history(view.past_u, DECAY)


def _weighted_share(values: Array, weights: Array, sums: Array) -> Array:
    """Return the mean of the values of each row with the given weights, of known sums, NaN where they are all 0."""
    return _share(np.einsum("ij,ij->i", values, weights), sums)


def _share(part: Array, whole: Array) -> Array:
    share: Array = np.full(len(whole), np.nan)
    return np.divide(part, whole, out=share, where=whole > 0)
