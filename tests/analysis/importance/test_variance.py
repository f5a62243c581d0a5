"""Exact shares of variance by hand."""

from __future__ import annotations

import itertools

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


def test_shares_of_a_full_grid_are_those_of_its_decomposition() -> None:
    """Three knobs with chances of their own: f is taken apart into its means over all other knobs, one by one."""
    rng = np.random.default_rng(3)
    chances = [rng.dirichlet(np.ones(size)) for size in (2, 3, 4)]
    f = rng.normal(size=(2, 3, 4))
    sets = [some for size in range(4) for some in itertools.combinations(range(3), size)]
    parts: dict[tuple[int, ...], np.ndarray] = {}
    for some in sets:
        mean = f
        for axis in set(range(3)) - set(some):
            mean = np.broadcast_to(np.average(mean, axis=axis, weights=chances[axis], keepdims=True), f.shape)
        parts[some] = mean - sum((part for other, part in parts.items() if set(other) < set(some)), np.zeros(f.shape))
    weights = np.einsum("a,b,c->abc", *chances)
    variance = {some: float((weights * part**2).sum()) for some, part in parts.items() if some}
    whole = sum(variance.values())
    knobs = ["model", "retrain", "stopping"]
    params = [dict(zip(knobs, map(str, place), strict=True)) for place in np.ndindex(f.shape)]
    found = exact_shares(params, f.ravel(), weights.ravel(), knobs)
    assert float(found.variance) == pytest.approx(whole)
    for k in range(3):
        assert found.main[k] == pytest.approx(variance[(k,)] / whole)
        assert found.total[k] == pytest.approx(sum(v for some, v in variance.items() if k in some) / whole)
        assert found.share[k] == pytest.approx(sum(v / len(some) for some, v in variance.items() if k in some) / whole)
    assert found.pairs[0, 2] == pytest.approx(variance[(0, 2)] / whole)
