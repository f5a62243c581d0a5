"""A search over models that take the table or its text, beside those of numbers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import altune
from altune.data import Dataset
from altune.models import register_estimator
from altune.simulation.environment import make_environment
from altune.tuning.header import data_changes, describe_environment
from tests.helpers.raw_models import by_name, labels, of_words, people, people_table, reviews

TINY = {"budget": 24, "n_trials": 3, "loops": 2, "n_blocks": 1, "confirm": False}


pytestmark = pytest.mark.usefixtures("own_models")


def space(*models: Any) -> altune.SearchSpace:
    return altune.SearchSpace.from_dict(
        {"version": 1, "query_strategy": ["margin", "random"], "model": [*models], "loop_size": {"method": "constant"}}
    )


def test_a_search_over_nested_parameters_is_the_same_in_two_processes_and_resumed(tmp_path: Path):
    register_estimator("mine", by_name(), {"logisticregression__C": (float, 0.01, 100.0)}, takes="frame")
    mine = {"method": "mine", "logisticregression__C": {"low": 0.1, "high": 10.0, "log": True}}
    chosen = space(mine, "logistic_regression")
    whole = altune.tune(people(), chosen, n_jobs=1, **TINY)
    altune.tune(people(), chosen, n_jobs=2, out=tmp_path / "run", **{**TINY, "n_trials": 1})
    resumed = altune.tune(people(), chosen, n_jobs=2, out=tmp_path / "run", **TINY)
    assert [(trial.params, trial.value) for trial in whole.trials] == [
        (trial.params, trial.value) for trial in resumed.trials
    ]
    assert "mine" in {trial.params["model"] for trial in whole.trials}
    floats = Dataset(people_table().astype({"age": float}), labels(), name="people")
    with pytest.raises(altune.RequestError, match="the types of the columns of people differ"):
        altune.tune(floats, chosen, out=tmp_path / "run", **TINY)


def test_a_model_that_the_data_cannot_serve_is_left_out_or_refused():
    register_estimator("mine", by_name(), takes="frame")
    register_estimator("words", of_words(), takes="text")
    run = altune.tune(reviews(), space("mine", "words"), **TINY)
    assert run.best_recipe.model.method == "words"
    with pytest.raises(altune.RequestError, match="names the column 'city', which reviews does not have"):
        altune.tune(reviews(), space("mine"), **TINY)


def ages(frame: pd.DataFrame) -> Any:
    return frame[["age"]]


@pytest.mark.slow
def test_what_is_stored_of_data_away_is_of_the_types_of_their_columns(tmp_path: Path):
    register_estimator("mine", make_pipeline(FunctionTransformer(ages), GaussianNB()), takes="frame")
    given = {"budget": 8, "n_trials": 1, "loops": 1, "n_blocks": 1, "select_blocks": 1, "report_blocks": 2, "n_jobs": 1}
    keys = []
    for types in ({}, {"age": float}):
        there = Dataset(people_table().iloc[::-1].astype(types), labels(), name="there")
        run = altune.tune(people(), space("mine"), confirm_on=there, out=tmp_path, **given)
        keys.append(run.record.away.key)
    assert keys[0] != keys[1]


def test_types_count_where_both_studies_have_a_model_of_raw_rows():
    environments = [make_environment(Dataset(people_table().astype({"age": kind}), labels())) for kind in (int, float)]
    whole, floats = (
        [describe_environment(each, with_types)["data"] for with_types in (True, False)] for each in environments
    )
    assert data_changes(whole[0], floats[0]) == ["the types of the columns of data differ"]
    assert data_changes(whole[0], floats[1]) == data_changes(whole[1], floats[0]) == data_changes(*whole) == []


@pytest.mark.slow
def test_another_process_resumes_a_run(tmp_path: Path):
    script = f"""
import altune
from tests.helpers.raw_models import of_words, reviews
altune.register_estimator("words", of_words(), takes="text")
if __name__ == "__main__":
    print(altune.tune(reviews(), model="words", out={str(tmp_path / "run")!r}, n_jobs=2, **{TINY!r}).trials[0].value)
"""
    (tmp_path / "search.py").write_text(script, "utf-8")
    values = [
        subprocess.run([sys.executable, tmp_path / "search.py"], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert values[0] == values[1] != ""
