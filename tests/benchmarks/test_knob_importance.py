"""The benchmark of importance plays its grid once and compares with the grid's own shares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from altune.analysis.importance.variance import exact_shares
from altune.core.errors import RequestError
from tests.helpers.benchmark_scripts import load
from tests.helpers.importance import FINITE, chances, every, grid_command, loop_part, strategy_part

GRIDS, GridPlan = load("lib.grids").GRIDS, load("lib.grids").GridPlan


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    space = {
        "initial_sample": [{"method": "random", "size": {"choices": [6, 12]}}, {"method": "kmeans", "size": 6}],
        "query_strategy": ["random", "margin"],
        "retrain": ["reset", "warm_start"],
    }
    monkeypatch.setitem(GRIDS, "small", GridPlan("iris", space, budget=30, loops=4))


def test_the_grid_is_played_stored_and_gone_on_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small(monkeypatch)
    arguments = ["--grids", "small", "--out", str(tmp_path)]
    assert grid_command.main([*arguments, "--blocks", "1"]) == 0
    first = (tmp_path / "small" / "block_000.npz").read_bytes()
    assert grid_command.main([*arguments, "--blocks", "2"]) == 0
    assert (tmp_path / "small" / "block_000.npz").read_bytes() == first
    assert capsys.readouterr().err.count("block") == 2

    grid = grid_command.load_grid(tmp_path, "small")
    assert grid.values.shape == (12, 2)
    assert grid.weights.sum() == pytest.approx(1.0)
    assert sorted(set(np.round(grid.weights, 6))) == [0.0625, 0.125]
    environment = GRIDS["small"].environment()
    for place in (0, 11):
        curve = grid_command.curve_of(grid, place, 1)
        assert environment.objective(curve) == pytest.approx(grid.values[place, 1], abs=1e-6)
        assert grid.space.params_of(grid.recipe(place)) == grid.params[place]


def test_another_grid_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small(monkeypatch)
    arguments = ["--grids", "small", "--out", str(tmp_path), "--blocks", "1"]
    plan = GRIDS["small"]
    grid_command.open_folder(tmp_path / "small", plan, plan.environment(), [{"retrain": "reset"}])
    assert grid_command.main(arguments) == 2
    assert "another grid" in capsys.readouterr().err
    with pytest.raises(RequestError, match="does not hold 1 blocks of wine"):
        grid_command.load_grid(tmp_path, "wine")


def test_the_benchmark_compares_with_the_grids_own_shares() -> None:
    table = load("importance")
    params = every(FINITE)
    values = np.array([[strategy_part(one) + loop_part(one) + block for block in range(6)] for one in params])
    nothing = np.zeros((len(params), 6, 1))
    grid = grid_command.Grid(
        "made", FINITE, params, chances(FINITE), values, nothing, nothing, nothing[0, :, 0], 100, 25, 50
    )
    truth = exact_shares(params, values.mean(axis=1), grid.weights, list(FINITE.decisions))
    lines = table.repetition(grid, truth, "random", 0, 60, 3)
    errors = {line["method"]: line["error"] for line in lines}
    assert errors["all recipes"] == pytest.approx(0.0, abs=1e-9)
    assert errors["altune"] < 0.005 < errors["fanova"]
    rows = table.summary(lines)
    # One search says nothing of the intervals, and two knobs without effect have no order.
    fair = [{**row, "inside": 1.0, "behind": []} for row in rows]
    assert table.holds(fair)
    assert not table.holds([*fair, {**fair[-1], "inside": 0.9}])


def test_altune_is_behind_where_another_is_better_over_the_same_searches() -> None:
    table = load("importance")
    numbers = {"altune": [0.05, 0.06, 0.05], "fanova": [0.02, 0.03, 0.02], "ped_anova": [0.02, 0.09, 0.06]}
    lines = [
        {"grid": "made", "sampler": "tpe", "method": method, "rank": 1.0, "main": 0.0, "error": error}
        | ({"inside": [True], "r2": 0.9} if method == "altune" else {})
        for method, errors in numbers.items()
        for error in errors
    ]
    rows = {row["method"]: row for row in table.summary(lines)}
    assert rows["fanova"]["behind"] == ["error"]
    assert rows["ped_anova"]["behind"] == []
    assert not table.holds(list(rows.values()))


def test_every_grid_can_be_played() -> None:
    for name, plan in GRIDS.items():
        space = plan.search_space()
        recipes = list(space.grid())
        assert len({space.recipe_at(recipe).digest() for recipe in (recipes[0], recipes[-1])}) == 2, name
        assert sum(grid_command.chance(space, recipe) for recipe in recipes) == pytest.approx(1.0)
