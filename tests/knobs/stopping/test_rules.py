"""Each stopping rule by hand, against other libraries, and on a pool."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import multivariate_normal
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.preprocessing import scale

from altune.core.errors import FormatError
from altune.core.pool import Pool
from altune.core.registry import methods, parse_method
from altune.core.streams import Streams
from altune.knobs.stopping import (
    GivenEvidence,
    Posterior,
    StopView,
    divergence,
    error_bound,
    expected_f,
    f_changes,
    laplace_posterior,
    principal_components,
)
from altune.knobs.stopping.monitor import StoppingMonitor
from altune.loop.loop import ActiveLearningLoop
from altune.models import LogisticRegressionModel
from altune.recipes.recipe import Capabilities, Recipe
from altune.recipes.space import SearchSpace
from altune.workflows.simulate import simulate

NOTHING = np.empty(0, dtype=np.intp)
RULES = {
    "budget",
    "target",
    "stabilizing_predictions",
    "classification_change",
    "overall_uncertainty",
    "max_confidence",
    "min_expected_error",
    "oracle_accuracy",
    "performance_convergence",
    "uncertainty_convergence",
    "contradictory_information",
    "delta_f",
    "pac_bayes",
    "no_novelty",
    "any",
    "all",
}


def rule(name, **parameters):
    return parse_method("stopping", {"method": name, **parameters})


def view(predictions=(), labels_bought=10, n_classes=2, seed=0, **seen):
    said = tuple(np.asarray(one, dtype=np.intp) for one in predictions)
    watched = GivenEvidence(
        **{name: np.asarray(value) if name != "diverged" else value for name, value in seen.items()}
    )
    return StopView(said, NOTHING, NOTHING, labels_bought, n_classes, np.random.default_rng(seed), watched)


def fired(method, notes):
    return [method.fires(notes[:end]) for end in range(1, len(notes) + 1)]


def test_every_rule_of_the_list_is_there():
    assert set(methods("stopping")) == RULES


# agreement ------------------------------------------------------------------------------------------


def test_classification_change_is_the_share_that_changed():
    method = rule("classification_change", threshold=0.25)
    sequence = [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0], [0, 1, 0, 0]]
    notes = [method.note(view(sequence[: end + 1])) for end in range(4)]
    assert notes == [{}, {"stop_changed": 0.5}, {"stop_changed": 0.25}, {"stop_changed": 0.0}]
    assert fired(method, notes) == [False, False, True, True]
    assert fired(rule("classification_change"), notes) == [False, False, False, True]


def test_delta_f_is_one_minus_the_f_measure_between_two_models():
    rng = np.random.default_rng(0)
    a, b = rng.integers(4, size=(2, 200))
    expected = [1 - f1_score(a == code, b == code) for code in range(4)]
    assert f_changes(a, b, 5)[:4] == pytest.approx(expected)
    assert np.isnan(f_changes(a, b, 5)[4])
    macro = rule("delta_f").note(view([a, b], n_classes=5))
    assert macro == {"stop_delta_f": pytest.approx(np.mean(expected))}
    a, b = a % 2, b % 2
    positive = rule("delta_f", average="positive").note(view([a, b]))
    assert positive == {"stop_delta_f_positive": pytest.approx(1 - f1_score(a, b))}


def test_delta_f_waits_for_three_loops():
    notes = [{"stop_delta_f": value} for value in (0.2, 0.04, 0.03, 0.02, 0.06)]
    assert fired(rule("delta_f"), notes) == [False, False, False, True, False]


# uncertainty ----------------------------------------------------------------------------------------


def test_overall_uncertainty_is_the_mean_entropy_plain_or_normalised():
    scores = [[0.5, 0.5], [1.0, 0.0]]
    assert rule("overall_uncertainty").note(view(scores=scores)) == {"stop_entropy": pytest.approx(np.log(2) / 2)}
    normalised = rule("overall_uncertainty", normalised=True)
    noted = normalised.note(view(scores=scores))
    assert noted == {"stop_entropy_normalised": pytest.approx(0.5)}
    assert not normalised.fires([noted])
    assert rule("overall_uncertainty", normalised=True, threshold=0.51).fires([noted])
    assert rule("overall_uncertainty").fires([{"stop_entropy": 0.009}])
    assert not rule("overall_uncertainty").fires([{"stop_entropy": 0.011}])
    assert normalised.fires([{"stop_entropy_normalised": 0.049}])


def test_max_confidence_looks_at_the_worst_row_just_bought_or_still_in_the_pool():
    scores = np.array([[0.5, 0.5], [0.9, 0.1], [1.0, 0.0]])
    tenth = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1))
    seen = view(scores=scores, unlabelled=[False, True, True], new_scores=scores[1:])
    assert rule("max_confidence").note(seen) == {"stop_selected_entropy": pytest.approx(tenth)}
    assert rule("max_confidence", of="pool").note(seen) == {"stop_pool_entropy": pytest.approx(tenth)}
    assert rule("max_confidence").note(view(scores=scores)) == {}  # loop 0: no model chose its rows
    assert fired(rule("max_confidence"), [{}, {"stop_selected_entropy": 0.002}, {"stop_selected_entropy": 0.001}]) == [
        False,
        False,
        True,
    ]
    assert rule("max_confidence", of="pool").fires([{"stop_pool_entropy": 0.01}])


def test_min_expected_error_is_the_mean_doubt():
    noted = rule("min_expected_error").note(view(scores=[[0.9, 0.1], [0.3, 0.7]]))
    assert noted == {"stop_expected_error": pytest.approx(0.2)}
    assert rule("min_expected_error", threshold=0.2001).fires([noted])
    assert not rule("min_expected_error").fires([noted])


def test_contradictory_information_counts_drops_in_a_row():
    method = rule("contradictory_information")
    notes = [{"stop_confidence": value} for value in (0.5, 0.9, 0.8, 0.7, 0.75, 0.7, 0.6, 0.5)]
    assert [method.statistic(notes[:end]) for end in range(1, 9)] == [0, 0, 1, 2, 0, 1, 2, 3]
    assert fired(method, notes) == [False] * 7 + [True]
    assert fired(rule("contradictory_information", drops=2), notes)[3]
    assert not any(fired(rule("contradictory_information", drops=1, by=0.3), notes))
    scores = np.array([[0.5, 0.5], [1.0, 0.0]])
    assert method.note(view(scores=scores)) == {"stop_confidence": 0.75}
    variance = rule("contradictory_information", of="variance")
    assert variance.note(view(scores=scores)) == {"stop_variance": pytest.approx((np.log(2) / 2) ** 2)}
    selected = rule("contradictory_information", of="selected_variance")
    assert selected.note(view(scores=scores, new_scores=scores[:1])) == {"stop_selected_variance": 0.0}
    falling = [{"stop_variance": value} for value in (0.3, 0.2, 0.1)]
    assert fired(variance, falling) == [False, False, True]


# performance ----------------------------------------------------------------------------------------


def test_oracle_accuracy_is_how_often_the_chooser_was_right():
    method = rule("oracle_accuracy", threshold=0.75)
    noted = method.note(view(new_predictions=[0, 1, 1, 0], new_labels=[0, 1, 1, 1]))
    assert noted == {"stop_oracle_accuracy": 0.75}
    assert method.fires([noted])
    assert not rule("oracle_accuracy").fires([noted])
    assert method.note(view()) == {}


def test_the_expected_f_of_certain_scores_is_one_and_of_doubtful_ones_what_chance_gives():
    certain = np.eye(3)[[0, 1, 2, 2]]
    assert expected_f(certain) == 1.0
    p = np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7]])
    # class 0: hits 1.4 of 2 named and 1.7 expected; class 1: 0.7 of 1 and 1.3
    assert expected_f(p) == pytest.approx((2 * 1.4 / 3.7 + 2 * 0.7 / 2.3) / 2)
    # what chance gives when labels are drawn by the scores
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], size=4000)
    drawn = (rng.random(4000)[:, None] > np.cumsum(p, axis=1)).sum(axis=1)
    assert expected_f(p) == pytest.approx(f1_score(drawn, p.argmax(axis=1), average="macro"), abs=0.02)


def test_convergence_is_a_small_slope_at_a_new_maximum():
    key = "stop_expected_f"
    method = rule("performance_convergence", window=3, threshold=0.01)
    values = [0.2, 0.5, 0.8, 0.81, 0.815, 0.818, 0.7, 0.819]
    notes = [{key: value} for value in values]
    # windows of three, a loop apart: the slope is a third of what entered less what left
    slopes = [(values[end] - values[end - 3]) / 3 for end in range(3, 8)]
    found = [method.statistic(notes[:end]) for end in range(1, 9)]
    assert found[:3] == [None] * 3
    assert found[3:] == pytest.approx(slopes)
    assert fired(method, notes) == [False] * 5 + [True, False, True]
    lower = [*notes[:6], {key: 0.8175}]  # a small positive slope, and no new maximum
    assert 0 < method.statistic(lower) < 0.01
    assert not method.fires(lower)


def test_uncertainty_convergence_takes_the_least_margin_of_the_chosen_and_medians():
    method = rule("uncertainty_convergence", window=3, threshold=0.06)
    assert method.note(view(new_scores=[[0.7, 0.3], [0.45, 0.55]])) == {"stop_selected_margin": pytest.approx(0.1)}
    notes = [{"stop_selected_margin": value} for value in (0.1, 0.2, 0.9, 0.25, 0.95)]
    assert method.statistic(notes[:4]) == pytest.approx(0.25 - 0.2)
    assert fired(method, notes) == [False] * 5  # the fourth is no maximum, the fifth moves the median too far
    assert rule("uncertainty_convergence", window=3, threshold=0.1).fires(
        [*notes[:2], {"stop_selected_margin": 0.21}, {"stop_selected_margin": 0.25}]
    )


# coverage -------------------------------------------------------------------------------------------


def test_no_novelty_is_the_share_within_reach():
    noted = rule("no_novelty", radius=1.0).note(view(nearest=[0.0, 0.5, 1.0, 3.0]))
    assert noted == {"stop_coverage": 0.75}
    assert rule("no_novelty", coverage=0.75).fires([noted])
    assert not rule("no_novelty").fires([noted])
    assert rule("no_novelty", coverage=1.0, radius=3.0).fires(
        [rule("no_novelty", coverage=1.0, radius=3.0).note(view(nearest=[0.0, 3.0]))]
    )


def a_watch(X, labelled, n_classes=2, labels=None):
    pool = Pool(X, n_classes, budget=50)
    rows = np.asarray(labelled)
    y = np.arange(len(rows)) % n_classes if labels is None else labels
    pool.set_labels(rows, y)
    pool.close(rows)
    pool.model = LogisticRegressionModel().fit(X[rows], y, n_classes, 0)
    return StoppingMonitor(pool, Streams(0, "line", "search", 0), predicts=True)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_distances_are_in_spacings_of_the_pool(make):
    X = np.column_stack([np.arange(100.0), np.zeros(100)])
    watch = a_watch(make(X), [10, 11, 50])
    seen = watch.look(1, None, NOTHING, lambda rows: NOTHING).watched
    # on a line of unit steps the tenth nearest lies five steps away
    assert seen.distances(1) * 5 == pytest.approx(np.abs(X[:, :1] - [10, 11, 50]).min(axis=1))
    second = np.sort(np.abs(X[:, :1] - [10, 11, 50]), axis=1)[:, 1]
    second[[10, 11, 50]] = 0.0
    assert seen.distances(2) * 5 == pytest.approx(second)
    assert seen.unlabelled.sum() == 97


def test_rows_that_are_all_alike_are_no_obstacle():
    seen = a_watch(np.ones((30, 2)), [0, 1]).look(1, None, NOTHING, lambda rows: NOTHING).watched
    assert seen.distances(1).tolist() == [0.0] * 30


# a Bayesian posterior -------------------------------------------------------------------------------


def test_the_posteriors_mode_is_ridge_logistic_regression():
    X, y = load_breast_cancer(return_X_y=True)
    Z = principal_components(scale(X)).of(scale(X))[:200]
    assert Z.shape[1] == 21
    found = laplace_posterior(Z, y[:200], 2, precision=2.0)
    expected = LogisticRegression(C=0.5, fit_intercept=False, tol=1e-10, max_iter=10_000).fit(Z, y[:200])
    np.testing.assert_allclose(found.means[0], expected.coef_[0], atol=1e-4)
    p = expected.predict_proba(Z)[:, 1]
    curvature = Z.T @ (Z * (p * (1 - p))[:, None]) + 2.0 * np.eye(21)
    np.testing.assert_allclose(found.precisions[0], curvature, atol=1e-3)


def test_classes_that_nobody_named_keep_the_prior():
    Z = np.column_stack([np.linspace(-1, 1, 30), np.ones(30)])
    found = laplace_posterior(Z, (np.arange(30) > 15).astype(int), 4, precision=1.0)
    assert found.means.shape == (4, 2)
    assert np.isfinite(found.precisions).all()


def test_the_divergence_is_that_of_normal_distributions():
    rng = np.random.default_rng(0)
    a, b = (Posterior(rng.normal(size=(1, 3)), np.diag(rng.uniform(1, 3, 3))[None]) for _ in range(2))
    p, q = (multivariate_normal(one.means[0], np.linalg.inv(one.precisions[0])) for one in (a, b))
    draws = p.rvs(200_000, random_state=1)
    assert divergence(a, b) == pytest.approx(float(np.mean(p.logpdf(draws) - q.logpdf(draws))), abs=0.03)
    assert divergence(a, a) == 0.0


def test_the_bound_solves_the_papers_equation_and_grows_with_the_divergence():
    for kl in (1e-6, 0.01, 0.5, 3.0, 50.0):
        bound = error_bound(kl, kl) / 2
        # r with (1 + r) ln(1 + r) − r = KL
        assert (1 + bound) * np.log1p(bound) - bound == pytest.approx(kl, rel=1e-3)
    assert error_bound(0.0, 0.0) == 0.0


def test_pac_bayes_compares_with_the_least_of_the_first_bounds():
    method = rule("pac_bayes", reference=2, threshold=0.5)
    notes = [{}, *({"stop_error_bound": value} for value in (4.0, 2.0, 1.2, 1.0))]
    assert [method.statistic(notes[:end]) for end in range(1, 6)] == [None, None, None, 0.6, 0.5]
    assert fired(method, notes) == [False] * 4 + [True]
    assert "dense features" in Recipe(stopping="pac_bayes").problems(Capabilities(sparse=True))[0]


def test_more_labels_of_the_same_kind_move_the_posterior_less_and_less():
    X, y = load_breast_cancer(return_X_y=True)
    watch = a_watch(scale(X)[:, :2], np.arange(40), labels=y[:40])
    bounds = []
    for end in (40, 80, 160, 200, 500, 540):
        watch.pool.set_labels(np.arange(end), y[:end])
        found = watch.look(1, None, NOTHING, lambda rows: NOTHING).watched.divergences(1.0)
        bounds.append(None if found is None else error_bound(*found))
    assert bounds[0] is None
    assert bounds[1] > bounds[3] > bounds[5]  # forty more labels each time, of ever more


# combined -------------------------------------------------------------------------------------------


def test_any_and_all_read_a_list_of_rules_and_write_it():
    rules = [{"method": "delta_f", "threshold": 0.1}, {"method": "any", "rules": ["oracle_accuracy", "budget"]}]
    recipe = Recipe(stopping={"method": "all", "rules": rules})
    plain = recipe.to_dict()["stopping"]
    assert [one["method"] for one in plain["rules"]] == ["delta_f", "any"]
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert Recipe.from_dict({"stopping": plain}) == recipe
    space = SearchSpace.from_dict({"stopping": plain, "query_strategy": ["random", "margin"]})
    assert space.recipe_at({"query_strategy": "margin"}) == recipe
    assert "delta_f (threshold 0.1)" in recipe.describe()


@pytest.mark.parametrize(
    ("rules", "path"),
    [([], "stopping.rules"), ([{"method": "deltaf"}], "stopping.rules[0]"), ([{"method": "delta_f", "b": 1}], "[0].b")],
)
def test_a_wrong_rule_in_a_list_is_named_with_its_place(rules, path):
    with pytest.raises(FormatError) as caught:
        Recipe(stopping={"method": "any", "rules": rules})
    assert path in str(caught.value)


def test_nested_rules_make_their_needs_known():
    nested = {"method": "any", "rules": ["delta_f", {"method": "all", "rules": ["min_expected_error", "no_novelty"]}]}
    method = parse_method("stopping", nested)
    assert method.required() == {"class_scores"}
    assert method.watching()
    assert not rule("all", rules=["no_novelty"]).watching()
    assert (
        "rules[1]"
        in Recipe(stopping={"method": "any", "rules": ["delta_f", "pac_bayes"]}).problems(Capabilities(sparse=True))[0]
    )
    assert rule("any", rules=[{"method": "target", "holdout": 17}, "delta_f"]).held_out_rows == 17


def test_two_rules_of_one_kind_keep_their_notes_apart():
    rules = [{"method": "oracle_accuracy", "threshold": 0.5}, {"method": "oracle_accuracy", "threshold": 1.0}]
    either, both = rule("any", rules=rules), rule("all", rules=rules)
    half = view(new_predictions=[0, 1], new_labels=[0, 0])
    notes = [either.note(half)]
    assert notes[0] == {"rule_0_stop_oracle_accuracy": 0.5, "rule_1_stop_oracle_accuracy": 0.5}
    assert either.fires(notes)
    assert not both.fires(notes)
    assert both.fires([both.note(view(new_predictions=[0, 0], new_labels=[0, 0]))])


def test_a_rule_inside_draws_what_it_would_draw_alone():
    target = {"method": "target", "metric": "balanced_accuracy"}
    said, labels = np.array([0, 1, 1, 0, 1]), np.array([0, 1, 0, 0, 1])
    seen = StopView((), labels, said, 10, 2, np.random.default_rng(3))
    alone = parse_method("stopping", target).note(StopView((), labels, said, 10, 2, np.random.default_rng(3)))
    noted = rule("any", rules=[target, target]).note(seen)
    assert noted == {f"rule_{place}_{name}": value for place in (0, 1) for name, value in alone.items()}


# patience and the minimum ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(RULES - {"budget", "any", "all"}))
def test_each_rule_has_patience_and_a_minimum(name):
    method = rule(name, patience=2, minimum=60)
    assert method.note(view(labels_bought=50))["stop_labels"] == 50.0
    assert (method.patience, method.minimum) == (2, 60)


def test_no_rule_stops_before_its_minimum():
    method = rule("oracle_accuracy", minimum=30)
    right = {"new_predictions": [0], "new_labels": [0]}
    notes = [method.note(view(labels_bought=count, **right)) for count in (10, 20, 30)]
    assert fired(method, notes) == [False, False, True]
    assert fired(
        rule("any", rules=[{"method": "oracle_accuracy", "minimum": 30}]),
        [{f"rule_0_{name}": value for name, value in note.items()} for note in notes],
    ) == [False, False, True]


# in the loop ----------------------------------------------------------------------------------------


def test_the_loop_shows_a_rule_what_it_says_it_shows():
    X, y = load_digits(return_X_y=True)
    X, y = X[:300] / 16, y[:300]
    looks = []
    method = rule("oracle_accuracy", threshold=1.0, patience=10)

    class Spy(type(method)):
        def measure(self, view):
            looks.append((view.watched.new_scores, view.watched.new_predictions, view.watched.new_labels))
            return super().measure(view)

    recipe = Recipe(stopping=Spy(threshold=1.0, patience=10), query_strategy="margin")
    loop = ActiveLearningLoop(recipe, X, 10, budget=60, loops=4, streams=Streams(0, "d", "search", 0))
    model, known = None, None
    while not loop.done:
        request = loop.ask()
        model = loop.model
        loop.tell(y[request.rows])
        scores, said, labels = looks[-1]
        if model is None:
            assert len(scores) == len(said) == len(labels) == 0
            continue
        assert labels.tolist() == y[request.rows].tolist()
        np.testing.assert_array_equal(said, model.predict(X[request.rows]))
        np.testing.assert_array_equal(scores, model.class_scores(X[request.rows]))
        known = loop.records[-1].notes["stop_oracle_accuracy"]
        assert known == np.mean(said == labels)
    assert known is not None


def test_a_rule_that_does_not_fire_changes_nothing():
    quiet = {"method": "any", "rules": [{"method": name, "patience": 10} for name in ("max_confidence", "pac_bayes")]}
    recipe = Recipe(query_strategy={"method": "history"} if "history" in methods("query_strategy") else "margin")
    plain, watched = (
        simulate(recipe.replace(stopping=one), "iris", budget=40, n_blocks=2).curves for one in ("budget", quiet)
    )
    for a, b in zip(plain, watched, strict=True):
        assert a.rows.tolist() == b.rows.tolist()
        assert a.scores["accuracy"].tolist() == b.scores["accuracy"].tolist()
