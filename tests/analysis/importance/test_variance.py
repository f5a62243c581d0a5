"""Exact shares of variance by hand."""

from __future__ import annotations

import numpy as np
import pytest

from altune.analysis.importance.variance import exact_shares, shares_of_coalitions, shares_of_components


def test_shares_of_a_grid_by_hand() -> None:
    params = [{"model": a, "retrain": b} for a in "xy" for b in "uv"]
    shares = exact_shares(params, np.array([0.0, 0.0, 0.0, 1.0]), np.ones(4), ["model", "retrain"])
    assert shares.main == pytest.approx([1 / 3, 1 / 3])
    assert shares.pairs[0, 1] == pytest.approx(1 / 3)
    assert shares.total == pytest.approx([2 / 3, 2 / 3])
    assert shares.share == pytest.approx([0.5, 0.5])
    assert float(shares.variance) == pytest.approx(3 / 16)


def test_weights_count_as_chances() -> None:
    params = [{"model": a, "retrain": b} for a in "xy" for b in "uv"]
    shares = exact_shares(params, np.array([0.0, 1.0, 0.0, 1.0]), np.array([3.0, 1.0, 3.0, 1.0]), ["model", "retrain"])
    assert float(shares.variance) == pytest.approx(3 / 16)
    assert shares.share == pytest.approx([0.0, 1.0])


def test_components_and_coalitions_tell_the_same() -> None:
    components = {(0,): 4.0, (1,): 2.0, (2,): 0.0, (0, 1): 1.0, (0, 2): 0.5, (1, 2): 0.0, (0, 1, 2): 0.3}
    explained = {some: sum(v for other, v in components.items() if set(other) <= set(some)) for some in components}
    a = shares_of_components({some: np.array(v) for some, v in components.items()}, 3)
    b = shares_of_coalitions({some: np.array(v) for some, v in explained.items()}, 3)
    for name in ("share", "main", "total", "pairs"):
        assert getattr(a, name) == pytest.approx(getattr(b, name)), name
    assert a.share.sum() == pytest.approx(1.0)
