"""Query strategies: scores by brute force and by hand, awkward pools, and parity with scikit-activeml."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from scipy.stats import rankdata
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale

from altune.core.errors import FormatError
from altune.core.metadata import Metadata
from altune.core.pool import Pool
from altune.core.registry import describe_parameters, find_method, methods, parse_method
from altune.knobs.query_strategy import QueryStrategy, ScoreStrategy
from altune.knobs.query_strategy.base import largest
from altune.knobs.query_strategy.composed import mix_ranks
from altune.knobs.query_strategy.hybrid import Gradients
from altune.numerics.geometry.distances import make_points

OURS = [
    "random",
    "least_confidence",
    "margin",
    "entropy",
    "density_weighted",
    "kcenter",
    "badge",
    "typiclust",
    "mixture",
    "switch",
    "epsilon_mix",
]
SCORED = ["random", "least_confidence", "margin", "entropy", "density_weighted", "mixture"]


class Linear:
    """A logistic regression over all classes of the scenario; its embedding is the features."""

    def __init__(self, X, y, n_classes):
        self.n_classes = n_classes
        self.seen = np.unique(y)
        self.fitted = LogisticRegression().fit(X, y) if len(self.seen) > 1 else None

    def class_scores(self, X):
        scores = np.zeros((X.shape[0], self.n_classes))
        scores[:, self.seen] = 1.0 if self.fitted is None else self.fitted.predict_proba(X)
        return scores

    def predict(self, X):
        return self.class_scores(X).argmax(axis=1)

    embeds = False

    def embedding(self, X):
        return X


class Told:
    """A model whose class scores are given, for pools no estimator would fit."""

    def __init__(self, scores):
        self.scores = scores

    def class_scores(self, X):
        return self.scores

    embeds = False

    def embedding(self, X):
        return X


def make_pool(X, y, labelled, n_classes=None, model=None, budget=100):
    labelled = np.asarray(labelled, dtype=np.intp)
    pool = Pool(X, n_classes or int(max(y)) + 1, budget=budget)
    pool.close(labelled)
    pool.set_labels(labelled, np.asarray(y)[labelled])
    pool.labels_bought = len(labelled)
    pool.model = model or Linear(X[labelled], pool.labels, pool.n_classes)
    pool.metadata = Metadata(X, pool.candidates, pool.model)
    return pool


def read(value):
    method = parse_method("query_strategy", value)
    assert isinstance(method, QueryStrategy)
    return method


def select(value, pool, size, seed=0):
    return read(value).select(pool, size, np.random.default_rng(seed))


def scores(value, pool, seed=0):
    method = read(value)
    assert isinstance(method, ScoreStrategy)
    return method.scores(pool, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = X[:500] / 16
    return make_pool(X, y[:500], np.random.default_rng(0).permutation(500)[:40], 10)


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return make_pool(scale(X), y, np.random.default_rng(1).permutation(569)[:20])


# every method, on every pool


def awkward_pools():
    chance = np.random.default_rng(0)
    y = np.arange(30) % 3
    for name, X in {
        "constant": np.ones((30, 4)),
        "zeros": np.zeros((30, 4)),
        "duplicates": np.repeat(np.eye(3), 10, axis=0),
        "huge": chance.normal(size=(30, 4)) * 1e150,
        "tiny": chance.normal(size=(30, 4)) * 1e-160,
    }.items():
        certain = np.eye(3)[chance.integers(3, size=22)]
        for kind, told in {"spread": chance.dirichlet([1, 1, 1], 22), "certain": certain}.items():
            for form in (np.asarray, sparse.csr_matrix):
                label = f"{name}, {kind}, {form.__name__}"
                yield pytest.param(form(X), y, range(8), 3, Told(told), id=label)
    X = chance.normal(size=(30, 4))
    yield pytest.param(X, y, range(29), 3, None, id="one row left")
    yield pytest.param(X, np.zeros(30, int), range(5), 2, None, id="one labelled class")
    yield pytest.param(X, np.arange(30), range(20), 200, None, id="200 classes")


@pytest.mark.parametrize(("X", "y", "labelled", "n_classes", "model"), list(awkward_pools()))
@pytest.mark.filterwarnings("error")
def test_awkward_pools_give_distinct_candidates_and_finite_scores(X, y, labelled, n_classes, model):
    pool = make_pool(X, y, list(labelled), n_classes, model)
    candidates = pool.candidates.copy()
    for name in OURS:
        for size in (1, 5, 1000):
            rows = select(name, pool, size)
            assert len(rows) == min(size, len(candidates)), name
            assert len(set(rows.tolist())) == len(rows), name
            assert set(rows.tolist()) <= set(candidates.tolist()), name
        if name in SCORED:
            given = scores(name, pool)
            assert given.shape == candidates.shape
            assert np.isfinite(given).all(), name
    assert np.array_equal(pool.candidates, candidates)


@pytest.mark.parametrize("name", OURS)
def test_one_stream_gives_one_choice_and_nothing_is_remembered(name, digits):
    first = select(name, digits, 10, seed=5).tolist()
    assert select(name, digits, 10, seed=5).tolist() == first


@pytest.mark.parametrize("name", OURS)
def test_methods_read_back_from_their_mapping_and_describe_themselves(name):
    method = read(name)
    assert parse_method("query_strategy", method.to_dict()) == method
    cls = find_method("query_strategy", name)
    assert cls.source
    assert all(entry["description"] for entry in describe_parameters(cls).values())


def test_the_room_is_registered_and_says_what_it_needs():
    assert set(OURS) <= set(methods("query_strategy"))
    needing = {name for name in OURS if "class_scores" in read(name).required()}
    assert set(OURS) - needing == {"random", "kcenter", "typiclust"}
    of_chance = {"method": "switch", "first": "kcenter", "then": "random"}
    assert read(of_chance).required() == frozenset()


@pytest.mark.parametrize("name", ["least_confidence", "margin", "entropy", "density_weighted", "kcenter"])
def test_ties_fall_by_chance(name):
    pool = make_pool(np.ones((12, 2)), np.arange(12) % 2, range(4))
    assert {int(select(name, pool, 1, seed)[0]) for seed in range(100)} == set(range(4, 12))


# uncertainty


def test_uncertainty_scores_are_their_formulas(digits):
    p = np.sort(digits.known().probabilities, axis=1)[:, ::-1]
    np.testing.assert_allclose(scores("least_confidence", digits), 1 - p[:, 0])
    np.testing.assert_allclose(scores("margin", digits), p[:, 1] - p[:, 0])
    np.testing.assert_allclose(scores("entropy", digits), -(p * np.log(p)).sum(axis=1))


def test_two_classes_have_one_order_of_uncertainty(cancer):
    orders = {name: select(name, cancer, 500, seed=2).tolist() for name in SCORED[1:4]}
    assert orders["margin"] == orders["least_confidence"] == orders["entropy"]
    p = cancer.known().probabilities
    expected = np.argsort(np.abs(p[:, 0] - 0.5), kind="stable")[:50]
    assert orders["margin"][:50] == cancer.candidates[expected].tolist()


def test_two_classes_tie_alike():
    p = np.array([0.5, 0.5 + 1e-12, 0.3, 0.7, 0.3, 0.9, 0.1, 1.0, 0.0, 0.7])
    told = Told(np.column_stack([p, 1 - p]))
    pool = make_pool(np.arange(12.0)[:, None], np.arange(12) % 2, [0, 1], 2, told)
    orders = [[select(name, pool, 10, s).tolist() for s in range(30)] for name in SCORED[1:4]]
    assert orders[0] == orders[1] == orders[2]
    assert {order[0] for order in orders[0]} == {2}  # a hair surer is surer, though its entropy is the same
    assert len({tuple(order) for order in orders[0]}) > 1


@pytest.mark.parametrize("name", ["least_confidence", "margin", "entropy"])
@pytest.mark.parametrize("pool_name", ["digits", "cancer"])
def test_uncertainty_picks_what_scikit_activeml_picks(name, pool_name, request):
    skactiveml = pytest.importorskip("skactiveml.pool")
    classifier = pytest.importorskip("skactiveml.classifier")
    pool = request.getfixturevalue(pool_name)
    y = np.full(pool.n_rows, np.nan)
    y[pool.labelled] = pool.labels
    theirs = {"least_confidence": "least_confident", "margin": "margin_sampling", "entropy": "entropy"}
    picks = skactiveml.UncertaintySampling(method=theirs[name], random_state=0).query(
        pool.X,
        y,
        classifier.SklearnClassifier(LogisticRegression(), classes=range(pool.n_classes)),
        batch_size=20,
    )
    assert select(name, pool, 20).tolist() == list(picks)


# density and diversity


@pytest.mark.parametrize("kind", ["least_confidence", "margin", "entropy"])
def test_density_weighted_is_uncertainty_times_similarity_by_brute_force(kind, cancer):
    known = cancer.known()
    u = {
        "least_confidence": known.least_confidence,
        "margin": 1 - known.margin,
        "entropy": known.entropy,
    }
    similarity = (1 - cdist(cancer.X, cancer.X, "cosine") / 2).mean(axis=1)[cancer.candidates]
    got = scores({"method": "density_weighted", "uncertainty": kind, "beta": 1.7}, cancer)
    np.testing.assert_allclose(got, u[kind] * similarity**1.7)


def test_density_weighted_without_weight_is_uncertainty(digits):
    for kind in ("least_confidence", "margin", "entropy"):
        plain = {"method": "density_weighted", "uncertainty": kind, "beta": 0}
        assert select(plain, digits, 30).tolist() == select(kind, digits, 30).tolist()


def test_similarity_is_computed_once_for_a_pool(digits, monkeypatch):
    scores("density_weighted", digits)
    monkeypatch.setattr("altune.knobs.pool_geometry.mean_similarity", None)
    scores("density_weighted", digits)


def test_kcenter_starts_from_every_bought_row_but_not_from_held_out_ones():
    X = np.array([[0.0], [1.0], [10.0], [24.0], [5.0], [30.0]])
    pool = make_pool(X, [0, 1, 0, 1, 0, 1], [0, 1])
    pool.close(np.array([5]))
    assert select("kcenter", pool, 3).tolist() == [2, 3, 4]  # row 5 was bought, then dropped by an audit
    pool.held_out = np.array([5])
    assert select("kcenter", pool, 3).tolist() == [3, 2, 4]


def test_kcenter_picks_what_scikit_activeml_picks(cancer):
    skactiveml = pytest.importorskip("skactiveml.pool")
    y = np.full(cancer.n_rows, np.nan)
    y[cancer.labelled] = cancer.labels
    picks = skactiveml.CoreSet(random_state=0).query(cancer.X, y, batch_size=25)
    assert select("kcenter", cancer, 25).tolist() == list(picks)


def test_typiclust_first_visits_clusters_without_labels():
    X, y = load_wine(return_X_y=True)
    X = scale(X)
    pool = make_pool(X, y, np.flatnonzero(y == 0)[:10])
    rows = select("typiclust", pool, 6)
    assert (y[rows] != 0).mean() > 0.8


def test_typiclust_picks_what_scikit_activeml_picks():
    skactiveml = pytest.importorskip("skactiveml.pool")
    chance = np.random.default_rng(0)
    sizes, centres = (60, 50, 90, 80), np.array([[0, 0], [90, 0], [0, 90], [90, 90]])
    X = np.concatenate([chance.normal(size=(n, 2)) + c for n, c in zip(sizes, centres, strict=True)])
    y = np.repeat(np.arange(4), sizes)
    pool = make_pool(X, y, [0, 70])
    given = np.full(len(X), np.nan)
    given[pool.labelled] = pool.labels
    theirs = skactiveml.TypiClust(random_state=0, k=20, cluster_algo_dict={"random_state": 0, "n_init": 10})
    picks = theirs.query(X, given, batch_size=2)
    assert y[picks].tolist() == [2, 3]
    assert select("typiclust", pool, 2).tolist() == picks.tolist()


# badge


def gradients_in_full(pool):
    p = pool.known().probabilities
    errors = p - np.eye(p.shape[1])[p.argmax(axis=1)]
    return (errors[:, :, None] * pool.X[pool.candidates][:, None, :]).reshape(len(p), -1)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_badge_distances_are_those_of_the_gradients_in_full(form, digits):
    full = gradients_in_full(digits)
    factors = Gradients(digits.known().probabilities, make_points(form(digits.X[digits.candidates]), centre=False))
    want = cdist(full, full, "sqeuclidean")
    got = np.stack([factors.distances_to(row) for row in range(len(full))])
    unit = got[0, 1] / want[0, 1]
    np.testing.assert_allclose(got, want * unit, rtol=1e-8, atol=1e-12)
    assert np.log2(unit) == pytest.approx(round(np.log2(unit)))  # scaled by a power of two alone
    np.testing.assert_allclose(factors.norms, (full**2).sum(axis=1) * unit)


def test_badge_starts_from_the_longest_gradient_and_draws_by_squared_distance():
    X, y = load_wine(return_X_y=True)
    pool = make_pool(scale(X)[::12], y[::12], [0, 6, 12])
    full = gradients_in_full(pool)
    longest = int((full**2).sum(axis=1).argmax())
    squared = cdist(full, full[[longest]], "sqeuclidean")[:, 0]
    draws = 3000
    picks = np.array([select("badge", pool, 2, seed) for seed in range(draws)])
    assert set(picks[:, 0]) == {pool.candidates[longest]}
    drawn = np.array([(picks[:, 1] == row).sum() for row in pool.candidates]) / draws
    np.testing.assert_allclose(drawn, squared / squared.sum(), atol=4.5 * np.sqrt(0.25 / draws))


def test_badge_starts_where_scikit_activeml_starts(digits):
    skactiveml = pytest.importorskip("skactiveml.pool")
    classifier = pytest.importorskip("skactiveml.classifier")
    y = np.full(digits.n_rows, np.nan)
    y[digits.labelled] = digits.labels
    model = classifier.SklearnClassifier(LogisticRegression(), classes=range(10))
    picks, utilities = skactiveml.Badge(random_state=0).query(digits.X, y, model, batch_size=2, return_utilities=True)
    assert select("badge", digits, 5)[0] == picks[0]
    factors = Gradients(digits.known().probabilities, make_points(digits.X[digits.candidates], centre=False))
    first = int(np.searchsorted(digits.candidates, picks[0]))
    # theirs also counts the distance to a gradient of 0, which the authors' code does not
    ours = np.minimum(factors.distances_to(first), factors.norms)
    theirs = utilities[1][digits.candidates]
    keep = ~np.isnan(theirs)
    np.testing.assert_allclose((ours / ours.sum())[keep], theirs[keep], atol=1e-9)


def test_badge_of_a_sure_model_is_random():
    pool = make_pool(np.arange(20.0)[:, None], np.arange(20) % 2, [0, 1], 2, Told(np.eye(2)[np.arange(18) % 2]))
    assert {int(select("badge", pool, 1, seed)[0]) for seed in range(200)} == set(range(2, 20))


# composed


def test_mixture_ranks_by_hand():
    got = mix_ranks(np.array([0.1, 0.5, 0.5, 0.9]), np.array([4.0, 3.0, 2.0, 1.0]), 0.75)
    np.testing.assert_allclose(got, [(0.75 * 1 + 0.25 * 4) / 4, 0.65625, 0.59375, (0.75 * 4 + 0.25) / 4])


def test_mixture_joins_the_ranks_of_its_parts(digits):
    value = {"method": "mixture", "first": "entropy", "second": {"method": "density_weighted", "beta": 3.0}}
    value |= {"weight_start": 0.1, "weight_end": 0.9, "steepness": 4.0, "midpoint": 0.6}
    tau = np.log(40) / np.log(100)
    weight = 0.1 + 0.8 / (1 + np.exp(-4.0 * (tau - 0.6)))
    first, second = scores("entropy", digits), scores(value["second"], digits)
    want = weight * rankdata(first) / 460 + (1 - weight) * rankdata(second) / 460
    np.testing.assert_allclose(scores(value, digits), want)


def test_mixture_with_all_weight_on_one_part_is_that_part(digits):
    for weight, alone in ((1.0, "margin"), (0.0, "least_confidence")):
        value = {"method": "mixture", "first": "margin", "second": "least_confidence"}
        value |= {"weight_start": weight, "weight_end": weight}
        assert select(value, digits, 20).tolist() == select(alone, digits, 20).tolist()


def test_mixture_weight_moves_with_the_labels_bought():
    mixture = read({"method": "mixture", "weight_start": 0.9, "weight_end": 0.1, "steepness": 50.0})
    assert mixture.weight(0.0) == pytest.approx(0.9)
    assert mixture.weight(0.5) == pytest.approx(0.5)
    assert mixture.weight(1.0) == pytest.approx(0.1)


@pytest.mark.parametrize("field", ["first", "second"])
def test_mixture_refuses_a_strategy_without_scores_by_name_and_place(field):
    with pytest.raises(FormatError, match=rf"^q\.{field}: mixture .*'badge' has none") as caught:
        parse_method("query_strategy", {"method": "mixture", field: "badge"}, "q")
    assert "\n" not in str(caught.value)


def test_composed_strategies_nest():
    inner = {"method": "mixture", "first": "random", "second": "entropy"}
    outer = {"method": "switch", "first": {"method": "epsilon_mix", "strategy": inner}, "at": 0.5}
    method = read(outer)
    assert parse_method("query_strategy", method.to_dict()) == method
    assert method.to_dict()["first"]["strategy"]["first"] == {"method": "random"}


def test_switch_changes_over_at_its_share_of_the_budget(digits):
    value = {"method": "switch", "first": "kcenter", "then": "entropy"}
    for at, phase in ((0.41, "kcenter"), (0.4, "entropy"), (0.1, "entropy")):  # 40 of 100 labels are bought
        assert select(value | {"at": at}, digits, 10).tolist() == select(phase, digits, 10).tolist()


@pytest.mark.parametrize("at", [0.0, 1.0, -1])
def test_switch_refuses_a_share_that_never_switches(at):
    with pytest.raises(FormatError, match="at"):
        parse_method("query_strategy", {"method": "switch", "at": at})


def test_epsilon_mix_takes_its_share_by_chance(digits):
    best = select("margin", digits, 20).tolist()
    mixed = [select({"method": "epsilon_mix", "epsilon": 0.3}, digits, 20, seed) for seed in range(200)]
    kept = np.mean([len(set(rows.tolist()) & set(best)) for rows in mixed])
    # 14 rows are the best of margin on average; of 6 random ones of 446 some are by chance as well
    assert kept == pytest.approx(14, abs=0.7)
    assert select({"method": "epsilon_mix", "epsilon": 0.0}, digits, 20).tolist() == best
    at_random = select({"method": "epsilon_mix", "epsilon": 1.0}, digits, 460).tolist()
    assert sorted(at_random) == digits.candidates.tolist()


def test_the_largest_of_many_are_those_of_a_whole_sort_ties_included():
    for seed in range(300):
        chance = np.random.default_rng(seed)
        scores = chance.integers(0, int(chance.integers(1, 30)), int(chance.integers(1, 60))).astype(float)
        for size in (1, 7, 100):
            order = np.random.default_rng(seed).permutation(len(scores))
            want = order[np.argsort(-scores[order], kind="stable")[:size]]
            assert largest(scores, size, np.random.default_rng(seed)).tolist() == want.tolist()
