"""Strategies made of others: mixtures of ranks and switches."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.datasets import load_digits

from altune.core.errors import FormatError
from altune.core.registry import parse_method
from altune.knobs.query_strategy.composed import mix_ranks
from tests.helpers.queries import linear_pool, read, scores, select


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = X[:500] / 16
    return linear_pool(X, y[:500], np.random.default_rng(0).permutation(500)[:40], 10)


def test_mixture_ranks_by_hand():
    got = mix_ranks(np.array([0.1, 0.5, 0.5, 0.9]), np.array([4.0, 3.0, 2.0, 1.0]), 0.75)
    np.testing.assert_allclose(got, [(0.75 * 1 + 0.25 * 4) / 4, 0.65625, 0.59375, (0.75 * 4 + 0.25) / 4])


def test_mixture_joins_the_ranks_of_its_parts(digits):
    value = {"method": "mixture", "first": "entropy", "second": {"method": "density_weighted", "beta": 3.0}}
    value |= {"weight_start": 0.1, "weight_end": 0.9, "steepness": 4.0, "midpoint": 0.6}
    tau = np.log(40) / np.log(100)
    weight = 0.1 + 0.8 / (1 + np.exp(-4.0 * (tau - 0.6)))
    first, second = scores("entropy", digits), scores(value["second"], digits)
    want = weight * rankdata(first) / 460 + (1 - weight) * rankdata(second) / 460
    np.testing.assert_allclose(scores(value, digits), want)


def test_mixture_with_all_weight_on_one_part_is_that_part(digits):
    for weight, alone in ((1.0, "margin"), (0.0, "least_confidence")):
        value = {"method": "mixture", "first": "margin", "second": "least_confidence"}
        value |= {"weight_start": weight, "weight_end": weight}
        assert select(value, digits, 20).tolist() == select(alone, digits, 20).tolist()


def test_mixture_weight_moves_with_the_labels_bought():
    mixture = read({"method": "mixture", "weight_start": 0.9, "weight_end": 0.1, "steepness": 50.0})
    assert mixture.weight(0.0) == pytest.approx(0.9)
    assert mixture.weight(0.5) == pytest.approx(0.5)
    assert mixture.weight(1.0) == pytest.approx(0.1)


@pytest.mark.parametrize("field", ["first", "second"])
def test_mixture_refuses_a_strategy_without_scores_by_name_and_place(field):
    with pytest.raises(FormatError, match=rf"^q\.{field}: mixture .*'badge' has none") as caught:
        parse_method("query_strategy", {"method": "mixture", field: "badge"}, "q")
    assert "\n" not in str(caught.value)


def test_composed_strategies_nest():
    inner = {"method": "mixture", "first": "random", "second": "entropy"}
    outer = {"method": "switch", "first": {"method": "epsilon_mix", "strategy": inner}, "at": 0.5}
    method = read(outer)
    assert parse_method("query_strategy", method.to_dict()) == method
    assert method.to_dict()["first"]["strategy"]["first"] == {"method": "random"}


def test_switch_changes_over_at_its_share_of_the_budget(digits):
    value = {"method": "switch", "first": "kcenter", "then": "entropy"}
    for at, phase in ((0.41, "kcenter"), (0.4, "entropy"), (0.1, "entropy")):  # 40 of 100 labels are bought
        assert select(value | {"at": at}, digits, 10).tolist() == select(phase, digits, 10).tolist()


@pytest.mark.parametrize("at", [0.0, 1.0, -1])
def test_switch_refuses_a_share_that_never_switches(at):
    with pytest.raises(FormatError, match="at"):
        parse_method("query_strategy", {"method": "switch", "at": at})
