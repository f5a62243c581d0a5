"""Trajectories: costs by hand, what a changed knob changes, and findings that a right simulator shows."""

from __future__ import annotations

import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris

from altune.data import Dataset
from altune.recipes.recipe import Recipe
from altune.simulation.annotators import Annotator
from altune.simulation.environment import make_environment
from altune.simulation.prepared import prepare_block
from altune.simulation.scenario import Scenario
from altune.simulation.trajectory import play
from altune.workflows.simulate import simulate


def digits(n_rows: int = 600) -> Dataset:
    X, y = load_digits(return_X_y=True)
    return Dataset(X[:n_rows], y[:n_rows], name="digits")


def iris() -> Dataset:
    X, y = load_iris(return_X_y=True)
    return Dataset(X, y, name="iris")


def cancer() -> Dataset:
    X, y = load_breast_cancer(return_X_y=True)
    return Dataset(X, y, name="breast_cancer")


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
