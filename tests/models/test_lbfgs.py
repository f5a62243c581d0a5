"""The faster L-BFGS takes SciPy's steps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import optimize
from sklearn.linear_model import LogisticRegression

from altune.models import lbfgs
from altune.models.logistic import PlainLogisticRegression
from tests.helpers.models import require_same, some_rows


def rosenbrock(x: Any) -> tuple[float, Any]:
    return float(optimize.rosen(x)), optimize.rosen_der(x)


@pytest.mark.parametrize("max_iter", [1, 5, 1000])
def test_lbfgs_takes_scipys_steps(max_iter: int) -> None:
    assert lbfgs.steps_are_known()
    start = np.random.default_rng(0).normal(size=30)
    end, steps = lbfgs.minimize_loss(rosenbrock, start, max_iter=max_iter, gtol=1e-6, ftol=1e-15)
    options = {"maxiter": max_iter, "maxls": 50, "gtol": 1e-6, "ftol": 1e-15}
    found = optimize.minimize(rosenbrock, start, jac=True, method="L-BFGS-B", options=options)
    assert np.array_equal(end, found.x)
    assert steps == found.nit


def test_lbfgs_ends_where_a_loss_cannot_be_lowered() -> None:
    def uphill(x: Any) -> tuple[float, Any]:  # its gradient points the wrong way
        return float(x @ x), -2 * x

    end, steps = lbfgs.minimize_loss(uphill, np.ones(3), max_iter=100, gtol=1e-9, ftol=0.0)
    found = optimize.minimize(uphill, np.ones(3), jac=True, method="L-BFGS-B", options={"maxls": 50, "ftol": 0.0})
    assert np.array_equal(end, found.x)
    assert steps == found.nit


def broken_step(*arguments: Any) -> None:
    raise TypeError("another signature")


def idle_step(*arguments: Any) -> None:
    arguments[11][:] = 4


@pytest.mark.parametrize("step", [broken_step, idle_step])
def test_a_scipy_with_other_steps_is_used_through_its_front_door(monkeypatch: pytest.MonkeyPatch, step: Any) -> None:
    everything, X, y = some_rows("wine", 60)
    monkeypatch.setattr(lbfgs, "scipy_steps", SimpleNamespace(setulb=step))
    lbfgs.steps_are_known.cache_clear()
    try:
        require_same(PlainLogisticRegression().fit(X, y), LogisticRegression().fit(X, y), everything)
        assert not lbfgs.steps_are_known()
    finally:
        lbfgs.steps_are_known.cache_clear()
