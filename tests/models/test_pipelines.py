"""What a user's estimator is given: names and text are found before anything is played."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from altune.core.errors import RequestError, WorkError
from altune.core.identity import identify
from altune.core.raw_rows import RawRows, RawTable
from altune.core.registry import parse_method
from altune.core.types import TrainingSet
from altune.data import Dataset
from altune.models import as_model, register_estimator
from altune.simulation.environment import make_environment
from altune.testing import check_method, checks_for
from tests.helpers.raw_models import N_ROWS, by_name, labels, of_words, people, people_table, reviews

pytestmark = pytest.mark.usefixtures("own_models")


def then(*steps: Any) -> Pipeline:
    return make_pipeline(*steps, LogisticRegression())


def selected() -> Any:
    return make_column_transformer((OneHotEncoder(), make_column_selector(dtype_exclude="number")))


def positions(columns: Any) -> Pipeline:
    return then(make_column_transformer((StandardScaler(), columns)))


NEED_MORE = {
    "names": (by_name(), "names the column 'city'", "frame"),
    "one name": (then(make_column_transformer((TfidfVectorizer(), "review"))), "names the column 'review'", "frame"),
    "a slice of names": (positions(slice("age", "income")), "names the column 'age'", "frame"),
    "types": (then(selected()), "selects columns", "frame"),
    "a pipeline in a pipeline": (then(make_pipeline(selected())), "selects columns", "frame"),
    "after a step that does nothing": (then("passthrough", selected()), "selects columns", "frame"),
    "in a vote": (VotingClassifier([("a", by_name()), ("b", LogisticRegression())]), "names the column", "frame"),
    "calibrated": (CalibratedClassifierCV(by_name()), "names the column", "frame"),
    "boosting": (HistGradientBoostingClassifier(categorical_features=["city"]), "names the column 'city'", "frame"),
    "tf-idf": (of_words(), "TfidfVectorizer reads text", "text"),
    "counts": (then(CountVectorizer()), "CountVectorizer reads text", "text"),
    "hashes": (then(HashingVectorizer()), "HashingVectorizer reads text", "text"),
    "a union": (then(make_union(HashingVectorizer(), TfidfVectorizer())), "HashingVectorizer reads text", "text"),
}


@pytest.mark.parametrize("kind", NEED_MORE)
def test_a_pipeline_that_needs_names_or_text_is_refused_without_takes(kind: str):
    estimator, reason, takes = NEED_MORE[kind]
    for register in (lambda: register_estimator("mine", estimator), lambda: as_model(estimator)):
        with pytest.raises(RequestError, match=re.escape(reason)) as refused:
            register()
        assert f"takes={takes!r})" in str(refused.value)
        assert "\n" not in str(refused.value)
    other = {"frame": "text", "text": "frame"}[takes]
    with pytest.raises(RequestError, match=f"takes={takes!r}"):
        register_estimator("mine", estimator, takes=other)
    assert register_estimator("mine", estimator, takes=takes).takes.rows == takes


def test_pipelines_of_numbers_are_taken_as_before():
    for number, estimator in enumerate(
        [
            then(StandardScaler()),
            HistGradientBoostingClassifier(categorical_features="from_dtype"),
            HistGradientBoostingClassifier(categorical_features=[0]),
            then(FunctionTransformer(np.abs)),
            then(make_column_transformer(("drop", []), remainder="passthrough")),
        ]
    ):
        assert not register_estimator(f"mine_{number}", estimator).takes.raw


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"takes": "table"}, "takes 'table' is unknown; accepted: frame, numbers, text"),
        ({"takes": "frame", "column": "age"}, "column='age' needs takes='text'"),
        ({"embedding": "raw"}, "embedding must be 'encoded' or 'pipeline'"),
        ({"embedding": "pipeline"}, "needs a Pipeline with a transformer"),
    ],
)
def test_arguments_are_checked(arguments: Any, reason: str):
    with pytest.raises(RequestError, match=re.escape(reason)):
        register_estimator("mine", LogisticRegression(), **arguments)


def problem(estimator: Any, data: Dataset, **arguments: Any) -> str:
    """Return why a model does not work on data, an empty text if it does."""
    register_estimator("mine", estimator, **arguments)
    capabilities = make_environment(data, budget=20).capabilities
    model = parse_method("model", "mine")
    return "".join(model.objections(model, capabilities))


def numbers(**arguments: Any) -> Dataset:
    return Dataset(np.random.default_rng(0).normal(size=(N_ROWS, 3)), labels(), name="numbers", **arguments)


def failing(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["size"]]


FITS = {
    "names": (by_name(), people(), {"takes": "frame"}),
    "positions of the table": (positions([0]), people(), {"takes": "frame"}),
    "names of an array": (positions(["a", "b"]), numbers(feature_names=["a", "b", "c"]), {"takes": "frame"}),
    "the only text": (of_words(), reviews(), {"takes": "text"}),
    "the text beside other columns": (of_words(), reviews(size=np.arange(N_ROWS) % 7), {"takes": "text"}),
    "a named text": (of_words(), people(), {"takes": "text", "column": "city"}),
    "positions of numbers": (positions([0, -1]), numbers(), {}),
}
DO_NOT_FIT = {
    "no table": (by_name(), numbers(), {"takes": "frame"}, "numbers has only numbers without column names"),
    "a sparse matrix": (
        of_words(),
        Dataset(sparse.eye_array(N_ROWS, format="csr"), labels(), name="matrix"),
        {"takes": "text"},
        "matrix has only numbers without column names; give a DataFrame",
    ),
    "no such column": (positions(["agee"]), people(), {"takes": "frame"}, "did you mean 'age'?"),
    "no such position": (positions([0, 7]), people(), {"takes": "frame"}, "people has 5, numbered from 0"),
    "no text": (of_words(), numbers(feature_names=["a", "b", "c"]), {"takes": "text"}, "no column of text"),
    "two texts": (of_words(), people(), {"takes": "text"}, "several columns of text, 'city' and 'grade'; name one"),
    "no such text": (of_words(), people(), {"takes": "text", "column": "town"}, "has no column 'town'"),
    "text of numbers": (
        of_words(),
        people(),
        {"takes": "text", "column": "age"},
        "no text in the column 'age', but int",
    ),
    "new values": (
        then(make_column_transformer((OneHotEncoder(), ["city"]))),
        people(),
        {"takes": "frame"},
        "new values must be accepted, as handle_unknown='ignore' does",
    ),
    "no words": (of_words(), people(), {"takes": "text", "column": "grade"}, "empty vocabulary"),
    "text as numbers": (positions(["city"]), people(), {"takes": "frame"}, "could not convert string to float"),
    "gaps": (positions(["income"]), people(), {"takes": "frame"}, "contains NaN"),
    "a function": (then(FunctionTransformer(failing)), people(), {"takes": "frame"}, "could not be trained on"),
    "a selector of nothing": (
        then(make_column_transformer((StandardScaler(), make_column_selector(pattern="^x")))),
        people(),
        {"takes": "frame"},
        "could not be trained on",
    ),
    "positions of an encoded table": (positions([0]), people(), {}, "register it with takes='frame'"),
    "boosting by position": (
        HistGradientBoostingClassifier(categorical_features=[0]),
        people(),
        {},
        "register it with takes='frame'",
    ),
    "positions beyond the numbers": (positions([0, 3]), numbers(), {}, "the data have 3, numbered from 0"),
    "a mask of another length": (positions([True, False]), numbers(), {}, "the data have 3"),
}


@pytest.mark.parametrize("kind", FITS)
def test_a_model_that_fits_the_columns_is_accepted(kind: str):
    estimator, data, arguments = FITS[kind]
    assert problem(estimator, data, **arguments) == ""


@pytest.mark.parametrize("kind", DO_NOT_FIT)
def test_a_model_that_does_not_fit_the_columns_is_refused(kind: str):
    estimator, data, arguments, reason = DO_NOT_FIT[kind]
    found = problem(estimator, data, **arguments)
    assert reason in found
    assert "\n" not in found


@pytest.mark.parametrize(
    ("columns", "accepted"), [([0, 2], True), (slice(1, None), False), ([-1], False), ([3], False)]
)
def test_positions_from_the_left_stay_where_gaps_are_marked(columns: Any, accepted: bool):
    X = np.random.default_rng(0).normal(size=(N_ROWS, 3))
    X[::5, 1] = np.nan
    assert (problem(positions(columns), Dataset(X, labels(), name="gaps")) == "") == accepted


def raw_rows() -> RawRows:
    return RawRows.of(RawTable(people_table(), ("city",)), np.arange(N_ROWS), np.arange(N_ROWS * 2.0).reshape(-1, 2))


def test_the_estimator_sees_the_frame_or_the_strings():
    rows = raw_rows()[np.array([23, 1])]
    pd.testing.assert_frame_equal(rows.frame, people_table().iloc[[23, 1]].reset_index(drop=True))
    seen: list[Any] = []

    def kept(X: Any) -> Any:
        seen.append(X)
        return np.zeros((len(X), 1))

    for takes in ("frame", "text"):
        model = register_estimator(f"mine_{takes}", then(FunctionTransformer(kept)), takes=takes)()
        fitted = model.fit(TrainingSet(rows, np.array([0, 1]), 3), 0)
        assert fitted.class_scores(rows).shape == (2, 3)
    assert (seen[0].dtypes == people_table().dtypes).all()
    assert seen[-1].tolist() == ["", people_table()["city"][1]]
    with pytest.raises(RequestError, match=re.escape("pool.inputs")):
        fitted.predict(np.zeros((2, 2)))


def test_the_embedding_is_the_encoding_or_the_output_of_the_last_transformer():
    training = TrainingSet(raw_rows(), labels(), 2)
    some = raw_rows()[:4]
    encoded = register_estimator("mine_encoded", by_name(), takes="frame")().fit(training, 0)
    own = register_estimator("mine_own", by_name(), takes="frame", embedding="pipeline")().fit(training, 0)
    assert not encoded.embeds
    assert np.array_equal(encoded.embedding(some), some.encoded)
    assert own.embeds
    assert np.allclose(np.asarray(own.embedding(some)), own.estimator[:-1].transform(some.frame))
    words = register_estimator("mine_words", of_words(), takes="text", embedding="pipeline")().fit(training, 0)
    assert sparse.issparse(words.embedding(some))
    pandas = then(FunctionTransformer(lambda frame: frame[["age"]])).set_output(transform="pandas")
    framed = register_estimator("mine_frame", pandas, takes="frame", embedding="pipeline")().fit(training, 0)
    assert framed.embedding(some).tolist() == [[age] for age in people_table()["age"][:4]]


def test_an_embedding_that_is_no_numbers_is_refused():
    nothing = HistGradientBoostingClassifier(categorical_features="from_dtype")
    pipeline = make_pipeline(FunctionTransformer(lambda frame: frame[["age", "grade"]]), nothing)
    model = register_estimator("mine", pipeline, takes="frame", embedding="pipeline")()
    fitted = model.fit(TrainingSet(raw_rows(), labels(), 2), 0)
    with pytest.raises(WorkError, match="the output of FunctionTransformer is not a matrix of finite numbers"):
        fitted.embedding(raw_rows())


class Counting(LogisticRegression):
    """A classifier of text that can learn from further rows."""

    def fit(self, X: Any, y: Any) -> Any:
        return super().fit([[len(text)] for text in X], y)

    def partial_fit(self, X: Any, y: Any) -> Any:
        return self.fit(X, y)

    def predict_proba(self, X: Any) -> Any:
        return super().predict_proba([[len(text)] for text in X])


def test_partial_fit_starts_again_from_the_raw_rows_where_a_class_is_new():
    model = register_estimator("mine", Counting(), takes="text")()
    rows = raw_rows()
    first = model.fit(TrainingSet(rows[:1], np.array([0]), 2), 0)
    second = model.update(first, TrainingSet(rows[1:3], np.array([1, 0]), 2), 0)
    pd.testing.assert_frame_equal(second.memory.X.frame, rows[:3].frame)
    assert second.class_scores(rows[:5]).shape == (5, 2)


def test_the_contract_checks_the_form_of_a_model_of_raw_rows():
    cls = register_estimator("mine", of_words(), takes="text")
    check_method(cls)
    assert "classes" not in dict(checks_for(cls))


def test_what_an_estimator_is_given_belongs_to_its_identity():
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    usual = register_estimator("mine", pipeline).code_identity().digest
    assert usual == identify(clone(pipeline).set_params(logisticregression__random_state=0), "mine").digest
    others = [{"takes": "frame"}, {"takes": "text"}, {"takes": "text", "column": "a"}, {"embedding": "pipeline"}]
    digests = {register_estimator("mine", pipeline, **other).code_identity().digest for other in others}
    assert len(digests | {usual}) == 5
