"""The mixed model of recipes and blocks against the textbook formulas with full matrices."""

import numpy as np
import pytest

from altune.numerics.mixed_model import RATIOS, USUAL_RATIO, fit_mixed_model


def drawn(n_recipes=30, n_blocks=6, between=0.03, noise=0.02, seed=0):
    """Values of recipes that were played on the first blocks, some on one and some on all."""
    rng = np.random.default_rng(seed)
    values = 0.8 + rng.normal(0, 0.05, n_blocks) + rng.normal(0, between, (n_recipes, 1))
    values = values + rng.normal(0, noise, values.shape)
    counts = rng.integers(1, n_blocks + 1, n_recipes)
    values[np.arange(n_blocks) >= counts[:, None]] = np.nan
    return values


def restricted_likelihood(values, ratio):
    """The restricted log-likelihood and the predictions, from the whole covariance matrix."""
    recipe, block = np.nonzero(np.isfinite(values))
    y, x = values[recipe, block], np.eye(values.shape[1])[block]
    v = np.eye(len(y)) + ratio * (recipe[:, None] == recipe)
    inverse = np.linalg.inv(v)
    beta = np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ y)
    left = y - x @ beta
    degrees = len(y) - x.shape[1]
    noise = float(left @ inverse @ left) / degrees
    likelihood = -0.5 * (degrees * np.log(noise) + np.linalg.slogdet(v)[1] + np.linalg.slogdet(x.T @ inverse @ x)[1])
    z = np.eye(len(values))[recipe]
    effects = ratio * z.T @ inverse @ left
    return likelihood, beta, noise, beta.mean() + effects


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_model_with_full_matrices(seed):
    values = drawn(seed=seed)
    model = fit_mixed_model(values)
    likelihoods = [restricted_likelihood(values, ratio)[0] for ratio in RATIOS]
    assert model.ratio == RATIOS[int(np.argmax(likelihoods))]
    _, beta, noise, mean = restricted_likelihood(values, model.ratio)
    np.testing.assert_allclose(model.block_effects, beta)
    np.testing.assert_allclose(model.noise, noise)
    np.testing.assert_allclose(model.mean, mean)


def test_the_raw_mean_is_adjusted_for_blocks_that_are_easy():
    values = np.array([[0.9, np.nan], [0.9, 0.7], [0.8, 0.6], [0.7, 0.5]])
    model = fit_mixed_model(values)
    np.testing.assert_allclose(model.raw[0], model.raw[1], atol=1e-3)
    assert model.raw[0] < 0.85
    assert model.mean[1] > model.mean[0], "the same value with more blocks is trusted more"
    assert model.variance[1] < model.variance[0]


def test_the_ratio_is_the_usual_one_while_it_cannot_be_known():
    assert fit_mixed_model(np.array([[0.5], [0.6], [0.7]])).ratio == USUAL_RATIO
    assert fit_mixed_model(np.array([[0.5, 0.6], [0.6, 0.8]])).ratio == USUAL_RATIO
    one = fit_mixed_model(np.array([[0.5]]))
    assert one.mean.tolist() == one.raw.tolist() == [0.5]
    assert np.isfinite(one.noise)


def test_variances_are_found():
    model = fit_mixed_model(drawn(n_recipes=400, between=0.02, noise=0.02, seed=4))
    assert 0.4 < model.ratio < 2.5
    assert model.noise == pytest.approx(0.02**2, rel=0.2)


def test_a_block_that_nobody_played_on_has_no_effect():
    values = drawn()
    values = np.hstack([values, np.full((len(values), 1), np.nan)])
    model = fit_mixed_model(values)
    assert np.isnan(model.block_effects[-1])
    np.testing.assert_array_equal(model.mean, fit_mixed_model(values[:, :-1]).mean)


def test_equal_values_are_no_error():
    model = fit_mixed_model(np.full((4, 2), 0.5))
    assert model.mean.tolist() == [0.5] * 4
    assert (model.variance >= 0).all()
