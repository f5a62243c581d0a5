"""The PAC-Bayes stopping rule: posterior, divergence and bound."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale

from altune.knobs.stopping.bayes import Posterior, divergence, error_bound, laplace_posterior, principal_components
from altune.recipes.recipe import Capabilities, Recipe
from tests.helpers.stopping import NOTHING, a_watch, fired, rule


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
        found = watch.observe(1, None, NOTHING, lambda rows: NOTHING).evidence.divergences(1.0)
        bounds.append(None if found is None else error_bound(*found))
    assert bounds[0] is None
    assert bounds[1] > bounds[3] > bounds[5]  # forty more labels each time, of ever more
