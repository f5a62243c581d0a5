"""lal: candidates by the predicted reduction of the loss, with a forest that is read as plain numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from altune.core.errors import FormatError
from altune.knobs.query_strategy.lal import Lal, register_lal
from altune.knobs.query_strategy.lal_table import FEATURES, LAL_TABLES, LalTable, lal_features, read_lal
from altune.recipes.recipe import Recipe
from tests.helpers.queries import linear_pool

BY_P1 = {
    "feature": [0, -1, -1],
    "threshold": [0.6, 0, 0],
    "left": [1, 1, 2],
    "right": [2, 1, 2],
    "value": [0, 0.02, 0.01],
}


@pytest.fixture
def by_p1():
    register_lal("by_p1", LalTable((BY_P1,), {"seed": 3}))
    yield "by_p1"
    LAL_TABLES.unregister("by_p1")


@pytest.fixture
def pool():
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    return linear_pool(rng.normal(size=(90, 3)) + y[:, None], y, list(range(12)), 3)


def test_features_of_a_case_worked_by_hand():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.1, 0.8, 0.1]])
    features = lal_features(probabilities, np.array([0, 2]), np.array([2, 1, 1]))
    shares = np.array([0.5, 0.25, 0.25])
    balance = -(shares * np.log(shares)).sum() / np.log(3)
    state = [balance, np.mean([0.7, 0.4, 0.8]), np.var([0.7, 0.4, 0.8]), np.log(4), np.log(3)]
    np.testing.assert_allclose(features, [[0.7, 0.2, 0.5, *state], [0.8, 0.1, 0.25, *state]])
    assert len(FEATURES) == features.shape[1]


def test_the_rows_with_the_largest_predicted_reduction_are_selected(pool, by_p1):
    unsure = pool.candidates[pool.known().probabilities.max(axis=1) <= 0.6]
    assert 3 < len(unsure) < len(pool.candidates)
    picked = Lal(table=by_p1).select(pool, len(unsure), np.random.default_rng(0))
    assert set(picked.tolist()) == set(unsure.tolist())


def test_a_forest_reads_back_from_its_file_and_another_one_has_another_fingerprint(tmp_path, monkeypatch):
    path = tmp_path / "mine.json"
    path.write_text(LalTable((BY_P1,), {"seed": 3}).to_json())
    monkeypatch.setenv("ALTUNE_LAL", str(tmp_path))
    first = Recipe(query_strategy={"method": "lal", "table": "mine"}).query_strategy
    assert first.content == LalTable((BY_P1,))
    assert dict(first.content.training) == {"seed": 3}
    path.write_text(LalTable(({**BY_P1, "threshold": [0.55, 0, 0]},)).to_json())
    second = Recipe(query_strategy={"method": "lal", "table": "mine"}).query_strategy
    assert first.fingerprint() != second.fingerprint() != Lal().fingerprint()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"features": ["p1"]}, "not a table of lal"),
        ({"version": 2}, "not a table of lal"),
        ({"trees": [{**BY_P1, "left": [0, 1, 2]}]}, "trees: not a forest: a child must come after its parent"),
        ({"trees": [{**BY_P1, "feature": [8, -1, -1]}]}, "feature 8"),
        ({"trees": 3}, "trees: not a forest"),
        ({"trees": [{**BY_P1, "feature": [0.5, -1, -1]}]}, "trees: not a forest: features and children are whole"),
        ({"trees": [{"feature": [0]}]}, "trees: not a forest: 'threshold' is missing"),
        ({"training": 3}, "not a forest"),
    ],
)
def test_a_wrong_forest_is_refused_in_one_line(tmp_path, change, words):
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(LalTable((BY_P1,)).to_dict() | change))
    with pytest.raises(FormatError, match=words) as error:
        register_lal("wrong", path)
    assert str(error.value).startswith(str(path))


def test_an_unknown_forest_and_a_file_that_is_no_json_are_one_line(tmp_path):
    with pytest.raises(FormatError, match=r"query_strategy\.table: lal has no table 'defalt'; did you mean 'default'"):
        Recipe(query_strategy={"method": "lal", "table": "defalt"})
    (tmp_path / "no.json").write_text("{")
    with pytest.raises(FormatError, match="not JSON"):
        register_lal("no", tmp_path / "no.json")


def test_the_shipped_forest_is_small_and_says_how_it_was_trained():
    path = LAL_TABLES.shipped["default"]
    assert path.stat().st_size < 300_000
    table = read_lal(json.loads(path.read_text("utf-8")))
    assert table.training["command"].startswith("altune learn lal ")
    assert len(table.training["families"]) > 10
