"""The benchmark of transfer tunes on one table and confirms on related ones, without a portfolio of that family."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from altune.data import family_of
from tests.helpers.benchmark_scripts import load

transfer = load("transfer")


def test_a_group_is_tuned_at_home_and_confirmed_away() -> None:
    sizes = {"budget": 30, "loops": 3, "n_blocks": 1, "select_among": 1, "select_blocks": 1}
    line = transfer.one_group(("maternal_health", 0, 1, 5), **sizes)
    assert line["home_data"] == ["maternal_health_younger"]
    assert line["away_data"] == ["maternal_health_older"]
    assert line["home"].keys() == line["away"].keys() >= {"random_sampling", "margin", "vanilla"}
    assert line["home"]["margin"]["difference"] != line["away"]["margin"]["difference"]
    assert transfer.task_of(json.loads(json.dumps(line))) == ("maternal_health", 0, 1, 5)


def test_a_table_at_home_has_a_name_by_which_its_family_is_left_out() -> None:
    for group in transfer.related_pairs(most_rows=100):
        for data in group.home:
            named = transfer.named_by_family(data, group.family)
            assert family_of(named.name) == group.family
            assert named.name not in {other.name for other in group.away}


def line(group: str, classes: int, home: float, away: float) -> dict[str, Any]:
    gains = {"home": {"margin": {"difference": home}}, "away": {"margin": {"difference": away}}}
    return {"group": group, "classes": classes, **gains}


def test_groups_count_alike_and_apart_by_classes() -> None:
    rows = transfer.summary([line("a", 2, 0.03, 0.01), line("b", 2, 0.05, 0.02), line("c", 5, 0.1, 0.06)])
    means = {(row["groups"], row["side"]): row["mean"] for row in rows}
    assert means["all", "home"] == pytest.approx(0.06)
    assert means["all", "away"] == pytest.approx(0.03)
    assert means["two classes", "home minus away"] == pytest.approx(0.025)
    (single,) = [row for row in rows if row["n"] == 1 and row["side"] == "away"]
    assert (single["mean"], single["low"]) == (pytest.approx(0.06), None)


def test_the_interval_resamples_groups() -> None:
    mean = transfer.mean_over_groups([0.0, 0.1] * 20)
    assert mean.mean == pytest.approx(0.05)
    assert mean.low == pytest.approx(0.05 - 1.96 * 0.05 / 40**0.5, abs=0.003)


def test_finished_groups_are_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    words = ["--groups", "vowel", "--lines", str(tmp_path / "lines"), "--out", str(tmp_path / "out.json")]
    stored = {"seed": 0, "trials": 40, "report_blocks": None, "chosen": "", "away_data": ["vowel_1"]}
    gains = {side: {"margin": {"difference": 0.02, "low": 0.01, "high": 0.03}} for side in ("home", "away")}
    (tmp_path / "lines").write_text(json.dumps({"group": "vowel", "classes": 11, **stored, **gains}) + "\n")
    monkeypatch.setattr(transfer, "one_group", None)
    assert transfer.main(words) == 0
    out = capsys.readouterr().out
    assert "vowel (11 classes), away: vowel_1; a trial was selected" in out
    assert "over margin            home +0.0200 [+0.0100, +0.0300]   away +0.0200" in out
