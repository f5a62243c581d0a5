"""Data in every form that a caller may have."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

import altune

X, Y = load_iris(return_X_y=True)
FRAME = load_iris(as_frame=True).frame
QUICK = {"n_trials": 1, "n_blocks": 1, "budget": 12, "confirm": False, "portfolio": 0}
SPACE = {"query_strategy": ["margin", "random"]}


@pytest.fixture(scope="module")
def values():
    return [trial.value for trial in altune.tune(altune.Dataset(X, Y), SPACE, **QUICK).trials]


@pytest.mark.parametrize(
    ("data", "given"),
    [
        ((X, Y), {}),
        ([X, Y], {}),
        ((X.tolist(), Y.tolist()), {}),
        ((FRAME.drop(columns="target"), FRAME["target"]), {}),
        ((FRAME.drop(columns="target"), FRAME[["target"]]), {}),
        (FRAME, {"target": "target"}),
        (FRAME, {}),
        (load_iris(), {}),
        ([(X, Y)], {}),
    ],
    ids=["arrays", "list", "lists", "frame and series", "two frames", "target", "usual target", "bunch", "one pair"],
)
def test_data_are_taken_in_every_form(data, given, values):
    assert [trial.value for trial in altune.tune(data, SPACE, **QUICK, **given).trials] == values


def test_labels_may_stand_beside_the_features():
    assert altune.tune(X, Y, **QUICK).scenario.budget == 12


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (X, "an array of the shape (150, 4) without labels"),
        (3, "data must be a data set, the name of a built-in one"),
        ([], "no data set was given"),
        ((X, Y[::15]), "150 rows and y has 10 labels"),
        (FRAME.rename(columns={"target": "kind"}), "no column is named target or label"),
        ({"X": X}, "data must be"),
    ],
)
def test_what_is_no_data_set_is_refused_in_one_line(data, words):
    with pytest.raises(altune.RequestError) as caught:
        altune.tune(data, SPACE, **QUICK)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_target_that_means_nothing_is_refused():
    with pytest.raises(altune.RequestError, match="has labels of its own"):
        altune.simulate("margin", (X, Y), target="kind", budget=12)


def test_a_pool_is_recommended_for_without_its_labels():
    found = altune.recommend(FRAME, n_classes=3, target="target", budget=50)
    without = altune.recommend(FRAME.drop(columns="target"), n_classes=np.int64(3), budget=np.int64(50))
    assert found.recipe == without.recipe


def test_a_mapping_of_one_item_each_is_a_sweep(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = {"n_trials": np.int64(1), "n_blocks": 1, "portfolio": 0, "select_among": 1, "select_blocks": 1}
    source = {"data": "iris", "spaces": SPACE | {"name": "two"}, "budgets": np.int64(12), "seeds": "2"}
    source["settings"] = settings | {"report_blocks": pd.Series([2])[0]}
    done = altune.sweep(source | {"spaces": altune.SearchSpace.from_dict(SPACE | {"name": "two"})}, progress=False)
    assert [(run.cell.coordinates["space"], run.cell.coordinates["seed"]) for run in done.runs] == [("two", 2)]
