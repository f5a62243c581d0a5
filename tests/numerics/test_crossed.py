"""Variance over blocks and units: by hand, and on data with known components."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from altune.core.errors import RequestError
from altune.numerics.crossed import (
    FIRST_ORDER,
    MOST_ALIKE,
    likeness,
    resampled_blocks_and_units,
    variance_parts,
)


def test_components_worked_by_hand() -> None:
    # Means of blocks 2, 4, of units 2, 3, 4; residuals ±1/2 in two units: mean squares 6, 2 and 1/2.
    table = np.array([[1.0, 2.5, 2.5], [3.0, 3.5, 5.5]])
    parts = variance_parts(table)
    assert (parts.of_both, parts.of_units, parts.of_blocks) == pytest.approx((0.5, (2 - 0.5) / 2, (6 - 0.5) / 3))
    assert parts.variance() == pytest.approx((6 + 2 - 0.5) / 6)
    assert parts.variance(math.inf) == pytest.approx(0.75 / 3)
    assert parts.degrees == pytest.approx(7.5**2 / (6**2 / 1 + 2**2 / 2 + 0.5**2 / 2))
    assert parts.share_of_rows == pytest.approx(0.25 / 1.25)


@pytest.mark.parametrize("seed", range(4))
def test_components_are_those_of_least_squares(seed: int) -> None:
    """Mean squares from the sums of squares by which a regression on indicators gets better, factor by factor."""
    rng = np.random.default_rng(seed)
    classes = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2]) if seed % 2 else np.zeros(9, dtype=np.int64)
    table = crossed(rng, 4, 9, (0.5, 0.4, 0.3)) + classes
    block, unit = (indices.ravel() for indices in np.indices(table.shape))
    y, code = table.ravel(), classes[unit]

    def left(*factors: np.ndarray) -> float:
        columns = [np.ones(len(y))] + [np.equal.outer(factor, np.unique(factor)) for factor in factors]
        X = np.column_stack(columns).astype(float)
        return float(((y - X @ np.linalg.lstsq(X, y, rcond=None)[0]) ** 2).sum())

    n_classes = len(np.unique(classes))
    cells = block * n_classes + code
    of_units = (left(code) - left(unit)) / (9 - n_classes)
    of_both = left(cells, unit) / (3 * (9 - n_classes))
    of_blocks = (left() - left(block)) / 3
    parts = variance_parts(table, classes, 100)
    assert parts.of_both == pytest.approx(of_both)
    assert parts.of_units == pytest.approx(max(0.0, of_units - of_both) / 4)
    assert parts.of_blocks == pytest.approx(max(0.0, of_blocks - of_both) / 9)
    means = np.array([table[:, classes == name].mean() for name in classes])
    assert parts.of_classes == pytest.approx(means.var() / 100)


def test_order_and_names_change_no_component_and_a_factor_scales_them() -> None:
    rng = np.random.default_rng(5)
    table, classes = crossed(rng, 6, 12, (0.2, 0.3, 0.4)), np.repeat([0, 1, 2], 4)
    parts, rows, columns = variance_parts(table, classes, 50, 0.3), rng.permutation(6), rng.permutation(12)
    moved = variance_parts(table[rows][:, columns], np.array([7, 2, 4])[classes[columns]], 50, 0.3)
    scaled = variance_parts(-3 * table, classes, 50, 0.3)
    for name in ("of_blocks", "of_units", "of_both", "of_classes", "of_table"):
        assert getattr(moved, name) == pytest.approx(getattr(parts, name)), name
        assert getattr(scaled, name) == pytest.approx(9 * getattr(parts, name)), name
    assert moved.degrees == pytest.approx(parts.degrees) == pytest.approx(scaled.degrees)


def test_the_terms_of_the_variance_are_given_with_their_sum() -> None:
    table = crossed(np.random.default_rng(1), 5, 8, (0.5, 0.4, 0.3))
    parts = variance_parts(table, np.repeat([0, 1], 4), 40, alike=0.2)
    plain = parts.to_dict()
    assert plain == {
        "units": 8,
        "from_blocks": pytest.approx(parts.of_blocks / 5),
        "from_units": pytest.approx(parts.of_units / 8 + parts.of_classes),
        "from_table": pytest.approx(parts.of_table),
        "from_both": pytest.approx(parts.of_both / 40),
    }
    assert sum(plain.values()) - 8 == pytest.approx(parts.variance())
    assert min(plain.values()) > 0


def test_a_component_below_zero_counts_as_none() -> None:
    table = np.array([[1.0, -1.0, 1.0, -1.0], [-1.0, 1.0, -1.0, 1.0]])
    parts = variance_parts(table)
    assert (parts.of_blocks, parts.of_units) == (0.0, 0.0)
    assert parts.variance() == pytest.approx(parts.of_both / 8)
    assert parts.degrees == pytest.approx(3)
    flat = variance_parts(np.full((5, 5), 0.7))
    assert (flat.error, flat.degrees) == (0.0, math.inf)


def test_classes_count_with_the_number_of_all_rows() -> None:
    # Units of a class are alike, so what is left is that the classes differ: variance 1/4 over all 100 rows.
    table = np.tile([0.0, 0.0, 1.0, 1.0], (5, 1))
    classes = np.array([0, 0, 1, 1])
    assert variance_parts(table, classes, 100).variance() == pytest.approx(0.25 / 100)
    assert variance_parts(table, classes).error == 0.0
    assert variance_parts(table).of_units == pytest.approx(1 / 3)


def crossed(rng: np.random.Generator, blocks: int, units: int, shares: tuple[float, float, float]) -> np.ndarray:
    of_blocks, of_units, of_both = (math.sqrt(share) for share in shares)
    table = of_blocks * rng.normal(size=(blocks, 1)) + of_units * rng.normal(size=units)
    return np.asarray(table + of_both * rng.normal(size=(blocks, units)))


@pytest.mark.parametrize("shares", [(0.01, 0.2, 1.0), (0.2, 0.0, 1.0), (0.0, 1.0, 0.5), (0.0, 0.0, 1.0)])
def test_components_of_many_tables_are_those_that_made_them(shares: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(0)
    parts = [variance_parts(crossed(rng, 20, 60, shares)) for _ in range(400)]
    # Cutting at zero lifts the mean of a component that is zero, by less than its own noise.
    for name, share in zip(("of_blocks", "of_units", "of_both"), shares, strict=True):
        mean = np.mean([getattr(part, name) for part in parts])
        assert mean == pytest.approx(share, rel=0.1, abs=0.01), name
    of_blocks, of_units, of_both = shares
    truth = of_blocks / 20 + of_units / 60 + of_both / 1200
    assert np.mean([part.variance() for part in parts]) == pytest.approx(truth, rel=0.25)


def test_intervals_cover_the_mean_of_the_population() -> None:
    rng, covered, runs = np.random.default_rng(1), 0, 1000
    for _ in range(runs):
        parts = variance_parts(table := crossed(rng, 10, 25, (0.05, 0.4, 1.0)))
        covered += abs(table.mean()) < stats.t.ppf(0.975, parts.degrees) * parts.error
    assert 0.93 < covered / runs < 0.97


def test_resamples_draw_blocks_and_units_within_their_class() -> None:
    classes = np.array([0] * 6 + [1] * 2)
    of_blocks, of_units = resampled_blocks_and_units(4, 8, np.random.default_rng(0), 500, classes)
    assert of_blocks.shape == (500, 4)
    assert set(np.unique(of_blocks)) == {0, 1, 2, 3}
    assert np.allclose(of_units[:, :6].sum(axis=1), 6 / 8)
    assert np.allclose(of_units.sum(axis=1), 1.0)
    assert np.allclose(of_units.mean(axis=0), 1 / 8, atol=0.02)
    _, together = resampled_blocks_and_units(4, 8, np.random.default_rng(0), 500)
    assert together.shape == (500, 8)
    assert np.allclose(together.sum(axis=1), 1.0)
    assert np.std(together[:, :6].sum(axis=1)) > 0.1


def test_a_table_of_one_block_is_refused() -> None:
    with pytest.raises(RequestError, match="two or more blocks and units"):
        variance_parts(np.zeros((1, 5)))


def test_blocks_that_rest_on_the_same_rows_are_alike() -> None:
    same = np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]])
    apart = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert likeness(apart) == 0.0
    assert likeness(same) == MOST_ALIKE
    assert likeness(np.zeros((3, 4))) == 0.0
    # Rows that count for one recipe and against the other make blocks no more alike than chance does.
    assert likeness(np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0]])) == 0.0
    # Random draws of 30 of 120 rows share a quarter of them.
    rng = np.random.default_rng(0)
    drawn = np.zeros((40, 120))
    for block in drawn:
        block[rng.choice(120, 30, replace=False)] = 1 / 30
    assert likeness(drawn) == pytest.approx(0.25, abs=0.01)


def test_the_common_part_of_blocks_does_not_shrink_with_their_number() -> None:
    table = crossed(np.random.default_rng(0), 20, 60, (0.2, 0.1, 0.1))
    alone, common = variance_parts(table), variance_parts(table, alike=0.5)
    assert alone.of_table == 0.0
    assert common.of_table == pytest.approx(FIRST_ORDER * alone.of_blocks)
    assert common.variance(math.inf) - alone.variance(math.inf) == pytest.approx(common.of_table)
    assert common.degrees == pytest.approx(19, rel=0.2)
    assert common.to_dict()["from_table"] == common.of_table


def test_scores_that_are_linear_in_shared_rows_need_the_whole_common_part() -> None:
    rng = np.random.default_rng(2)
    errors, without, with_it = [], [], []
    for _ in range(1500):
        worth, weights = rng.normal(size=80), np.zeros((10, 80))
        for block in weights:
            block[rng.choice(80, 20, replace=False)] = 1 / 20
        table = (weights @ worth)[:, None] + 1e-3 * rng.normal(size=(10, 30))
        parts = variance_parts(table, alike=likeness(weights))
        errors.append(table.mean() ** 2)
        without.append(parts.variance() - parts.of_table)
        with_it.append(parts.variance() + parts.of_table * (1 / FIRST_ORDER - 1))
    assert np.mean(with_it) == pytest.approx(np.mean(errors), rel=0.1)
    assert np.mean(without) < 0.3 * np.mean(errors)
