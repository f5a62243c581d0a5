"""The benchmark of searches on a part of the rows: its numbers, and a small case from end to end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from tests.helpers.benchmark_scripts import load

search_rows = load("search_rows")
RNG = np.random.default_rng(0)
WORTH = np.linspace(0.6, 0.9, 20)[:, None]


def noise(scale: float, blocks: int = 12) -> np.ndarray:
    return RNG.normal(scale=scale, size=(20, blocks))


def test_rank_correlations_are_those_of_scipy() -> None:
    a, b = RNG.integers(5, size=(2, 3, 9)).astype(float)
    expected = [spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)]
    assert search_rows.rank_correlations(a, b) == pytest.approx(expected)


def test_a_part_without_an_error_chooses_as_all_rows_do() -> None:
    whole = WORTH + noise(0.05)
    numbers = search_rows.compare(whole, whole)
    assert numbers["rank"].tolist() == numbers["rank_all"].tolist()
    assert numbers["regret"].tolist() == numbers["regret_all"].tolist()
    assert 0.5 < numbers["rank"][0] < 1
    assert len(numbers["rank"]) == 1 + search_rows.RESAMPLES
    reversed_part = search_rows.compare(1 - whole, whole)
    assert reversed_part["rank"][0] == pytest.approx(-numbers["rank"][0])
    assert reversed_part["regret"][0] > 0.2 > 0.05 > numbers["regret"][0]


def test_what_a_part_does_to_recipes_is_told_from_the_noise_of_blocks() -> None:
    whole = WORTH + noise(0.05)
    bias, spread = search_rows.bias_and_spread(whole + noise(0.05) + noise(0, 1) - 0.3, whole)
    assert bias < 0.02, "noise, and what is the same for all recipes, is no bias"
    assert spread == pytest.approx(WORTH.std(ddof=1), abs=0.02)
    bias, _ = search_rows.bias_and_spread(whole + RNG.normal(scale=0.1, size=(20, 1)), whole)
    assert bias == pytest.approx(0.1, abs=0.04)


def test_a_small_case_is_played_and_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = search_rows.Case("iris", (60,), recipes=3, blocks=7, budget=12)
    monkeypatch.setattr(search_rows, "QUICK", {"iris": case})
    assert search_rows.main(["--quick", "--json", "--out", str(tmp_path)]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert [(line["metric"], line["rows"], line["pool"]) for line in plain] == [
        ("accuracy", 60, 45),
        ("balanced_accuracy", 60, 45),
    ]
    files = sorted(tmp_path.glob("??/*.json"))
    assert len(files) == 2 * 3 * 7
    assert search_rows.main(["--quick", "--out", str(tmp_path)]) == 0
    assert "iris, balanced_accuracy: spread" in capsys.readouterr().out
    assert sorted(tmp_path.glob("??/*.json")) == files
