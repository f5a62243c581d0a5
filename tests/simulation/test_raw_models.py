"""Models that take the table or its text, played: the same rows reach them wherever a model is trained or asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler, TargetEncoder

import altune
from altune.core.registry import methods
from altune.data import Dataset
from altune.simulation.environment import make_environment
from altune.simulation.execution.items import WorkItem
from altune.simulation.prepared import prepare_block
from altune.simulation.trajectory import play
from tests.helpers.raw_models import by_name, labels, of_words, people, people_table, reviews

pytestmark = pytest.mark.usefixtures("own_models")


def played(data: Any, recipe: Any = None, **arguments: Any) -> Any:
    settings = {"budget": 24, "loops": 2, "n_blocks": 1} | arguments
    chosen = recipe or altune.Recipe(model="mine")
    if chosen.initial_sample.size is None:
        chosen = chosen.replace(initial_sample=EIGHT)
    return altune.simulate(chosen, data, **settings)


def checked(frame: Any) -> Any:
    """Return numbers of a frame that must have the types of the table."""
    expected = people_table()
    if list(frame.columns) != list(expected.columns) or list(frame.dtypes) != list(expected.dtypes):
        raise ValueError(f"other columns: {frame.dtypes}")
    return np.column_stack([frame["income"].fillna(0.0), frame["city"] == "rome"])


def categories(frame: Any) -> Any:
    return frame.assign(city=frame["city"].astype("category"))


GAPS = make_pipeline(SimpleImputer(), StandardScaler())
UNKNOWN = OneHotEncoder(handle_unknown="ignore")
NUMERIC, OTHERS = make_column_selector(dtype_include="number"), make_column_selector(dtype_exclude="number")
BOOSTING = HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=5, min_samples_leaf=2)
PIPELINES = {
    "names": by_name(),
    "types": make_pipeline(make_column_transformer((UNKNOWN, OTHERS), (GAPS, NUMERIC)), LogisticRegression()),
    "a function": make_pipeline(FunctionTransformer(checked), LogisticRegression()),
    "boosting by types": make_pipeline(FunctionTransformer(categories), BOOSTING),
    "pandas output": make_pipeline(
        make_column_transformer((GAPS, ["age", "income"]), verbose_feature_names_out=False), LogisticRegression()
    ).set_output(transform="pandas"),
}


@pytest.mark.parametrize("kind", PIPELINES)
def test_pipelines_of_a_table_learn(kind: str):
    altune.register_estimator("mine", PIPELINES[kind], takes="frame")
    simulation = played(people(), budget=60)
    assert simulation.curves[0].scores["accuracy"][-1] > 0.6


def test_a_target_encoder_learns_from_labels_of_the_pool():
    encoder = make_column_transformer((TargetEncoder(cv=2), ["city"]), (GAPS, ["income"]))
    altune.register_estimator("mine", make_pipeline(encoder, LogisticRegression()), takes="frame")
    recipe = altune.Recipe(model="mine", initial_sample={"method": "random", "size": 20})
    assert played(people(), recipe, budget=60).curves[0].scores["accuracy"][-1] > 0.7


def test_polars_output():
    pytest.importorskip("polars")
    pipeline = make_pipeline(make_column_transformer((GAPS, ["age", "income"])), LogisticRegression())
    altune.register_estimator("mine", pipeline.set_output(transform="polars"), takes="frame", embedding="pipeline")
    assert played(people(), altune.Recipe(model="mine", query_strategy="badge")).aulc > 0


@pytest.mark.parametrize("vectorizer", [TfidfVectorizer(), HashingVectorizer(n_features=2**8)])
@pytest.mark.parametrize("text_features", ["lsa", "tfidf"])
def test_pipelines_of_text_learn_whatever_the_encoding(vectorizer: Any, text_features: str):
    altune.register_estimator("mine", make_pipeline(vectorizer, LogisticRegression()), takes="text")
    simulation = played(reviews(), budget=60, text_features=text_features)
    assert simulation.curves[0].scores["accuracy"][-1] > 0.9


def test_a_table_of_numbers_has_names_and_types():
    frame = people_table()[["age", "member"]].assign(age=lambda table: table["age"] + 40 * labels())

    def whole(rows: Any) -> Any:
        if rows.dtypes.astype(str).tolist() != ["int64", "bool"]:
            raise ValueError("other types")
        return rows[["age"]]

    altune.register_estimator(
        "mine", make_pipeline(FunctionTransformer(whole), StandardScaler(), LogisticRegression()), takes="frame"
    )
    assert played(Dataset(frame, labels(), name="numbers"), budget=60).curves[0].scores["accuracy"][-1] > 0.95


def test_a_file_is_a_table(tmp_path: Any):
    table = people_table().assign(label=labels())
    table.to_csv(tmp_path / "people.csv", index=False)
    table.to_parquet(tmp_path / "people.parquet", index=False)
    altune.register_estimator("mine", by_name(), takes="frame")
    for name in ("people.csv", "people.parquet"):
        assert played(tmp_path / name, target="label", budget=60).curves[0].scores["accuracy"][-1] > 0.7


EIGHT = {"method": "random", "size": 8}
STRATEGIES = sorted(set(methods("query_strategy")) - {"skactiveml", "dropquery"})


@pytest.mark.parametrize(
    ("embedding", "text_features"), [("encoded", "lsa"), ("pipeline", "lsa"), ("encoded", "tfidf")]
)
def test_every_query_strategy_works_with_raw_rows(embedding: Any, text_features: Any):
    altune.register_estimator("mine", of_words(), takes="text", embedding=embedding)
    environment = make_environment(reviews(), budget=16, loops=2, text_features=text_features)
    prepared = prepare_block(environment.dataset, environment.blocks("search", 1)[0], 0, text_features=text_features)
    for strategy in STRATEGIES:
        recipe = altune.Recipe(model="mine", query_strategy=strategy, initial_sample=EIGHT)
        environment.require(recipe)
        curve = play(recipe, prepared, environment.scenario)
        assert curve.labels[-1] == 16, strategy
        assert set(labels()[curve.rows[:8]]) == {0, 1}, "the first model is more than a constant"


def test_an_ensemble_of_pipelines_has_the_outputs_of_all_transformers():
    altune.register_estimator("mine", of_words(), takes="text", embedding="pipeline")
    recipe = altune.Recipe(model="mine", model_init={"method": "ensemble"}, query_strategy="egl")
    assert np.isfinite(played(reviews(), recipe).aulc)


@pytest.mark.parametrize("strategy", ["dropquery", "skactiveml"])
def test_strategies_that_change_the_features_are_refused(strategy: str):
    if strategy == "skactiveml":
        pytest.importorskip("skactiveml")
    altune.register_estimator("mine", of_words(), takes="text")
    with pytest.raises(
        altune.RequestError, match="needs a model of encoded features; the model 'mine' has takes='text'"
    ):
        played(reviews(), altune.Recipe(model="mine", query_strategy=strategy))


RECIPES = {
    "query model of text": {"query_strategy": {"method": "qbc", "query_model": "mine"}},
    "query model of numbers": {"model": "mine", "query_strategy": {"method": "eer", "query_model": "naive_bayes"}},
    "audit by folds": {"model": "mine", "labeling": {"method": "single", "audit": "confident_learning"}},
    "audit by features": {"model": "mine", "labeling": {"method": "single", "audit": "knn_disagreement"}},
    "pseudo-labels": {"model": "mine", "labeling": {"method": "auto", "threshold": 0.5}},
    "stop set": {"model": "mine", "stopping": "stabilizing_predictions"},
    "posterior": {"model": "mine", "stopping": "pac_bayes"},
    "held-out rows": {"model": "mine", "stopping": {"method": "target"}},
    "an ensemble": {"model": "mine", "model_init": {"method": "ensemble"}, "query_strategy": "badge"},
    "tuned": {
        "model": {"method": "mine", "logisticregression__C": 3.0},
        "training": {"method": "retune", "hyperparameter": "logisticregression__C", "low": 0.1, "high": 10},
    },
}


@pytest.mark.parametrize("kind", RECIPES)
def test_every_knob_works_with_raw_rows(kind: str):
    altune.register_estimator(
        "mine",
        of_words(),
        {"logisticregression__C": (float, 0.01, 100.0)},
        schedulable=["logisticregression__C"],
        takes="text",
    )
    assert np.isfinite(played(reviews(), altune.Recipe.from_dict(RECIPES[kind]), budget=50).aulc)


def test_what_a_recipe_needs_and_the_model_lacks_is_refused():
    altune.register_estimator("mine", of_words(), takes="text")
    for on, need in (("all", "resumes"), ("new", "partial_fit")):
        with pytest.raises(altune.RequestError, match=need):
            played(reviews(), altune.Recipe(model="mine", retrain={"method": "warm_start", "on": on}))


def test_dense_scores_and_examined_trajectories_use_raw_rows():
    altune.register_estimator("mine", of_words(), takes="text")
    assert np.isfinite(played(reviews(), objective="aulc_dense").aulc)


def test_two_processes_give_what_one_does():
    altune.register_estimator("mine", by_name(), takes="frame")
    altune.register_estimator("numbers_too", LogisticRegression())
    recipes = {"encoded": altune.Recipe(model="numbers_too"), "raw": altune.Recipe(model="mine")}
    one, two = (altune.compare(recipes, people(), budget=24, loops=2, n_blocks=2, n_jobs=jobs) for jobs in (1, 2))
    for name in recipes:
        for alone, shared in zip(one.simulations[name].curves, two.simulations[name].curves, strict=True):
            assert alone.rows.tolist() == shared.rows.tolist()
            assert alone.scores["accuracy"].tolist() == shared.scores["accuracy"].tolist()


def test_a_trajectory_depends_on_types_only_where_a_model_takes_them():
    altune.register_estimator("mine", by_name(), takes="frame")
    whole, floats = people(), Dataset(people_table().astype({"age": float}), labels(), name="people")
    keys = {}
    for model in ("mine", "logistic_regression"):
        for data in (whole, floats):
            environment = make_environment(data, budget=24)
            item = WorkItem(altune.Recipe(model=model), environment.blocks("search", 1)[0], environment)
            keys[model, data is whole] = item.key
    assert keys["mine", True] != keys["mine", False]
    assert keys["logistic_regression", True] == keys["logistic_regression", False]


@pytest.mark.parametrize("model_init", ["default", "ensemble"])
@pytest.mark.parametrize("takes", ["frame", "text"])
def test_a_metric_of_the_user_gets_what_the_model_takes(takes: str, model_init: str):
    def scorer(classifier: Any, X: Any, y: Any) -> float:
        assert isinstance(X, pd.DataFrame) if takes == "frame" else isinstance(X[0], str)
        return float(np.mean(classifier.predict(X) == y))

    altune.register_estimator("mine", by_name() if takes == "frame" else of_words(), takes=takes)
    metric = altune.register_metric("own_accuracy", scorer, low=0, high=1)
    recipe = altune.Recipe(model="mine", model_init=model_init)
    data = people() if takes == "frame" else reviews()
    try:
        assert played(data, recipe, metric="own_accuracy").aulc == played(data, recipe).aulc
    finally:
        metric.forget()


def test_parameters_may_name_the_classes():
    data = Dataset(people_table(), np.array(["no", "yes"])[labels()], name="people")
    altune.register_estimator("mine", by_name().set_params(logisticregression__class_weight={"yes": 5}), takes="frame")
    assert played(data).aulc > 0
    altune.register_estimator("mine", by_name().set_params(logisticregression__class_weight={"si": 5}), takes="frame")
    with pytest.raises(altune.AltuneError, match="the data have no class 'si'"):
        played(data)


def test_too_few_labels_for_the_estimator_give_the_shares_of_the_classes():
    pipeline = Pipeline([*by_name().steps[:-1], ("vote", KNeighborsClassifier(10))])
    altune.register_estimator("mine", pipeline, takes="frame")
    simulation = played(people())
    assert simulation.curves[0].labels[0] == 8
    assert simulation.curves[0].scores["accuracy"][0] == 0.5
