"""First samples by density, covering, design and classes: by brute force, by hand, and in the loop."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.preprocessing import scale

from altune.core.errors import FormatError, RequestError
from altune.core.pool import FeatureCache, Pool
from altune.core.registry import describe_parameters, find_method, methods, parse_method
from altune.core.streams import Streams
from altune.data import Dataset
from altune.data.blocks import explicit_block
from altune.knobs.initial_sample import InitialSample
from altune.knobs.pool_geometry import pool_points, pool_pure_radius
from altune.loop.loop import ActiveLearningLoop
from altune.numerics.geometry.balls import ball_graph, greedy_cover, pure_squared_radius
from altune.numerics.geometry.designs import d_optimal_points, leverage_scores, unit_mean_square
from altune.numerics.geometry.distances import make_points
from altune.numerics.geometry.facilities import locate_facilities, similarity_graph
from altune.recipes.recipe import Recipe
from altune.simulation.prepared import prepare_block
from altune.simulation.scenario import Annotator, Scenario
from altune.simulation.trajectory import play
from tests.helpers.paths import ROOT

FEATURES_ONLY = ["facility_location", "probcover", "density", "d_optimal", "leverage"]
OURS = [*FEATURES_ONLY, "until_all_classes", "oracle_stratified"]


def read(value):
    method = parse_method("initial_sample", value)
    assert isinstance(method, InitialSample)
    return method


def make_pool(X, n_classes=3, bought=(), held_out=(), shared=None):
    pool = Pool(X, n_classes, budget=100, shared=shared)
    pool.close(np.array([*bought, *held_out], dtype=np.intp))
    pool.held_out = np.array(held_out, dtype=np.intp)
    return pool


def sample(value, X, size, seed=0, **kwargs):
    return read(value).select(make_pool(X, **kwargs), size, np.random.default_rng(seed))


def points_of(X):
    return make_points(np.asarray(X, dtype=float))


@pytest.fixture(scope="module")
def wine():
    return scale(load_wine().data)


def test_the_room_is_complete():
    asked = ["random", "kmeans", "kmeans_pp", "kmedoids", "kcenter", "kennard_stone", "typiclust", *OURS]
    assert set(asked) <= set(methods("initial_sample"))
    for name in OURS:
        assert find_method("initial_sample", name).source
        assert all(entry["description"] for entry in describe_parameters(find_method("initial_sample", name)).values())


@pytest.mark.parametrize("name", FEATURES_ONLY)
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.filterwarnings("error")
def test_awkward_pools_give_distinct_rows(name, form):
    chance = np.random.default_rng(0)
    huge = chance.normal(size=(30, 4)) * 1e150
    for X in (np.ones((30, 4)), np.zeros((30, 4)), np.repeat(np.eye(3), 10, axis=0), huge, np.ones((1, 4)), np.eye(2)):
        for size in (1, 7, 1000):
            rows = sample(name, form(X), size)
            assert len(set(rows.tolist())) == len(rows) == min(size, len(X))


@pytest.mark.parametrize("name", FEATURES_ONLY)
def test_a_sample_continued_takes_neither_bought_nor_held_out_rows(name, wine):
    rows = sample(name, wine, 170, bought=range(5), held_out=range(5, 10))
    assert sorted(rows.tolist()) == list(range(10, 178))


# probcover


def test_the_radius_is_the_largest_whose_balls_are_pure_enough():
    squared = np.random.default_rng(0).random(200)
    for purity in (0.5, 0.9, 0.95, 1.0):
        radius = pure_squared_radius(squared, purity)
        # a ball is open: it is pure as long as no row of another cluster is nearer than the radius
        assert (squared >= radius).mean() >= purity
        assert (squared >= radius * (1 + 1e-9)).mean() < purity
    assert pure_squared_radius(np.full(5, np.inf), 0.95) == np.inf


def test_the_radius_of_a_pool_is_that_of_its_clusters_by_brute_force():
    X, y = load_iris(return_X_y=True)
    X = X[y < 2]
    y = y[y < 2]  # setosa and versicolor: k-means finds the two species
    pool = make_pool(X, n_classes=2)
    points = pool_points(pool)
    apart = cdist(points.values, points.values)
    other = np.where(y[:, None] != y[None, :], apart, np.inf).min(axis=1)
    got = np.sqrt(pool_pure_radius(pool, 0.95))
    assert got == pytest.approx(np.sort(other)[5])
    # all trajectories of a block share it, whatever they drew
    assert pool_pure_radius(make_pool(X, n_classes=2, shared=FeatureCache()), 0.95) == pytest.approx(got**2)


def test_greedy_cover_by_brute_force(wine):
    points = points_of(wine)
    radius = 0.3**2
    inside = cdist(points.values, points.values) < 0.3
    covered = np.zeros(len(wine), dtype=bool)
    covered[:20] = True
    allowed = np.arange(10, len(wine))
    graph = ball_graph(points, points, radius)
    picked = greedy_cover(graph, sparse.csr_array(graph.T), ~covered, allowed, 40, np.random.default_rng(0))
    assert len(set(picked)) == 40
    for turn, pick in enumerate(picked):
        gains = (inside & ~covered).sum(axis=1)
        gains[picked[:turn]] = -1
        gains[:10] = -1
        assert gains[pick] == gains.max()
        covered |= inside[pick]


def test_probcover_covers_dense_places_first_and_a_bought_row_covers_its_own():
    chance = np.random.default_rng(0)
    X = np.concatenate([chance.normal(size=(n, 2)) * 0.3 + c for n, c in ((40, [0, 0]), (25, [9, 0]), (12, [0, 9]))])
    blob = np.repeat([0, 1, 2], [40, 25, 12])
    assert blob[sample("probcover", X, 3)].tolist() == [0, 1, 2]
    assert blob[sample("probcover", X, 2, bought=[3])].tolist() == [1, 2]
    assert blob[sample("probcover", X, 1, held_out=[3])].tolist() == [0]


@pytest.mark.parametrize("name", ["probcover", "facility_location"])
def test_large_pools_compete_by_a_subpool(name, monkeypatch, wine):
    for module in ("altune.knobs.pool_geometry", "altune.knobs.initial_sample.density"):
        monkeypatch.setattr(f"{module}.LARGE_POOL", 60)
    rows = sample(name, wine, 100, bought=range(5))
    assert len(set(rows.tolist())) == 100
    assert rows.min() >= 5
    first = {int(sample(name, wine, 1, seed)[0]) for seed in range(8)}
    assert len(first) > 1  # other rows compete


# facility location


def plain_greedy(similarity, allowed, covered, size):
    best = similarity[:, covered].max(axis=1, initial=0.0)
    picked = []
    for _ in range(size):
        gains = np.maximum(similarity - best[:, None], 0).sum(axis=0)
        gains[np.setdiff1d(np.arange(len(best)), allowed)] = -1
        gains[picked] = -1
        picked.append(int(gains.argmax()))
        best = np.maximum(best, similarity[:, picked[-1]])
    return picked


def test_lazy_greedy_is_greedy(wine):
    graph = similarity_graph(points_of(wine), 8)
    allowed, covered = np.arange(10, 178), np.arange(5)
    lazy = locate_facilities(graph, allowed, covered, 25, np.random.default_rng(0))
    assert lazy.tolist() == plain_greedy(graph.toarray(), allowed, covered, 25)


def test_similarity_is_one_on_oneself_and_falls_with_distance(wine):
    similarity = similarity_graph(points_of(wine), 8).toarray()
    assert (np.diagonal(similarity) == 1).all()
    assert ((similarity > 0).sum(axis=1) == 9).all()
    apart = cdist(wine, wine)
    for row in range(0, 178, 20):
        near = np.argsort(apart[row])[:9]
        assert set(np.flatnonzero(similarity[row])) == set(near.tolist())
        assert (np.diff(similarity[row][near]) <= 0).all()


def test_facility_location_stands_for_more_rows_than_chance():
    X = load_digits().data[:500] / 16
    similarity = similarity_graph(points_of(X), 30).toarray()
    worth = {
        name: np.mean([similarity[:, sample(name, X, 15, seed)].max(axis=1).sum() for seed in range(3)])
        for name in ("facility_location", "random", "kcenter")
    }
    assert worth["facility_location"] > 1.2 * max(worth["random"], worth["kcenter"])


# density


def test_density_draws_in_proportion_to_the_kernel_density():
    chance = np.random.default_rng(0)
    X = np.concatenate([chance.normal(size=(30, 2)), 6 * chance.normal(size=(10, 2))])
    apart = cdist(X, X, "sqeuclidean")
    width = np.median(np.sort(apart, axis=1)[:, round(np.sqrt(40))])
    density = np.exp(-apart / (2 * width)).mean(axis=1)
    draws = 4000
    shared = FeatureCache()
    for beta in (1.0, 2.0):
        value = {"method": "density", "beta": beta}
        drawn = np.bincount([sample(value, X, 1, seed, shared=shared)[0] for seed in range(draws)], minlength=40)
        wanted = density**beta / (density**beta).sum()
        assert np.abs(drawn / draws - wanted).max() < 4.5 * np.sqrt(0.25 / draws)


def test_density_without_weight_is_uniform_and_similarity_is_another_kind(wine):
    uniform = {"method": "density", "beta": 0.0}
    drawn = np.bincount(np.concatenate([sample(uniform, wine, 50, s) for s in range(400)]), minlength=178)
    expected = 400 * 50 / 178
    assert np.abs(drawn - expected).max() < 5 * np.sqrt(expected)
    kinds = [{"method": "density", "kind": kind, "beta": 5.0} for kind in ("kernel", "similarity")]
    assert sample(kinds[0], wine, 20).tolist() != sample(kinds[1], wine, 20).tolist()


# designs


def test_d_optimal_is_greedy_in_log_det_by_brute_force(wine):
    points = unit_mean_square(points_of(wine))
    np.testing.assert_allclose(points.values, wine, atol=1e-12)  # standardised features stay as they are
    ridge, bought = 0.7, [3, 90]
    picked = d_optimal_points(points, points.take(np.array(bought)), 20, ridge, np.random.default_rng(0))
    chosen = list(bought)
    for pick in picked:
        base = ridge * np.eye(13) + wine[chosen].T @ wine[chosen]
        gains = np.log1p(np.einsum("ij,jk,ik->i", wine, np.linalg.inv(base), wine))
        gains[[row for row in chosen if row not in bought]] = -np.inf
        assert gains[pick] == pytest.approx(gains.max())
        grown = np.linalg.slogdet(base + np.outer(wine[pick], wine[pick]))[1] - np.linalg.slogdet(base)[1]
        assert gains[pick] == pytest.approx(grown)
        chosen.append(int(pick))


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_leverage_is_its_formula_whichever_side_is_inverted(form, monkeypatch):
    chance = np.random.default_rng(0)
    for shape in ((40, 7), (7, 40)):
        X = chance.normal(size=shape)
        points = make_points(form(X), centre=False)
        values = points.values.toarray() if sparse.issparse(points.values) else points.values
        want = np.diagonal(values @ np.linalg.inv(values.T @ values + 0.3 * np.eye(shape[1])) @ values.T)
        np.testing.assert_allclose(leverage_scores(points, 0.3, chance), want)
    monkeypatch.setattr(
        "altune.numerics.geometry.designs.MOST_COLUMNS", 30
    )  # 40 features, 40 rows: against a sample of 30
    points = points_of(chance.normal(size=(40, 40)))
    estimated = leverage_scores(points, 0.3, chance)
    assert (estimated > 0).all()


def test_leverage_draws_by_score_or_takes_the_largest(wine):
    points = unit_mean_square(points_of(wine))
    scores = leverage_scores(points, 1.0, np.random.default_rng(0))
    largest = sample({"method": "leverage", "draw": "largest"}, wine, 10)
    np.testing.assert_allclose(scores[largest], np.sort(scores)[::-1][:10])
    shared, draws = FeatureCache(), 4000
    drawn = np.bincount([sample("leverage", wine, 1, s, shared=shared)[0] for s in range(draws)], minlength=178)
    assert np.abs(drawn / draws - scores / scores.sum()).max() < 4.5 * np.sqrt(0.02 / draws)


def test_features_alone_are_worked_out_once_for_a_block(wine, monkeypatch):
    shared = FeatureCache()
    first = {name: sample(name, wine, 9, 4, shared=shared).tolist() for name in FEATURES_ONLY}
    for module, name in (
        ("density", "log_kernel_density"),
        ("density", "similarity_graph"),
        ("design", "leverage_scores"),
    ):
        monkeypatch.setattr(f"altune.knobs.initial_sample.{module}.{name}", None)
    monkeypatch.setattr("altune.knobs.pool_geometry.kmeans", None)
    monkeypatch.setattr("altune.knobs.pool_geometry.ball_graph_of", None)
    assert {name: sample(name, wine, 9, 4, shared=shared).tolist() for name in FEATURES_ONLY} == first


# until all classes


def rare_classes():
    """A pool of 200 rows: 180 of class 0, 15 of class 1, 5 of class 2."""
    y = np.repeat([0, 1, 2], [180, 15, 5])
    order = np.random.default_rng(5).permutation(200)
    X = np.random.default_rng(6).normal(size=(200, 3)) + y[:, None]
    return X[order], y[order]


def run_loop(recipe, X, y, budget=100, n_classes=3, loops=3, block=0, wrong=None, **kwargs):
    streams = Streams(0, "rare", "search", block)
    loop = ActiveLearningLoop(recipe, X, n_classes, budget=budget, loops=loops, streams=streams, **kwargs)
    asked = []
    while not loop.done:
        request = loop.ask()
        asked.append((loop.model is None, request.rows.copy()))
        loop.tell(y[request.rows])
    return loop, asked


def until(**fields):
    return Recipe(initial_sample={"method": "until_all_classes", "size": 5, "step": 4, **fields})


def test_the_sample_goes_on_until_each_class_was_seen():
    X, y = rare_classes()
    for block in range(5):
        loop, asked = run_loop(until(cap=90), X, y, block=block)
        steps = [rows for before, rows in asked if before]
        seen = [len(set(y[np.concatenate(steps[: n + 1])])) for n in range(len(steps))]
        assert seen[-1] == 3
        assert all(classes < 3 for classes in seen[:-1])
        assert [len(rows) for rows in steps] == [5] + [4] * (len(steps) - 1)
        bought = np.concatenate(steps)
        assert len(set(bought.tolist())) == len(bought)
        # the steps make up one first turn, and each of their labels is charged
        first = loop.records[0]
        assert (first.labels_bought, first.labels_used, first.loop_rows) == (len(bought),) * 3
        assert loop.pool.labels_bought == sum(len(rows) for _, rows in asked)
    assert len(steps) > 1


@pytest.mark.parametrize(("fields", "most"), [({"cap": 11}, 11), ({"cap": 3}, 3), ({}, 53)])
def test_the_sample_ends_at_its_cap_whatever_was_seen(fields, most):
    X, y = rare_classes()
    loop, asked = run_loop(until(**fields), X, np.zeros_like(y))
    assert sum(len(rows) for before, rows in asked if before) == most
    assert loop.records[0].labels_bought == most  # by default a step begins while less than half of 100 is spent


def test_the_budget_ends_the_sample_too():
    X, y = rare_classes()
    loop, asked = run_loop(until(cap=1000), X, np.zeros_like(y), budget=20)
    assert loop.records[0].labels_bought == loop.pool.labels_bought == 20
    assert loop.stopped == "budget"
    assert [len(rows) for _, rows in asked] == [5, 4, 4, 4, 3]


def test_several_annotators_and_a_hold_out_set_go_with_it():
    X, y = rare_classes()
    recipe = until(cap=30).replace(
        labeling={"method": "majority", "annotators": 3}, stopping={"method": "target", "holdout": 6, "score": 0.9}
    )
    loop, asked = run_loop(recipe, X, y, annotators=5)
    assert loop.records[0].labels_bought == sum(len(rows) for before, rows in asked if before)
    assert len(np.intersect1d(loop.pool.held_out, loop.pool.labelled)) == 0
    rows = np.setdiff1d(np.concatenate([rows for before, rows in asked if before]), loop.pool.held_out)
    assert loop.records[0].labels_used == len(rows) <= 30


def test_it_continues_any_sample_in_its_own_way():
    X, y = rare_classes()
    recipe = until(cap=17, sample={"method": "kcenter"})
    _, asked = run_loop(recipe, X, np.zeros_like(y))
    rows = np.concatenate([rows for before, rows in asked if before])
    apart = cdist(X, X)
    for turn in range(1, len(rows)):
        gap = apart[:, rows[:turn]].min(axis=1)
        assert gap[rows[turn]] == pytest.approx(gap.max())


def test_a_first_sample_that_sees_all_classes_is_left_as_it_is(wine):
    y = load_wine().target
    plain, _ = run_loop(Recipe(initial_sample={"method": "random", "size": 30}), wine, y)
    continued = Recipe(initial_sample={"method": "until_all_classes", "size": 30})
    loop, _ = run_loop(continued, wine, y)
    assert loop.bought.tolist() == plain.bought.tolist()


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        ({"method": "random", "size": 5}, "size"),
        ({"method": "until_all_classes"}, "cannot continue"),
        ({"method": "oracle_stratified"}, "cannot continue"),
        ({"method": "margin"}, "no method"),
    ],
)
def test_what_cannot_be_continued_is_refused_by_name_and_place(inner, why):
    with pytest.raises(FormatError, match=rf"^start\.sample.*{why}") as caught:
        parse_method("initial_sample", {"method": "until_all_classes", "sample": inner}, "start")
    assert "\n" not in str(caught.value)


def test_it_reads_back_and_a_simulation_prices_its_steps():
    value = {"method": "until_all_classes", "sample": {"method": "density", "beta": 2.0}, "step": 4, "size": 3}
    assert read(read(value).to_dict()) == read(value)
    X, y = rare_classes()
    data = Dataset(X, y, name="rare")
    block = explicit_block(data, np.arange(150), np.arange(150, 200))
    scenario = Scenario(budget=60, loops=3, annotators=(Annotator(price=2.0),), price_per_loop=7.0)
    curve = play(until(cap=60), prepare_block(data, block, seed=0), scenario)
    assert curve.labels[0] > 5  # it did go on
    steps = 1 + (curve.labels[0] - 5) / 4
    assert curve.cost[0] == pytest.approx(2.0 * curve.labels[0] + 7.0 * steps)
    assert len(curve.labels) == len(curve.cost) == len(curve.loop_rows)
    assert curve.loop_rows.sum() == len(curve.rows) == curve.labels[-1]


# the oracle


def test_the_oracle_stratifies_by_the_true_labels():
    X, y = rare_classes()
    rng = np.random.default_rng
    balanced, like_pool = read("oracle_stratified"), read({"method": "oracle_stratified", "shares": "proportional"})
    counts = np.bincount(y[balanced.select_knowing(make_pool(X), 12, rng(0), y)], minlength=3)
    assert counts.tolist() == [4, 4, 4]
    counts = np.bincount(y[balanced.select_knowing(make_pool(X), 30, rng(0), y)], minlength=3)
    assert counts[2] == 5  # no more than there are
    assert abs(counts[0] - counts[1]) <= 1
    counts = np.bincount(y[like_pool.select_knowing(make_pool(X), 40, rng(0), y)], minlength=3)
    assert counts.tolist() == pytest.approx([36, 3, 1], abs=1)
    assert len(set(y[like_pool.select_knowing(make_pool(X), 3, rng(1), y)])) == 3
    assert len(balanced.select_knowing(make_pool(X, bought=range(9)), 500, rng(0), y)) == 191


def test_the_oracle_is_refused_where_nobody_knows_the_truth():
    X, y = rare_classes()
    recipe = Recipe(initial_sample={"method": "oracle_stratified", "size": 6})
    with pytest.raises(RequestError, match="true labels, which only a simulation has"):
        run_loop(recipe, X, y)
    with pytest.raises(RequestError, match="nobody has paid for"):
        sample("oracle_stratified", X, 3)


def test_the_oracle_plays_in_a_simulation_and_its_curve_is_marked():
    X, y = load_breast_cancer(return_X_y=True)
    data = Dataset(scale(X), y, name="cancer")
    block = explicit_block(data, np.arange(300), np.arange(300, 569))
    scenario = Scenario(budget=40, loops=2)
    recipe = Recipe(initial_sample={"method": "oracle_stratified", "size": 10})
    curve = play(recipe, prepare_block(data, block, seed=0), scenario)
    assert np.bincount(y[curve.rows[:10]]).tolist() == [5, 5]
    assert curve.notes[0]["uses_oracle"] == 1.0
    plain = play(Recipe(), prepare_block(data, block, seed=0), scenario)
    assert not any("uses_oracle" in fact for fact in plain.notes)


def test_only_a_sample_that_says_so_is_told_the_truth():
    X, y = rare_classes()
    named = [name for name, cls in methods("initial_sample").items() if cls.uses_oracle]
    assert named == ["oracle_stratified"]
    told, _ = run_loop(Recipe(), X, y, oracle=(y + 1) % 3)
    untold, _ = run_loop(Recipe(), X, y)
    assert told.bought.tolist() == untold.bought.tolist()


def test_no_shipped_space_holds_an_upper_bound():
    spaces = sorted((ROOT / "search_spaces").glob("*.yaml"))
    assert spaces
    assert not [space.name for space in spaces if "oracle_stratified" in space.read_text(encoding="utf-8")]
