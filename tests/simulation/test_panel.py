"""Answers and prices: how annotators err, what answers cost, and that neither depends on who asks when."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_iris

from altune.core.errors import ScenarioError
from altune.core.streams import Streams
from altune.core.types import TrainingSet
from altune.data import Dataset, load_dataset
from altune.data.blocks import explicit_block
from altune.recipes.recipe import Recipe
from altune.simulation.annotators import Annotator
from altune.simulation.environment import make_environment
from altune.simulation.panel import Panel, cross_fitted, difficulty, drawn_classes, error_rates, most_errors
from altune.simulation.prepared import prepare_block
from altune.simulation.scenario import Scenario
from altune.simulation.trajectory import play
from altune.workflows.simulate import simulate

N_ROWS = 4000
ALL = np.arange(N_ROWS)


def iris() -> Dataset:
    X, y = load_iris(return_X_y=True)
    return Dataset(X, y, name="iris")


def cancer() -> Dataset:
    X, y = load_breast_cancer(return_X_y=True)
    return Dataset(X, y, name="breast_cancer")


def panel(*annotators, n_classes=3, probabilities=None, **prices):
    truth = np.random.default_rng(0).integers(n_classes, size=N_ROWS)
    streams = Streams(0, "panel", "search", 0)
    return truth, Panel(Scenario(annotators=annotators, **prices), truth, n_classes, streams, probabilities)


def by(annotator, n=N_ROWS):
    return np.full(n, annotator)


def confusion_of(truth, said, n_classes):
    table = np.zeros((n_classes, n_classes))
    np.add.at(table, (truth, said), 1.0)
    return table / table.sum(axis=1, keepdims=True)


def test_a_confusion_matrix_is_what_answers_follow():
    wanted = ((0.9, 0.1, 0.0), (0.2, 0.5, 0.3), (0.0, 0.0, 1.0))
    truth, asked = panel(Annotator(confusion=wanted))
    found = confusion_of(truth, asked.label(ALL, by(0)), 3)
    np.testing.assert_allclose(found, wanted, atol=0.04)
    assert (found[np.array(wanted) == 0] == 0).all()


def test_pair_flips_name_the_next_class_and_no_other():
    truth, asked = panel(Annotator(pair=0.3), n_classes=4)
    said = asked.label(ALL, by(0))
    assert set(((said - truth) % 4).tolist()) == {0, 1}
    assert np.mean(said != truth) == pytest.approx(0.3, abs=0.03)


def test_drawn_classes_follow_the_cumulated_probabilities():
    p = np.tile([0.2, 0.0, 0.8], (4, 1))
    assert drawn_classes(p, np.array([0.0, 0.19, 0.2, 0.9999])).tolist() == [0, 0, 2, 2]


def test_difficulty_is_one_minus_p_of_the_true_class_beside_its_mean():
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]])
    found = difficulty(p, np.array([0, 0, 1]))
    assert found == pytest.approx(np.array([0.1, 0.6, 0.5]) / 0.4)
    assert difficulty(np.eye(2), np.array([0, 1])).tolist() == [1.0, 1.0]


def test_hard_rows_get_more_errors_as_the_formula_says():
    rng = np.random.default_rng(1)
    truth = np.random.default_rng(0).integers(3, size=N_ROWS)
    p = rng.dirichlet([1, 1, 1], size=N_ROWS)
    p[ALL, truth] += rng.choice([0.0, 4.0], size=N_ROWS)
    p /= p.sum(axis=1, keepdims=True)
    _, asked = panel(Annotator(instance=0.2), probabilities=lambda: p)
    wanted = error_rates(p, truth, 0.2)
    answers = np.stack([asked.label(ALL, by(0)) for _ in range(30)])  # asked thirty times about each row
    wrong = answers != truth
    assert wanted.max() > 2.5 * wanted.min()
    for low, high in ((0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0)):
        ends = np.quantile(wanted, [low, high])
        rows = (wanted >= ends[0]) & (wanted <= ends[1])
        assert wrong[:, rows].mean() == pytest.approx(wanted[rows].mean(), abs=0.02)
    # a wrong answer is the class that the row looks like
    others = p.copy()
    others[ALL, truth] = 0.0
    liking = (
        others[np.broadcast_to(ALL, answers.shape)[wrong], answers[wrong]] / others.sum(axis=1)[np.nonzero(wrong)[1]]
    )
    assert liking.mean() > 0.6  # one half by chance
    assert np.mean(wrong) == pytest.approx(0.2, abs=0.01)


def probabilities_of(hardness: list[float]) -> np.ndarray:
    """Return the probabilities of two classes for rows of the first class, whose 1 − p is given."""
    h = np.array(hardness)
    return np.column_stack([1 - h, h])


@given(st.lists(st.floats(1e-9, 1.0), min_size=2, max_size=60), st.floats(1e-6, 0.5))
def test_errors_have_the_stated_mean_on_easy_and_on_hard_data(hardness, mean):
    p, y = probabilities_of(hardness), np.zeros(len(hardness), dtype=int)
    rates, h = error_rates(p, y, mean), 1 - p[:, 0]
    assert most_errors(p, y) == 0.5
    assert rates.mean() == pytest.approx(mean, abs=1e-9)
    assert (rates <= 0.5).all()
    # Below the highest rate, the rate is proportional to h.
    free = (rates < 0.5) & (rates > 0)
    if free.any():
        np.testing.assert_allclose(rates[free] / h[free], (rates[free] / h[free])[0], rtol=1e-6)
    assert (np.diff(rates[np.argsort(h)]) >= -1e-12).all()


@given(st.lists(st.floats(0.2, 0.4), min_size=2, max_size=60), st.floats(0.0, 0.24))
def test_errors_that_no_row_has_too_many_of_are_drawn_as_before(hardness, mean):
    p, y = probabilities_of(hardness), np.zeros(len(hardness), dtype=int)
    assert error_rates(p, y, mean).tolist() == (mean * difficulty(p, y)).tolist()


def test_errors_that_no_factor_reaches_are_the_most_that_can_be():
    p, y = probabilities_of([0.0, 0.0, 0.0, 0.2]), np.zeros(4, dtype=int)
    assert most_errors(p, y) == 0.125
    assert error_rates(p, y, 0.3).tolist() == [0.0, 0.0, 0.0, 0.5]
    assert error_rates(p, y, 0.1).tolist() == pytest.approx([0.0, 0.0, 0.0, 0.4])


@pytest.mark.parametrize("name", ["wine", "breast_cancer"])
def test_easy_data_have_the_stated_errors(name):
    data = load_dataset(name)
    prepared = prepare_block(data, make_environment(data).blocks("search", 1)[0], 0)
    for rate in (0.1, 0.2, 0.3):
        scenario = Scenario(budget=60, annotators=(Annotator(instance=rate),))
        answers = Panel(scenario, prepared.y_pool, data.n_classes, prepared.streams, prepared.class_probabilities)
        rows = np.arange(len(prepared.y_pool))
        wrong = [np.mean(answers.label(rows, np.zeros(len(rows), dtype=int)) != prepared.y_pool) for _ in range(200)]
        assert np.mean(wrong) == pytest.approx(rate, abs=0.01)


def test_more_errors_than_there_can_be_are_refused_before_anything_is_played():
    x = np.repeat([-1e5, -1e3, 1e3, 1e5], 30)[:, None]
    data = Dataset(x, np.repeat([0, 1], 60), name="far")
    with pytest.raises(ScenarioError, match=r"instance 0\.4: .* at most 0\.2\d+ on far, .* 0 for the 5\d% of the rows"):
        make_environment(data, scaling="none", annotators=(Annotator(instance=0.4),))
    assert make_environment(data, scaling="none", annotators=(Annotator(instance=0.2),))


def test_difficulty_comes_from_models_that_did_not_see_the_row():
    X, y = load_iris(return_X_y=True)
    streams = Streams(0, "iris", "search", 0)
    found = cross_fitted(TrainingSet(X, y, 3), streams)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    other = y.copy()
    other[7] = 2
    again = cross_fitted(TrainingSet(X, other, 3), streams)
    np.testing.assert_array_equal(found[7], again[7])  # its own label is no part of it
    assert not np.array_equal(found, again)
    hard = difficulty(found, y)
    assert hard[y == 0].mean() < 0.5 < 1.0 < hard[y == 1].mean()  # setosa stands apart


@pytest.mark.parametrize(
    "person",
    [
        Annotator(error=0.4),
        Annotator(pair=0.4),
        Annotator(instance=0.4),
        Annotator(confusion=((0.5, 0.5, 0.0), (0.0, 0.5, 0.5), (0.5, 0.0, 0.5))),
    ],
)
def test_an_answer_depends_on_row_annotator_and_repeat_alone(person):
    p = np.full((N_ROWS, 3), 1 / 3)
    _, asked = panel(person, person, probabilities=lambda: p)
    first, second = asked.label(ALL, by(0)), asked.label(ALL, by(0))
    assert (first != second).any()
    _, other = panel(person, person, probabilities=lambda: p)
    order = np.random.default_rng(5).permutation(N_ROWS)
    half = order[:2000]
    assert other.label(half, by(0, 2000)).tolist() == first[half].tolist()
    assert (other.label(ALL, by(1)) != first).any()  # another person, other errors
    rest = order[2000:]
    assert other.label(rest, by(0, 2000)).tolist() == first[rest].tolist()
    assert other.label(half, by(0, 2000)).tolist() == second[half].tolist()


def test_more_noise_of_one_kind_errs_on_the_same_rows_and_more():
    said = [panel(Annotator(pair=rate))[1].label(ALL, by(0)) for rate in (0.1, 0.3)]
    truth = panel(Annotator())[0]
    assert set(np.flatnonzero(said[0] != truth)) < set(np.flatnonzero(said[1] != truth))


def test_what_does_not_fit_the_classes_is_refused():
    two = Annotator(confusion=((0.9, 0.1), (0.1, 0.9)))
    with pytest.raises(ScenarioError, match="confusion of annotator 1 is 2 by 2, but iris has 3 classes"):
        simulate("vanilla", iris(), budget=20, n_blocks=1, scenario=Scenario(annotators=(Annotator(), two)))
    with pytest.raises(ScenarioError, match="price_of_class has 2 prices, but iris has 3 classes"):
        simulate("vanilla", iris(), budget=20, n_blocks=1, scenario=Scenario(price_of_class=(1.0, 2.0)))


def test_prices_by_person_class_difficulty_and_review():
    truth, asked = panel(Annotator(), Annotator(price=0.5), price_per_label=2.0, price_of_class=(0.0, 1.0, 3.0))
    rows = np.array([5, 6, 7, 8])
    who = np.array([0, 1, 1, 0])
    extra = np.array([0.0, 1.0, 3.0])[truth[rows]].sum()
    assert asked.price(who, rows) == 2 * 2.0 + 2 * 0.5 + extra
    p = np.full((N_ROWS, 3), 0.2)
    p[::2] = 0.6  # rows of even number are easier
    _, asked = panel(Annotator(), price_of_difficulty=10.0, probabilities=lambda: p)
    assert asked.price(by(0, 1), np.array([0])) == pytest.approx(1 + 10 * 0.4 / 0.6)
    assert asked.price(by(0, 1), np.array([1])) == pytest.approx(1 + 10 * 0.8 / 0.6)
    _, asked = panel(Annotator(), Annotator(price=9.0), price_per_review=0.25)
    assert asked.price(np.array([0, 1, 1]), np.array([3, 4, 5]), np.array([4])) == 1.0 + 0.25 + 9.0


def test_reviews_are_charged_as_such_in_a_trajectory():
    noisy = {"annotators": (Annotator(error=0.25),), "budget": 90, "loops": 4, "price_per_loop": 5.0}
    recipe = Recipe(
        labeling={"method": "single", "audit": "normalized_margin", "action": "relabel", "share": 0.2},
        initial_sample={"method": "random", "size": 40},
    )
    block = explicit_block(iris(), np.arange(0, 150, 2).tolist() + list(range(1, 60, 2)), np.arange(61, 150, 2))
    plain, reviewed = (
        play(recipe, prepare_block(iris(), block, 0), Scenario(**noisy, **prices))
        for prices in ({}, {"price_per_review": 4.0})
    )
    again = np.cumsum([fact.get("labels_bought_again", 0.0) for fact in plain.notes])
    assert again[-1] > 5
    np.testing.assert_allclose(reviewed.cost - plain.cost, 3.0 * again)
    np.testing.assert_allclose(plain.cost, plain.labels + 5.0 * np.arange(1, len(plain) + 1))
    assert sum(fact.get("labels_corrected", 0.0) for fact in plain.notes) > 0


def test_the_domain_over_cost_holds_the_dearest_answer():
    dear = Scenario(
        budget=10, over="cost", loops=4, price_per_review=7.0, price_of_class=(0.0, 2.0), price_of_difficulty=1.0
    )
    assert dear.make_objective().end == 10 * (7.0 + 2.0 + 1.0)


def test_difficulty_is_worked_out_once_a_block_and_out_of_sight():
    data = iris()
    prepared = prepare_block(data, explicit_block(data, np.arange(0, 150, 2), np.arange(1, 150, 2)), 0)
    scenario = Scenario(budget=20, loops=2, annotators=(Annotator(instance=0.3),))
    play(Recipe(), prepared, scenario)
    kept = prepared.class_probabilities()
    play(Recipe(query_strategy="random"), prepared, scenario)
    assert prepared.class_probabilities() is kept
    assert not any(value is kept for value in vars(prepared.shared)["_kept"].values())


def test_each_kind_of_noise_lowers_the_curve():
    clean = simulate("random_sampling", cancer(), n_blocks=3, budget=60, loops=4).mean
    for person in (
        Annotator(error=0.3),
        Annotator(pair=0.3),
        Annotator(confusion=((0.6, 0.4), (0.2, 0.8))),
        Annotator(instance=0.45),
    ):
        noisy = simulate(
            "random_sampling", cancer(), n_blocks=3, budget=60, loops=4, scenario=Scenario(annotators=(person,))
        )
        assert noisy.mean < clean - 0.01, person


def four_class_panel(annotators, n_rows=2000, n_classes=4, block=0, **parts):
    truth = np.random.default_rng(0).integers(n_classes, size=n_rows)
    streams = Streams(0, "panel", "search", block)
    return truth, Panel(Scenario(annotators=annotators, **parts), truth, n_classes, streams)


def test_faultless_annotators_tell_the_truth():
    truth, asked = four_class_panel((Annotator(),))
    assert np.array_equal(asked.label(np.arange(2000), np.zeros(2000, dtype=int)), truth)


def test_an_annotator_errs_as_often_as_the_scenario_says_towards_any_other_class():
    truth, asked = four_class_panel((Annotator(), Annotator(error=0.2)))
    said = asked.label(np.arange(2000), np.ones(2000, dtype=int))
    wrong = said != truth
    assert wrong.mean() == pytest.approx(0.2, abs=0.03)
    assert np.bincount((said - truth)[wrong] % 4, minlength=4)[1:].min() > 0.25 * wrong.sum()


def test_an_answer_is_the_same_in_whatever_order_and_number_rows_are_asked_about():
    annotators = (Annotator(error=0.5), Annotator(error=0.5))
    rows = np.arange(100)
    _, at_once = four_class_panel(annotators)
    first = at_once.label(rows, np.zeros(100, dtype=int))
    second = at_once.label(rows, np.zeros(100, dtype=int))
    other = at_once.label(rows, np.ones(100, dtype=int))
    assert (first != second).any()
    assert (first != other).any()
    # asked one by one, backwards, the other annotator in between: the same answers
    _, slowly = four_class_panel(annotators)
    for row in rows[::-1]:
        assert slowly.label(np.array([row, row]), np.array([1, 0])).tolist() == [other[row], first[row]]
    assert [int(slowly.label(np.array([row]), np.array([0]))[0]) for row in rows] == second.tolist()
    # twice in one request
    _, twice = four_class_panel(annotators)
    both = twice.label(np.repeat(rows, 2), np.zeros(200, dtype=int)).reshape(100, 2)
    assert np.array_equal(both, np.column_stack([first, second]))
    _, elsewhere = four_class_panel(annotators, block=1)
    assert (elsewhere.label(rows, np.zeros(100, dtype=int)) != first).any()


def test_prices_are_those_of_the_annotators_asked():
    _, asked = four_class_panel((Annotator(), Annotator(price=0.25)), price_per_label=2.0)
    assert asked.price(np.array([0, 1, 1, 0, 1])) == 2 * 2.0 + 3 * 0.25
