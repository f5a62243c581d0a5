"""Draws of the hyperparameters have the posterior as their distribution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from altune.analysis.importance.explained import prepare
from altune.analysis.importance.hyper_draws import Chain, spread_of
from altune.analysis.importance.surrogate import Prior, log_likelihood, negative_log_likelihood, negative_log_posterior
from tests.helpers.importance import FINITE, search, strategy_part


def test_the_chain_has_the_posterior_as_its_distribution() -> None:
    study = prepare(search(FINITE, strategy_part, 12, 3, noise=0.5)[1], FINITE)
    prior, rng = Prior(), np.random.default_rng(0)
    spread = spread_of(study.design, study.y, study.hyper, prior)
    chain = Chain(study.hyper, spread, prior)
    drawn = np.array([chain.draw(study.design, study.y, rng).logarithms for _ in range(400)])
    # The same means by importance sampling from the normal approximation.
    standard = rng.normal(size=(2000, len(spread)))
    proposed = study.hyper.logarithms + standard @ spread.T
    density = [
        -negative_log_posterior(study.design, study.y, replace(study.hyper, logarithms=logarithms), prior)[0]
        for logarithms in proposed
    ]
    weights = np.array(density) + 0.5 * (standard**2).sum(axis=1)
    weights = np.exp(weights - weights.max())
    expected = weights @ proposed / weights.sum()
    assert drawn.mean(axis=0) == pytest.approx(expected, abs=0.5)
    assert (drawn.std(axis=0) > 0.3).all()


def test_the_likelihood_alone_is_that_of_the_fit() -> None:
    study = prepare(search(FINITE, strategy_part, 20, 3, noise=0.5)[1], FINITE)
    value = negative_log_likelihood(study.design, study.y, study.hyper)[0]
    assert log_likelihood(study.design, study.y, study.hyper) == pytest.approx(-value)
