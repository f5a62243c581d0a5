"""The simulator: golden curves, the environment it plays in, what it stores, and findings that a right one shows.

Golden curves are rewritten by ``python -m tests.simulation.test_simulation``, after a change that is to move them.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from altune.core.errors import DataError, RequestError, ScenarioError, StorageError, WorkError
from altune.core.registry import unregister
from altune.core.streams import Streams
from altune.data import Dataset
from altune.data.blocks import Block, explicit_block
from altune.models import register_estimator
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import make_environment
from altune.simulation.execution import processes as crew
from altune.simulation.execution.items import Failure, WorkItem
from altune.simulation.execution.player import Player
from altune.simulation.prepared import prepare_block
from altune.simulation.scenario import Annotator, Scenario
from altune.simulation.store import TrajectoryStore, trajectory_key
from altune.simulation.trajectory import Panel, play
from altune.workflows.compare import compare
from altune.workflows.simulate import simulate
from tests.helpers.paths import STORED

GOLDEN = STORED / "golden_curves.json"
WHOLE = ("labels", "used", "loop_rows", "rows")


def digits(n_rows: int = 600) -> Dataset:
    X, y = load_digits(return_X_y=True)
    return Dataset(X[:n_rows], y[:n_rows], name="digits")


def iris() -> Dataset:
    X, y = load_iris(return_X_y=True)
    return Dataset(X, y, name="iris")


def cancer() -> Dataset:
    X, y = load_breast_cancer(return_X_y=True)
    return Dataset(X, y, name="breast_cancer")


def same(a: LearningCurve, b: LearningCurve) -> None:
    """All but the wall clock is the same to the last bit."""
    one, other = a.to_dict(), b.to_dict()
    assert {name: value for name, value in one.items() if "seconds" not in name} == {
        name: value for name, value in other.items() if "seconds" not in name
    }


# golden curves --------------------------------------------------------------------------------------

NOISY = Scenario(budget=60, loops=5, annotators=(Annotator(error=0.2),) * 3, price_per_loop=2.0)
GOLDEN_PLAYS: dict[str, tuple[Any, Scenario, dict[str, Any]]] = {
    "digits, all defaults": (digits, Scenario(budget=80, loops=6), {}),
    "digits, random": (digits, Scenario(budget=80, loops=6), {"query_strategy": {"method": "random"}}),
    "digits, naive Bayes on new labels": (
        digits,
        Scenario(budget=80, loops=6),
        {"model": "naive_bayes", "retrain": {"method": "warm_start", "on": "new"}, "query_strategy": "entropy"},
    ),
    "iris, clusters and diversity": (
        iris,
        Scenario(budget=40, loops=8),
        {
            "initial_sample": {"method": "kcenter", "size": 4},
            "query_strategy": {"method": "switch", "first": "kcenter", "then": "badge"},
            "loop_size": {"method": "geometric", "growth": 1.5},
            "retrain": {"method": "warm_start"},
            "stopping": {"method": "stabilizing_predictions"},
        },
    ),
    "iris, three annotators and an audit": (
        iris,
        NOISY,
        {
            "initial_sample": {"method": "random", "size": 10},
            "labeling": {"method": "majority", "annotators": 3},
        },
    ),
    "iris, relabelling": (
        iris,
        NOISY,
        {
            "initial_sample": {"method": "random", "size": 30},
            "labeling": {"method": "single", "audit": "confident_learning", "action": "relabel", "share": 0.2},
        },
    ),
}


def golden_play(name: str) -> dict[str, Any]:
    data, scenario, fields = GOLDEN_PLAYS[name]
    environment = make_environment(data(), scenario=scenario, seed=1)
    prepared = prepare_block(environment.dataset, environment.blocks("search", 1)[0], 1)
    plain = play(Recipe(**fields), prepared, environment.scenario).to_dict()
    return {part: value for part, value in plain.items() if "seconds" not in part}


@pytest.mark.parametrize("name", GOLDEN_PLAYS)
def test_golden_curves(name):
    expected, found = json.loads(GOLDEN.read_text())[name], golden_play(name)
    for part in WHOLE:
        assert found[part] == expected[part], part
    assert found["stopped"] == expected["stopped"]
    np.testing.assert_allclose(found["scores"]["accuracy"], expected["scores"]["accuracy"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["cost"], expected["cost"], rtol=0, atol=1e-9)
    assert found["prior"] == pytest.approx(expected["prior"], abs=1e-12)
    assert [set(fact) for fact in found["notes"]] == [set(fact) for fact in expected["notes"]]
    for mine, theirs in zip(found["notes"], expected["notes"], strict=True):
        assert mine == pytest.approx(theirs, abs=1e-9)


# the environment ------------------------------------------------------------------------------------------


def panel(annotators, n_rows=2000, n_classes=4, block=0, **parts):
    truth = np.random.default_rng(0).integers(n_classes, size=n_rows)
    streams = Streams(0, "panel", "search", block)
    return truth, Panel(Scenario(annotators=annotators, **parts), truth, n_classes, streams)


def test_faultless_annotators_tell_the_truth():
    truth, asked = panel((Annotator(),))
    assert np.array_equal(asked.label(np.arange(2000), np.zeros(2000, dtype=int)), truth)


def test_an_annotator_errs_as_often_as_the_scenario_says_towards_any_other_class():
    truth, asked = panel((Annotator(), Annotator(error=0.2)))
    said = asked.label(np.arange(2000), np.ones(2000, dtype=int))
    wrong = said != truth
    assert wrong.mean() == pytest.approx(0.2, abs=0.03)
    assert np.bincount((said - truth)[wrong] % 4, minlength=4)[1:].min() > 0.25 * wrong.sum()


def test_an_answer_depends_on_row_annotator_and_repeat_alone():
    annotators = (Annotator(error=0.5), Annotator(error=0.5))
    rows = np.arange(100)
    _, at_once = panel(annotators)
    first = at_once.label(rows, np.zeros(100, dtype=int))
    second = at_once.label(rows, np.zeros(100, dtype=int))
    other = at_once.label(rows, np.ones(100, dtype=int))
    assert (first != second).any()
    assert (first != other).any()
    # asked one by one, backwards, the other annotator in between: the same answers
    _, slowly = panel(annotators)
    for row in rows[::-1]:
        assert slowly.label(np.array([row, row]), np.array([1, 0])).tolist() == [other[row], first[row]]
    assert [int(slowly.label(np.array([row]), np.array([0]))[0]) for row in rows] == second.tolist()
    # twice in one request
    _, twice = panel(annotators)
    both = twice.label(np.repeat(rows, 2), np.zeros(200, dtype=int)).reshape(100, 2)
    assert np.array_equal(both, np.column_stack([first, second]))
    _, elsewhere = panel(annotators, block=1)
    assert (elsewhere.label(rows, np.zeros(100, dtype=int)) != first).any()


def test_prices_are_those_of_the_annotators_asked():
    _, asked = panel((Annotator(), Annotator(price=0.25)), price_per_label=2.0)
    assert asked.price(np.array([0, 1, 1, 0, 1])) == 2 * 2.0 + 3 * 0.25


def test_cost_by_hand():
    recipe = Recipe(initial_sample={"method": "random", "size": 6}, loop_size={"method": "constant", "size": 4})
    scenario = Scenario(price_per_label=2.0, price_per_loop=5.0)
    curve = simulate(recipe, iris(), n_blocks=1, scenario=scenario, budget=20).curves[0]
    assert curve.labels.tolist() == [6, 10, 14, 18, 20]
    assert curve.cost.tolist() == [17, 30, 43, 56, 65]


def test_the_last_score_holds_once_the_loops_are_used_up():
    recipe = Recipe(initial_sample={"method": "random", "size": 6}, loop_size={"method": "constant", "size": 4})
    played = simulate(recipe, iris(), n_blocks=1, budget=60, loops=3)
    curve = played.curves[0]
    assert curve.stopped == "loops"
    assert curve.labels.tolist() == [6, 10, 14, 18]
    scores = curve.scores["accuracy"]
    by_hand = 6 * curve.prior["accuracy"] + 4 * scores[:3].sum() + (60 - 18) * scores[3]
    assert played.values[0] == pytest.approx(by_hand / 60, abs=1e-12)


def test_the_prior_is_the_majority_classs_share_of_the_test_rows():
    data = cancer()
    block = explicit_block(data, np.arange(300), np.arange(300, 569))
    prepared = prepare_block(data, block, 0)
    curve = play(Recipe(), prepared, Scenario(budget=20, loops=2, also=("balanced_accuracy", "roc_auc")))
    majority = np.bincount(data.y[:300]).argmax()
    assert curve.prior["accuracy"] == pytest.approx((data.y[300:] == majority).mean())
    assert curve.prior["balanced_accuracy"] == curve.prior["roc_auc"] == 0.5
    assert set(curve.scores) == {"accuracy", "balanced_accuracy", "roc_auc"}


def test_a_metric_that_cannot_score_the_classes_is_refused():
    with pytest.raises(ScenarioError, match="f1"):
        simulate("vanilla", iris(), n_blocks=1, budget=30, metric="f1")


def test_the_scores_are_scikit_learns_on_the_test_rows():
    data = iris()
    order = np.random.default_rng(5).permutation(150)
    block = explicit_block(data, order[:100], order[100:], order[:10])
    curve = play(Recipe(), prepare_block(data, block, 0), Scenario(budget=10, loops=1))
    mean, spread = data.X[order[:100]].mean(axis=0), data.X[order[:100]].std(axis=0)
    X = (data.X - mean) / spread
    expected = LogisticRegression(max_iter=1000).fit(X[order[:10]], data.y[order[:10]])
    assert curve.scores["accuracy"][0] == expected.score(X[order[100:]], data.y[order[100:]])


# explicit blocks ------------------------------------------------------------------------------------


def test_explicit_blocks_are_played_as_given():
    order = np.random.default_rng(0).permutation(150)
    blocks = [
        {"pool": order[:100].tolist(), "test": order[100:].tolist(), "initial": [int(order[7]), int(order[3])]},
        {"pool": order[50:].tolist(), "test": order[:50].tolist()},
    ]
    played = simulate("vanilla", iris(), budget=20, splits=blocks)
    first, second = played.curves
    assert first.rows[:2].tolist() == [order[7], order[3]]
    assert first.labels[0] == 2
    assert set(first.rows.tolist()) <= set(order[:100].tolist())
    assert set(second.rows.tolist()) <= set(order[50:].tolist())
    assert second.labels[0] == 3  # the recipe's own initial sample


def test_first_rows_are_found_in_any_order_of_the_pool():
    data = iris()
    pool = np.random.default_rng(3).permutation(120)
    prepared = prepare_block(data, explicit_block(data, pool, np.arange(120, 150), [11, 5, 90]), 0)
    assert pool[prepared.first_rows].tolist() == [11, 5, 90]
    assert prepare_block(data, explicit_block(data, pool, [140]), 0).first_rows is None


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"pool": [1, 2, 3], "test": [3, 4]}, "stands in pool and test"),
        ({"pool": [1, 2, 200], "test": [4]}, "row 200 is outside"),
        ({"pool": [1, 2, 2], "test": [4]}, "twice"),
        ({"pool": [1, 2, 3], "test": [4], "initial": [4]}, "not in the pool"),
        ({"pool": [1, 2, 3]}, "pool, test"),
    ],
)
def test_blocks_that_cannot_be_are_refused(block, words):
    with pytest.raises(DataError, match=words):
        simulate("vanilla", iris(), budget=2, splits=[block])


# common random numbers ------------------------------------------------------------------------------


def test_only_the_changed_knob_changes_what_is_drawn():
    options = {"n_blocks": 3, "budget": 30, "loops": 5}
    base = Recipe(query_strategy="random")
    plain = simulate(base, iris(), **options).curves
    for fields in (
        {"model": "naive_bayes"},
        {"retrain": {"method": "warm_start"}},
        {"model_init": {"method": "default", "shared": True}},
        {"training": {"method": "power"}},
    ):
        for a, b in zip(plain, simulate(base.replace(**fields), iris(), **options).curves, strict=True):
            assert a.rows.tolist() == b.rows.tolist()
    for strategy in ("margin", "kcenter", "typiclust"):
        for a, b in zip(plain, simulate(base.replace(query_strategy=strategy), iris(), **options).curves, strict=True):
            n = a.labels[0]
            assert a.rows[:n].tolist() == b.rows[:n].tolist()
            assert a.rows.tolist() != b.rows.tolist()
    assert plain[0].rows.tolist() != plain[1].rows.tolist()


def test_the_same_question_gets_the_same_wrong_answer_whatever_the_recipe():
    data, scenario = iris(), Scenario(budget=90, loops=5, annotators=(Annotator(error=0.3),))
    environment = make_environment(data, scenario=scenario)
    block = environment.blocks("search", 1)[0]
    said = []
    for recipe in (Recipe(), Recipe(query_strategy="random", initial_sample={"method": "kmeans", "size": 20})):
        prepared = prepare_block(data, block, 0)
        curve = play(recipe, prepared, environment.scenario)
        assert len(curve.rows) == 90  # the whole pool: the same labels in the end
        said.append(curve.notes[-1]["wrong_labels_used"])
    assert said[0] == said[1]


# the results that a right simulator shows -----------------------------------------------------------


def test_label_noise_lowers_the_curve_each_time():
    data = digits()
    areas = [
        simulate(
            "random_sampling",
            data,
            n_blocks=4,
            budget=150,
            scenario=Scenario(loops=5, annotators=(Annotator(error=error),)),
        ).mean
        for error in (0.0, 0.1, 0.2)
    ]
    assert areas[0] > areas[1] + 0.01
    assert areas[1] > areas[2] + 0.01


def test_warm_start_on_all_labels_is_reset_for_a_convex_model():
    recipe = Recipe(query_strategy="random")
    options = {"n_blocks": 4, "budget": 60, "loops": 6}
    cold = simulate(recipe, cancer(), **options)
    warm = simulate(recipe.replace(retrain={"method": "warm_start", "on": "all"}), cancer(), **options)
    assert [curve.rows.tolist() for curve in warm.curves] == [curve.rows.tolist() for curve in cold.curves]
    assert abs(warm.mean - cold.mean) < 1e-3


def test_three_uncertainties_pick_the_same_rows_of_two_classes():
    options = {"n_blocks": 2, "budget": 40, "loops": 8}
    rows = [
        [curve.rows.tolist() for curve in simulate(Recipe(query_strategy=name), cancer(), **options).curves]
        for name in ("margin", "least_confidence", "entropy")
    ]
    assert rows[0] == rows[1] == rows[2]


def test_margin_beats_random_sampling_on_cancer():
    options = {"n_blocks": 8, "budget": 60, "loops": 10}
    margin, random = (simulate(name, cancer(), **options) for name in ("vanilla", "random_sampling"))
    assert margin.mean > random.mean


# playing many ---------------------------------------------------------------------------------------


def tasks_for(environment, *recipes: Recipe, blocks: int = 2) -> list[WorkItem]:
    return [WorkItem(recipe, block, environment) for recipe in recipes for block in environment.blocks("search", blocks)]


def test_other_processes_play_what_this_one_plays(monkeypatch):
    monkeypatch.setattr(crew, "HELPED", 1)
    noisy = Scenario(budget=30, loops=4, annotators=(Annotator(error=0.1),) * 3)
    environment = make_environment(iris(), scenario=noisy)
    tasks = tasks_for(
        environment, Recipe(), Recipe(labeling={"method": "majority"}, model={"method": "sgd", "max_epochs": 5})
    )
    played = []
    for jobs in (1, 2):
        with Player(jobs=jobs) as player:
            played.append(player.play(tasks))
            assert player.simulated == len(tasks)
    for a, b in zip(*played, strict=True):
        same(a, b)


def test_what_a_worker_began_is_played_once_and_counted(tmp_path):
    environment = make_environment(iris(), budget=30)
    tasks = tasks_for(environment, Recipe(), Recipe(query_strategy="random"))
    store = TrajectoryStore(tmp_path / "curves")
    with Player() as here:
        alone = here.play(tasks)
    with Player(store=store, jobs=2) as player:
        crew._executor(1).ready.result()
        player.begin(tasks)
        until = time.monotonic() + 60
        while not list(store.folder.rglob("*.json")) and time.monotonic() < until:
            time.sleep(0.01)
        for _ in range(2):
            for a, b in zip(alone, player.play(tasks), strict=True):
                same(a, b)
            player.begin(tasks)  # all are there
        assert (player.simulated, player.read_back) == (len(tasks), len(tasks))


def test_a_play_again_is_the_same_and_equal_tasks_are_played_once():
    environment = make_environment(iris(), budget=30)
    tasks = tasks_for(environment, Recipe(), Recipe(name="again"))
    with Player() as player:
        first = player.play(tasks)
        assert player.simulated == 2
    with Player() as player:
        for a, b in zip(first, player.play(tasks), strict=True):
            same(a, b)


def test_finished_trajectories_are_read_back_and_torn_ones_are_played_again(tmp_path):
    environment = make_environment(iris(), budget=30)
    tasks = tasks_for(environment, Recipe(), Recipe(query_strategy="random"))
    store = TrajectoryStore(tmp_path / "curves")

    def played():
        told = []
        with Player(store=store) as player:
            outcomes = player.play(tasks, lambda index, outcome: told.append(index))
        assert sorted(told) == [0, 1, 2, 3]
        return player.simulated, outcomes

    simulated, first = played()
    assert simulated == 4
    files = sorted(store.folder.rglob("*.json"))
    assert len(files) == 4
    assert not list(store.folder.rglob("*.part"))
    simulated, again = played()
    assert simulated == 0
    for a, b in zip(first, again, strict=True):
        assert a.to_dict() == b.to_dict()  # the wall clock too: nothing was played
    whole = files[0].read_text()
    for torn in (whole[: len(whole) // 2], "", "null", "[]", "{}", '{"labels": 3}', whole.replace("scores", "s")):
        files[0].write_text(torn)
        simulated, repaired = played()
        assert simulated == 1, torn[:20]
        for a, b in zip(first, repaired, strict=True):
            same(a, b)


def test_a_store_that_cannot_be_written_is_a_storage_error(tmp_path):
    (tmp_path / "curves").write_text("a file where the folder should be")
    environment = make_environment(iris(), budget=30)
    with (
        Player(store=TrajectoryStore(tmp_path / "curves")) as player,
        pytest.raises(StorageError, match="cannot write"),
    ):
        player.play(tasks_for(environment, Recipe()))


def test_a_trajectory_that_fails_is_a_failure_with_its_reason():
    environment = make_environment(iris(), budget=30)
    broken = explicit_block(environment.dataset, np.arange(60), np.arange(60, 150))
    tasks = [WorkItem(Recipe(), broken, environment), *tasks_for(environment, Recipe(), blocks=1)]
    cannot = Recipe(model="naive_bayes", retrain={"method": "warm_start", "on": "all"})
    with Player() as player:
        failed, *fine = player.play([WorkItem(cannot, broken, environment), *tasks])
        assert isinstance(failed, Failure)
        assert failed.reason.startswith("RequestError: naive_bayes cannot go on")
        assert "Traceback" in failed.details
        assert all(isinstance(outcome, LearningCurve) for outcome in fine)
        with pytest.raises(WorkError, match="naive_bayes cannot go on"):
            player.curves(cannot, [broken], environment)


def test_the_key_of_a_trajectory_holds_all_that_it_depends_on():
    data = iris()
    block = explicit_block(data, np.arange(100), np.arange(100, 150))
    scenario = Scenario(budget=30)

    def key(recipe=None, block=block, scenario=scenario, fingerprint="f", name="iris", seed=0):
        return trajectory_key(recipe or Recipe(), block, scenario, fingerprint, name, seed)

    others = [
        key(Recipe(query_strategy="random")),
        key(block=explicit_block(data, np.arange(99), np.arange(100, 150))),
        key(block=explicit_block(data, np.arange(100), np.arange(101, 150))),
        key(block=explicit_block(data, np.arange(100), np.arange(100, 150), [3])),
        key(block=dataclasses.replace(block, number=1)),
        key(block=Block("report", 0, block.pool, block.test)),
        key(scenario=Scenario(budget=31)),
        key(fingerprint="g"),
        key(name="other"),
        key(seed=1),
    ]
    assert len({key(), *others}) == len(others) + 1
    assert key() == key()
    assert key(Recipe(name="a name decides nothing")) == key()


def test_the_key_sees_what_a_users_estimator_is_made_of():
    block = explicit_block(iris(), np.arange(100), np.arange(100, 150))
    keys = []
    for depth in (2, 3, 2):
        tree = register_estimator("tree_of_test", DecisionTreeClassifier(max_depth=depth))
        keys.append(trajectory_key(Recipe(model=tree()), block, Scenario(budget=30), "f", "iris", 0))
        unregister("model", "tree_of_test")
    assert keys[0] == keys[2] != keys[1]


# the front door -------------------------------------------------------------------------------------


def test_what_cannot_be_played_is_refused_before_it_starts():
    with pytest.raises(RequestError, match=r"the recipe 'recipe' cannot work here: .*several annotators"):
        simulate(Recipe(labeling={"method": "majority"}), iris(), budget=30)
    with pytest.raises(RequestError, match="n_blocks must be 1 or more"):
        simulate("vanilla", iris(), n_blocks=0, budget=30)
    with pytest.raises(RequestError, match="seed must be 0 or more"):
        simulate("vanilla", iris(), seed=-1, budget=30)
    with pytest.raises(RequestError, match="two recipes or more"):
        compare({"one": "vanilla"}, iris(), budget=30)
    with pytest.raises(RequestError, match="jobs"):
        simulate("vanilla", iris(), n_blocks=1, budget=30, n_jobs=0)


def test_a_model_given_beside_the_recipe_takes_its_place():
    played = simulate("vanilla", iris(), n_blocks=1, budget=30, model="naive_bayes")
    assert played.recipe.model.method == "naive_bayes"


def test_compared_recipes_meet_the_same_blocks():
    options = {"n_blocks": 3, "budget": 30, "loops": 5}
    both = compare({"a": "vanilla", "b": "random_sampling"}, iris(), **options)
    for name, recipe in (("a", "vanilla"), ("b", "random_sampling")):
        for mine, alone in zip(both.simulations[name].curves, simulate(recipe, iris(), **options).curves, strict=True):
            same(mine, alone)


if __name__ == "__main__":
    text = json.dumps({name: golden_play(name) for name in GOLDEN_PLAYS}, indent=1)
    GOLDEN.write_text(text + "\n")


def test_a_full_store_forgets_what_was_longest_not_read(tmp_path: Path) -> None:
    store = TrajectoryStore(tmp_path)
    curve = simulate("vanilla", "iris", budget=10, n_blocks=1).curves[0]
    for number in range(6):
        store.save(f"{number}{number}key", curve)
        os.utime(store._path(f"{number}{number}key"), ns=(number, number))
    assert store.load("00key") is not None
    each = store._path("00key").stat().st_size
    assert store.prune() == 0
    assert TrajectoryStore(tmp_path, 3 * each).prune() == 3
    assert [store.load(f"{number}{number}key") is not None for number in range(6)] == [True, *[False] * 3, True, True]
    assert TrajectoryStore(tmp_path / "none").prune() == 0
