"""Strategies that cover the pool with balls: by brute force, and against scikit-activeml."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.preprocessing import scale

from altune.knobs.pool_geometry import cover_rows, pool_points, pool_pure_radius
from altune.knobs.query_strategy.covering import competence_of, fitted_balls, pick_by_competence, scale_to_one
from altune.numerics.geometry.balls import ball_graph
from altune.numerics.geometry.distances import make_points
from tests.helpers.queries import make_pool, partly_labelled, select


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return make_pool(scale(X), y, np.random.default_rng(1).permutation(569)[:20])


@pytest.mark.filterwarnings("ignore:The maximum purity")
def test_probcover_picks_the_row_that_scikit_activeml_scores_highest(cancer):
    theirs = pytest.importorskip("skactiveml.pool")
    radius = np.sqrt(pool_pure_radius(cancer, 0.95))
    unit = np.sqrt(pool_points(cancer).norms.sum() / (scale(cancer.X) ** 2).sum())  # ours are scaled by 2^-k
    rows = select("probcover", cancer, 25)
    y = partly_labelled(cancer)
    for row in rows:
        # at one radius; they choose it from a grid, and close the balls that we (as the authors) leave open
        cover = theirs.ProbCover(deltas=[radius / unit * (1 - 1e-7)], random_state=0)
        _, utilities = cover.query(cancer.X, y, return_utilities=True)
        assert utilities[0][row] == np.nanmax(utilities[0])
        y[row] = 0


def test_probcover_radius_is_within_the_grid_of_scikit_activeml():
    theirs = pytest.importorskip("skactiveml.pool")
    X = load_wine().data
    pool = make_pool(scale(X), load_wine().target, range(0, 178, 20))
    unit = np.sqrt(pool_points(pool).norms.sum() / (pool.X**2).sum())
    ours = np.sqrt(pool_pure_radius(pool, 0.8)) / unit
    cover = theirs.ProbCover(
        n_classes=3, deltas=np.arange(0.1, 4, 0.01), alpha=0.8, cluster_algo_dict={"n_init": 5}, random_state=0
    )
    cover.query(pool.X, partly_labelled(pool))
    assert cover.delta_max_ == pytest.approx(ours, rel=0.03)


def test_probcover_of_a_subpool_covers_alike(cancer, monkeypatch):
    whole = select("probcover", cancer, 10)
    monkeypatch.setattr("altune.knobs.pool_geometry.LARGE_POOL", 100)
    radius = pool_pure_radius(cancer, 0.95)
    points = pool_points(cancer).values
    inside = cdist(points, points) < np.sqrt(radius)
    reached = {"whole": inside[whole].any(axis=0).mean()}
    reached["part"] = inside[cover_rows(cancer, 10, radius, 300, np.random.default_rng(0))].any(axis=0).mean()
    reached["random"] = inside[np.random.default_rng(0).permutation(cancer.candidates)[:10]].any(axis=0).mean()
    assert reached["whole"] > reached["part"] > reached["random"]


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return make_pool(scale(X), y, range(0, 178, 12))


def test_competence_is_full_at_full_coverage_and_none_at_none():
    assert competence_of(1.0, 30.0, 0.9) == 1.0
    assert competence_of(0.0, 30.0, 0.9) < 1e-9
    grid = [competence_of(c, 10.0, 0.5) for c in np.linspace(0, 1, 11)]
    assert grid == sorted(grid)
    assert grid[5] == pytest.approx((1 + np.exp(-5)) / 2)


def test_balls_are_the_largest_that_are_pure_enough_by_brute_force(wine):
    points = make_points(wine.X)
    cand, lab = points.take(wine.candidates), points.take(wine.labelled)
    predicted = wine.known().predictions
    limit = 0.9
    got = fitted_balls(lab, wine.labels, cand, predicted, limit**2)
    apart = cdist(lab.values, cand.values)

    def balls(purity):
        radii, covered = [], np.zeros(len(cand), bool)
        for row, label in zip(apart, wine.labels, strict=True):
            best, held = 0.0, np.zeros(len(cand), bool)
            for radius in np.append(np.sort(row[row < limit]), limit):
                inside = row < radius * (1 - 1e-12)
                if (1 + (predicted[inside] == label).sum()) / (1 + inside.sum()) >= purity:
                    best, held = radius, inside
            radii.append(best)
            covered |= held
        return np.mean(radii), covered, (covered.sum() + len(lab)) / 178

    first = balls(0.4)
    radius, covered, coverage = balls(0.2 * first[2] + 0.4)
    assert got.coverage == pytest.approx(coverage)
    np.testing.assert_array_equal(got.covered, covered)
    assert got.mean_radius == pytest.approx(radius)


def test_dcom_mixes_degree_and_uncertainty_by_competence(wine):
    points = make_points(wine.X).take(wine.candidates)
    inside = cdist(points.values, points.values) < 0.5
    u = scale_to_one(1 - wine.known().margin)
    n = len(wine.candidates)
    for competence in (0.0, 0.4, 1.0):
        covered = np.zeros(n, bool)
        covered[:40] = True
        picks = pick_by_competence(
            ball_graph(points, points, 0.25), covered.copy(), u, competence, 12, np.random.default_rng(0)
        )
        for turn, pick in enumerate(picks):
            degree = (inside & ~covered).sum(axis=1)
            value = competence * u + (1 - competence) * scale_to_one(degree.astype(float))
            value[picks[:turn]] = -1
            assert value[pick] == pytest.approx(value.max())
            covered |= inside[pick]


def test_dcom_of_a_competent_model_is_margin_and_early_it_is_not(wine):
    sure = {"method": "dcom", "midpoint": 0.0, "steepness": 100.0}
    assert select(sure, wine, 10).tolist() == select("margin", wine, 10).tolist()
    early = select({"method": "dcom", "midpoint": 1.0, "steepness": 100.0}, wine, 10)
    margins = wine.known().margin
    assert margins[np.searchsorted(wine.candidates, early)].mean() > np.sort(margins)[:10].mean()
    assert len(select({"method": "dcom", "subpool": 20}, wine, 50)) == 50
