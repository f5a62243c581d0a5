"""Comparing over data sets against published tables and scipy, and any recipes and runs on real data."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import altune
from altune.analysis.comparison.mean_ranks import (
    friedman_statistic,
    iman_davenport,
    largest_groups,
    mean_ranks,
    nemenyi_difference,
)
from altune.analysis.comparison.over_data import over_data, resampled_means
from altune.analysis.comparison.result import RecipeComparison
from altune.analysis.comparison.win_matrix import win_matrix
from altune.analysis.paired import Comparison, Pair
from altune.cli import main
from altune.core.errors import RequestError
from altune.numerics.statistics import Interval, PairedDifference, wilson_interval

# AUC of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf on 14 data sets: Demšar, JMLR 7, 2006, table 6. The printed .975 of the two
# last ones on `voting` have the ranks 2 and 3 there, so one is a little more.
NAMES = ("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf")
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9752, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)
PUBLISHED_Q = {
    0.05: [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164],
    0.10: [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920],
}


def test_few_data_sets_are_tested_exactly_and_never_beyond_what_chance_does() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(4, 3))
    found = mean_ranks(table, "abc")
    seen = found.chi_square
    shuffled = [
        friedman_statistic(stats.rankdata(-rng.permuted(table, axis=1), axis=1)) >= seen - 1e-9 for _ in range(4000)
    ]
    assert found.exact
    assert found.p == pytest.approx(np.mean(shuffled), abs=0.03)
    many = mean_ranks(np.tile(np.arange(5.0), (6, 1)), "abcde")
    assert (many.exact, many.p_f) == (False, 0.0)
    assert many.p == pytest.approx(120.0**-5)


def test_mean_ranks_are_those_of_the_published_example() -> None:
    found = mean_ranks(DEMSAR, NAMES)
    ranks = dict(zip(found.names, found.ranks, strict=True))
    assert [ranks[name] for name in NAMES] == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert found.critical_difference == pytest.approx(1.25, abs=0.005)
    assert nemenyi_difference(4, 14, 0.10) == pytest.approx(1.12, abs=0.005)
    mean = np.array([ranks[name] for name in NAMES])
    uncorrected = 12 * 14 / (4 * 5) * ((mean**2).sum() - 4 * 25 / 4)
    assert uncorrected == pytest.approx(9.28, abs=0.005)
    assert found.chi_square > uncorrected, "ties make the statistic larger"


def test_the_published_example_by_nemenyi_has_the_groups_of_its_figure() -> None:
    found = mean_ranks(DEMSAR, NAMES, post_hoc="nemenyi", level=0.10)
    assert found.names == ("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5")
    # At 0.10 C4.5 differs from C4.5+m and from C4.5+m+cf, and nothing else does (Demšar, section 3.2.2).
    assert found.cliques == (("C4.5+m+cf", "C4.5+m", "C4.5+cf"), ("C4.5+cf", "C4.5"))


@pytest.mark.parametrize("level", PUBLISHED_Q)
def test_critical_differences_are_those_of_the_published_table(level: float) -> None:
    for recipes, q in enumerate(PUBLISHED_Q[level], start=2):
        scale = np.sqrt(recipes * (recipes + 1) / (6 * 10))
        assert nemenyi_difference(recipes, 10, level) / scale == pytest.approx(q, abs=1e-3)


@given(st.integers(0, 10**6), st.integers(3, 6), st.integers(2, 12), st.sampled_from([1, 9]))
def test_friedman_agrees_with_scipy_with_and_without_ties(seed: int, recipes: int, data: int, digits: int) -> None:
    table = np.random.default_rng(seed).random((data, recipes)).round(digits)
    reference = stats.friedmanchisquare(*table.T)
    found = friedman_statistic(stats.rankdata(-table, axis=1))
    assert found == pytest.approx(reference.statistic if np.isfinite(reference.statistic) else 0.0)
    assert iman_davenport(found, data, recipes) >= 0


def test_pairs_are_wilcoxons_with_holm() -> None:
    table = np.random.default_rng(0).random((9, 3)) + np.array([0.0, 0.2, 0.5])
    found = mean_ranks(table, "abc")
    p = {pair.a + pair.b: pair.p for pair in found.pairs}
    assert p["cb"] == pytest.approx(stats.wilcoxon(table[:, 2], table[:, 1]).pvalue)
    assert min(pair.p_holm for pair in found.pairs) == pytest.approx(3 * min(p.values()))
    json.dumps(found.to_dict(), allow_nan=False)


def test_few_data_sets_cannot_tell_apart_and_say_so() -> None:
    agreeing = np.tile([0.1, 0.2, 0.3, 0.4], (5, 1)) + np.arange(5)[:, None]
    few = mean_ranks(agreeing, "abcd")
    assert few.least_p == pytest.approx(6 / 16)
    assert few.enough_data_sets == 8
    assert few.cliques == (("d", "c", "b", "a"),)
    assert few.to_dict()["iman_davenport"] == {"statistic": None, "p": 0.0}, "all agree: F is infinite"
    agree, recipes = few.data_sets, len(few.names)
    assert few.p == pytest.approx(math.factorial(recipes) ** (1.0 - agree)), "and yet chance does so, that often"
    noise = np.random.default_rng(0).normal(scale=1e-3, size=(8, 4))
    enough = mean_ranks(noise + np.array([0.1, 0.2, 0.3, 0.4]), "abcd")
    assert enough.least_p <= 0.05
    assert enough.cliques == ()


def test_groups_are_told_apart_after_the_correction_only() -> None:
    # Six data sets that all agree: p = 2/64 for each of the three pairs, 0.094 after Holm's correction.
    agreeing = (
        np.arange(6)[:, None] + np.array([0.1, 0.2, 0.3]) + np.random.default_rng(0).normal(scale=1e-3, size=(6, 3))
    )
    found = mean_ranks(agreeing, "abc")
    assert {round(pair.p, 5) for pair in found.pairs} == {0.03125}
    assert found.cliques == (("c", "b", "a"),)
    assert mean_ranks(agreeing, "abc", level=0.1).cliques == ()


def test_all_equal_is_no_difference() -> None:
    same = mean_ranks(np.ones((4, 3)), "abc")
    assert (same.chi_square, same.p_chi_square, same.p) == (0.0, 1.0, 1.0)
    assert same.ranks == (2.0, 2.0, 2.0)
    assert friedman_statistic(np.array([[1.0, 2.0], [1.0, 2.0]])) == pytest.approx(2.0), "two recipes: the sign test"


def test_groups_need_not_be_neighbours() -> None:
    assert largest_groups("abc", [("a", "c")]) == (("a", "c"),)
    assert largest_groups("abcd", [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d")]) == (("a", "b", "c"), ("c", "d"))


@pytest.mark.parametrize("table", [np.ones((1, 3)), np.ones((3, 1)), [[np.nan, 1, 2]] * 3, np.ones((3, 4))])
def test_tables_that_cannot_be_ranked_are_refused(table: object) -> None:
    with pytest.raises(RequestError, match="mean ranks need 2 data sets and 2 recipes or more"):
        mean_ranks(table, "abc")  # type: ignore[arg-type]


@given(st.integers(1, 60), st.data())
def test_wilson_agrees_with_scipy(trials: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, trials))
    found = wilson_interval(hits, trials)
    reference = stats.binomtest(hits, trials).proportion_ci(0.95, method="wilson")
    assert (found.mean, found.low, found.high) == pytest.approx((hits / trials, reference.low, reference.high))


def test_wilson_refuses_what_is_no_share() -> None:
    with pytest.raises(RequestError, match="got 3 of 2"):
        wilson_interval(3, 2)


def compared(low: float, mean: float, high: float) -> Comparison:
    whole = Interval(0.5, 0.4, 0.6, 5)
    return Comparison({"a": whole, "b": whole}, (Pair("a", "b", PairedDifference(mean, low, high, 0.5, 5, 0.5), 0.5),))


def test_a_win_is_an_interval_on_one_side_of_zero() -> None:
    three = [compared(0.1, 0.2, 0.3), compared(-0.1, 0.2, 0.5), compared(-0.3, -0.2, -0.1), compared(0.0, 0.0, 0.0)]
    wins = win_matrix(three)
    assert wins.clear == ((0, 1), (1, 0))
    assert wins.ahead == ((0, 2), (1, 0))
    assert wins.ties(0, 1) == 2
    assert wins.to_dict()["against"]["a"]["b"] == {"wins": 1, "ties": 2, "losses": 1, "ahead": 2}
    assert win_matrix([compared(0.1, 0.2, 0.3)], sign=-1.0).clear == ((0, 0), (1, 0)), "less is better"
    with pytest.raises(RequestError, match="one data set or more"):
        win_matrix([])


def test_the_bootstrap_draws_data_sets_and_then_blocks() -> None:
    flat = [np.full((2, 3), level) for level in (0.0, 1.0)]
    drawn = resampled_means(flat, np.random.default_rng(0), 4000)
    assert set(np.unique(drawn)) == {0.0, 0.5, 1.0}, "blocks that agree leave the choice of data sets alone"
    assert drawn.mean() == pytest.approx(0.5, abs=0.03)
    assert drawn.var() == pytest.approx(0.125, abs=0.01)
    noisy = [np.array([[0.0, 1.0], [1.0, 2.0]])] * 2
    drawn = resampled_means(noisy, np.random.default_rng(0), 4000)
    assert np.allclose(drawn[:, 1] - drawn[:, 0], 1.0), "the same blocks for all recipes"
    assert drawn[:, 0].var() == pytest.approx(0.0625, abs=0.006)


# played on real data ------------------------------------------------------------------------------------------------

OPTIONS = {"n_blocks": 3, "budget": 20, "loops": 4}
RECIPES = {
    "margin": {"query_strategy": {"method": "margin"}},
    "random_sampling": "random_sampling",
    "typiclust": {"initial_sample": {"method": "typiclust"}},
}


@pytest.fixture(scope="module")
def three() -> RecipeComparison:
    return altune.compare(RECIPES, ["iris", "wine", "breast_cancer"], **OPTIONS)  # type: ignore[arg-type]


def test_data_sets_together_are_played_as_each_alone(three: RecipeComparison) -> None:
    alone = altune.compare(RECIPES, "wine", n_jobs=2, **OPTIONS)  # type: ignore[arg-type]
    together = three.contests[1]
    assert [one.data for one in three.contests] == ["iris", "wine", "breast_cancer"]
    for name, values in alone.contests[0].values.items():
        assert values.tolist() == together.values[name].tolist()
    assert three.simulations["margin"].curves == three.contests[0].curves["margin"]
    assert alone.over_data is None
    assert alone.result is alone.contests[0].comparison


def test_json_says_the_same_of_each_data_set_and_more_over_them(three: RecipeComparison) -> None:
    plain = json.loads(json.dumps(three.to_dict(), allow_nan=False))
    assert {"recipes", "differences", "wins", "ranks", "answer", "data_sets"} <= set(plain)
    wine = plain["data_sets"]["wine"]
    assert wine["recipes"]["margin"]["mean"] == pytest.approx(three.contests[1].values["margin"].mean())
    assert wine["labels_to_reach"]["score"] == pytest.approx(
        np.mean([curve.scores["accuracy"][-1] for curve in three.contests[1].curves["random_sampling"]])
    )
    means = [one.values["margin"].mean() - one.values["random_sampling"].mean() for one in three.contests]
    assert plain["differences"][0]["mean"] == pytest.approx(np.mean(means))
    assert plain["differences"][0]["blocks"] == 3
    assert plain["ranks"]["ranks"].keys() == RECIPES.keys()
    assert over_data(three.contests) == three.over_data, "seeded"


def test_the_table_is_tidy(three: RecipeComparison) -> None:
    frame = three.to_frame()
    assert frame.groupby(["data", "recipe", "block"]).size().eq(1).all()
    assert len(frame) == 3 * 3 * 3
    own = frame[(frame["data"] == "iris") & (frame["recipe"] == "margin")]
    assert own["value"].tolist() == three.contests[0].values["margin"].tolist()
    assert own["labels"].tolist() == [20, 20, 20]


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(RequestError, match="two data sets have one name among iris, iris"):
        altune.compare(RECIPES, ["iris", "iris"], **OPTIONS)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="post_hoc is wilcoxon or nemenyi, not 'tukey'"):
        altune.compare(RECIPES, "iris", post_hoc="tukey")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="needs two of them or more"):
        over_data([])


# runs ---------------------------------------------------------------------------------------------------------------

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
    assert list(found.recipes) == ["first", "second", "random_sampling", "vanilla"]
    assert found.recipes["second"] == second.best_recipe
    assert "the first 2 blocks" in found.notes[0]
    stored = second.confirmation
    assert stored is not None
    assert found.contests[0].curves["second"][1].to_dict() == stored.recipe.curves[1].to_dict()
    played = altune.compare(
        {"first": runs["first"], "second": second, "random_sampling": "random_sampling"},
        "iris",
        n_blocks=2,
        budget=20,
        loops=4,
    )
    for name in ("first", "second", "random_sampling"):
        assert found.contests[0].values[name].tolist() == played.contests[0].values[name].tolist()


def test_runs_that_share_too_little_are_refused_and_their_recipes_are_taken(runs: dict[str, Path]) -> None:
    with pytest.raises(RequestError, match=r"the seed is 0 in first and 1 in elsewhere.*budget is 20 in first and 24"):
        altune.compare_runs([runs["first"], runs["elsewhere"]])
    with pytest.raises(RequestError, match="needs two or more"):
        altune.compare_runs([runs["first"]])
    with pytest.raises(RequestError, match="stands there twice"):
        altune.compare_runs([runs["first"], runs["first"]])
    found = altune.compare(
        {"elsewhere": runs["elsewhere"], "random_sampling": "random_sampling"}, ["iris", "wine"], n_blocks=1, budget=20
    )
    (note,) = found.notes
    assert note == (
        "elsewhere: the recipe that was confirmed on iris; its scenario there had another budget, loops; "
        "wine it never saw"
    )


def test_a_target_is_asked_for_afterwards_too(runs: dict[str, Path]) -> None:
    found = altune.compare_runs([runs["first"], runs["second"]], target_score=0.5)
    assert {one.target for one in found.contests[0].reach} == {0.5}


# the command line ---------------------------------------------------------------------------------------------------


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
    both = ("compare", "--runs", runs["first"], runs["second"])
    code, out, _ = run_cli(monkeypatch, capsys, *both, "--target-score", 0.5, "--json")
    assert code == 0
    assert json.loads(out)["labels_to_reach"]["score"] == 0.5
    for more in (("--budget", 30), ("--blocks", 3), ("--data", "wine"), ("--model", "naive_bayes"), ("--seed", 1)):
        code, out, err = run_cli(monkeypatch, capsys, *both, *more)
        assert (code, out) == (2, "")
        assert f"so {more[0]} cannot change it" in err
    code, out, err = run_cli(monkeypatch, capsys, "compare", "--runs", runs["first"], runs["elsewhere"])
    assert (code, len(err.splitlines())) == (2, 1)
    assert run_cli(monkeypatch, capsys, *both, "--post-hoc", "tukey")[0] == 2


def test_a_runs_folder_is_a_recipe_by_its_own_name(monkeypatch, capsys, runs) -> None:
    words = ("compare", "wine", runs["first"], "random_sampling", "--blocks", 1, "--budget", 20, "--jobs", 1)
    code, out, _ = run_cli(monkeypatch, capsys, *words)
    assert code == 0
    assert "first - random_sampling" in out
    assert "note: first: the recipe that was confirmed on iris" in out
