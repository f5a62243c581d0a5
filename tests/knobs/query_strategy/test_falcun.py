"""FALCUN against its authors' code and scikit-activeml."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.preprocessing import scale

from altune.knobs.query_strategy.falcun import draw_by_relevance, relevance_chances
from tests.helpers.queries import make_pool, select, skactiveml


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return make_pool(scale(X)[:500], y[:500], np.random.default_rng(0).permutation(500)[:40], 10)


def by_the_authors_code(p, u, gamma, picks):
    """Chances at each draw of given picks: relevance scaled among the rows left, as in the paper's supplement."""
    left, distances = np.ones(len(p), bool), u.copy()
    for pick in picks:
        d = distances[left]
        relevance = (d - d.min()) / (d.max() - d.min()) + u[left]
        chances = np.zeros(len(p))
        chances[left] = relevance**gamma / (relevance**gamma).sum()
        yield chances
        left[pick] = False
        distances = np.minimum(distances, np.abs(p - p[pick]).sum(axis=1))


def test_falcun_of_a_large_exponent_takes_the_most_relevant_row_each_time(digits):
    rows = select({"method": "falcun", "gamma": 1000}, digits, 15)
    positions = np.searchsorted(digits.candidates, rows)
    p, u = digits.known().probabilities, 1 - digits.known().margin
    for pick, chances in zip(positions, by_the_authors_code(p, u, 20.0, positions), strict=True):
        assert chances[pick] >= 0.9 * chances.max()


def test_falcun_draws_by_relevance():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], 12)
    top = np.sort(p, axis=1)
    u = 1 - (top[:, 2] - top[:, 1])
    draws = np.array([draw_by_relevance(p, u, 3.0, 2, np.random.default_rng(seed)) for seed in range(6000)])
    first = next(iter(by_the_authors_code(p, u, 3.0, [0])))
    assert np.abs(np.bincount(draws[:, 0], minlength=12) / 6000 - first).max() < 0.03
    favourite = int(first.argmax())
    after = draws[draws[:, 0] == favourite, 1]
    second = list(by_the_authors_code(p, u, 3.0, [favourite, 0]))[1]
    assert np.abs(np.bincount(after, minlength=12) / len(after) - second).max() < 0.06
    assert relevance_chances(np.zeros(4), 10.0).tolist() == [0.25] * 4


def test_falcun_is_close_to_that_of_scikit_activeml(digits):
    theirs, y, model = skactiveml(digits)
    picks, utilities = theirs.Falcun(gamma=10, random_state=0).query(
        digits.X, y, model, batch_size=4, return_utilities=True
    )
    positions = np.searchsorted(digits.candidates, picks)
    p, u = digits.known().probabilities, 1 - digits.known().margin
    for turn, ours in enumerate(by_the_authors_code(p, u, 10.0, positions)):
        found = utilities[turn][digits.candidates]
        keep = ~np.isnan(found)
        # they scale the first distances not at all, and later ones among all rows and for good: the authors' code
        # scales them among the rows left, afresh at each draw; so alike, not equal
        assert np.corrcoef(ours[keep], found[keep])[0, 1] > 0.98
