"""The benchmarks measure what they say: the published protocol, the time of one trajectory, the findings."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from altune.simulation.scoring import TestScorer
from tests.helpers.benchmark_scripts import FOLDER, load

wdbc = load("published_wdbc")
profile = load("profile_trajectory")
findings = load("findings")
target = load("target_stopping")
recipes = load("lib.findings_recipes")


@pytest.fixture(scope="module")
def seed_zero() -> Any:
    return wdbc.play("margin", 1)


@pytest.fixture(scope="module")
def stage() -> Any:
    return profile.set_stage("margin", "logistic_regression", loops=3)


def test_the_readme_names_every_script() -> None:
    text = (FOLDER / "README.md").read_text("utf-8")
    assert [path.name for path in FOLDER.glob("*.py") if path.name not in text] == []


# the stopping rule target -----------------------------------------------------------------------------------------


def test_runs_that_stop_below_the_target_are_counted_by_hand() -> None:
    right = np.ones((4, 30), dtype=bool)
    right[0, :8] = False
    runs = [target.Played(right, np.array([0.7, 0.85, 0.95, 0.95])), target.Played(~right, np.full(4, 0.2))]
    each_loop = target.shares(runs, 0.9, 30, "each loop")
    assert (each_loop["stop"], each_loop["below per run"], each_loop["below per stop"]) == (0.5, 0.5, 1.0)
    # 30 rows without an error are not enough for three looks at a twentieth of the probability each.
    spread = target.shares(runs, 0.9, 30, "target")
    assert (spread["stop"], spread["below per run"], spread["below per stop"]) == (0.0, 0.0, None)
    assert target.shares(runs, 0.7, 30, "target")["stop"] == 0.5


@pytest.mark.slow
def test_on_real_data_the_rule_keeps_its_promise_and_a_bound_for_one_look_does_not() -> None:
    runs = [target.play("breast_cancer", seed) for seed in range(60)]
    each_loop, spread = (target.shares(runs, 0.97, 60, rule)["below per run"] for rule in ("each loop", "target"))
    assert spread <= 0.1 < each_loop


# the published result ---------------------------------------------------------------------------------------------


def test_the_protocol_splits_as_its_authors_do() -> None:
    block = wdbc.protocol_block(1)
    assert sorted([*block["pool"], *block["test"]]) == list(range(569))
    assert len(block["pool"]) == 341
    assert len(set(block["initial"])) == 20
    assert set(block["initial"]) <= set(block["pool"])
    assert not np.array_equal(block["pool"], wdbc.protocol_block(2)["pool"])


def test_the_area_drops_the_first_point_and_divides_by_the_points_left() -> None:
    assert wdbc.published_area([9.0, 1.0, 2.0, 3.0]) == pytest.approx(4 / 3)


@pytest.mark.slow
def test_seed_zero_has_its_published_area(seed_zero: Any) -> None:
    curve = seed_zero.curves[0]
    block = wdbc.protocol_block(0)
    assert curve.labels.tolist() == list(range(20, 342))
    assert set(curve.rows[:20]) == set(block["initial"])
    assert wdbc.published_area(curve.scores["accuracy"]) == pytest.approx(0.97213, abs=2e-4)


def test_each_queried_row_lies_nearest_to_the_boundary(seed_zero: Any) -> None:
    X, y = wdbc_features()
    rows = seed_zero.curves[0].rows
    pool = wdbc.protocol_block(0)["pool"]
    place = {int(row): position for position, row in enumerate(pool)}
    for size in (20, 50, 120):
        known = sorted(rows[:size].tolist(), key=place.__getitem__)
        machine = SVC(C=1.0, gamma="auto").fit(X[known], y[known])
        left = np.setdiff1d(pool, known)
        assert rows[size] == left[np.argmin(np.abs(machine.decision_function(X[left])))]


def wdbc_features() -> tuple[Any, Any]:
    from sklearn.datasets import load_breast_cancer
    from sklearn.preprocessing import StandardScaler

    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit(X[wdbc.protocol_block(0)["pool"]]).transform(X), y


def test_the_exit_code_tells_agreement(
    seed_zero: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(wdbc, "play", lambda strategy, seeds, jobs: seed_zero)
    assert wdbc.main(["--seeds", "1"]) == 0
    assert "yes" in capsys.readouterr().out
    monkeypatch.setitem(wdbc.PUBLISHED_AREAS, "margin", (0.97213 + 3e-4,))
    assert wdbc.main(["--seeds", "1", "--json"]) == 1
    assert [line["agrees"] for line in json.loads(capsys.readouterr().out)["lines"]] == [False]


def test_a_mean_over_more_seeds_is_judged_too() -> None:
    right = [*wdbc.PUBLISHED_AREAS["margin"], 0.9404]
    lines = wdbc.compare_areas("margin", right)
    assert [line.agrees for line in lines] == [True, True, True, None, True]
    assert wdbc.compare_areas("random", [0.9, 0.91, 0.9, 0.91])[-1].agrees is False


def test_all_published_seeds_leave_no_room_for_chance() -> None:
    areas = np.random.default_rng(0).normal(0.9654, 0.0099, 150).tolist()
    assert wdbc.mean_tolerance("margin", areas) == pytest.approx(wdbc.SEED_TOLERANCE)
    assert wdbc.mean_tolerance("random", areas) > 1e-3
    assert wdbc.mean_tolerance("margin", areas[:10]) > 1e-3


@pytest.mark.parametrize("arguments", [["--seeds", "0"], ["--strategy", "entropy"]])
def test_a_wrong_request_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        wdbc.main(arguments)
    assert stopped.value.code == 2


# the profile ------------------------------------------------------------------------------------------------------


def test_the_floor_trains_the_models_of_the_trajectory(stage: Any) -> None:
    curve = stage.play()
    assert curve.labels.tolist() == [20, 40, 60, 80]
    assert stage.play_bare(curve) == curve.scores["accuracy"].tolist()


@pytest.mark.parametrize("model", ["naive_bayes", "svm_rbf"])
def test_every_kind_of_model_is_timed(model: str) -> None:
    stage = profile.set_stage("margin", model, loops=1)
    (parts,) = profile.measure(stage, 1)
    assert min(parts["fit"], parts["predict"], parts["class scores"]) > 0
    curve = stage.play()
    assert stage.play_bare(curve) == curve.scores["accuracy"].tolist()


def test_the_parts_add_up_to_less_than_the_whole(stage: Any) -> None:
    (parts,) = profile.measure(stage, 1)
    known = sum(parts[name] for name in profile.PARTS)
    assert all(parts[name] > 0 for name in profile.PARTS)
    assert known < parts["total"]
    # the estimator is most of it, else the benchmark misses its calls
    assert parts["fit"] + parts["predict"] + parts["class scores"] > 0.3 * parts["total"]


def test_nothing_stays_patched(stage: Any) -> None:
    before = (LogisticRegression.fit, LogisticRegression.predict, TestScorer.__call__)
    own = set(vars(LogisticRegression))
    profile.measure(stage, 1)
    assert (LogisticRegression.fit, LogisticRegression.predict, TestScorer.__call__) == before
    assert set(vars(LogisticRegression)) == own


def test_a_part_inside_another_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(profile, "clock", lambda: now[0])
    watch = profile.Stopwatch()

    def wait(seconds: float) -> None:
        now[0] += seconds

    decide = watch.timed("class scores", lambda: wait(1.0), whole=True)

    def predict() -> None:
        wait(2.0)
        decide()

    timed_predict = watch.timed("predict", predict, whole=True)

    def score() -> None:
        wait(4.0)
        timed_predict()

    watch.timed("scorer", score, whole=False)()
    decide()
    assert dict(watch.seconds) == {"predict": 3.0, "scorer": 4.0, "class scores": 1.0}


def test_the_summary_takes_medians() -> None:
    calm = {"total": 10.0, "floor": 8.0, "fit": 6.0, "predict": 1.0, "class scores": 1.0, "scorer": 1.0}
    disturbed = {name: 50 * value for name, value in calm.items()} | {"total": 5000.0}
    summary = profile.summarise([calm, disturbed, calm])
    assert summary["everything else"] == 1.0
    assert summary["outside"] == pytest.approx(0.1)
    assert summary["ratio"] == pytest.approx(1.25)


def test_the_command_prints_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        profile.main(["--strategy", "random", "--model", "k_nearest_neighbours", "--repetitions", "1", "--json"]) == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert told["seconds"]["class scores"] == 0.0
    assert told["seconds"]["fit"] > 0
    assert told["seconds"]["total"] > told["seconds"]["scorer"] > 0


def test_an_unknown_strategy_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        profile.main(["--strategy", "margn"])
    assert stopped.value.code == 2
    assert "did you mean 'margin'" in capsys.readouterr().err


# the findings -----------------------------------------------------------------------------------------------------


def test_the_entropy_of_two_classes_knows_no_tail() -> None:
    tail, none = [0.4, 0.3, 0.1, 0.1, 0.1], [0.5, 0.375, 0.125, 0.0, 0.0]
    both = np.array([tail, none])
    whole, of_2 = (recipes.partial_entropy(both, kept, 1.0) for kept in (None, 2))
    assert whole[0] > whole[1]
    assert of_2 == pytest.approx(recipes.entropy(np.array([[4 / 7, 3 / 7]] * 2)))
    # without a limit: the first class alone, unless the second is as likely
    assert recipes.partial_entropy(both, None, 400.0) == pytest.approx([0.0, 0.0])
    assert recipes.partial_entropy(np.array([[0.4, 0.4, 0.2]]), None, 400.0) == pytest.approx([np.log(2)])


def test_since_when_means_without_exception_to_the_end() -> None:
    lines = [{"labels": 20 * n, "ahead": ahead} for n, ahead in enumerate([True, False, True, True], start=1)]
    assert findings.since(lines, lambda line: line["ahead"]) == "from 60 labels on"
    assert findings.since(lines[:2], lambda line: line["ahead"]) == "not at the end"


def test_strategies_meet_where_the_whole_pool_is_labelled(capsys: pytest.CaptureFixture[str]) -> None:
    assert findings.main(["--part", "late", "--data", "wine", "--blocks", "5", "--jobs", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    first, *_, last = told["courses"]["wine"]
    nothing = {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert (first["minus_random"], last["minus_random"], last["minus_margin"]) == (nothing, nothing, nothing)
    assert any(line["minus_random"] != nothing for line in told["courses"]["wine"])
    assert told["findings"] == []  # three classes are not many


@pytest.mark.parametrize(
    "arguments", [["--model", "random_forest"], ["--part", "late", "--model", "random_forst"], ["--part", "later"]]
)
def test_a_part_or_model_that_is_not_there_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        findings.main(arguments)
    assert stopped.value.code == 2


# processes --------------------------------------------------------------------------------------------------------


def test_throughputs_are_what_is_done_in_the_same_time() -> None:
    one, two = {"wall": 200.0, "search": 180.0}, {"wall": 110.0, "search": 95.0}
    found = load("processes").throughputs(one, two, apart=190.0)
    assert found == pytest.approx({"whole": 1.818, "search": 1.895, "machine": 1.895}, abs=1e-3)


@pytest.mark.slow
def test_the_search_alone_is_shorter_than_its_process() -> None:
    found = load("processes").searched(1, 3)
    assert 0 < found["search"] < found["wall"]
