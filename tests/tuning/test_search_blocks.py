"""The order of the search blocks."""

from hypothesis import given
from hypothesis import strategies as st

from altune.tuning.search_blocks import SearchBlocks
from tests.helpers.stored_curves import made_environment

orders = st.builds(SearchBlocks, st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple), st.integers(0, 3))


@given(orders)
def test_every_block_of_every_data_set_has_one_position(blocks):
    expected = {
        (data, number) for data, count in enumerate(blocks.n_blocks) for number in range(count + blocks.leader_blocks)
    }
    assert len(blocks) == len(blocks.order) == len(expected)
    assert set(blocks.order) == expected
    assert set(blocks.order[: blocks.n_usual]) == {
        (data, number) for data, count in enumerate(blocks.n_blocks) for number in range(count)
    }


@given(orders)
def test_join_undoes_split(blocks):
    items = list(range(len(blocks)))
    assert blocks.join(blocks.split(items)) == items


def test_the_first_blocks_treat_all_data_sets_alike():
    blocks = SearchBlocks((3, 1), leader_blocks=1)
    assert blocks.order == ((0, 0), (1, 0), (0, 1), (0, 2), (0, 3), (1, 1))
    assert blocks.split("abc") == [["a", "c"], ["b"]]


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 3))
def test_the_order_of_a_stored_study_follows_from_its_number_of_blocks(n_data_sets, n_blocks, leader_blocks):
    blocks = SearchBlocks((n_blocks,) * n_data_sets, leader_blocks)
    assert SearchBlocks.of_stored(len(blocks), n_data_sets, leader_blocks) == blocks


def test_blocks_are_those_of_the_environments():
    environments = [made_environment(), made_environment(seed=1)]
    found = SearchBlocks((2, 2), leader_blocks=1).of(environments)
    assert [(environment, block.number) for environment, block in found] == [
        (environment, number) for number in (0, 1, 2) for environment in environments
    ]
    assert all(block.role == "search" for _, block in found)
