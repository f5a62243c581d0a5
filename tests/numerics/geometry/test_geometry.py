"""Distances, coverings, clusterings, typicality and density against brute force and by hand."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.preprocessing import scale

from altune.core.pool import Pool
from altune.knobs import pool_geometry as pooled
from altune.numerics.geometry import covering, distances
from altune.numerics.geometry.clustering import central_points, kmeans, medoids, nearest_to_centres
from altune.numerics.geometry.covering import distances_to, farthest_first, farthest_pair, sample_by_squared_distance
from altune.numerics.geometry.density import mean_similarity
from altune.numerics.geometry.distances import (
    blocks,
    make_points,
    random_argmax,
    squared_distances,
    squared_to_nearest,
)
from altune.numerics.geometry.seeding import Seeding
from altune.numerics.geometry.typicality import typical_rows, typicality, typicality_of_pairs


@pytest.fixture(scope="module")
def cancer():
    return scale(load_breast_cancer(return_X_y=True)[0])[:300]


def rng(seed=0):
    return np.random.default_rng(seed)


def rows(*positions):
    return np.array(positions, dtype=np.intp)


# distances


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csr_array])
def test_squared_distances_are_those_of_the_features_up_to_the_scale(form):
    X = load_digits().data[:200]
    got = squared_distances(make_points(form(X)), make_points(form(X)))
    want = cdist(X, X, "sqeuclidean") / 32.0**2  # the largest entry is 16 = 0.5 * 2^5
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)
    assert (np.diagonal(got) == 0).all()


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_a_duplicate_is_at_distance_zero_exactly(form):
    X = np.tile(rng().normal(size=(20, 33)), (3, 1))
    points = make_points(form(X))
    for row in range(20):
        assert distances_to(points, row)[[row, row + 20, row + 40]].tolist() == [0, 0, 0]


def test_blocks_give_what_one_block_gives(monkeypatch, cancer):
    points = make_points(cancer)
    nearest, typical = squared_to_nearest(points, points.take(rows(3, 50, 9))), typicality(points, 7)
    monkeypatch.setattr(distances, "BLOCK_CELLS", 999)
    assert len(list(blocks(len(points), 300))) == 100
    np.testing.assert_allclose(squared_to_nearest(points, points.take(rows(3, 50, 9))), nearest, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(typicality(points, 7), typical, rtol=1e-7)


def test_without_centres_everything_is_infinitely_far(cancer):
    points = make_points(cancer)
    assert np.isinf(squared_to_nearest(points, points.take(rows()))).all()


def test_ties_fall_by_chance_and_rounding_is_a_tie():
    values = np.array([1.0, 2.0, 2.0 + 1e-13, 0.0, 2.0])
    assert {random_argmax(values, rng(seed)) for seed in range(50)} == {1, 2, 4}
    assert {random_argmax(np.array([-np.inf, np.inf, np.inf]), rng(seed)) for seed in range(20)} == {1, 2}
    assert {random_argmax(np.zeros(3), rng(seed)) for seed in range(50)} == {0, 1, 2}


# coverings


def greedy_k_center(X, covered, size):
    apart = cdist(X, X)
    chosen, picks = list(covered), []
    for _ in range(size):
        to_nearest = apart[:, chosen].min(axis=1)
        to_nearest[chosen] = -1
        chosen.append(int(to_nearest.argmax()))
        picks.append(chosen[-1])
    return picks


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_farthest_first_is_the_greedy_k_center_of_all_pairs(form, cancer):
    points = make_points(form(cancer))
    others = np.setdiff1d(np.arange(300), [5, 17])
    picks = others[farthest_first(points.take(others), points.take(rows(5, 17)), 60, rng())]
    assert picks.tolist() == greedy_k_center(cancer, [5, 17], 60)


def test_farthest_first_is_at_most_twice_the_best_radius():
    X = load_iris().data[::10]
    apart = cdist(X, X)
    best = min(apart[:, list(c)].min(axis=1).max() for c in itertools.combinations(range(len(X)), 3))
    points = make_points(X)
    for seed in range(len(X)):
        picks = farthest_first(points, points.take(rows()), 3, rng(seed))
        assert apart[:, picks].min(axis=1).max() <= 2 * best + 1e-12


@pytest.mark.parametrize("factor", [2.0**500, 2.0**-500])
def test_huge_and_tiny_features_give_the_same_picks(factor, cancer):
    usual, scaled = make_points(cancer), make_points(cancer * factor)
    for pick in (farthest_first, lambda p, _, size, r: central_points(p, size, r)):
        want = pick(usual, usual.take(rows()), 20, rng(4))
        assert pick(scaled, scaled.take(rows()), 20, rng(4)).tolist() == want.tolist()
    np.testing.assert_allclose(mean_similarity(cancer * factor), mean_similarity(cancer))


def test_a_common_offset_does_not_drown_the_distances(cancer):
    usual, shifted = make_points(cancer), make_points(cancer + 1e8)
    want = farthest_first(usual, usual.take(rows(0)), 20, rng())
    assert farthest_first(shifted, shifted.take(rows(0)), 20, rng()).tolist() == want.tolist()


def test_farthest_first_takes_each_duplicate_once_and_all_when_asked_for_more():
    points = make_points(np.repeat([[0.0, 0.0], [1.0, 5.0]], 4, axis=0))
    picks = farthest_first(points, points.take(rows()), 99, rng())
    assert sorted(picks) == list(range(8))
    assert {picks[0] // 4, picks[1] // 4} == {0, 1}


def test_sampling_by_squared_distance_draws_in_proportion():
    points = make_points(np.array([[0.0], [1.0], [2.0], [3.0], [0.0]]))
    drawn = np.zeros(5)
    draws, generator = 4000, rng()
    for _ in range(draws):
        picks = sample_by_squared_distance(
            lambda row: distances_to(points, row), np.full(5, np.inf), 2, generator, first=0
        )
        assert picks[0] == 0
        drawn[picks[1]] += 1
    want = np.array([0, 1, 4, 9, 0]) / 14
    np.testing.assert_allclose(drawn / draws, want, atol=4 * np.sqrt(0.25 / draws))
    assert drawn[[0, 4]].tolist() == [0, 0]


def test_sampling_by_squared_distance_falls_back_to_chance_among_duplicates():
    points = make_points(np.ones((6, 2)))
    firsts = set()
    for seed in range(40):
        picks = sample_by_squared_distance(lambda row: distances_to(points, row), np.full(6, np.inf), 9, rng(seed))
        assert sorted(picks) == list(range(6))
        firsts.add(picks[1])
    assert firsts == set(range(6))


def test_farthest_pair_is_the_farthest_of_all_pairs(cancer, monkeypatch):
    apart = cdist(cancer, cancer)
    points = make_points(cancer)
    assert apart[farthest_pair(points, rng())] == apart.max()
    monkeypatch.setattr(covering, "EXACT_PAIR_ROWS", 0)
    for seed in range(20):
        first, second = farthest_pair(points, rng(seed))
        assert first != second
        assert apart[first, second] >= apart.max() / 2


def test_covering_a_large_pool_makes_no_square_array():
    points = make_points(rng().normal(size=(20_000, 5)))
    tracemalloc.start()
    farthest_first(points, points.take(np.arange(500)), 5, rng())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6  # all pairs would take 3.2e9 bytes


# clusterings


def test_central_points_are_those_nearest_to_the_centres(cancer):
    points = make_points(cancer)
    centres = kmeans(points, 12, rng(1)).centres
    picks = nearest_to_centres(points, centres, rng())
    apart = cdist(centres, points.values)
    np.testing.assert_allclose(apart[np.arange(12), picks], apart.min(axis=1), atol=1e-7)


def test_a_row_stands_for_one_centre_only():
    points = make_points(np.array([[0.0], [0.4], [1.0]]))
    centres = points.values[[0, 0, 0]]
    assert nearest_to_centres(points, centres, rng()).tolist() == [0, 1, 2]


@pytest.mark.parametrize("pick", [central_points, medoids])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_cluster_representatives_are_distinct_on_duplicates(pick, form):
    points = make_points(form(np.repeat([[0.0, 1.0], [4.0, 0.0]], 10, axis=0)))
    assert len(set(pick(points, 7, rng()))) == 7
    assert sorted(pick(points, 50, rng())) == list(range(20))


def test_more_rows_than_a_full_pass_can_take_are_clustered_too():
    X = np.concatenate([rng(1).normal(size=(3000, 3)) + shift for shift in (0, 50, 100)])
    labels = kmeans(make_points(X), 3, rng(2)).labels
    assert [len(set(part)) for part in np.split(labels, 3)] == [1, 1, 1]


def test_medoids_have_the_smallest_sum_of_distances_in_their_cluster():
    X, y = load_iris(return_X_y=True)
    X = X[y != 1]  # two clusters far apart
    apart = cdist(X, X)
    want = {int(part[apart[np.ix_(part, part)].sum(axis=1).argmin()]) for part in np.split(np.arange(100), 2)}
    assert set(medoids(make_points(X), 2, rng()).tolist()) == want


def test_medoids_are_better_than_the_points_nearest_to_k_means_centres(cancer):
    points, apart = make_points(cancer), cdist(cancer, cancer)
    gain = [
        apart[:, central_points(points, 15, rng(seed))].min(axis=1).sum()
        - apart[:, medoids(points, 15, rng(seed))].min(axis=1).sum()
        for seed in range(5)
    ]
    assert min(gain) >= 0
    assert max(gain) > 1


# typicality


def test_typicality_by_hand():
    points = make_points(np.array([[0.0, 0.0], [0.3, 0.4], [0.0, 0.5], [0.9, 0.0]]))
    a, b = np.hypot(0.3, 0.1), np.hypot(0.6, 0.4)
    want = [1 / 0.5, 2 / (0.5 + a), 2 / (0.5 + a), 2 / (0.9 + b)]
    np.testing.assert_allclose(typicality(points, 2), want)
    np.testing.assert_allclose(typicality(points, 99)[0], 3 / (0.5 + 0.5 + 0.9))


def test_typicality_stays_finite_among_duplicates():
    assert typicality(make_points(np.ones((3, 2))), 2).tolist() == [1e12] * 3
    assert typicality(make_points(np.ones((1, 2))), 2).tolist() == [1]


def groups(*sizes):
    """Far clusters of normal rows, and the cluster of each row."""
    X = np.concatenate([rng(i).normal(size=(n, 2)) + 1000 * i * (i + 1) for i, n in enumerate(sizes)])
    return X, np.repeat(np.arange(len(sizes)), sizes)


def typiclust(X, n_labelled, size, n_clusters):
    """The picks among all rows but the first few, by k-means of so many clusters."""
    points = make_points(X)
    order = np.arange(len(X))
    clusters = kmeans(points, n_clusters, rng(3)).labels

    def within(members, n_neighbours):
        return typicality(points.take(members), n_neighbours)

    return typical_rows(clusters, order[:n_labelled], order[n_labelled:], size, rng(), within)


def test_typiclust_visits_large_clusters_first_and_takes_their_most_typical_row():
    X, group = groups(10, 30, 20)
    picks = typiclust(X, 0, 3, 3)
    assert group[picks].tolist() == [1, 2, 0]
    for pick in picks:
        members = np.flatnonzero(group == group[pick])
        apart = np.sort(cdist(X[members], X[members]), axis=1)[:, 1 : 1 + min(20, len(members) // 2)]
        assert pick == members[apart.mean(axis=1).argmin()]


def test_typiclust_prefers_clusters_with_few_labels_and_leaves_small_ones_for_the_end():
    X, group = groups(40, 12, 4, 9)
    order = np.concatenate([[0, 40], np.setdiff1d(np.arange(len(X)), [0, 40])])  # one label in groups 0, 1
    picks = order[typiclust(X[order], 2, 2, 4)]
    # four clusters; group 2 is too small, so after group 3 the largest with one label follows
    assert group[picks].tolist() == [3, 0]


def test_typiclust_goes_round_and_round_and_ends_with_the_small_clusters():
    X, group = groups(9, 7, 3)
    assert group[typiclust(X, 0, 3, 3)].tolist() == [0, 1, 0]
    assert sorted(typiclust(X, 0, 10**6, 3)) == list(range(19))


def test_typiclust_picks_no_labelled_row_and_nothing_of_nothing():
    X = load_wine().data
    assert typiclust(X, 170, 100, 178).min() >= 170
    assert len(typiclust(X, 178, 5, 178)) == 0


@pytest.mark.parametrize("n_neighbours", [1, 7, 99])
def test_typicality_of_pairs_is_that_of_the_points(cancer, n_neighbours):
    points = make_points(cancer[:60])
    found = typicality_of_pairs(squared_distances(points, points), n_neighbours)
    np.testing.assert_allclose(found, typicality(points, n_neighbours), rtol=1e-12)
    assert typicality_of_pairs(np.zeros((1, 1)), n_neighbours).tolist() == [1]


# what a pool keeps


def opened(X, *covered, held_out=()):
    """A pool whose rows were bought so far, and which shares nothing yet."""
    pool = Pool(X, 2, budget=100)
    pool.close(rows(*covered, *held_out))
    pool.held_out = rows(*held_out)
    return pool


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("pairs", [True, False])
def test_distances_to_covered_rows_are_kept_up_to_date_as_brute_force_has_them(form, pairs, cancer, monkeypatch):
    monkeypatch.setattr(pooled, "PAIRED_ROWS", 2_048 if pairs else 0)
    pool = opened(form(cancer), 3, 8, held_out=(40, 41))
    unit = np.sqrt(pooled.pool_points(pool).norms / (cancer**2).sum(axis=1)) if form is sparse.csr_array else None
    apart = cdist(cancer, cancer)
    for bought in ([], [100, 5], [7], [], range(200, 230)):
        pool.close(np.array(bought, dtype=np.intp))
        covered = pooled.covered_rows(pool)
        found = np.sqrt(pooled.squared_to_covered(pool))
        scale = unit[0] if unit is not None else found.max() / apart[:, covered].min(axis=1).max()
        np.testing.assert_allclose(found, scale * apart[:, covered].min(axis=1), atol=1e-7)
    taken = opened(form(cancer), 3)  # another trajectory keeps its own
    assert (np.sqrt(pooled.squared_to_covered(taken)) > 0).sum() == len(cancer) - 1


@pytest.mark.parametrize("pairs", [True, False])
def test_the_farthest_candidates_are_the_greedy_k_center_loop_by_loop(pairs, cancer, monkeypatch):
    monkeypatch.setattr(pooled, "PAIRED_ROWS", 2_048 if pairs else 0)
    pool, bought = opened(cancer, 5, 17), [5, 17]
    for _ in range(4):
        picks = pooled.farthest_candidates(pool, 15, rng())
        assert picks.tolist() == greedy_k_center(cancer, bought, 15)
        pool.close(picks)
        bought += picks.tolist()


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_what_a_selection_measured_is_measured_once(form, cancer, monkeypatch):
    monkeypatch.setattr(pooled, "PAIRED_ROWS", 0)
    pool = opened(form(cancer), 5, 17)
    picks = pooled.farthest_candidates(pool, 15, rng())
    pool.close(picks)
    measured = []
    nearest = pooled.squared_to_nearest
    monkeypatch.setattr(pooled, "squared_to_nearest", lambda *given: measured.append(len(given[1])) or nearest(*given))
    found = pooled.squared_to_covered(pool)
    assert measured == []
    np.testing.assert_allclose(found, pooled.squared_to_covered(opened(form(cancer), 5, 17, *picks)), atol=1e-12)


@pytest.mark.parametrize("pairs", [True, False])
def test_rows_that_were_picked_and_not_bought_do_not_count(pairs, cancer, monkeypatch):
    monkeypatch.setattr(pooled, "PAIRED_ROWS", 2_048 if pairs else 0)
    pool = opened(cancer, 5, 17)
    for bought, beside in ((slice(0, 4), ()), (slice(0, 15), (3, 4))):  # fewer than were picked, and more
        picks = pooled.farthest_candidates(pool, 15, rng())
        pool.close(np.array([*picks[bought], *beside], dtype=np.intp))
        expected = pooled.squared_to_covered(opened(cancer, *pooled.covered_rows(pool)))
        np.testing.assert_allclose(pooled.squared_to_covered(pool), expected, atol=1e-12)


def test_the_farthest_candidates_are_neither_bought_nor_held_out(cancer):
    pool = opened(cancer, 5, held_out=range(6, 290))
    assert sorted(pooled.farthest_candidates(pool, 99, rng())) == [*range(5), *range(290, 300)]


def seeding(X, seed=0):
    points = make_points(X)
    return Seeding(len(points), lambda some: squared_distances(points.take(some), points), rng(seed))


def test_the_first_seeds_do_not_depend_on_how_many_are_asked_for(cancer):
    step, once = seeding(cancer, 7), seeding(cancer, 7).first(60)
    for count in (3, 10, 60, 20):
        assert step.first(count).tolist() == once[:count].tolist()
    assert len(set(once)) == 60


def test_seeds_leave_less_distance_than_random_rows(cancer):
    apart = cdist(cancer, cancer) ** 2
    seeds = [apart[:, seeding(cancer, seed).first(20)].min(axis=1).sum() for seed in range(5)]
    random = [apart[:, rng(seed).permutation(len(cancer))[:20]].min(axis=1).sum() for seed in range(20)]
    assert max(seeds) < min(random)


def test_seeds_of_duplicates_are_distinct_and_end_with_the_rows():
    made = seeding(np.repeat([[0.0, 1.0], [4.0, 0.0]], 5, axis=0))
    first = made.first(2)
    assert {int(first[0]) // 5, int(first[1]) // 5} == {0, 1}
    assert sorted(made.first(99)) == list(range(10))


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_clusters_of_a_pool_depend_on_its_features_and_their_number_alone(form, monkeypatch):
    X = form(load_wine().data)
    pool, other = opened(X, 1, 2), opened(X, 5)
    eight = pooled.pool_clusters(pool, 8)
    pooled.pool_clusters(other, 30)
    assert pooled.pool_clusters(other, 8).tolist() == eight.tolist()
    assert len(set(eight)) == 8
    monkeypatch.setattr(pooled, "kmeans_from", None)
    assert pooled.pool_clusters(pool, 8) is eight


# density


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("data", ["digits", "cancer"])
def test_mean_similarity_is_the_mean_over_all_pairs(form, data, cancer):
    X = cancer if data == "cancer" else load_digits().data[:300]
    want = (1 + (1 - cdist(X, X, "cosine"))).mean(axis=1) / 2
    np.testing.assert_allclose(mean_similarity(form(X)), want, rtol=1e-12)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_mean_similarity_of_rows_of_zeros_and_of_very_unlike_lengths(form):
    got = mean_similarity(form(np.array([[0.0, 0.0], [1e-150, 0.0], [3e150, 0.0], [0.0, -1.0]])))
    np.testing.assert_allclose(got, [0.5, 0.75, 0.75, 0.625])
    assert mean_similarity(form(np.zeros((3, 2)))).tolist() == [0.5] * 3
