"""The benchmark of costs times both sides in turn and judges ratios."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.benchmark_scripts import load

cost = load("coverage_cost")


def test_calls_are_timed_in_turn_and_the_first_turn_does_not_count() -> None:
    order: list[str] = []

    def call(name: str) -> float:
        order.append(name)
        return float(len(order))

    seconds = cost.in_turn({"a": lambda: call("a"), "b": lambda: call("b")}, 2)
    assert order == ["a", "b"] * 3
    assert seconds["a"].tolist() == [3.0, 5.0]
    assert seconds["b"].tolist() == [4.0, 6.0]


def test_a_ratio_is_the_median_of_the_turns_and_kept_within_its_bound() -> None:
    # One slow turn of both sides must not matter; the ratio of the medians would be 2.
    slow = cost.ratio("a / b", np.array([1.0, 2.0, 30.0]), np.array([1.0, 1.0, 20.0]), 1.4)
    assert (slow.ratio, slow.seconds, slow.beside, slow.holds) == (1.5, 2.0, 1.0, False)
    assert cost.ratio("a / b", np.ones(3), np.ones(3)).holds


def test_growth_is_judged_beside_that_of_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(rows: int, repeats: int) -> dict[str, Any]:
        of = {"graph": rows**2 / 1e6, "margin_cover": rows / 1e3, "margin": 1.0, "kmeans": 50.0}
        return {name: np.full(repeats, value) for name, value in of.items()}

    monkeypatch.setattr(cost, "pool_seconds", seconds)
    lines, ratios = cost.pool_ratios([1_000, 10_000], 3)
    assert [line["graph"] for line in lines] == [1.0, 100.0]
    assert {one.what.split(" / ")[0]: (one.ratio, one.holds) for one in ratios} == {
        "graph": (2.0, True),
        "growth of margin_cover": (1.0, True),
        "growth of graph": (10.0, False),
    }


def test_small_pools_are_really_played() -> None:
    lines, ratios = cost.pool_ratios([600, 900], 1)
    assert [line["rows"] for line in lines] == [600, 900]
    assert all(line[name] > 0 for line in lines for name in ("graph", "kmeans", "margin_cover"))
    assert len(ratios) == 3


@pytest.mark.parametrize(("ratio", "code"), [(1.2, 0), (1.4, 1)])
def test_the_exit_code_says_whether_all_bounds_hold(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], ratio: float, code: int
) -> None:
    monkeypatch.setattr(cost, "trajectory_ratios", lambda repeats: [cost.Ratio("trajectory", ratio, 1.0, ratio, 1.3)])
    monkeypatch.setattr(cost, "pool_ratios", lambda rows, repeats: ([{"rows": 1000, "graph": 0.1}], []))
    assert cost.main(["--out", str(tmp_path / "cost.json")]) == code
    assert ("MISSED" in capsys.readouterr().out) == (code == 1)
    assert json.loads((tmp_path / "cost.json").read_text())["ratios"][0]["holds"] is (code == 0)
