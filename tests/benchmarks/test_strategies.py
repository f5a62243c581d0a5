"""The benchmark of strategies: equal conditions, families left out, an expert that peeks, and a table that is right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import altune
from altune.core.errors import RequestError
from altune.simulation.environment import make_environment
from altune.simulation.trajectory import play
from tests.helpers.benchmark_scripts import load

strategies = load("strategies")
recipes = load("lib.strategy_recipes")
plays = load("lib.strategy_plays")
tables = load("lib.strategy_tables")
expert = load("lib.peeking_expert")

MIXTURES = list(recipes.MIXTURES)


def a_place(data: str, n_classes: int = 2, family: str = "") -> Any:
    return recipes.Place(data, family or data, n_classes, 0, 3000)


def a_result(data: str, areas: Mapping[str, float], n_classes: int = 2, family: str = "", blocks: int = 8) -> Any:
    """Return areas that scatter alike for all strategies, so that differences are the same on each block."""
    scatter = np.linspace(-0.05, 0.05, blocks)
    return plays.Played(a_place(data, n_classes, family), {name: mean + scatter for name, mean in areas.items()})


# what is played -----------------------------------------------------------------------------------------------------


def test_all_strategies_have_the_same_start_loops_and_model() -> None:
    played, missing = recipes.contestants([*recipes.STRATEGIES, recipes.TUNED])
    assert len(played) + len(missing) == len(recipes.STRATEGIES) + len(MIXTURES)
    made = [recipe(a_place("iris"), 0, "svm_rbf") for recipe in played.values()]
    assert len({recipe.replace(query_strategy="random").digest() for recipe in made}) == 1
    assert made[0].replace(query_strategy="margin") == altune.Recipe(model="svm_rbf")


def test_a_strategy_that_does_not_exist_is_left_out_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    nested = {"method": "switch", "first": {"method": "not_there"}, "then": {"method": "margin"}}
    monkeypatch.setitem(recipes.STRATEGIES, "best_switch", nested)
    played, missing = recipes.contestants(["margin", "best_switch"])
    assert list(played) == ["margin"]
    assert missing == ["best_switch is left out: this altune has no query strategy 'not_there'"]


def test_a_learned_strategy_has_the_table_that_was_made_without_the_family(tmp_path: Path) -> None:
    from altune.knobs.query_strategy.ranker_table import RankerTable

    (tmp_path / "learned_ranker").mkdir()
    tables_by_name = {"without_iris": RankerTable.rule(), "without_cells": RankerTable.rule(["entropy"])}
    for name, table in tables_by_name.items():
        (tmp_path / "learned_ranker" / f"{name}.yaml").write_text(table.to_yaml())
    played, missing = recipes.contestants(["learned_ranker", "learned_ranker_checked"], tmp_path)
    assert missing == []
    for name, recipe in played.items():
        strategy = recipe(a_place("breast_cancer", family="cells"), 0, "naive_bayes").query_strategy
        assert strategy.content == tables_by_name["without_cells"]
        assert strategy.trust == ("evidence" if name.endswith("checked") else "always")
    with pytest.raises(RequestError, match=r"without_wine\.yaml: no table without the family 'wine'"):
        played["learned_ranker"](a_place("wine"), 0, "naive_bayes")
    nothing, missing = recipes.contestants(["learned_ranker"])
    assert nothing == {}
    assert "--tables" in missing[0]


def test_data_sets_are_spread_over_numbers_of_classes_and_families() -> None:
    sizes = {"a": 2, "b": 2, "c": 2, "d": 3, "e": 4, "f": 10}
    places = [a_place(name, n_classes) for name, n_classes in sizes.items()]
    assert [place.data for place in strategies.spread(places, 3)] == ["a", "d", "f"]
    assert strategies.spread(places, None) == places
    family = [a_place("a"), a_place("a2", family="a"), a_place("b")]
    assert [place.data for place in strategies.spread(family, 2)] == ["a", "b"]


# the expert ---------------------------------------------------------------------------------------------------------


def test_the_expert_beats_margin_on_the_block_it_reads() -> None:
    scenario = make_environment("digits", budget=60, loops=8).scenario
    prepared = expert.block_with_truth("digits", 0, 1, 600)
    assert len(prepared.y_pool) + len(prepared.y_test) == 480, "a fifth is held back"
    peeking = expert.PeekingExpert(data="digits", seed=0, block=1, most_rows=600, tried=20)
    curves = [play(altune.Recipe(query_strategy=name), prepared, scenario) for name in ("margin", peeking)]
    by_margin, by_expert = (scenario.make_objective()(curve, curve) for curve in curves)
    assert by_expert > by_margin + 0.01
    assert curves[0].labels.tolist() == curves[1].labels.tolist()


def test_the_expert_tries_the_most_uncertain_half_and_random_others() -> None:
    scenario = make_environment("iris", budget=30).scenario
    tried: list[Any] = []

    class Watched(expert.PeekingExpert):
        def select(self, pool: Any, size: int, rng: np.random.Generator) -> Any:
            tried.append((pool.known().margin, pool.candidates, expert.candidates_to_try(pool, 20, rng)))
            return super().select(pool, size, rng)

    play(altune.Recipe(query_strategy=Watched(data="iris", seed=0, block=0)), prepared_iris(), scenario)
    margin, candidates, rows = tried[0]
    assert len(set(rows.tolist())) == 20
    assert set(rows.tolist()) <= set(candidates.tolist())
    of_tried, ranked = margin[np.searchsorted(candidates, rows)], np.sort(margin)
    assert of_tried[:10].max() <= ranked[9]
    assert of_tried[10:].min() >= ranked[9]
    assert of_tried[10:].max() > ranked[30], "the others are drawn from all that are left"


def prepared_iris() -> Any:
    return expert.block_with_truth("iris", 0, 0, None)


# numbers ------------------------------------------------------------------------------------------------------------


def test_a_mixture_is_chosen_on_other_families_alone() -> None:
    best, second = MIXTURES[4], MIXTURES[2]
    even = dict.fromkeys(MIXTURES, 0.5)
    results = [
        a_result("a", even | {best: 0.9}, family="one"),
        a_result("b", even | {best: 0.9}, family="one"),
        a_result("c", even | {second: 0.6}, family="two"),
        a_result("d", even | {second: 0.6}, family="three"),
    ]
    tuned, chosen = tables.with_tuned_mixture(results)
    # Its own gain of .4 on two data sets must not count for family one.
    assert chosen == {"one": second, "two": best, "three": best}
    assert [float(played.areas["tuned_mixture"].mean()) for played in tuned] == pytest.approx([0.5, 0.5, 0.5, 0.5])
    assert not set(MIXTURES) & set(tuned[0].areas)


def test_rows_have_differences_to_margin_by_group_and_ranks() -> None:
    results = [
        a_result("a", {"random": 0.7, "margin": 0.8, "margin_cover": 0.81}),
        a_result("b", {"random": 0.9, "margin": 0.8, "margin_cover": 0.81}),
        a_result("c", {"random": 0.7, "margin": 0.8, "margin_cover": 0.84}, n_classes=4),
        a_result("d", {"random": 0.7, "margin": 0.8, "margin_cover": 0.86}, n_classes=7),
    ]
    rows = {row["strategy"]: row for row in tables.strategy_rows(results, ["random", "margin", "margin_cover"])}
    cover = rows["margin_cover"]["minus_margin"]
    assert list(cover) == ["all", "K = 2", "K > 2"], "one data set alone has no interval"
    assert (cover["all"]["mean"], cover["K = 2"]["mean"]) == pytest.approx((0.03, 0.01))
    assert (cover["K > 2"]["low"], cover["K > 2"]["high"]) == pytest.approx((0.04, 0.06), abs=1e-9)
    assert cover["all"]["better"] == 1.0
    assert rows["random"]["minus_margin"]["K = 2"]["low"] == pytest.approx(-0.1)
    assert [rows[name]["rank"] for name in ("random", "margin", "margin_cover")] == [2.5, 2.25, 1.25]
    assert rows["margin"]["minus_margin"]["all"] == {"mean": 0.0, "low": 0.0, "high": 0.0, "better": 0.0}
    judged = tables.verdicts(list(rows.values()), [])
    assert [line["holds"] for line in judged] == [True, True]


def test_a_gain_that_may_be_none_and_a_loss_for_two_classes_are_missed() -> None:
    results = [
        a_result("a", {"margin": 0.8, "random": 0.7, "margin_cover": 0.797}),
        a_result("b", {"margin": 0.8, "random": 0.7, "margin_cover": 0.797}),
        a_result("c", {"margin": 0.8, "random": 0.7, "margin_cover": 0.79}, n_classes=4),
        a_result("d", {"margin": 0.8, "random": 0.7, "margin_cover": 0.84}, n_classes=7),
    ]
    rows = tables.strategy_rows(results, ["random", "margin", "margin_cover"])
    assert [line["holds"] for line in tables.verdicts(rows, [])] == [False, False]


def test_a_recipe_hurts_where_it_is_clearly_below_random() -> None:
    means = {"random": 0.8, "least_confidence": 0.8, "margin": 0.8}
    results = [
        a_result("a", means | {"recommended": 0.796}),
        a_result("b", means | {"recommended": 0.794}),
        a_result("c", means | {"recommended": 0.85}, n_classes=4),
        a_result("d", means | {"recommended": 0.85}, n_classes=5),
    ]
    rows = tables.recommended_rows(results)
    assert [(row["group"], row["hurt"]) for row in rows] == [
        ("all", ["b"]),
        ("K = 2", ["b"]),
        ("K > 2", []),
        ("K 3-5", []),
    ]
    assert rows[0]["gain"]["margin"]["mean"] == pytest.approx(0.0225)
    assert [line["holds"] for line in tables.verdicts([], rows)] == [False]


# the command --------------------------------------------------------------------------------------------------------


def test_the_command_resumes_and_processes_change_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--data", "iris", "wine", "--blocks", "2", "--models", "naive_bayes", "--only", "best_switch"]

    def result(folder: str, jobs: str) -> tuple[dict[str, Any], str]:
        assert strategies.main([*asked, "--out", str(tmp_path / folder), "--jobs", jobs, "--json"]) == 0
        printed = capsys.readouterr()
        return json.loads(printed.out), printed.err

    first, errors = result("a", "1")
    assert "8 trajectories played" in errors
    stored = sorted((tmp_path / "a" / "trajectories").rglob("*.json"))
    assert len(stored) == 16
    for path in stored[:3]:
        path.unlink()
    again, errors = result("a", "1")
    assert again == first
    assert sum(int(line.split(": ")[1].split()[0]) for line in errors.splitlines()) == 3
    assert [row["strategy"] for row in first["parts"][0]["strategies"]] == [
        "random",
        "least_confidence",
        "margin",
        "best_switch",
    ]


@pytest.mark.slow
def test_two_processes_play_the_same_and_the_expert_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--data", "iris", "wine", "--blocks", "1", "--models", "logistic_regression", "--only", "peeking_expert"]
    printed = []
    for jobs in ("1", "2"):
        assert strategies.main([*asked, "--out", str(tmp_path / jobs), "--jobs", jobs, "--json"]) == 0
        printed.append(json.loads(capsys.readouterr().out))
    assert printed[0] == printed[1]
    assert printed[0]["parts"][0]["failures"] == []


def test_a_failure_leaves_its_data_set_out_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(recipes.STRATEGIES, "best_switch", {"method": "falcun"})
    monkeypatch.setattr("altune.knobs.query_strategy.falcun.Falcun.select", lambda *_: np.array([-1]))
    asked = ["--data", "iris", "wine", "--blocks", "1", "--models", "naive_bayes", "--only", "best_switch"]
    assert strategies.main([*asked, "--out", str(tmp_path), "--jobs", "1"]) == 1
    printed = capsys.readouterr().out
    assert "- iris, naive_bayes, best_switch: " in printed
    assert "No table" in printed


def test_an_unknown_data_set_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert strategies.main(["--data", "irises", "wine", "--out", str(tmp_path)]) == 2
    assert "no data set 'irises'" in capsys.readouterr().err
