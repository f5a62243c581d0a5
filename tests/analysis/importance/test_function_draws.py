"""Functions drawn from the surrogate."""

from __future__ import annotations

import numpy as np
import pytest

from altune.analysis.importance.encoding import part_of
from altune.analysis.importance.explained import prepare
from altune.analysis.importance.function_draws import draw_functions
from altune.analysis.importance.variance import exact_shares, shares_of_components
from tests.helpers.importance import FINITE, chances, every, search, strategy_part


def test_components_of_a_drawn_function_are_its_exact_shares() -> None:
    _, played = search(FINITE, strategy_part, 40, 2, noise=0.3)
    study = prepare(played, FINITE)
    draws = draw_functions(study.fitted(), study.y, 3, np.random.default_rng(0))
    shares = shares_of_components(draws.component_variances(), 3)
    params = every(FINITE)
    atoms = [np.array([knob.atoms.index(part_of(one, knob.knob)) for one in params]) for knob in study.knobs]
    values = draws.values(atoms)
    for draw in range(3):
        exact = exact_shares(params, values[:, draw], chances(FINITE), list(FINITE.decisions))
        assert shares.share[:, draw] == pytest.approx(exact.share, abs=1e-6)
        assert shares.pairs[:, :, draw] == pytest.approx(exact.pairs, abs=1e-6)
        assert shares.variance[draw] == pytest.approx(float(exact.variance))
    assert draws.means == pytest.approx(chances(FINITE) @ values)


def test_draws_spread_as_the_posterior_does() -> None:
    _, played = search(FINITE, strategy_part, 12, 3, noise=0.5)
    study = prepare(played, FINITE)
    draws = draw_functions(study.fitted(), study.y, 4000, np.random.default_rng(0))
    at_trials = draws.values([knob.rows for knob in study.knobs])
    surrogate = study.fitted()
    K = surrogate.covariance([knob.rows for knob in study.knobs]) + 10.0
    expected = K - K @ surrogate.solve(K)
    assert np.cov(at_trials) == pytest.approx(expected, abs=4e-2 * np.abs(expected).max())
    assert at_trials.mean(axis=1) == pytest.approx((K @ surrogate.solve(study.y)).ravel(), abs=0.05)
