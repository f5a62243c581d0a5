"""Strategies that look back at earlier loops, by hand and in the loop."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from altune.core.errors import FormatError
from altune.core.streams import Streams
from altune.knobs.query_strategy.generations import uncertainties
from altune.loop.loop import ActiveLearningLoop
from altune.numerics.row_scores import weighted_history
from altune.recipes.recipe import Recipe
from tests.helpers.queries import read
from tests.helpers.query_generations import play, uncertain

SCORED = ["least_confidence", "margin", "entropy"]


@pytest.fixture(scope="module")
def told():
    return np.random.default_rng(0).dirichlet([1, 1, 1], size=(8, 12))


@pytest.mark.parametrize("kind", SCORED)
def test_history_is_the_weighted_mean_over_generations(kind, told):
    value = {"method": "history", "uncertainty": kind, "generations": 2, "decay": 0.5}
    pool, given = play(told[:5], [value] * 5)
    rows = pool.candidates
    assert rows.tolist() == list(range(5, 12))
    now, one, two = (uncertain(told[loop][rows], kind) for loop in (4, 3, 2))
    np.testing.assert_allclose(given, (now + 0.5 * one + 0.25 * two) / 1.75)


def test_history_leaves_rows_that_tie_tied_wherever_they_stand():
    for values in np.random.default_rng(0).random((50, 4)):
        past = [(back, np.full(101, value)) for back, value in enumerate(values)]
        assert len(np.unique(weighted_history(past, 0.7))) == 1


def test_history_of_the_first_loop_is_the_uncertainty_itself(told):
    _, given = play(told[:1], ["history"])
    np.testing.assert_allclose(given, uncertain(told[0], "margin")[1:])


def test_history_counts_loops_and_not_generations_known(told):
    """Loops in which nobody asked for class scores leave a gap, and what came before them keeps its age."""
    value = {"method": "history", "generations": 5, "decay": 0.5}
    pool, given = play(told[:4], [value, "random", "margin", value])
    now, one, three = (uncertain(told[loop][pool.candidates], "margin") for loop in (3, 2, 0))
    np.testing.assert_allclose(given, (now + 0.5 * one + 0.125 * three) / 1.625)


def test_history_looks_back_five_loops_at_most(told):
    value = {"method": "history", "generations": 5, "decay": 1.0}
    pool, given = play(told, [value] * 8)
    assert pool.known().generations == 5
    past = [uncertain(told[loop][pool.candidates], "margin") for loop in range(2, 8)]
    np.testing.assert_allclose(given, np.mean(past, axis=0))
    assert [back for back, _ in uncertainties(pool.known(), "margin", 3)] == [0, 1, 2, 3]
    with pytest.raises(FormatError, match="generations"):
        read({"method": "history", "generations": 6})


def test_weighted_history_by_hand():
    past = [(0, np.array([1.0, 0.0])), (1, np.array([0.0, 1.0]))]
    np.testing.assert_allclose(weighted_history(past, 0.25), [0.8, 0.2])


@pytest.mark.parametrize("kind", SCORED)
def test_fluctuation_adds_the_variance_over_generations(kind, told):
    value = {"method": "fluctuation", "uncertainty": kind, "generations": 3, "weight": 2.5}
    pool, given = play(told[:6], [value] * 6)
    past = np.array([uncertain(told[loop][pool.candidates], kind) for loop in (5, 4, 3, 2)])
    np.testing.assert_allclose(given, past[0] + 2.5 * past.var(axis=0))


def test_fluctuation_without_weight_or_past_is_the_uncertainty(told):
    first = uncertain(told[0], "margin")[1:]
    np.testing.assert_allclose(play(told[:1], ["fluctuation"])[1], first)
    pool, given = play(told[:4], [{"method": "fluctuation", "weight": 0.0}] * 4)
    np.testing.assert_allclose(given, uncertain(told[3][pool.candidates], "margin"))


@pytest.mark.parametrize("lag", [1, 3, 5])
def test_temporal_discrepancy_is_the_distance_of_class_scores(lag, told):
    value = {"method": "temporal_discrepancy", "lag": lag}
    pool, given = play(told[:6], [value] * 6)
    moved = told[5][pool.candidates] - told[5 - lag][pool.candidates]
    np.testing.assert_allclose(given, np.sqrt((moved**2).sum(axis=1)))


def test_temporal_discrepancy_makes_do_with_what_is_known(told):
    value = {"method": "temporal_discrepancy", "lag": 4}
    pool, given = play(told[:3], [value] * 3)
    np.testing.assert_allclose(given, np.linalg.norm(told[2][pool.candidates] - told[0][pool.candidates], axis=1))
    pool, given = play(told[:1], [value])
    assert set(given) == {0.0}
    picks = {int(read(value).select(pool, 1, np.random.default_rng(seed))[0]) for seed in range(200)}
    assert picks == set(pool.candidates.tolist())


@pytest.mark.parametrize("value", ["history", "fluctuation", {"method": "temporal_discrepancy", "lag": 2}], ids=str)
def test_the_loop_keeps_the_generations(value):
    """The rows that the loop buys are those that follow from the models of its loops, each kept here."""
    X, y = load_digits(return_X_y=True)
    X, y = X[:200] / 16, y[:200]
    recipe = Recipe(query_strategy=value, initial_sample={"method": "random", "size": 20})
    loop = ActiveLearningLoop(recipe, X, 10, budget=70, loops=5, streams=Streams(0, "digits", "search", 0))
    told = []
    while not loop.done:
        request = loop.ask()
        if told:
            rows = loop.pool.candidates
            p = np.stack([one[rows] for one in told[::-1]])
            given = expected(recipe.query_strategy, p)
            least = np.sort(given)[-len(request)]
            if len(told) > 1:
                assert (given[np.isin(rows, request.rows)] >= least - 1e-12).all()
        loop.tell(y[request.rows])
        told.append(loop.pool.model.class_scores(X))
    assert len(told) == 6


def expected(method, p):
    if method.method == "temporal_discrepancy":
        return np.linalg.norm(p[0] - p[min(method.lag, len(p) - 1)], axis=1)
    past = np.array([uncertain(one, "margin") for one in p[:4]])
    if method.method == "fluctuation":
        return past[0] + past.var(axis=0)
    weights = 0.5 ** np.arange(len(past))
    return weights @ past / weights.sum()
