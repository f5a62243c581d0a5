"""The answers of the annotators, and what they cost.

True labels and the difficulty of a row stay in the simulator. A recipe gets only answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold

from altune.core.errors import ScenarioError
from altune.core.streams import Streams
from altune.core.types import Codes, RowNumbers, TrainingSet
from altune.models import LogisticRegressionModel

if TYPE_CHECKING:
    from altune.simulation.annotators import Annotator
    from altune.simulation.scenario import Scenario

Array = NDArray[np.float64]
FOLDS = 5
MOST_DIFFICULT = 0.5
"""Highest probability of an error of annotators whose errors depend on the row."""


def cross_fitted(truth: TrainingSet, streams: Streams) -> Array:
    """Return class probabilities of each pool row from a model of the true labels of other rows.

    The model is altune's logistic regression on five folds, independent of the model of the recipe.

    Parameters
    ----------
    truth : the pool with its true labels.
    streams : the block's random streams.

    Returns
    -------
    Probabilities, ``(n_rows, n_classes)``.
    """
    probabilities = np.zeros((len(truth), truth.n_classes))
    model = LogisticRegressionModel()
    folds = KFold(min(FOLDS, len(truth)), shuffle=True, random_state=streams.integer("difficulty"))
    for number, (train, judged) in enumerate(folds.split(np.zeros(len(truth)))):
        fitted = model.fit(truth.take(train), streams.integer("difficulty", number))
        probabilities[judged] = fitted.class_scores(truth.X[judged])
    return probabilities


def difficulty(probabilities: Array, y: Codes) -> Array:
    """Return the difficulty of each row, h / E h with h = 1 − p_y, ``(n_rows,)``; its mean is 1."""
    h: Array = 1.0 - probabilities[np.arange(len(y)), y]
    mean = float(h.mean())
    return h / mean if mean > 0 else np.ones(len(y))


def error_rates(probabilities: Array, y: Codes, mean: float) -> Array:
    """Return the probability of an error for each row, min(.5, c·h) with h = 1 − p_y, ``(n_rows,)``.

    The factor c is such that the mean is the given one. Where no factor reaches it, every row with h > 0 has .5.

    Parameters
    ----------
    probabilities : class probabilities of models that did not see the row, ``(n_rows, n_classes)``.
    y : true class codes, ``(n_rows,)``.
    mean : mean probability of an error, in [0, .5].

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]])
    >>> [error_rates(p, np.array([0, 0, 0]), mean).round(3).tolist() for mean in (0.1, 0.3)]
    [[0.025, 0.05, 0.225], [0.133, 0.267, 0.5]]
    """
    relative = difficulty(probabilities, y)
    rates: Array = mean * relative
    if rates.max() <= MOST_DIFFICULT:
        return rates
    # With the k most difficult rows at .5, the others share the rest in proportion to their difficulty. The right k is
    # the smallest that leaves none of them above .5.
    falling = np.sort(relative)[::-1]
    capped = np.arange(len(falling))
    rest = np.cumsum(falling[::-1])[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        factors = (mean * len(falling) - MOST_DIFFICULT * capped) / rest
        fits = (factors * falling <= MOST_DIFFICULT) & (rest > 0)
    if not fits.any():
        return np.where(relative > 0, MOST_DIFFICULT, 0.0)
    capped_rates: Array = np.minimum(MOST_DIFFICULT, factors[np.argmax(fits)] * relative)
    return capped_rates


def most_errors(probabilities: Array, y: Codes) -> float:
    """Return the highest mean probability of an error that :func:`error_rates` can reach."""
    return MOST_DIFFICULT * float(np.mean(difficulty(probabilities, y) > 0))


class Panel:
    """The annotators of a scenario, who answer about the rows of one pool.

    An answer depends only on the row, the annotator, and how often this annotator was asked about this row. So two
    recipes that ask the same question get the same answer, whenever they ask it.

    Parameters
    ----------
    scenario : the annotators, their errors and their prices.
    truth : true class codes of the pool, ``(n_rows,)``.
    n_classes : number of classes of the scenario.
    streams : the block's random streams.
    probabilities : returns :func:`cross_fitted` of the pool; called only if errors or prices depend on the row.
    """

    def __init__(
        self,
        scenario: Scenario,
        truth: Codes,
        n_classes: int,
        streams: Streams,
        probabilities: Callable[[], Array] | None = None,
    ) -> None:
        self._scenario = scenario
        self._truth = truth
        self._n_classes = n_classes
        self._streams = streams
        self._asked: dict[int, NDArray[np.int64]] = {}
        self._answers: dict[tuple[int, int], Codes] = {}
        self._probabilities = probabilities
        self._surcharges = self._make_surcharges()

    def label(self, rows: RowNumbers, annotators: RowNumbers) -> Codes:
        """Return the answers about ``rows`` by ``annotators``, as class codes, ``(n_labels,)``."""
        answers = self._truth[rows].copy()
        for annotator, person in enumerate(self._scenario.annotators):
            if person.faultless:
                continue
            entries = np.flatnonzero(annotators == annotator)
            asked = self._asked.setdefault(annotator, np.zeros(len(self._truth), dtype=np.int64))
            for entry in entries.tolist():
                row = int(rows[entry])
                answers[entry] = self._all_answers(annotator, int(asked[row]))[row]
                asked[row] += 1
        return answers

    def price(self, annotators: RowNumbers, rows: RowNumbers | None = None, again: RowNumbers | None = None) -> float:
        """Return the total price of answers.

        Parameters
        ----------
        annotators : who is asked, ``(n_labels,)``.
        rows : the row that each is asked about, ``(n_labels,)``; needed if prices depend on the row.
        again : rows among them that an audit buys again, for the price of a review if there is one.
        """
        review = self._scenario.price_per_review
        reviewed = np.zeros(len(annotators), dtype=bool)
        if review is not None and rows is not None and again is not None and len(again):
            reviewed = np.isin(rows, again)
        counts = np.bincount(annotators[~reviewed]).tolist()
        total = float(sum(self._scenario.price(number) * count for number, count in enumerate(counts)))
        if review is not None:
            total += review * int(np.count_nonzero(reviewed))
        if self._surcharges is not None and rows is not None:
            total += float(self._surcharges[rows].sum())
        return total

    def usual(self, annotators: RowNumbers, rows: RowNumbers, again: RowNumbers) -> int:
        """Return how many of the answers cost the scenario's price per label, not that of an annotator or a review."""
        scenario = self._scenario
        usual = np.array([person.price is None for person in scenario.annotators])[annotators]
        if scenario.price_per_review is not None and len(again):
            usual &= ~np.isin(rows, again)
        return int(np.count_nonzero(usual))

    def _make_surcharges(self) -> Array | None:
        """Return the surcharge for an answer about each row, ``(n_rows,)``, None if there are none."""
        scenario = self._scenario
        if not any(scenario.price_of_class) and not scenario.price_of_difficulty:
            return None
        surcharges = np.zeros(len(self._truth))
        if scenario.price_of_class:
            surcharges += np.asarray(scenario.price_of_class)[self._truth]
        if scenario.price_of_difficulty:
            surcharges += scenario.price_of_difficulty * difficulty(self._fitted(), self._truth)
        return surcharges

    def _fitted(self) -> Array:
        if self._probabilities is None:
            raise ScenarioError("errors or prices that depend on the row need the features of the pool")
        return self._probabilities()

    def _all_answers(self, annotator: int, repeat: int) -> Codes:
        """Return the answers of an annotator about every pool row who was asked about it ``repeat`` times before.

        They are drawn for all rows at once, so that an answer does not depend on which rows a recipe asks about.
        """
        key = (annotator, repeat)
        if key not in self._answers:
            rng = self._streams.generator("annotator", annotator, repeat)
            self._answers[key] = self._drawn(self._scenario.annotators[annotator], rng)
        return self._answers[key]

    def _drawn(self, person: Annotator, rng: np.random.Generator) -> Codes:
        truth, chance = self._truth, rng.random(len(self._truth))
        if person.confusion is not None:
            return drawn_classes(np.asarray(person.confusion)[truth], chance)
        if person.pair:
            return np.where(chance < person.pair, (truth + 1) % self._n_classes, truth)
        if person.instance:
            return self._misled(person.instance, chance, rng)
        shift = rng.integers(1, self._n_classes, size=len(truth))
        return np.where(chance < person.error, (truth + shift) % self._n_classes, truth)

    def _misled(self, rate: float, chance: Array, rng: np.random.Generator) -> Codes:
        """Return answers with more errors on difficult rows, in favour of the classes that the model confuses."""
        probabilities, truth = self._fitted(), self._truth
        wrong = chance < error_rates(probabilities, truth, rate)
        others = probabilities + 1e-9
        others[np.arange(len(truth)), truth] = 0.0
        others /= others.sum(axis=1, keepdims=True)
        return np.where(wrong, drawn_classes(others, rng.random(len(truth))), truth)


def drawn_classes(probabilities: Array, chance: Array) -> Codes:
    """Return a class for each row, ``(n_rows,)``, drawn from its probabilities by uniform numbers in [0, 1).

    >>> drawn_classes(np.array([[0.25, 0.75], [0.25, 0.75]]), np.array([0.2, 0.3])).tolist()
    [0, 1]
    """
    edges = np.cumsum(probabilities, axis=1)
    drawn: Codes = (chance[:, None] * edges[:, -1:] >= edges).sum(axis=1)
    return drawn
