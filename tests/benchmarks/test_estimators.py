"""The benchmark of estimators: what it calls chance, a refusal and a crash."""

from __future__ import annotations

import json

import pytest

from tests.helpers.benchmark_scripts import load

script = load("estimators")


pytestmark = pytest.mark.usefixtures("own_models")


def test_there_are_25_estimators_and_three_libraries() -> None:
    assert len(script.ESTIMATORS) == 25
    assert list(script.BOOSTING) == ["catboost", "xgboost", "lightgbm"]
    counts = script.load("rare class").class_counts
    assert sorted(counts.tolist())[0] == script.RARE_ROWS


def test_an_area_near_that_of_the_prior_is_chance() -> None:
    result = {"area": 0.51, "prior": 0.5, "without": 0.0}
    assert script.at_chance(result)
    assert not script.at_chance(result | {"area": 0.6})
    assert script.word({"refused": "a line"}) == "refused"
    assert script.word({"crash": "KeyError: 'a'"}) == "CRASH"


def test_played_and_refused_estimators_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["--quick", "--only", "ridge", "tuned threshold", "--data", "rare class", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["ridge"]["rare class"]["area"] > 0.5
    assert "two classes only" in results["tuned threshold"]["rare class"]["refused"]
