"""The history of a pool: what it keeps, that nothing in it can be changed, and what it refuses to make up."""

from __future__ import annotations

import numpy as np
import pytest

from altune.core.history import History

PROBABILITIES = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]])


def arms(*names: str) -> np.ndarray:
    return np.array(names)


def test_it_begins_empty() -> None:
    history = History(3)
    assert len(history) == history.n_first == 0
    assert history.probabilities.shape == (0, 3)
    for column in (history.rows, history.loops, history.arms, history.propensities, history.predictions):
        assert column.shape == (0,)
    assert history.memo(1) is None


def test_rows_come_in_the_order_they_were_bought_in() -> None:
    history = History(3)
    history.record(np.array([9]), 0, arms("initial_sample.random"))
    assert history.rows.tolist() == [9]
    history.record(np.array([2, 4]), 0, arms("initial_sample.random", "initial_sample.random"))
    history.record(np.array([7, 1]), 1, arms("margin", "a longer name than before"), probabilities=PROBABILITIES)
    assert history.rows.tolist() == [9, 2, 4, 7, 1]
    assert history.loops.tolist() == [0, 0, 0, 1, 1]
    assert history.arms.tolist()[2:] == ["initial_sample.random", "margin", "a longer name than before"]
    assert history.n_first == 3
    assert len(history) == 5
    assert np.isnan(history.probabilities[:3]).all()
    np.testing.assert_array_equal(history.probabilities[3:], PROBABILITIES)
    assert history.predictions.tolist() == [-1, -1, -1, 1, 0]


def test_nothing_in_it_can_be_changed() -> None:
    history = History(3)
    for loop, rows in enumerate(([0, 1], [2, 3])):
        history.record(np.array(rows), loop, arms("a", "b"), probabilities=PROBABILITIES, memo={"weights": [1.0]})
    for name in ("rows", "loops", "arms", "propensities", "probabilities", "predictions"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(history, name)[:] = getattr(history, name)[0]
    history.memo(1)["weights"].append(2.0)
    assert history.memo(1) == {"weights": [1.0]}


def test_an_array_that_was_recorded_may_be_changed_afterwards() -> None:
    history, rows = History(3), np.array([5])
    history.record(rows, 0, arms("given"))
    assert history.rows.tolist() == [5]
    rows[:] = 0
    assert history.rows.tolist() == [5]


def test_missing_probabilities_are_not_made_up() -> None:
    history = History(3)
    history.record(np.array([0]), 0, arms("given"))
    history.record(np.array([1]), 1, arms("margin"), probabilities=PROBABILITIES[:1])
    history.record(np.array([], dtype=np.intp), 2, arms())
    assert history.predictions.tolist() == [-1, 1]
    history.record(np.array([2]), 3, arms("random"))
    history.record(np.array([3]), 4, arms("margin"), probabilities=PROBABILITIES[:1])
    for name in ("probabilities", "predictions"):
        with pytest.raises(RuntimeError, match="declares `reads_history"):
            getattr(history, name)
    assert history.rows.tolist() == [0, 1, 2, 3]


def test_predictions_without_class_scores() -> None:
    history = History(3)
    history.record(np.array([0]), 1, arms("random"), predictions=np.array([2]))
    assert history.predictions.tolist() == [2]
    assert np.isnan(history.probabilities).all()


def test_labels_are_joined_by_row() -> None:
    history = History(3)
    assert history.labels(np.array([], dtype=np.intp), np.array([], dtype=np.intp)).tolist() == []
    history.record(np.array([9, 2, 4, 0]), 0, arms(*"abcd"))
    assert history.labels(np.array([0, 4, 9]), np.array([1, 2, 0])).tolist() == [0, -1, 2, 1]
    assert history.labels(np.array([], dtype=np.intp), np.array([], dtype=np.intp)).tolist() == [-1] * 4


def test_propensities_are_unknown_unless_reported() -> None:
    history = History(3)
    history.record(np.array([0]), 0, arms("given"))
    history.record(np.array([1]), 1, arms("bandit.margin"), propensities=np.array([0.25]))
    np.testing.assert_array_equal(history.propensities, [np.nan, 0.25])
