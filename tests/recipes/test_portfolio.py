"""The portfolio: a greedy cover of what recipes lost, made without whole families, and the file that altune ships."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from altune.core.errors import FormatError
from altune.core.yaml import read_yaml
from altune.data import family_of
from altune.recipes.portfolio import FILE, Portfolio, Situation, greedy_cover, shipped_portfolio
from altune.recipes.recipe import Recipe


def made(losses: list[list[float]], families: str) -> Portfolio:
    recipes = [Recipe(query_strategy=name) for name in ("random", "margin", "entropy", "badge")[: len(losses)]]
    situations = [Situation(f"{family}{place}", family, "mlp", 100) for place, family in enumerate(families)]
    entries = {f"r{place}": {"query_strategy": recipe.query_strategy} for place, recipe in enumerate(recipes)}
    return Portfolio(entries, situations, np.array(losses), {})


def test_each_entry_is_the_one_with_which_the_list_loses_least() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        losses, weights = rng.random((4, 6)), rng.random(6)
        order = greedy_cover(losses, weights)
        for length in range(1, 5):
            before = order[: length - 1]
            lost = {row: losses[[*before, row]].min(axis=0) @ weights for row in range(4) if row not in before}
            assert lost[order[length - 1]] == pytest.approx(min(lost.values()))
        assert sorted(order) == [0, 1, 2, 3]


def test_recipes_that_help_on_different_data_come_before_the_second_best_of_all() -> None:
    losses = np.array([[0.1, 0.1, 0.8], [0.2, 0.2, 0.7], [0.9, 0.9, 0.0]])
    assert greedy_cover(losses, np.ones(3)) == [0, 2, 1]


def test_a_family_counts_once_however_many_data_sets_it_has() -> None:
    portfolio = made([[0.0, 0.0, 0.0, 0.9], [0.5, 0.5, 0.5, 0.0]], "aaab")
    assert portfolio.order() == ["r1", "r0"]


def test_a_list_without_a_family_is_that_of_a_table_that_never_had_it() -> None:
    losses = np.random.default_rng(1).random((4, 6)).tolist()
    portfolio = made(losses, "aabbcc")
    for left_out, rest in (("a", [2, 3, 4, 5]), ("b", [0, 1, 4, 5])):
        never = made(np.array(losses)[:, rest].tolist(), "".join("aabbcc"[place] for place in rest))
        assert portfolio.order([left_out]) == never.order()
    assert portfolio.order(["a", "b"]) == made(np.array(losses)[:, 4:].tolist(), "cc").order()
    assert len({tuple(portfolio.order([family])) for family in "abc"} & set(permutations(portfolio.recipes))) > 1
    with pytest.raises(ValueError, match="no family of data sets is left"):
        portfolio.order(["a", "b", "c"])


def test_a_portfolio_is_read_as_it_was_written(tmp_path: Path) -> None:
    portfolio = made([[0.25, 1.5], [0.0, 0.125]], "ab")
    portfolio.save(tmp_path / "mine.yaml", "how it was made\nand when")
    assert (tmp_path / "mine.yaml").read_text("utf-8").startswith("# how it was made\n# and when\n")
    read = Portfolio.from_dict(read_yaml(tmp_path / "mine.yaml"))
    assert (read.to_dict(), read.order(), read.families) == (portfolio.to_dict(), portfolio.order(), ("a", "b"))
    assert read.losses.tolist() == portfolio.losses.tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 9}, "version must be 1"),
        ({"situations": ["iris iris mlp 100"]}, "must be data family model budget noise"),
        ({"losses": {"r0": "1 2"}}, "must have one number for each recipe and situation"),
        ({"losses": {"r0": "1 x", "r1": "1 2"}}, "mine.yaml: not a portfolio: invalid literal"),
        ({"recipes": {"r0": "margin"}}, "mine.yaml: not a portfolio"),
        ({"situations": 3}, "mine.yaml: not a portfolio"),
        ({"made": 3}, "mine.yaml: not a portfolio"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    plain = made([[0.25, 1.5], [0.0, 0.125]], "ab").to_dict()
    with pytest.raises(FormatError, match=message):
        Portfolio.from_dict({**plain, **change}, "mine.yaml")


def test_the_shipped_portfolio_has_recipes_and_families_that_altune_knows() -> None:
    portfolio = shipped_portfolio()
    assert FILE.stat().st_size < 200_000
    assert len(portfolio.recipes) >= 8
    assert "recommended" in portfolio.recipes
    assert {situation.family for situation in portfolio.situations} == {
        family_of(situation.data) for situation in portfolio.situations
    }
    assert portfolio.losses.min() == 0
    assert (portfolio.losses.min(axis=0) == 0).all(), "in each situation some recipe is the best one"
    assert "command" in portfolio.made
