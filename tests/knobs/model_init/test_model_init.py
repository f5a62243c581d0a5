"""How a model starts (priors, a pretrained start, an ensemble) and goes on (shrunk, perturbed, reset now and then)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.metrics import log_loss
from sklearn.preprocessing import scale

from altune.core.errors import FormatError, RequestError
from altune.core.pool import FeatureCache, Pool
from altune.core.registry import parse_method
from altune.core.streams import Streams
from altune.knobs.model_init import (
    ClassPriorStart,
    DefaultStart,
    EnsembleOfStarts,
    Pretrained,
    log_class_priors,
)
from altune.knobs.model_init.pretrained import matched_classes, pool_clusters
from altune.knobs.retrain import ResetEvery, ShrinkPerturb, TrainingInput, WarmStart
from altune.loop.loop import ActiveLearningLoop
from altune.models import (
    FittedEnsemble,
    LogisticRegressionModel,
    MultilayerPerceptron,
    NaiveBayes,
    RandomForest,
    SoftmaxRegression,
    go_on,
    shrink_and_perturb,
    with_output_bias,
)
from altune.recipes.recipe import Capabilities, Recipe

STREAMS = Streams(0, "start", "search", 0)
MLP = MultilayerPerceptron(hidden_units=12, max_epochs=25, learning_rate=0.02, batch_size=16)
SGD = SoftmaxRegression(max_epochs=25)
ARGUMENTS = {"streams": STREAMS, "loop": 2}


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return scale(X)[order], y[order]


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return X[order] / 16, y[order]


def turn(model, X, y, n_classes, *, previous=None, fresh=5, loop=3, model_init=None, weight=None):
    return TrainingInput(
        model=model,
        model_init=model_init or DefaultStart(),
        X=X,
        y=y,
        weight=weight,
        fresh=np.arange(len(y)) >= len(y) - fresh,
        n_classes=n_classes,
        previous=previous,
        streams=STREAMS,
        loop=loop,
    )


# class_prior ----------------------------------------------------------------------------------------


def test_log_priors_by_hand():
    labels = np.array([0, 0, 0, 2])
    np.testing.assert_allclose(np.exp(log_class_priors(labels, None, 3, 1.0)), [4 / 7, 1 / 7, 2 / 7])
    weight = np.array([1.0, 0.5, 0.5, 2.0])
    np.testing.assert_allclose(np.exp(log_class_priors(labels, weight, 3, 0.5)), [2.5 / 5.5, 0.5 / 5.5, 2.5 / 5.5])


@pytest.mark.parametrize("model", [LogisticRegressionModel(), SGD])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_linear_model_that_has_learned_nothing_says_the_priors(model, classes, wine):
    X, y = wine
    rows = np.flatnonzero(y < classes)[:40]
    logs = log_class_priors(y[rows], None, classes, 1.0)
    blank = with_output_bias(model.untrained(X[rows], y[rows], classes, 0), logs)
    silent = shrink_and_perturb(blank, 0.0, 0.0, np.random.default_rng(0))
    biased = with_output_bias(silent, logs)  # all weights 0, so that the bias alone speaks
    np.testing.assert_allclose(biased.class_scores(X), np.tile(np.exp(logs), (len(X), 1)))
    np.testing.assert_allclose(silent.class_scores(X), 1 / classes)


def test_a_network_before_it_is_trained_is_where_fit_starts(wine):
    X, y = wine
    for model in (MLP, SGD):
        blank = model.untrained(X[:40], y[:40], 3, 5)
        one_step = model.model_copy(update={"max_epochs": 1, "learning_rate": 1e-6}).fit(X[:40], y[:40], 3, 5)
        for ours, theirs in zip(blank.estimator.coefs_, one_step.estimator.coefs_, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=2e-4)
            assert np.abs(ours).max() > 0.05


def test_biases_change_the_copy_alone(wine):
    X, y = wine
    blank = MLP.untrained(X[:40], y[:40], 3, 0)
    before = blank.class_scores(X)
    biased = with_output_bias(blank, np.log([0.7, 0.2, 0.1]))
    np.testing.assert_array_equal(blank.class_scores(X), before)
    np.testing.assert_array_equal(biased.estimator.intercepts_[-1], np.log([0.7, 0.2, 0.1]))
    np.testing.assert_array_equal(biased.estimator.coefs_[0], blank.estimator.coefs_[0])


def test_a_convex_model_ends_where_it_ends_anyway(wine):
    X, y = wine
    model = LogisticRegressionModel()
    for n_classes, rows in ((3, np.arange(60)), (2, np.flatnonzero(y < 2)[:60])):
        primed = ClassPriorStart().start(model, X[rows], y[rows], None, n_classes=n_classes, **ARGUMENTS)
        plain = model.fit(X[rows], y[rows], n_classes, 0)
        np.testing.assert_allclose(primed.class_scores(X), plain.class_scores(X), atol=1e-2)


def test_a_network_knows_sooner_how_frequent_the_classes_are(cancer):
    X, y = cancer
    rare = np.concatenate([np.flatnonzero(y == 0)[:6], np.flatnonzero(y == 1)[:114]])
    hasty = SoftmaxRegression(max_epochs=1, learning_rate=0.001)
    losses = {}
    for name, method in (("primed", ClassPriorStart()), ("plain", DefaultStart())):
        per_loop = []
        for loop in range(5):
            fitted = method.start(hasty, X[rare], y[rare], None, n_classes=2, streams=STREAMS, loop=loop)
            per_loop.append(log_loss(y[rare], fitted.class_scores(X[rare])))
        losses[name] = np.mean(per_loop)
    assert losses["primed"] < losses["plain"] - 0.1


def test_smoothing_draws_the_priors_together(wine):
    _, y = wine
    sharp, flat = (log_class_priors(y[y < 2], None, 3, smoothing) for smoothing in (0.01, 1000.0))
    assert np.exp(sharp[2]) < 1e-3
    np.testing.assert_allclose(np.exp(flat), 1 / 3, atol=0.05)
    hasty = SoftmaxRegression(max_epochs=1, learning_rate=1e-6)
    X = wine[0][y < 2]
    said = [
        ClassPriorStart(smoothing=s).start(hasty, X, y[y < 2], None, n_classes=3, **ARGUMENTS).class_scores(X)[:, 2]
        for s in (0.01, 1000.0)
    ]
    assert said[0].mean() < said[1].mean()


def test_class_prior_needs_a_model_that_resumes():
    recipe = Recipe(model_init="class_prior", model="random_forest")
    assert "resumes" in recipe.problems(Capabilities())[0]
    for name in ("logistic_regression", "sgd", "mlp"):
        assert recipe.replace(model=name).problems(Capabilities()) == []
    with pytest.raises(RequestError, match="before it is trained"):
        NaiveBayes().untrained(np.ones((2, 1)), np.array([0, 1]), 2, 0)


# pretrained -----------------------------------------------------------------------------------------


def labelled_pool(X, y, rows, n_classes, shared=None):
    pool = Pool(X, n_classes, budget=len(y), shared=shared)
    pool.close(rows)
    pool.set_labels(rows, y[rows])
    return pool


def test_clusters_get_the_classes_that_agree_with_most_labels():
    rng = np.random.default_rng(0)
    for _ in range(20):
        clusters, labels = rng.integers(4, size=15), rng.integers(4, size=15)
        found = matched_classes(clusters, labels, 4)
        best = max(itertools.permutations(range(4)), key=lambda one: int((np.array(one)[clusters] == labels).sum()))
        assert sorted(found) == [0, 1, 2, 3]
        assert (found[clusters] == labels).sum() == (np.array(best)[clusters] == labels).sum()


def test_a_pretrained_start_knows_more_from_few_labels(wine):
    X, y = wine
    hasty = SoftmaxRegression(max_epochs=3, learning_rate=0.02)
    right = {"pretrained": [], "plain": []}
    for first in range(0, 30, 6):
        rows = np.arange(first, first + 6)
        pool = labelled_pool(X, y, rows, 3)
        arguments = {"n_classes": 3, "streams": STREAMS, "loop": first, "pool": pool}
        for name, method in (("pretrained", Pretrained()), ("plain", DefaultStart())):
            fitted = method.start(hasty, X[rows], y[rows], None, **arguments)
            right[name].append((fitted.predict(X) == y).mean())
    assert np.mean(right["pretrained"]) > np.mean(right["plain"]) + 0.05


def test_the_labels_have_the_last_word(wine):
    X, y = wine
    swapped = (y + 1) % 3
    rows = np.arange(100)
    pool = labelled_pool(X, swapped, rows, 3)
    fitted = Pretrained(rows=20).start(MLP, X[rows], swapped[rows], None, n_classes=3, pool=pool, **ARGUMENTS)
    assert (fitted.predict(X) == swapped).mean() > 0.9


def test_it_is_pretrained_on_as_many_rows_as_it_may(wine, monkeypatch):
    X, y = wine
    seen = []
    whole = SoftmaxRegression.fit

    def spied(self, X, y, n_classes, seed, sample_weight=None):
        seen.append(len(y))
        return whole(self, X, y, n_classes, seed, sample_weight)

    monkeypatch.setattr(SoftmaxRegression, "fit", spied)
    rows = np.arange(10)
    for most in (30, 100_000):
        pool = labelled_pool(X, y, rows, 3)
        Pretrained(rows=most).start(SGD, X[rows], y[rows], None, n_classes=3, pool=pool, **ARGUMENTS)
    assert seen == [30, len(y)]


def test_clusters_depend_on_features_alone_and_are_made_once(wine, monkeypatch):
    X, y = wine
    shared = FeatureCache()
    first = pool_clusters(labelled_pool(X, y, np.arange(10), 3, shared))
    monkeypatch.setattr("altune.knobs.model_init.pretrained.kmeans", None)  # asked again, it would fail
    again = pool_clusters(labelled_pool(X, (y + 1) % 3, np.arange(40, 60), 3, shared))
    assert again is first


def test_a_pretrained_start_takes_sparse_pools_and_one_class(wine):
    X, y = wine
    for features in (X, sparse.csr_array(np.maximum(X, 0))):
        rows = np.flatnonzero(y == 1)[:5]
        pool = labelled_pool(features, y, rows, 3)
        fitted = Pretrained().start(SGD, features[rows], y[rows], None, n_classes=3, pool=pool, **ARGUMENTS)
        assert fitted.class_scores(features).shape == (len(y), 3)


def test_pretraining_needs_a_start_that_matters():
    recipe = Recipe(model_init="pretrained", model="naive_bayes")
    assert "start is random" in recipe.problems(Capabilities())[0]
    assert "partial_fit" in recipe.replace(model="logistic_regression").problems(Capabilities())[0]
    assert recipe.replace(model="mlp").problems(Capabilities()) == []


# ensemble -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [MLP, SGD, RandomForest(n_estimators=3)])
def test_an_ensemble_says_the_mean_of_its_members(model, wine):
    X, y = wine
    fitted = EnsembleOfStarts(members=4).start(model, X[:50], y[:50], None, n_classes=3, **ARGUMENTS)
    members = [model.fit(X[:50], y[:50], 3, STREAMS.integer("model", 2, number)) for number in range(4)]
    mean = np.mean([member.class_scores(X) for member in members], axis=0)
    np.testing.assert_allclose(fitted.class_scores(X), mean)
    np.testing.assert_allclose(fitted.predict_proba(X), mean)
    np.testing.assert_array_equal(fitted.predict(X), mean.argmax(axis=1))
    assert not hasattr(fitted, "decision_function")
    assert np.ptp([member.class_scores(X) for member in members], axis=0).max() > 0.01


def test_an_ensemble_is_surer_to_be_right_than_its_mean_member(digits):
    X, y = digits
    fitted = EnsembleOfStarts(members=5).start(MLP, X[:120], y[:120], None, n_classes=10, **ARGUMENTS)
    alone = [log_loss(y[120:], member.class_scores(X[120:]), labels=range(10)) for member in fitted.members]
    assert log_loss(y[120:], fitted.class_scores(X[120:]), labels=range(10)) < np.mean(alone)


def test_an_ensemble_of_one_class_is_sure_of_it_and_embeds_all_its_members(wine):
    X, y = wine
    one = EnsembleOfStarts(members=3).start(MLP, X[:4], np.full(4, 2), None, n_classes=3, **ARGUMENTS)
    np.testing.assert_array_equal(one.class_scores(X)[:, 2], 1.0)
    assert set(one.predict(X)) == {2}
    many = EnsembleOfStarts(members=3).start(MLP, X[:50], y[:50], None, n_classes=3, **ARGUMENTS)
    assert many.embedding(X).shape == (len(X), 3 * 12)
    np.testing.assert_array_equal(many.embedding(X)[:, 12:24], many.members[1].embedding(X))
    flat = EnsembleOfStarts(members=2).start(SGD, X[:50], y[:50], None, n_classes=3, **ARGUMENTS)
    assert flat.embedding(X) is X


@pytest.mark.parametrize("on", ["all", "new"])
def test_warm_starts_go_on_from_each_member(on, wine):
    X, y = wine
    first = EnsembleOfStarts(members=3).start(MLP, X[:40], y[:40], None, n_classes=3, **ARGUMENTS)
    before = first.class_scores(X)
    now = turn(MLP, X[:60], y[:60], 3, previous=first, fresh=20)
    found = WarmStart(on=on).train(now)
    rows = slice(0, 60) if on == "all" else slice(40, 60)
    for number, (old, new) in enumerate(zip(first.members, found.members, strict=True)):
        act = MLP.resume if on == "all" else MLP.update
        np.testing.assert_array_equal(
            new.class_scores(X), act(old, X[rows], y[rows], 3, now.seed() + number).class_scores(X)
        )
    np.testing.assert_array_equal(first.class_scores(X), before)


def test_an_ensemble_plays_a_whole_loop_with_badge_and_warm_starts(wine):
    X, y = wine
    recipe = Recipe(
        model_init={"method": "ensemble", "members": 3},
        retrain={"method": "shrink_perturb"},
        query_strategy="badge",
        model=MLP.to_dict(),
    )
    loop = ActiveLearningLoop(recipe, X, 3, budget=40, loops=3, streams=STREAMS)
    while not loop.done:
        loop.tell(y[loop.ask().rows])
    assert isinstance(loop.model, FittedEnsemble)
    assert len(loop.model.members) == 3
    assert (loop.model.predict(X) == y).mean() > 0.8


# shrink_perturb -------------------------------------------------------------------------------------


def parameters(fitted):
    estimator = fitted.estimator
    layers = [*estimator.coefs_, *estimator.intercepts_] if hasattr(estimator, "coefs_") else [estimator.coef_]
    return np.concatenate([np.ravel(layer) for layer in layers])


@pytest.mark.parametrize("model", [MLP, SGD, LogisticRegressionModel()])
def test_parameters_are_shrunk_and_perturbed(model, digits):
    X, y = digits
    fitted = model.fit(X[:100], y[:100], 10, 0)
    before = parameters(fitted)
    shrunk = shrink_and_perturb(fitted, 0.6, 0.0, np.random.default_rng(0))
    np.testing.assert_allclose(parameters(shrunk), 0.6 * before)
    np.testing.assert_array_equal(parameters(fitted), before)
    noise = parameters(shrink_and_perturb(fitted, 0.6, 0.05, np.random.default_rng(0))) - 0.6 * before
    assert noise.std() == pytest.approx(0.05, rel=0.1)
    assert abs(noise.mean()) < 0.01


def test_moved_parameters_are_where_training_goes_on(wine):
    X, y = wine
    previous = MLP.fit(X[:40], y[:40], 3, 0)
    now = turn(MLP, X[:60], y[:60], 3, previous=previous, fresh=20)
    moved = shrink_and_perturb(previous, 0.3, 0.02, STREAMS.generator("perturb", 3))
    expected = MLP.resume(moved, X[:60], y[:60], 3, now.seed())
    found = ShrinkPerturb(shrink=0.3, sigma=0.02).train(now)
    np.testing.assert_array_equal(found.class_scores(X), expected.class_scores(X))


def test_neither_shrunk_nor_perturbed_is_a_warm_start_and_a_convex_model_forgets_both(wine):
    X, y = wine
    for model in (MLP, LogisticRegressionModel()):
        previous = model.fit(X[:40], y[:40], 3, 0)
        now = turn(model, X[:60], y[:60], 3, previous=previous, fresh=20)
        still = ShrinkPerturb(shrink=1.0, sigma=0.0).train(now)
        np.testing.assert_array_equal(still.class_scores(X), WarmStart().train(now).class_scores(X))
    moved = ShrinkPerturb(shrink=0.2, sigma=0.1).train(now)
    np.testing.assert_allclose(
        moved.class_scores(X), LogisticRegressionModel().fit(X[:60], y[:60], 3, 0).class_scores(X), atol=5e-3
    )


def test_each_member_of_an_ensemble_is_moved_by_noise_of_its_own(wine):
    X, y = wine
    one = SGD.fit(X[:40], y[:40], 3, 0)
    twins = FittedEnsemble([one, one])
    tiny = SoftmaxRegression(max_epochs=1, learning_rate=1e-6)
    found = ShrinkPerturb(sigma=0.1).train(turn(tiny, X[:60], y[:60], 3, previous=twins))
    gap = parameters(found.members[0]) - parameters(found.members[1])
    assert gap.std() == pytest.approx(0.1 * np.sqrt(2), rel=0.5)


def test_the_first_model_and_a_constant_one_have_nothing_to_shrink(wine):
    X, y = wine
    first = ShrinkPerturb().train(turn(SGD, X[:40], y[:40], 3, loop=0))
    np.testing.assert_array_equal(
        first.class_scores(X), SGD.fit(X[:40], y[:40], 3, STREAMS.integer("model", 0)).class_scores(X)
    )
    constant = LogisticRegressionModel().fit(X[:4], np.zeros(4, dtype=int), 3, 0)
    assert shrink_and_perturb(constant, 0.5, 0.1, np.random.default_rng(0)) is constant
    found = ShrinkPerturb().train(turn(LogisticRegressionModel(), X[:40], y[:40], 3, previous=constant))
    assert (found.predict(X) == y).mean() > 0.8


def test_what_has_no_coefficients_is_refused(wine):
    X, y = wine
    forest = RandomForest(n_estimators=2).fit(X[:40], y[:40], 3, 0)
    with pytest.raises(RequestError, match="RandomForestClassifier has no coefficients"):
        shrink_and_perturb(forest, 0.5, 0.1, np.random.default_rng(0))
    assert "resumes" in Recipe(retrain="shrink_perturb", model="random_forest").problems(Capabilities())[0]


# reset_every ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("on", ["all", "new"])
def test_a_fresh_start_every_m_loops_and_warm_ones_in_between(on, wine):
    X, y = wine
    previous = SGD.fit(X[:40], y[:40], 3, 7)
    for loop in range(7):
        now = turn(SGD, X[:60], y[:60], 3, previous=previous, fresh=20, loop=loop)
        found = ResetEvery(on=on, loops=3, replay=0.25).train(now).class_scores(X)
        fresh = now.start().class_scores(X)
        warm = WarmStart(on=on, replay=0.25).train(now).class_scores(X)
        np.testing.assert_array_equal(found, fresh if loop in (0, 3, 6) else warm)
        assert not np.array_equal(fresh, warm)


def test_what_reset_every_needs_depends_on_what_it_goes_on_with():
    facts = Capabilities()
    assert "resumes" in Recipe(retrain="reset_every", model="naive_bayes").problems(facts)[0]
    new = Recipe(retrain={"method": "reset_every", "on": "new"}, model="naive_bayes")
    assert new.problems(facts) == []
    assert "partial_fit" in new.replace(model="logistic_regression").problems(facts)[0]


def test_go_on_is_plain_for_a_plain_model(wine):
    X, y = wine
    first = LogisticRegressionModel().fit(X[:40], y[:40], 3, 0)
    found = go_on(LogisticRegressionModel(), first, X[:60], y[:60], 3, 1)
    expected = LogisticRegressionModel().resume(first, X[:60], y[:60], 3, 1)
    np.testing.assert_array_equal(found.class_scores(X), expected.class_scores(X))


@pytest.mark.parametrize(
    ("knob", "wrong"),
    [
        ("model_init", {"method": "ensemble", "members": 1}),
        ("model_init", {"method": "class_prior", "smoothing": 0.0}),
        ("model_init", {"method": "pretrained", "rows": 5}),
        ("retrain", {"method": "shrink_perturb", "shrink": 1.1}),
        ("retrain", {"method": "shrink_perturb", "sigma": -0.1}),
        ("retrain", {"method": "reset_every", "loops": 1}),
        ("retrain", {"method": "reset_every", "on": "old"}),
    ],
)
def test_parameters_outside_of_their_ranges_are_refused(knob, wrong):
    with pytest.raises(FormatError):
        parse_method(knob, wrong)
