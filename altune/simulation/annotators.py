"""The annotators of the scenario: what they answer, and what an answer costs.

The true labels and how hard a row is live here, in the simulator; a recipe gets answers and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold

from altune.core.errors import ScenarioError
from altune.core.streams import Streams
from altune.core.types import RowNumbers, TrainingSet
from altune.models import LogisticRegressionModel

if TYPE_CHECKING:
    from altune.simulation.scenario import Annotator, Scenario

Array = NDArray[np.float64]
FOLDS = 5
MOST_DIFFICULT = 0.5


def cross_fitted(truth: TrainingSet, streams: Streams) -> Array:
    """Return class probabilities of each pool row by a model of the true labels of the others, ``(n_rows, n_classes)``.

    The model is altune's logistic regression on five folds, whatever the recipe's own model is.
    """
    probabilities = np.zeros((len(truth), truth.n_classes))
    model = LogisticRegressionModel()
    folds = KFold(min(FOLDS, len(truth)), shuffle=True, random_state=streams.integer("difficulty"))
    for number, (train, judged) in enumerate(folds.split(np.zeros(len(truth)))):
        fitted = model.fit(truth.take(train), streams.integer("difficulty", number))
        probabilities[judged] = fitted.class_scores(truth.X[judged])
    return probabilities


def difficulty(probabilities: Array, y: RowNumbers) -> Array:
    """Return how hard each row is beside the others, h / E h with h = 1 − p_y, ``(n_rows,)``; the mean is 1."""
    hard: Array = 1.0 - probabilities[np.arange(len(y)), y]
    mean = float(hard.mean())
    return hard / mean if mean > 0 else np.ones(len(y))


class Panel:
    """The annotators of the scenario.

    An answer depends on (row, annotator, how often that annotator was asked about that row) alone, so two recipes
    that ask the same question get the same answer, whenever they ask it.

    Parameters
    ----------
    scenario : who the annotators are, how they err and what they cost.
    truth : true class codes of the pool, ``(n_rows,)``.
    n_classes : classes of the scenario.
    streams : the block's random streams.
    probabilities : gives :func:`cross_fitted` of the pool; asked only where errors or prices depend on the row.
    """

    def __init__(
        self,
        scenario: Scenario,
        truth: RowNumbers,
        n_classes: int,
        streams: Streams,
        probabilities: Callable[[], Array] | None = None,
    ) -> None:
        self._scenario = scenario
        self._truth = truth
        self._n_classes = n_classes
        self._streams = streams
        self._asked: dict[int, NDArray[np.int64]] = {}
        self._answers: dict[tuple[int, int], RowNumbers] = {}
        self._probabilities = probabilities
        self._extra = self._extra_prices()

    def label(self, rows: RowNumbers, annotators: RowNumbers) -> RowNumbers:
        """Return the answers, one class code for each entry."""
        answers = self._truth[rows].copy()
        for annotator, person in enumerate(self._scenario.annotators):
            if person.faultless:
                continue
            entries = np.flatnonzero(annotators == annotator)
            asked = self._asked.setdefault(annotator, np.zeros(len(self._truth), dtype=np.int64))
            for entry in entries.tolist():
                row = int(rows[entry])
                answers[entry] = self._sheet(annotator, int(asked[row]))[row]
                asked[row] += 1
        return answers

    def price(self, annotators: RowNumbers, rows: RowNumbers | None = None, again: RowNumbers | None = None) -> float:
        """Return what answers cost together.

        Parameters
        ----------
        annotators : who is asked, ``(n_labels,)``.
        rows : about which row, ``(n_labels,)``; needed where the price depends on the class or the difficulty.
        again : rows among them that an audit buys again, at the price of a review where there is one.
        """
        review = self._scenario.price_per_review
        reviewed = np.zeros(len(annotators), dtype=bool)
        if review is not None and rows is not None and again is not None and len(again):
            reviewed = np.isin(rows, again)
        counts = np.bincount(annotators[~reviewed]).tolist()
        paid = float(sum(self._scenario.price(number) * count for number, count in enumerate(counts)))
        if review is not None:
            paid += review * int(np.count_nonzero(reviewed))
        if self._extra is not None and rows is not None:
            paid += float(self._extra[rows].sum())
        return paid

    def usual(self, annotators: RowNumbers, rows: RowNumbers, again: RowNumbers) -> int:
        """Return how many of the answers cost the scenario's price per label, which no annotator or review replaces."""
        scenario = self._scenario
        plain = np.array([person.price is None for person in scenario.annotators])[annotators]
        if scenario.price_per_review is not None and len(again):
            plain &= ~np.isin(rows, again)
        return int(np.count_nonzero(plain))

    def _extra_prices(self) -> Array | None:
        """Return what an answer about each row costs beside the annotator's price, None where that is nothing."""
        scenario = self._scenario
        if not any(scenario.price_of_class) and not scenario.price_of_difficulty:
            return None
        extra = np.zeros(len(self._truth))
        if scenario.price_of_class:
            extra += np.asarray(scenario.price_of_class)[self._truth]
        if scenario.price_of_difficulty:
            extra += scenario.price_of_difficulty * difficulty(self._fitted(), self._truth)
        return extra

    def _fitted(self) -> Array:
        if self._probabilities is None:
            raise ScenarioError("errors or prices that depend on the row need the features of the pool")
        return self._probabilities()

    def _sheet(self, annotator: int, repeat: int) -> RowNumbers:
        """Return what an annotator answers for every pool row when asked for the (repeat + 1)-th time."""
        key = (annotator, repeat)
        if key not in self._answers:
            rng = self._streams.generator("annotator", annotator, repeat)
            self._answers[key] = self._drawn(self._scenario.annotators[annotator], rng)
        return self._answers[key]

    def _drawn(self, person: Annotator, rng: np.random.Generator) -> RowNumbers:
        truth, chance = self._truth, rng.random(len(self._truth))
        if person.confusion is not None:
            return drawn_classes(np.asarray(person.confusion)[truth], chance)
        if person.pair:
            return np.where(chance < person.pair, (truth + 1) % self._n_classes, truth)
        if person.instance:
            return self._misled(person.instance, chance, rng)
        shift = rng.integers(1, self._n_classes, size=len(truth))
        return np.where(chance < person.error, (truth + shift) % self._n_classes, truth)

    def _misled(self, rate: float, chance: Array, rng: np.random.Generator) -> RowNumbers:
        """Return answers that err more on hard rows, towards the class that such a row looks most like."""
        probabilities, truth = self._fitted(), self._truth
        wrong = chance < np.minimum(MOST_DIFFICULT, rate * difficulty(probabilities, truth))
        others = probabilities + 1e-9
        others[np.arange(len(truth)), truth] = 0.0
        others /= others.sum(axis=1, keepdims=True)
        return np.where(wrong, drawn_classes(others, rng.random(len(truth))), truth)


def drawn_classes(probabilities: Array, chance: Array) -> RowNumbers:
    """Return one class for each row by its probabilities, ``(n_rows,)``, given uniform numbers in [0, 1).

    >>> drawn_classes(np.array([[0.25, 0.75], [0.25, 0.75]]), np.array([0.2, 0.3])).tolist()
    [0, 1]
    """
    edges = np.cumsum(probabilities, axis=1)
    drawn: RowNumbers = (chance[:, None] * edges[:, -1:] >= edges).sum(axis=1)
    return drawn
