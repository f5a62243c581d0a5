"""Committees: resampled models that disagree."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits, load_wine
from sklearn.preprocessing import scale

from altune.core.types import TrainingSet
from altune.models import as_model
from altune.numerics.disagreement import bootstrap_positions, mean_divergence, vote_entropy
from altune.numerics.joint_entropy import most_informative_batch
from tests.helpers.queries import make_pool, read, scores, select

OURS = ["qbc", {"method": "qbc", "disagreement": "mean_kl"}, "bald", "batchbald"]


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return make_pool(scale(X), y, np.random.default_rng(3).permutation(178)[:12])


@pytest.fixture(scope="module")
def members():
    """Probabilities of 4 members about 30 rows of 3 classes, some of them sure."""
    told = np.random.default_rng(0).dirichlet([0.4, 0.6, 0.8], size=(4, 30))
    told[:, 5] = [1.0, 0.0, 0.0]
    told[0, 6] = [0.0, 1.0, 0.0]
    return told


@pytest.mark.parametrize("value", OURS, ids=str)
def test_committees_disagree_where_resampled_models_do(value, wine):
    method = read(value)
    rng = np.random.default_rng(7)
    resamples = [bootstrap_positions(wine.labels, rng) for _ in range(method.members)]
    committee = [
        wine.learner.fit(TrainingSet(wine.X[wine.labelled[rows]], wine.labels[rows], 3), int(rng.integers(2**31)))
        for rows in resamples
    ]
    X = wine.X[wine.candidates]
    told = np.stack([member.class_scores(X) for member in committee])
    if method.method == "batchbald":
        want = wine.candidates[most_informative_batch(told, 6, rng)]
        assert select(value, wine, 6, seed=7).tolist() == want.tolist()
        return
    votes = np.stack([member.predict(X) for member in committee])
    by_votes = method.method == "qbc" and method.disagreement == "vote_entropy"
    want = vote_entropy(votes, 3) if by_votes else mean_divergence(told)
    np.testing.assert_allclose(scores(value, wine, seed=7), want, atol=1e-12)
    assert want.max() > 0.1


def test_bald_is_qbc_by_mean_divergence(wine):
    by_kl = {"method": "qbc", "disagreement": "mean_kl", "members": 6}
    assert select({"method": "bald", "members": 6}, wine, 20).tolist() == select(by_kl, wine, 20).tolist()


@pytest.mark.parametrize("value", OURS, ids=str)
def test_one_class_and_sparse_features_are_borne(value):
    X, y = load_wine(return_X_y=True)
    one_class = make_pool(scale(X), y, np.flatnonzero(y == 1)[:4])
    assert len(set(select(value, one_class, 200).tolist())) == 174
    firsts = {int(select(value, one_class, 1, seed)[0]) for seed in range(5)}
    assert len(firsts) > 1  # members who agree on all rows leave it to chance
    digits, labels = load_digits(return_X_y=True)
    pools = [make_pool(form(digits[:150] / 16), labels[:150], range(30)) for form in (np.asarray, sparse.csr_array)]
    assert select(value, pools[0], 8).tolist() == select(value, pools[1], 8).tolist()


def test_large_pools_are_scored_in_part(wine):
    value = {"method": "qbc", "disagreement": "mean_kl", "subpool": 10}
    given = scores(value, wine)
    assert np.isfinite(given).all()
    smallest = given.min()
    assert (given > smallest).sum() == 10
    assert len(set(select(value, wine, 30).tolist())) == 30
    looked_at = wine.candidates[given > smallest]
    assert set(select(value, wine, 10).tolist()) == set(looked_at.tolist())


@pytest.mark.parametrize("value", ["qbc", "bald", "batchbald"])
def test_weights_of_the_labels_reach_the_members(value, wine):
    pool = make_pool(wine.X, np.zeros(178, int), wine.labelled, 3)
    pool.set_labels(wine.labelled, wine.labels)
    plain = select(value, pool, 166).tolist()
    pool.label_weights = np.ones(12)
    assert select(value, pool, 166).tolist() == plain
    pool.label_weights = np.where(np.arange(12) < 6, 0.01, 1.0)
    assert select(value, pool, 166).tolist() != plain
    pool.learner = as_model("k_nearest_neighbours")  # takes no weights: they are left out, not refused
    assert len(select(value, pool, 5)) == 5


def test_votes_need_no_class_scores():
    assert read("qbc").required() == frozenset()
    for value in OURS[1:]:
        assert read(value).required() == {"class_scores"}
