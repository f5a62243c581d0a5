"""The surrogate: the slope of its likelihood, and that it is fitted once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from altune.analysis.importance.encoding import encode_knobs
from altune.analysis.importance.observations import observe
from altune.analysis.importance.surrogate import (
    Hyperparameters,
    Prior,
    design_of,
    fit,
    log_likelihood,
    negative_log_likelihood,
)
from tests.helpers.importance import FINITE, MIXED, objective, search


def test_the_slope_of_the_likelihood() -> None:
    _, played = search(MIXED, objective, 25, 1, noise=0.2)
    observed = observe(played)
    design = design_of(encode_knobs(MIXED, observed.params), observed.noise)
    start = Hyperparameters.start(design, Prior())
    slope = negative_log_likelihood(design, observed.y[:, None], start)[1]
    for place, step in enumerate(1e-5 * np.eye(len(slope))):
        ends = [
            negative_log_likelihood(
                design, observed.y[:, None], replace(start, logarithms=start.logarithms + sign * step)
            )[0]
            for sign in (1, -1)
        ]
        assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(slope[place], abs=1e-5)


def test_columns_with_missing_values_are_those_of_fewer_trials() -> None:
    _, played = search(MIXED, objective, 25, 1, noise=0.2)
    observed = observe(played)
    design = design_of(encode_knobs(MIXED, observed.params), observed.noise)
    hyper = Hyperparameters.start(design, Prior())
    rows = np.arange(0, len(observed), 2)
    y = np.repeat(observed.y[:, None], 3, axis=1)
    y[np.setdiff1d(np.arange(len(y)), rows), 1] = np.nan
    value, slope = negative_log_likelihood(design, y, hyper)
    whole = negative_log_likelihood(design, y[:, [0, 2]], hyper)
    part = negative_log_likelihood(design.at(rows), y[rows, 1:2], hyper)
    assert value == pytest.approx(whole[0] + part[0])
    assert slope == pytest.approx(whole[1] + part[1])
    assert log_likelihood(design, y, hyper) == pytest.approx(-value)


def test_a_run_fits_the_surrogate_once_for_the_same_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    import altune

    fitted = []
    monkeypatch.setattr(
        "altune.analysis.importance.explained.fit", lambda *given: fitted.append(threads()) or fit(*given)
    )
    options = {"budget": 30, "loops": 4, "n_blocks": 2, "confirm": False, "seed": 0}
    run = altune.tune("iris", FINITE, n_trials=12, **options)
    with threadpool_limits(limits=2):
        effects, again = run.effects(), run.effects()
        assert len(fitted) == 1
        run.effects(seed=1)
        assert len(fitted) == 2
        assert threads() == {2}
    assert fitted == [{1}, {1}]
    for one, other in zip(effects.methods("query_strategy"), again.methods("query_strategy"), strict=True):
        assert one == other


def threads() -> set[int]:
    """Return how many threads linear algebra has now."""
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}
