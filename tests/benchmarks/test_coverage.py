"""The benchmark of coverage plays fresh subsamples, stores them, and judges their intervals by the truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from altune.data import load_dataset
from altune.numerics.statistics import Interval
from altune.simulation.environment import make_environment
from altune.simulation.metrics import make_scorers
from tests.helpers.benchmark_scripts import load

coverage = load("coverage")
play = load("lib.coverage_play")
numbers = load("lib.coverage_numbers")
tables = load("lib.coverage_tables")

SMALL = play.Case("digits", 200, metrics=("accuracy", "f1_macro"), models=("naive_bayes",))
COIN = play.Case("digits", 200, coin=True, models=("naive_bayes",))
SHARE = play.Case("digits", 200, held_back=1 / 3, models=("naive_bayes",))


def test_the_short_form_plays_stores_and_prints_every_kind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(coverage, "quick_cases", lambda: [SMALL, COIN, SHARE])
    arguments = ["--quick", "--subsamples", "2", "--plan", "5", "6", "--out", str(tmp_path)]
    assert coverage.main(arguments) == 0
    printed = capsys.readouterr()
    assert printed.err.count("subsamples") == 6
    for heading in ("### Coverage", "### By metric", "### A difference claimed", "### More rows held back"):
        assert heading in printed.out

    rows = pd.read_csv(tmp_path / "intervals.csv")
    usual = rows[(rows["held_back"] == 0.2) & ~rows["coin"]]
    assert usual["kind"].value_counts().to_dict() == {
        "mean": 16,
        "difference": 12,
        "step": 12,
        "labels saved": 12,
        "other streams": 8,
    }
    known = rows[rows["kind"] != "labels saved"]
    assert (known["low"] <= known["mean"]).all()
    assert (known["mean"] <= known["high"]).all()
    assert known["mean"].between(-1, 1).all()
    streams = rows[rows["kind"] == "other streams"]
    assert (streams["mean"] != 0).all(), "the same recipe from other random streams labels other rows"

    assert coverage.main([*arguments, "--json"]) == 0
    again = capsys.readouterr()
    assert again.err == ""
    lines = json.loads(again.out)["Coverage"]
    assert {line["kind"]: line["intervals"] for line in lines}["mean"] == 16
    assert all(0 <= line["coverage"] <= 1 for line in lines)


def test_a_sequential_plan_looks_as_a_confirmation_does(tmp_path: Path) -> None:
    for number in range(2):
        play.play_and_store(SMALL, number, 20, tmp_path)
    rows = numbers.look_at_all([SMALL], range(2), numbers.ReportPlan(), tmp_path, 1)
    assert rows["blocks"].between(10, 20).all()
    assert rows.groupby(["number", "model", "metric"])["blocks"].nunique().eq(1).all(), "all of a report have the same"
    fixed = numbers.look_at_all([SMALL], range(2), [int(rows["blocks"].iloc[0])], tmp_path, 1)
    assert fixed["low"].iloc[0] == rows["low"].iloc[0]
    wide = numbers.look_at_all([SMALL], range(2), numbers.ReportPlan(0.9), tmp_path, 1)
    assert wide["blocks"].eq(10).all()


def test_a_folder_of_other_recipes_or_fewer_blocks_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coverage.open_folder(tmp_path, 5)
    coverage.open_folder(tmp_path, 5)
    assert coverage.main(["--quick", "--plan", "6", "--out", str(tmp_path)]) == 2
    assert "fewer than 6 blocks" in capsys.readouterr().err


def test_right_intervals_are_judged_right_and_narrow_ones_narrow() -> None:
    rng = np.random.default_rng(0)
    spread, subsamples = 0.02, 8
    cell = dict.fromkeys(numbers.CELL, "x")
    lines = []
    for name in range(500):
        for mean in rng.normal(0.7, spread, subsamples):
            ends = {
                "low": mean - 1.96 * spread,
                "high": mean + 1.96 * spread,
                "old_low": 0.0,
                "old_high": 1.0,
                "blocks": 20,
            }
            lines.append({**cell, "kind": "mean", "name": name, "mean": mean, "blocks": 20, **ends})
    table = pd.DataFrame(lines)
    table["truth"] = table.groupby(numbers.CELL)["mean"].transform("mean")
    (right,) = tables.coverage(tables.judged(table), ["kind"]).to_dict("records")
    assert right["coverage"] == pytest.approx(0.95, abs=0.01)
    assert right["width / oracle"] == pytest.approx(1.0, abs=0.03)

    half = table.assign(low=(table["low"] + table["mean"]) / 2, high=(table["high"] + table["mean"]) / 2)
    (narrow,) = tables.coverage(tables.judged(half), ["kind"]).to_dict("records")
    assert narrow["coverage"] == pytest.approx(0.673, abs=0.02)


def test_a_comparison_ends_with_the_first_interval_that_excludes_zero() -> None:
    ends = {5: (-0.1, 0.1), 10: (0.01, 0.2), 20: (0.05, 0.1)}

    def interval(blocks: int) -> Interval:
        return Interval(sum(ends[blocks]) / 2, *ends[blocks], blocks)

    assert numbers.at_plan([5, 10, 20], interval).blocks == 10
    assert numbers.at_plan([5], interval).blocks == 5


def test_true_savings_come_from_the_mean_curves() -> None:
    steps = np.arange(play.BUDGET + 1)
    baseline, recipe, *_ = play.PATH

    def looked(shift: float) -> numbers.Looked:
        curves = {("m", "accuracy", baseline): np.minimum(steps, 40) / 50 + shift}
        curves |= {("m", "accuracy", name): np.minimum(2 * steps, 90) / 50 - shift for name in [recipe]}
        return numbers.Looked([], curves)

    # In the mean the shifts cancel: the baseline first has its final score at 40 labels, the recipe at 20.
    savings = numbers.true_savings([looked(0.1), looked(-0.1)])
    assert savings == {("m", "accuracy", f"{recipe} - {baseline}"): 20.0}


def test_more_rows_held_back_are_taken_from_the_pools() -> None:
    environment = make_environment(play.subsample(load_dataset("digits"), SMALL, 0), seed=0, budget=50)
    usual = environment.blocks("report", 2)
    for block, same in zip(usual, play.report_blocks(environment, 2, 0.2), strict=True):
        assert np.array_equal(block.pool, same.pool)
    first, second = play.report_blocks(environment, 2, 1 / 3)
    assert (len(usual[0].test), len(first.test), len(first.pool)) == (40, 67, 99)
    assert np.array_equal(first.test, second.test)
    assert not np.array_equal(first.pool, second.pool)
    assert not np.intersect1d(first.test, np.union1d(first.pool, second.pool)).size


def test_subsamples_are_fresh_and_coins_are_fair() -> None:
    digits = load_dataset("digits")
    first, second = (play.subsample(digits, SMALL, number) for number in range(2))
    assert first.X.shape == (200, 64)
    assert not np.array_equal(first.X, second.X)
    assert play.subsample(digits, COIN, 0).y.mean() == pytest.approx(0.5, abs=0.12)


@pytest.mark.parametrize(("n_classes", "metric"), [(2, "roc_auc"), (2, "f1_macro"), (4, "balanced_accuracy")])
def test_scores_in_closed_form_are_scikit_learns(n_classes: int, metric: str) -> None:
    environment = make_environment("iris" if n_classes > 2 else "breast_cancer", budget=30)
    rng = np.random.default_rng(0)
    X, y = environment.dataset.X, environment.dataset.y
    model = LogisticRegression().fit(X[::7] / X.max(axis=0), rng.permutation(y[::7]))
    classes = environment.dataset.n_classes

    class Outputs:
        def predict(self, rows):
            return model.predict(X[rows])

        def ranking(self, rows):
            return model.decision_function(X[rows])

    rows = np.arange(len(y))
    metrics = ("accuracy", metric)
    assert play.closed_scorers(metrics, classes)(Outputs(), rows, y) == pytest.approx(
        make_scorers(metrics, classes)(model, X, y), abs=1e-12
    )
