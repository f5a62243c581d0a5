"""Comparing runs, in Python and at the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

import altune
from altune.cli import main
from altune.core.errors import RequestError

TINY = {"space": "quick", "budget": 20, "loops": 4, "n_trials": 2, "n_blocks": 2, "select_among": 1, "select_blocks": 2}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("runs")
    asked = {
        "first": {"report_blocks": 3},
        "second": {"report_blocks": 2, "sampler": "random"},
        "elsewhere": {"report_blocks": 2, "budget": 24, "seed": 1},
    }
    for name, more in asked.items():
        altune.tune("iris", out=base / name, ablation=False, **{**TINY, **more})
    return {name: base / name for name in asked}


def test_runs_are_compared_by_what_they_stored(runs: dict[str, Path]) -> None:
    first, second = (altune.open_run(runs[name]) for name in ("first", "second"))
    found = altune.compare_runs([first, runs["second"]])
    assert list(found.recipes) == ["first", "second", "random_sampling", "margin", "vanilla", "recommended"]
    assert found.recipes["second"] == second.best_recipe
    assert "the first 2 blocks" in found.notes[0]
    stored = second.confirmation
    assert stored is not None
    assert found.contests[0].curves["second"][1].to_dict() == stored.recipe.curves[1].to_dict()
    again = altune.compare(
        {"first": runs["first"], "random_sampling": "random_sampling"}, "iris", n_blocks=2, budget=20, loops=4
    )
    assert "this checks the luck of its report blocks" in again.notes[0]
    report, replay = first.confirmation.recipe.curves, again.contests[0].curves["first"]  # type: ignore[union-attr]
    assert all(one.rows.tolist() != other.rows.tolist() for one, other in zip(report, replay, strict=False))
    assert report[0].row_classes.tolist() == replay[0].row_classes.tolist()


def test_runs_that_share_too_little_are_refused_and_their_recipes_are_taken(runs: dict[str, Path]) -> None:
    with pytest.raises(RequestError, match=r"the seed is 0 in first and 1 in elsewhere.*budget is 20 in first and 24"):
        altune.compare_runs([runs["first"], runs["elsewhere"]])
    with pytest.raises(RequestError, match="needs two or more"):
        altune.compare_runs([runs["first"]])
    with pytest.raises(RequestError, match="is given twice"):
        altune.compare_runs([runs["first"], runs["first"]])
    found = altune.compare(
        {"elsewhere": runs["elsewhere"], "random_sampling": "random_sampling"}, ["iris", "wine"], n_blocks=1, budget=20
    )
    (note,) = found.notes
    assert note == (
        "elsewhere: confirmed on iris; its scenario had another budget, loops; not searched on wine; "
        "with another seed than its search, other rows are held back, on which its search may have been scored"
    )


def test_a_target_is_asked_for_afterwards_too(runs: dict[str, Path]) -> None:
    found = altune.compare_runs([runs["first"], runs["second"]], target_score=0.5)
    assert {one.target for one in found.contests[0].reach} == {0.5}


def run_cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object
) -> tuple[object, str, str]:
    monkeypatch.setattr(sys, "argv", ["altune", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code, *capsys.readouterr()


def test_the_command_takes_data_sets_and_writes_page_and_table(monkeypatch, capsys, tmp_path) -> None:
    words = ("iris", "random_sampling", "vanilla", "--data", "wine", "--blocks", 2, "--budget", 20, "--jobs", 1)
    code, out, err = run_cli(
        monkeypatch, capsys, "compare", *words, "--out", tmp_path / "made", "--post-hoc", "nemenyi"
    )
    assert (code, err) == (0, "")
    for said in ("Over 2 data sets", "iris\n", "wine\n", "over 2 data sets", "(Nemenyi)", "compare.html"):
        assert said in out
    assert len(pd.read_csv(tmp_path / "made" / "results.csv")) == 2 * 2 * 2
    assert "<!doctype html>" in (tmp_path / "made" / "compare.html").read_text("utf-8")[:100]
    plain = json.loads(run_cli(monkeypatch, capsys, "compare", *words, "--json")[1])
    assert plain["data"] == ["iris", "wine"]
    assert plain["ranks"]["post_hoc"] == "wilcoxon"


def test_the_command_compares_runs_and_refuses_what_would_change_nothing(monkeypatch, capsys, runs) -> None:
    both = ("compare-runs", runs["first"], runs["second"])
    code, out, _ = run_cli(monkeypatch, capsys, *both, "--target-score", 0.5, "--json")
    assert code == 0
    assert json.loads(out)["labels_to_reach"]["score"] == 0.5
    for more in (("--budget", 30), ("--blocks", 3), ("--data", "wine"), ("--model", "naive_bayes"), ("--seed", 1)):
        code, out, err = run_cli(monkeypatch, capsys, *both, *more)
        assert (code, out) == (2, "")
        assert f"No such option: {more[0]}" in err
    code, out, err = run_cli(monkeypatch, capsys, "compare-runs", runs["first"], runs["elsewhere"])
    assert (code, len(err.splitlines())) == (2, 1)
    assert run_cli(monkeypatch, capsys, *both, "--post-hoc", "tukey")[0] == 2


def test_a_runs_folder_is_a_recipe_by_its_own_name(monkeypatch, capsys, runs) -> None:
    words = ("compare", "wine", runs["first"], "random_sampling", "--blocks", 1, "--budget", 20, "--jobs", 1)
    code, out, _ = run_cli(monkeypatch, capsys, *words)
    assert code == 0
    assert "first - random_sampling" in out
    assert "note: first: confirmed on iris" in out
