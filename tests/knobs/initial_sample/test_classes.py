"""First samples that look at classes: until each was seen, and by the true labels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.preprocessing import scale

from altune.core.errors import FormatError, RequestError
from altune.core.registry import methods, parse_method
from altune.core.streams import Streams
from altune.data import Dataset
from altune.data.blocks import explicit_block
from altune.loop.loop import ActiveLearningLoop
from altune.recipes.recipe import Recipe
from altune.simulation.annotators import Annotator
from altune.simulation.prepared import prepare_block
from altune.simulation.scenario import Scenario
from altune.simulation.trajectory import play
from tests.helpers.first_samples import make_pool, read, sample
from tests.helpers.paths import ROOT


@pytest.fixture(scope="module")
def wine():
    return scale(load_wine().data)


def rare_classes():
    """A pool of 200 rows: 180 of class 0, 15 of class 1, 5 of class 2."""
    y = np.repeat([0, 1, 2], [180, 15, 5])
    order = np.random.default_rng(5).permutation(200)
    X = np.random.default_rng(6).normal(size=(200, 3)) + y[:, None]
    return X[order], y[order]


def run_loop(recipe, X, y, budget=100, n_classes=3, loops=3, block=0, wrong=None, **kwargs):
    streams = Streams(0, "rare", "search", block)
    loop = ActiveLearningLoop(recipe, X, n_classes, budget=budget, loops=loops, streams=streams, **kwargs)
    asked = []
    while not loop.done:
        request = loop.ask()
        asked.append((loop.model is None, request.rows.copy()))
        loop.tell(y[request.rows])
    return loop, asked


def until(**fields):
    return Recipe(initial_sample={"method": "until_all_classes", "size": 5, "step": 4, **fields})


def test_the_sample_goes_on_until_each_class_was_seen():
    X, y = rare_classes()
    for block in range(5):
        loop, asked = run_loop(until(cap=90), X, y, block=block)
        steps = [rows for before, rows in asked if before]
        seen = [len(set(y[np.concatenate(steps[: n + 1])])) for n in range(len(steps))]
        assert seen[-1] == 3
        assert all(classes < 3 for classes in seen[:-1])
        assert [len(rows) for rows in steps] == [5] + [4] * (len(steps) - 1)
        bought = np.concatenate(steps)
        assert len(set(bought.tolist())) == len(bought)
        # the steps make up one first turn, and each of their labels is charged
        first = loop.records[0]
        assert (first.labels_bought, first.labels_used, first.loop_rows) == (len(bought),) * 3
        assert loop.pool.labels_bought == sum(len(rows) for _, rows in asked)
    assert len(steps) > 1


@pytest.mark.parametrize(("fields", "most"), [({"cap": 11}, 11), ({"cap": 3}, 3), ({}, 53)])
def test_the_sample_ends_at_its_cap_whatever_was_seen(fields, most):
    X, y = rare_classes()
    loop, asked = run_loop(until(**fields), X, np.zeros_like(y))
    assert sum(len(rows) for before, rows in asked if before) == most
    assert loop.records[0].labels_bought == most  # by default a step begins while less than half of 100 is spent


def test_the_budget_ends_the_sample_too():
    X, y = rare_classes()
    loop, asked = run_loop(until(cap=1000), X, np.zeros_like(y), budget=20)
    assert loop.records[0].labels_bought == loop.pool.labels_bought == 20
    assert loop.stopped == "budget"
    assert [len(rows) for _, rows in asked] == [5, 4, 4, 4, 3]


def test_several_annotators_and_a_hold_out_set_go_with_it():
    X, y = rare_classes()
    recipe = until(cap=30).replace(
        labeling={"method": "majority", "annotators": 3}, stopping={"method": "target", "holdout": 6, "score": 0.9}
    )
    loop, asked = run_loop(recipe, X, y, annotators=5)
    assert loop.records[0].labels_bought == sum(len(rows) for before, rows in asked if before)
    assert len(np.intersect1d(loop.pool.held_out, loop.pool.labelled)) == 0
    rows = np.setdiff1d(np.concatenate([rows for before, rows in asked if before]), loop.pool.held_out)
    assert loop.records[0].labels_used == len(rows) <= 30


def test_it_continues_any_sample_in_its_own_way():
    X, y = rare_classes()
    recipe = until(cap=17, sample={"method": "kcenter"})
    _, asked = run_loop(recipe, X, np.zeros_like(y))
    rows = np.concatenate([rows for before, rows in asked if before])
    apart = cdist(X, X)
    for turn in range(1, len(rows)):
        gap = apart[:, rows[:turn]].min(axis=1)
        assert gap[rows[turn]] == pytest.approx(gap.max())


def test_a_first_sample_that_sees_all_classes_is_left_as_it_is(wine):
    y = load_wine().target
    plain, _ = run_loop(Recipe(initial_sample={"method": "random", "size": 30}), wine, y)
    continued = Recipe(initial_sample={"method": "until_all_classes", "size": 30})
    loop, _ = run_loop(continued, wine, y)
    assert loop.bought.tolist() == plain.bought.tolist()


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        ({"method": "random", "size": 5}, "size"),
        ({"method": "until_all_classes"}, "cannot continue"),
        ({"method": "oracle_stratified"}, "cannot continue"),
        ({"method": "margin"}, "no method"),
    ],
)
def test_what_cannot_be_continued_is_refused_by_name_and_place(inner, why):
    with pytest.raises(FormatError, match=rf"^start\.sample.*{why}") as caught:
        parse_method("initial_sample", {"method": "until_all_classes", "sample": inner}, "start")
    assert "\n" not in str(caught.value)


def test_it_reads_back_and_a_simulation_prices_its_steps():
    value = {"method": "until_all_classes", "sample": {"method": "density", "beta": 2.0}, "step": 4, "size": 3}
    assert read(read(value).to_dict()) == read(value)
    X, y = rare_classes()
    data = Dataset(X, y, name="rare")
    block = explicit_block(data, np.arange(150), np.arange(150, 200))
    scenario = Scenario(budget=60, loops=3, annotators=(Annotator(price=2.0),), price_per_loop=7.0)
    curve = play(until(cap=60), prepare_block(data, block, seed=0), scenario)
    assert curve.labels[0] > 5  # it did go on
    steps = 1 + (curve.labels[0] - 5) / 4
    assert curve.cost[0] == pytest.approx(2.0 * curve.labels[0] + 7.0 * steps)
    assert len(curve.labels) == len(curve.cost) == len(curve.loop_rows)
    assert curve.loop_rows.sum() == len(curve.rows) == curve.labels[-1]


def test_the_oracle_stratifies_by_the_true_labels():
    X, y = rare_classes()
    rng = np.random.default_rng
    balanced, like_pool = read("oracle_stratified"), read({"method": "oracle_stratified", "shares": "proportional"})
    counts = np.bincount(y[balanced.select_knowing(make_pool(X), 12, rng(0), y)], minlength=3)
    assert counts.tolist() == [4, 4, 4]
    counts = np.bincount(y[balanced.select_knowing(make_pool(X), 30, rng(0), y)], minlength=3)
    assert counts[2] == 5  # no more than there are
    assert abs(counts[0] - counts[1]) <= 1
    counts = np.bincount(y[like_pool.select_knowing(make_pool(X), 40, rng(0), y)], minlength=3)
    assert counts.tolist() == pytest.approx([36, 3, 1], abs=1)
    assert len(set(y[like_pool.select_knowing(make_pool(X), 3, rng(1), y)])) == 3
    assert len(balanced.select_knowing(make_pool(X, bought=range(9)), 500, rng(0), y)) == 191


def test_the_oracle_is_refused_where_nobody_knows_the_truth():
    X, y = rare_classes()
    recipe = Recipe(initial_sample={"method": "oracle_stratified", "size": 6})
    with pytest.raises(RequestError, match="true labels, which only a simulation has"):
        run_loop(recipe, X, y)
    with pytest.raises(RequestError, match="needs all true labels"):
        sample("oracle_stratified", X, 3)


def test_the_oracle_plays_in_a_simulation_and_its_curve_is_marked():
    X, y = load_breast_cancer(return_X_y=True)
    data = Dataset(scale(X), y, name="cancer")
    block = explicit_block(data, np.arange(300), np.arange(300, 569))
    scenario = Scenario(budget=40, loops=2)
    recipe = Recipe(initial_sample={"method": "oracle_stratified", "size": 10})
    curve = play(recipe, prepare_block(data, block, seed=0), scenario)
    assert np.bincount(y[curve.rows[:10]]).tolist() == [5, 5]
    assert curve.notes[0]["uses_oracle"] == 1.0
    plain = play(Recipe(), prepare_block(data, block, seed=0), scenario)
    assert not any("uses_oracle" in fact for fact in plain.notes)


def test_only_a_sample_that_says_so_is_told_the_truth():
    X, y = rare_classes()
    named = [name for name, cls in methods("initial_sample").items() if cls.uses_oracle]
    assert named == ["oracle_stratified"]
    told, _ = run_loop(Recipe(), X, y, oracle=(y + 1) % 3)
    untold, _ = run_loop(Recipe(), X, y)
    assert told.bought.tolist() == untold.bought.tolist()


def test_no_shipped_space_holds_an_upper_bound():
    spaces = sorted((ROOT / "search_spaces").glob("*.yaml"))
    assert spaces
    assert not [space.name for space in spaces if "oracle_stratified" in space.read_text(encoding="utf-8")]
