"""The benchmarks of speed play what they say: all contestants the same trajectory, all alternatives every pool."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.benchmark_scripts import load

pytest.importorskip("skactiveml")
growth, speed = load("pool_growth"), load("speed")
contestants, speed_data = load("lib.speed_contestants"), load("lib.speed_data")

LOOPS = 3


@pytest.fixture(scope="module")
def stages() -> dict[str, speed.Stage]:
    return speed.make_stages(speed_data.DATA["digits"], "logistic_regression", contestants.STRATEGIES, LOOPS)


@pytest.mark.parametrize("strategy", ["margin", "kcenter"])
def test_all_contestants_play_the_same_trajectory(strategy: str, stages: dict[str, speed.Stage]) -> None:
    stage = stages[strategy]
    curve = stage.play()
    model, prepared = stage.recipe.model, stage.prepared
    assert curve.labels.tolist() == [20, 40, 60, 80]
    accuracies = curve.scores["accuracy"].tolist()
    assert contestants.play_bare(model, prepared, curve, scored=True) == accuracies
    assert contestants.TheirLoop(strategy, model, prepared, LOOPS + 1).play() == accuracies


@pytest.mark.filterwarnings("ignore:The maximum purity")
@pytest.mark.parametrize("strategy", ["least_confidence", "entropy", "kcenter", "probcover"])
def test_deterministic_strategies_pick_the_same_rows(strategy: str, stages: dict[str, speed.Stage]) -> None:
    stage = stages[strategy]
    assert contestants.same_picks(strategy, stage.recipe.model, stage.prepared, stage.play()) == (LOOPS, LOOPS)


def test_picks_that_differ_are_counted(stages: dict[str, speed.Stage]) -> None:
    stage = stages["random"]
    assert contestants.same_picks("margin", stage.recipe.model, stage.prepared, stage.play())[0] == 0
    assert contestants.same_picks("random", stage.recipe.model, stage.prepared, stage.play()) == (0, 0)


def test_trajectories_of_one_block_start_from_other_rows_and_share_what_they_build(
    stages: dict[str, speed.Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, shared = stages["typiclust"], speed.FeatureCache()
    first, second = stage.other_first_rows(2)
    alone = stage.play(None, second)
    stage.play(shared, first)
    monkeypatch.setattr("altune.knobs.pool_geometry.kmeans_from", None)
    assert stage.play(shared, second).rows.tolist() == alone.rows.tolist()
    assert set(first) != set(second)


def test_the_command_prints_a_line_and_stores_all_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "speed.json"
    given = ["--only", "digits", "--models", "logistic_regression", "--strategies", "margin", "--quick", "--loops", "2"]
    assert speed.main([*given, "--out", str(out)]) == 0
    (line,) = json.loads(out.read_text("utf-8"))
    assert (line["strategy"], line["picks"], line["problem"]) == ("margin", "2/2", "")
    assert min(line["floor"], line["cold"], line["block"], line["theirs"], line["outside"]) > 0
    assert "2/2" in capsys.readouterr().out


def test_a_contestant_that_fails_and_picks_that_differ_are_told(
    stages: dict[str, speed.Stage], monkeypatch: Any
) -> None:
    part, stage = speed_data.DATA["digits"], stages["margin"]
    monkeypatch.setattr(speed, "same_picks", lambda *given: (1, LOOPS))
    line = speed.measure(part, "margin", stage, repeats=1, trajectories=0, memory=True)
    assert not line.agrees
    assert "1/3 DIFFER" in speed.row(line)
    assert min(line.megabytes or 0, line.their_megabytes or 0) > 0

    def fail(loop: Any) -> None:
        raise TypeError("no sparse rows")

    monkeypatch.setattr(contestants.TheirLoop, "play", fail)
    line = speed.measure(part, "margin", stage, repeats=1, trajectories=0, memory=False)
    assert line.problem == "scikit-activeml: TypeError: no sparse rows"
    assert line.theirs is None
    assert line.cold > 0


def test_documentation_is_read_from_files_alone() -> None:
    texts = list(speed_data.docstrings("joblib"))
    assert len(texts) > 50
    assert min(map(len, texts)) >= speed_data.LEAST_LETTERS


# growth -----------------------------------------------------------------------------------------------------------


def test_every_alternative_of_the_space_is_closed_and_played() -> None:
    found = growth.alternatives("large_pool")
    assert {knob for knob, _ in found} == {"initial_sample", "query_strategy"}
    names = [method["method"] for _, method in found]
    assert {"kmeans_pp", "leverage", "margin", "switch", "qbc"} <= set(names)
    switch = dict(found)["query_strategy"]
    assert switch["method"] == "switch"
    assert switch["then"] == {"method": "margin"}
    assert switch["at"] == 0.6


@pytest.mark.parametrize(("knob", "method"), [("initial_sample", "kmeans"), ("query_strategy", "power")])
def test_an_alternative_is_timed(knob: str, method: str) -> None:
    played = growth.play_one(knob, {"method": method}, 1_000, 5)
    assert played.problem == ""
    assert (played.seconds or 0) > 0
    assert (played.gibibytes or 0) >= 0
    wrong = growth.play_one(knob, {"method": "no such method"}, 1_000, 5)
    assert wrong.problem.startswith("FormatError")


def test_rows_come_in_float32_and_in_chunks_alike() -> None:
    X, y = growth.make_rows(growth.CHUNK + 7, 4)
    assert X.dtype == np.float32
    assert len(X) == len(y) == growth.CHUNK + 7
    assert np.array_equal(np.unique(y), np.arange(growth.CLASSES))


def test_what_is_wrong_with_an_alternative_is_told() -> None:
    small = growth.Played("query_strategy", "margin", 100_000, 0.0, 0.1, 0.2, plain=0.02)
    large = replace(small, rows=1_000_000, query=1.2, plain=0.24)  # a pass grows twelvefold, past the caches

    def told(one: growth.Played, other: growth.Played) -> str:
        return growth.problem_of([one, other], 2.0, growth.STEEPEST)

    assert told(small, large) == ""
    assert told(small, replace(large, query=3.0)) == "grows 2.5 times as much as a pass over the rows"
    assert told(replace(small, query=0.005), replace(large, query=3.8)) == ""
    assert told(small, replace(large, gibibytes=2.5)) == "over 2 GiB"
    assert told(small, replace(large, problem="MemoryError")) == "MemoryError"
    assert "1.00  passes" in growth.row([small, large], "")
