"""How wide an interval would be with more blocks, and how many of them it needs."""

import math

import numpy as np
import pytest

from altune.numerics.block_counts import Width, blocks_that_pay, blocks_that_reach
from altune.numerics.crossed import VarianceParts, variance_parts
from altune.numerics.statistics import t_quantile


def parts_of(of_blocks, of_units, blocks=10, units=100, of_both=0.0, of_table=0.0):
    return VarianceParts(of_blocks, of_units, of_both, 0.0, of_table, blocks, units, degrees=9.0)


def test_with_the_blocks_that_were_played_the_width_is_that_of_the_interval():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(10, 1)) + rng.normal(size=200) + rng.normal(size=(10, 200))
    parts = variance_parts(table, alike=0.3)
    assert parts.degrees_with(10) == pytest.approx(parts.degrees)
    half = t_quantile(0.975, parts.degrees) * parts.error
    assert Width(parts).half(10) == pytest.approx(half)


def test_more_blocks_narrow_it_down_to_what_the_units_leave():
    width = Width(parts_of(4.0, 9.0, of_table=0.1))
    halves = [width.half(blocks) for blocks in (5, 10, 20, 100, 10_000)]
    assert halves == sorted(halves, reverse=True)
    assert halves[-1] == pytest.approx(width.half(math.inf), rel=0.02)
    assert width.half(math.inf) == pytest.approx(t_quantile(0.975, 99) * math.sqrt(9.0 / 100 + 0.1))


def test_blocks_pay_where_the_blocks_limit_an_interval_and_not_where_the_units_do():
    of_blocks, of_units = Width(parts_of(1.0, 0.0)), Width(parts_of(0.001, 100.0))
    assert blocks_that_pay([of_units], 10, 20, 0.1) == 10
    enough = blocks_that_pay([of_blocks], 10, 20, 0.1)
    assert of_blocks.half(20) >= 0.9 * of_blocks.half(enough)
    assert of_blocks.half(20) < 0.9 * of_blocks.half(enough - 1)
    assert blocks_that_pay([of_units, of_blocks], 10, 20, 0.1) == enough, "each interval counts"
    assert blocks_that_pay([of_blocks], 10, 10, 0.1) == 10
    nothing = Width(parts_of(0.0, 0.0))
    assert blocks_that_pay([nothing], 10, 20, 0.1) == 10


def test_a_precision_needs_blocks_or_cannot_be_reached():
    width = Width(parts_of(1.0, 9.0))
    needed = blocks_that_reach([width], 0.75, 10, 100)
    assert width.half(needed) <= 0.75 < width.half(needed - 1)
    assert blocks_that_reach([width], 5.0, 10, 100) == 10
    assert math.isinf(blocks_that_reach([width], 0.99 * width.half(math.inf), 10, 100))
    many = blocks_that_reach([width], 1.01 * width.half(math.inf), 10, 100)
    assert 100 < many < math.inf
