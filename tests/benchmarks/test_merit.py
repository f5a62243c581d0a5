"""The comparison of searches replays them on grids, counts what they play, and resumes."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from altune.recipes.space import SearchSpace
from altune.simulation.execution.items import WorkItem
from tests.helpers.benchmark_scripts import load
from tests.helpers.stored_curves import made_environment

merit = load("merit")
problems = load("lib.search_problems")
replay = load("lib.search_replay")
policies = load("lib.search_policies")
tables = load("lib.search_tables")
made = load("lib.made_grids")
Grid = load("full_grid").Grid

SPACE = {
    "initial_sample": ["random", "kmeans"],
    "query_strategy": ["random", "margin"],
    "retrain": ["reset", "warm_start"],
    "training": ["constant", {"method": "power", "exponent": 1.0}],
}


def a_grid() -> Any:
    """Return two recipes on two blocks: margin has 10, 20, 40 labels, random sampling 10 and 40."""
    labels = np.array([[[10, 20, 40]] * 2, [[10, 40, -1]] * 2], dtype=np.int32)
    return Grid(
        name="iris",
        space=SearchSpace.from_dict({"query_strategy": ["margin", "random"]}),
        params=[{"query_strategy": "margin"}, {"query_strategy": "random"}],
        weights=np.full(2, 0.5),
        values=np.array([[0.7, 0.8], [0.6, 0.7]]),
        labels=labels,
        scores=np.where(labels > 0, 0.5, np.nan).astype(np.float32),
        prior=np.full(2, 0.3),
        n_pool=90,
        n_test=30,
        budget=40,
    )


def flat_grid(spread: float = 0.0) -> Any:
    """Return 16 recipes, each of which has the same score at each point, .4 to .9 and some noise, on 30 blocks."""
    space = SearchSpace.from_dict(SPACE)
    params = [
        dict(zip(SPACE, chosen, strict=True)) for chosen in product(*(space.decisions[knob].labels for knob in SPACE))
    ]
    noise = spread * np.random.default_rng(0).normal(size=(len(params), 30))
    level = np.linspace(0.4, 0.9, len(params))[:, None] + noise
    return Grid(
        name="flat",
        space=space,
        params=params,
        weights=np.full(len(params), 1 / len(params)),
        values=level * 39 / 40,
        labels=np.broadcast_to(np.array([1, 20, 40], dtype=np.int32), (len(params), 30, 3)),
        scores=np.repeat(level[:, :, None], 3, axis=2).astype(np.float32),
        prior=np.zeros(30),
        n_pool=90,
        n_test=30,
        budget=40,
    )


def flat_problem(spread: float = 0.0) -> Any:
    return problems.grid_problem(flat_grid(spread), made_environment(budget=40))


# what is counted --------------------------------------------------------------------------------------------------


def test_a_part_counts_by_its_labels_and_nothing_twice() -> None:
    grid, environment = a_grid(), made_environment(budget=40)
    player = problems.CountedPlayer(problems.StoredPlayer(grid))
    block = environment.blocks("search", 1)[0]

    def play(recipe: int, until: float | None = None) -> tuple[list[int], str, float]:
        (curve,) = player.play([WorkItem(grid.recipe(recipe), block, environment, until)])
        return curve.labels.tolist(), curve.stopped, player.work

    assert play(0, until=15.0) == ([10, 20], "paused", 0.5)
    assert play(0) == ([10, 20, 40], "budget", 1.0)
    assert play(0, until=15.0) == ([10, 20], "paused", 1.0)
    assert play(1, until=15.0) == ([10, 40], "budget", 2.0)
    assert play(1) == ([10, 40], "budget", 2.0)
    assert player.by_recipe == {grid.recipe(0).digest(): 1.0, grid.recipe(1).digest(): 1.0}


def test_the_first_trials_are_those_whose_work_is_done() -> None:
    found = replay.Replayed({}, 1.0, False, records=list("abcd"), work=[5.0, 5.0, 9.0, 14.0])
    assert ["".join(found.first(work).trials) for work in (0, 5, 13.9, 14, 99)] == ["a", "ab", "abc", "abcd", "abcd"]


@pytest.mark.parametrize("policy", policies.POLICIES)
def test_every_policy_finds_the_best_recipe_where_nothing_is_noise(policy: str) -> None:
    problem = flat_problem()
    deal = problem.deal(0)
    work = 10.0 * policies.POLICIES[policy].order().n_usual
    found = replay.search(problem, deal, policies.POLICIES[policy], 0, work)
    assert found.work == sorted(found.work)
    assert work <= found.work[-1] < work + 60
    stand = found.first(work)
    assert all(trial.again is None for trial in stand.trials)
    best = max(trial.value for trial in stand.trials if trial.state == "complete")
    result = replay.confirmed(problem, deal, stand)
    assert (result.value, result.regret) == pytest.approx((best, 0.9 * 39 / 40 - best), abs=2e-3)


def test_the_blocks_of_a_repetition_are_different_ones() -> None:
    problem = flat_problem()
    for seed in range(3):
        deal = problem.deal(seed)
        numbers = [block.number for part in (deal.search, deal.select, deal.report) for block in part]
        assert sorted(numbers) == list(range(30))
    assert [block.number for block in problem.deal(0).search] != [block.number for block in problem.deal(1).search]


def test_regret_is_what_the_selected_recipe_lacks_on_the_report_blocks() -> None:
    problem = flat_problem(spread=0.3)
    deal = problem.deal(1)
    found = replay.search(problem, deal, policies.POLICIES["1 block"], 1, 8.0)
    result = replay.confirmed(problem, deal, found.first(8.0))
    report = [block.number for block in deal.report]
    values = flat_grid(spread=0.3).values
    winner = values[values.mean(axis=1).argmax()]
    assert result.regret == pytest.approx(winner[report].mean() - result.value)
    assert min(abs(values[:, report].mean(axis=1) - result.value)) < 1e-6


def test_halving_keeps_the_better_half_of_what_was_seen() -> None:
    rule = policies.Halving()
    first = [rule.loses_race(np.array([value]), np.empty((0, 5)), 2) for value in (0.5, 0.4, 0.6, 0.3, 0.5)]
    assert first == [False, True, False, True, False]
    assert not rule.loses_race(np.array([0.1, 0.2]), np.empty((0, 5)), 2), "after two blocks nothing was seen before"


# problems -----------------------------------------------------------------------------------------------------------


def test_a_made_grid_has_thousands_of_recipes_whose_curves_have_its_values() -> None:
    grid, environment = made.made_grid("noisy"), made.made_environment()
    assert grid.values.shape == (5760, 64)
    for recipe, block in ((0, 0), (5759, 63)):
        curve = load("full_grid").curve_of(grid, recipe, block)
        assert environment.objective(curve, curve) == pytest.approx(grid.values[recipe, block], abs=1e-6)
    calm = made.made_grid("made").values
    spreads = [
        float((values - values.mean(axis=1, keepdims=True) - values.mean(axis=0)).std())
        for values in (calm, grid.values)
    ]
    assert 2 < spreads[1] / spreads[0] < 5


def test_the_played_problem_plays_other_blocks_in_each_repetition() -> None:
    problem = problems.problem("played", Path())
    first, second = problem.deal(0), problem.deal(1)
    assert [block.number for block in first.report] == [block.number for block in second.report]
    numbers = [{block.number for block in (*deal.search, *deal.select)} for deal in (first, second)]
    assert not numbers[0] & numbers[1]
    assert not numbers[0] & {block.number for block in first.report}
    found = replay.search(problem, first, policies.POLICIES["1 block"], 0, 4.0)
    assert (len(found.records), found.work) == (4, [1.0, 2.0, 3.0, 4.0])
    result = replay.confirmed(problem, first, found.first(4.0))
    assert 0.3 < result.value < 1.0
    assert result.regret is None


# the command ------------------------------------------------------------------------------------------------------


def test_the_command_resumes_and_the_order_of_searches_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--problems",
        "made",
        "--policies",
        "5 blocks",
        "1 block",
        "--repetitions",
        "2",
        "--counts",
        "10",
        "20",
    ]
    assert merit.main([*arguments, "--out", str(tmp_path / "a.jsonl"), "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err.count("made,") == 4

    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    (tmp_path / "a.jsonl").write_text("\n".join([lines[3], lines[0]]) + "\n" + lines[1][:30])
    assert merit.main([*arguments, "--out", str(tmp_path / "a.jsonl"), "--json"]) == 0
    again = capsys.readouterr()
    assert again.err.count("made,") == 2
    assert again.out == printed.out
    overall = json.loads(again.out)["overall"]
    assert [(row["trajectories"], row["policy"], row["searches"]) for row in overall] == [
        (10, "5 blocks", 2),
        (10, "1 block", 2),
        (20, "5 blocks", 2),
        (20, "1 block", 2),
    ]
    assert [row["trials"] for row in overall][:3] == [2.0, 10.0, 4.0]
    assert overall[3]["trials"] >= 20, "a recipe that is drawn again costs nothing"


def test_a_grid_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--problems", "digits", "--grid", str(tmp_path), "--out", str(tmp_path / "lines.jsonl")]
    assert merit.main(arguments) == 2
    assert "full_grid.py --grids digits" in capsys.readouterr().err


# tables -----------------------------------------------------------------------------------------------------------


def a_line(problem: str, policy: str, seed: int, regret: float | None, value: float = 0.0) -> dict[str, Any]:
    plain = {"problem": problem, "policy": policy, "seed": seed, "counts": [60], "trials": [12], "selecting": [50]}
    return plain | {"value": [value], "regret": [regret]}


def test_ratios_are_of_means_over_problems() -> None:
    lines = [
        a_line(problem, policy, seed, share * (base + 0.001 * seed))
        for problem, base in (("a", 0.01), ("b", 0.03))
        for policy, share in (("5 blocks", 1.0), ("half", 0.5))
        for seed in range(4)
    ]
    told = tables.summary(lines)
    today, half = told["overall"]
    assert today["regret"] == pytest.approx(0.0215)
    assert today["error"] == pytest.approx(np.sqrt(2 * np.var([0, 0.001, 0.002, 0.003], ddof=1) / 4) / 2)
    assert half["ratio"] == pytest.approx({"mean": 0.5, "low": 0.5, "high": 0.5})
    assert half["difference"]["mean"] == pytest.approx(-0.01075)
    assert [row["ratio"]["mean"] for row in told["by problem"]] == pytest.approx([1, 1, 0.5, 0.5])


def test_where_the_best_recipe_is_unknown_it_is_the_best_that_was_confirmed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    values = {("5 blocks", 0): 0.8, ("5 blocks", 1): 0.7, ("half", 0): 0.9, ("half", 1): 0.8}
    told = tables.summary([a_line("a", policy, seed, None, value) for (policy, seed), value in values.items()])
    assert [row["regret"] for row in told["overall"]] == pytest.approx([0.15, 0.05])
    tables.show(told)
    assert "half" in capsys.readouterr().out
