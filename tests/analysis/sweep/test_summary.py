"""Wins, counts and ranks over the cells of a sweep."""

import pytest

from altune.analysis.sweep.results import CellResult
from altune.analysis.sweep.summary import MethodCount, method_counts, ranking, sentences, verdicts_against


def _row(verdict, p, saved, query="margin"):
    return {
        **{"baseline": "random_sampling", "verdict": verdict, "p": p, "labels_saved": saved},
        **{"query_strategy": query, "recipe_model": "mlp"},
    }


def test_wins_are_counted_and_corrected_for_the_number_of_cells():
    rows = [
        _row("better", 0.001, 10),
        _row("better", 0.04, 20),
        _row("unclear", 0.5, 99),
        _row("worse", 0.01, None),
        {"state": "failed"},
    ]
    found = verdicts_against(rows, "random_sampling")
    assert (found.cells, found.better, found.worse, found.unclear, found.still_better) == (4, 2, 1, 1, 1)
    assert found.labels_saved == (10, 20)
    said = sentences([found], [], 1)
    assert said[0].startswith(
        "The confirmed recipe beats random sampling in 2 of 4 cells, shows no clear difference in 1"
    )
    assert "15 fewer labels" in said[1]
    assert said[-1] == "Cells without a result: 1; the table says why."


def test_methods_are_counted_where_they_were_offered():
    offered = {"query_strategy": ["margin", "random"], "model": ["mlp", "naive_bayes"]}
    results = [
        CellResult([_row("better", 0.01, 5, "random")], offered),
        CellResult([_row("unclear", 0.5, None)], {"query_strategy": ["margin", "entropy"]}),
    ]
    assert method_counts(results) == [
        MethodCount("query_strategy", "random", 1, 1, 1),
        MethodCount("query_strategy", "margin", 2, 1, 0),
        MethodCount("query_strategy", "entropy", 1, 0, 0),
        MethodCount("model", "mlp", 1, 1, 1),
        MethodCount("model", "naive_bayes", 1, 0, 0),
    ]


def ranked_row(data: str, seed: int, confirmed: float, random: float, objective: str = "aulc") -> dict[str, object]:
    return {
        **{"data": data, "model": None, "space": "quick", "budget": 20, "seed": seed, "objective": objective},
        **{"baseline": "random_sampling", "confirmed_mean": confirmed, "baseline_mean": random},
    }


def test_cells_of_a_data_set_count_together_in_the_mean_ranks():
    rows = [ranked_row(data, seed, 0.8 + 0.1 * seed, 0.85) for data in "abc" for seed in (0, 1, 2)]
    found = ranking(rows)
    assert (found.over, found.ranks.data_sets, found.ranks.names[0]) == ("data sets", 3, "confirmed recipe")
    cells = ranking(rows[:3])
    assert (cells.over, cells.ranks.data_sets) == ("cells", 3)
    assert cells.ranks.ranks == pytest.approx((4 / 3, 5 / 3))
    assert ranking(rows[:2]) is None
    assert ranking([{"data": "a", "baseline": None}]) is None
    less = ranking([ranked_row(data, 0, 30.0, 40.0, "labels_to_target") for data in "abc"])
    assert less.ranks.names[0] == "confirmed recipe", "fewer labels are better"
