"""Comparisons over real data sets: numbers, tables and refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest

import altune
from altune.analysis.comparison.over_data import over_data
from altune.analysis.comparison.result import RecipeComparison
from altune.core.errors import RequestError

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
    with pytest.raises(RequestError, match="two data sets have the same name among iris, iris"):
        altune.compare(RECIPES, ["iris", "iris"], **OPTIONS)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="post_hoc is wilcoxon or nemenyi, not 'tukey'"):
        altune.compare(RECIPES, "iris", post_hoc="tukey")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="needs two or more"):
        over_data([])
