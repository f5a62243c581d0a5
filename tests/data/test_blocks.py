"""Search blocks of a part of the rows: their sizes, classes and draws."""

from __future__ import annotations

import numpy as np
import pytest

from altune.core.errors import DataError
from altune.data import Dataset
from altune.data.blocks import LEAST_ROWS_OF_A_CLASS, make_blocks, pool_share, stratified_part


def dataset(*counts: int) -> Dataset:
    """Return a data set with these numbers of rows of each class, in mixed order."""
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    return Dataset(np.arange(len(y), dtype=float)[:, None], y, name="many")


MANY = dataset(3000, 1500, 480, 12, 5)


def counts_of(rows: np.ndarray) -> list[int]:
    return np.bincount(MANY.y[rows], minlength=MANY.n_classes).tolist()


def test_a_part_has_its_size_and_the_proportions_of_pool_and_test() -> None:
    for rows in (1000, 1001, 1002, 1003):
        for block in make_blocks(MANY, "search", 3, seed=0, most_rows=rows):
            assert len(block.pool) == pool_share(rows)
            assert len(block.pool) + len(block.test) == rows
            for some in (block.pool, block.test):
                assert np.array_equal(some, np.unique(some))
            assert not np.intersect1d(block.pool, block.test).size


def test_classes_keep_their_shares_and_rare_ones_a_few_rows() -> None:
    [block] = make_blocks(MANY, "search", 1, seed=0, most_rows=1000)
    assert counts_of(block.pool) == pytest.approx([450, 225, 72, 5, 3], abs=3)
    assert counts_of(block.pool)[3:] == [LEAST_ROWS_OF_A_CLASS, 3], "five of nine, and all that there are"
    assert counts_of(block.test) == pytest.approx([150, 75, 24, 2, 1], abs=2)
    assert counts_of(block.test)[4] == 1


def test_a_block_of_a_part_is_a_part_of_the_whole_block() -> None:
    whole, part = (make_blocks(MANY, "search", 3, seed=4, most_rows=rows) for rows in (None, 800))
    for all_rows, some in zip(whole, part, strict=True):
        assert set(some.pool) < set(all_rows.pool)
        assert set(some.test) < set(all_rows.test)
        assert (some.role, some.number, some.shares_test) == (all_rows.role, all_rows.number, False)


def test_each_block_has_another_part_and_the_first_ones_are_the_same_for_any_count() -> None:
    three, one = (make_blocks(MANY, "search", count, seed=0, most_rows=1000) for count in (3, 1))
    assert three[0].digest() == one[0].digest()
    assert len({block.digest() for block in three}) == 3
    assert len(np.intersect1d(three[0].pool, three[1].pool)) < 300
    other_seed = make_blocks(MANY, "search", 1, seed=1, most_rows=1000)
    assert other_seed[0].digest() != one[0].digest()


@pytest.mark.parametrize("rows", [3997, 3998, 100_000])
def test_all_rows_and_more_are_the_blocks_of_before(rows: int) -> None:
    whole = make_blocks(MANY, "search", 2, seed=0)
    assert len(whole[0].pool) + len(whole[0].test) == 3997
    assert [block.digest() for block in make_blocks(MANY, "search", 2, 0, rows)] == [block.digest() for block in whole]
    almost = make_blocks(MANY, "search", 2, 0, 3996)
    assert len(almost[0].pool) + len(almost[0].test) == 3996


@pytest.mark.parametrize("counts", [(500, 500), (900, 60, 40), (334, 333, 333), (940, 20, 20, 20), (997, 3)])
@pytest.mark.parametrize("size", [37, 100, 501, 999])
def test_a_part_is_exact_for_any_shares(counts: tuple[int, ...], size: int) -> None:
    data = dataset(*counts)
    part = stratified_part(data, np.arange(data.n_rows), size, np.random.default_rng(1))
    assert len(np.unique(part)) == size
    kept = np.bincount(data.y[part], minlength=len(counts))
    for count, left in zip(counts, kept, strict=True):
        share = count * size / data.n_rows
        assert left >= min(count, LEAST_ROWS_OF_A_CLASS, size // len(counts))
        assert left <= max(share + 1, min(count, LEAST_ROWS_OF_A_CLASS))


def test_every_row_can_be_in_a_part() -> None:
    data = dataset(40, 20)
    seen: set[int] = set()
    for seed in range(40):
        seen |= set(stratified_part(data, np.arange(60), 20, np.random.default_rng(seed)).tolist())
    assert seen == set(range(60))


def test_a_class_with_too_few_rows_is_refused_as_before() -> None:
    with pytest.raises(DataError, match="4"):
        make_blocks(dataset(500, 4), "search", 1, 0, most_rows=100)
