"""Nothing leaks: what a recipe does cannot depend on labels that it did not buy, nor on test rows at all.

Each registered method is played twice on one explicit block. In between, the labels of all rows that it never
bought, and the features and labels of all test rows, are replaced by garbage. Rows bought, labels used, models,
notes and stops must be the same to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_iris, load_wine

import altune.simulation.prepared
from altune.core.errors import MissingExtraError
from altune.core.registry import every_method, parse_method, register, unregister
from altune.data import Dataset, encode
from altune.data.blocks import explicit_block
from altune.data.encoding import encode_described
from altune.knobs.query_strategy import ScoreStrategy
from altune.loop.loop import ActiveLearningLoop
from altune.models.custom import CustomModel
from altune.recipes.recipe import Capabilities, Recipe
from altune.simulation.annotators import Annotator
from altune.simulation.prepared import prepare_block
from altune.simulation.scenario import Scenario
from altune.simulation.trajectory import play
from altune.testing import variants

BUDGET = 48
SCENARIO = Scenario(
    budget=BUDGET,
    loops=4,
    annotators=(Annotator(error=0.15),) * 3,
    also=("balanced_accuracy",),
    price_per_loop=5.0,
)
FACTS = Capabilities(n_classes=3, annotators=3, price_per_loop=5.0)
QUICK: dict[str, dict[str, Any]] = {
    "random_forest": {"n_estimators": 5},
    "extra_trees": {"n_estimators": 5},
    "hist_gradient_boosting": {"max_iter": 5},
    "sgd": {"max_epochs": 10},
    "mlp": {"max_epochs": 10, "hidden_units": 10},
    "target": {"score": 0.72, "holdout": 12, "confidence": 0.6, "patience": 2},
    "stabilizing_predictions": {"threshold": 0.8},
    "best_of": {"starts": 2},
    "ensemble": {"members": 2},
    "eer": {"candidates": 10, "evaluation": 20},
}
MODELS = ("logistic_regression", "naive_bayes", "sgd", "linear_svm", "mlp")


@dataclass
class Record:
    """All that can be known of one trajectory."""

    X_pool: Any = None
    records: list[tuple[Any, ...]] = field(default_factory=list)
    curve: Any = None

    def same_decisions(self, other: Record) -> None:
        np.testing.assert_array_equal(as_dense(self.X_pool), as_dense(other.X_pool))
        assert len(self.records) == len(other.records)
        for number, (mine, theirs) in enumerate(zip(self.records, other.records, strict=True)):
            for a, b in zip(mine, theirs, strict=True):
                np.testing.assert_equal(a, b, err_msg=f"turn {number}")
        for name in ("rows", "labels", "used", "loop_rows", "cost"):
            np.testing.assert_array_equal(getattr(self.curve, name), getattr(other.curve, name), err_msg=name)
        assert self.curve.stopped == other.curve.stopped
        # The one fact about labels that nobody bought is the simulator's own.
        mine, theirs = ([{**fact, "wrong_auto_labels": 0.0} for fact in one.curve.notes] for one in (self, other))
        assert mine == theirs


def as_dense(X: Any) -> Any:
    return X.toarray() if sparse.issparse(X) else X


def iris() -> tuple[Dataset, Any]:
    X, y = load_iris(return_X_y=True)
    data = Dataset(X, y, name="iris", classes=range(3))
    order = np.random.default_rng(0).permutation(150)
    return data, explicit_block(data, order[:100], order[100:])


def poisoned(data: Dataset, block: Any, bought: Any) -> Dataset:
    """Return the data with garbage in everything that the recipe had no right to know."""
    rng = np.random.default_rng(99)
    X, y = np.array(data.X), np.array(data.y)
    unknown = np.setdiff1d(block.pool, bought)
    y[unknown] = (y[unknown] + rng.integers(1, 3, size=len(unknown))) % 3
    y[block.test] = rng.permutation((y[block.test] + 1) % 3)
    X[block.test] = 1e3 * rng.normal(size=(len(block.test), X.shape[1]))
    return Dataset(X, y, name=data.name, classes=range(3))


def record(recipe: Recipe, data: Dataset, block: Any, monkeypatch: Any, scenario: Scenario = SCENARIO) -> Record:
    kept = Record()

    class Spied(ActiveLearningLoop):
        def tell(self, labels: Any) -> None:
            super().tell(labels)
            X = self.pool.X
            model = self.pool.model
            if model is None:  # a step of the first sample
                return
            said = model.class_scores(X) if model.outputs or model.constant else model.predict(X)
            turn = self.records[-1]
            kept.records.append(
                (self.pool.labelled, self.pool.labels, self.pool.candidates, said, dict(turn.notes), self.stopped)
            )

    monkeypatch.setattr(altune.simulation.trajectory, "ActiveLearningLoop", Spied)
    prepared = prepare_block(data, block, seed=3)
    kept.X_pool = prepared.X_pool
    kept.curve = play(recipe, prepared, scenario)
    return kept


def recipe_with(method: Any) -> Recipe:
    """Return a recipe with this method, and a model that it can work with."""
    fields = {method.knob: method}
    if method.knob == "model":
        return Recipe(**fields, initial_sample={"method": "random", "size": 6})
    for name in MODELS:
        model = {"method": name, **QUICK.get(name, {})}
        recipe = Recipe(**{"initial_sample": {"method": "random", "size": 6}, **fields, "model": model})
        if not recipe.problems(FACTS):
            return recipe
    raise AssertionError(f"no model for {method}")


def every_recipe():
    for cls in every_method():
        if issubclass(cls, CustomModel):
            continue
        name = cls.model_fields["method"].default
        if getattr(cls, "uses_oracle", False):
            continue  # a marked upper bound, which looks at labels that nobody has paid for
        method = parse_method(cls.knob, {"method": name, **QUICK.get(name, {})})
        for number, variant in enumerate(variants(method)):
            yield pytest.param(recipe_with(variant), id=f"{cls.knob}-{name}-{number}")
    for action in ("drop", "weight", "relabel"):
        labeling = {"method": "single", "audit": "confident_learning", "action": action, "share": 0.2}
        yield pytest.param(recipe_with(parse_method("labeling", labeling)), id=f"audit-{action}")


@pytest.mark.parametrize("recipe", list(every_recipe()))
def test_a_recipe_does_the_same_whatever_it_did_not_buy(recipe, monkeypatch):
    data, block = iris()
    try:
        first = record(recipe, data, block, monkeypatch)
    except MissingExtraError as error:
        pytest.skip(str(error))
    assert len(first.records) >= 2
    again = record(recipe, poisoned(data, block, first.curve.rows), block, monkeypatch)
    first.same_decisions(again)
    # the poison is no water: the test scores are those of the garbage
    assert not np.array_equal(first.curve.scores["accuracy"], again.curve.scores["accuracy"])


def test_audits_relabel_and_stops_happen_in_these_plays(monkeypatch):
    data, block = iris()
    labeling = {"method": "single", "audit": "confident_learning", "action": "relabel", "share": 0.2}
    audited = record(recipe_with(parse_method("labeling", labeling)), data, block, monkeypatch).curve
    assert sum(fact.get("audit_suspects", 0) for fact in audited.notes) > 0
    assert audited.labels[-1] > len(audited.rows)
    rule = parse_method("stopping", {"method": "target", **QUICK["target"]})
    assert record(recipe_with(rule), data, block, monkeypatch).curve.stopped == "target"


def test_the_truth_about_labels_stays_with_the_simulator(monkeypatch):
    data, block = iris()
    kept = record(Recipe(), data, block, monkeypatch)
    assert any("wrong_labels_used" in fact for fact in kept.curve.notes)
    assert not any("wrong_labels_used" in notes for *_, notes, _ in kept.records)


# the test above can fail ------------------------------------------------------------------------------


def test_a_strategy_that_peeks_is_caught(monkeypatch):
    data, block = iris()

    @register
    class Peeking(ScoreStrategy):
        """Asks for class 2 first, as the true labels of the pool have it."""

        method: Literal["peeking_of_test"] = "peeking_of_test"
        truth: ClassVar[Any] = data.y[block.pool]

        def scores(self, pool, rng):
            return (self.truth[pool.candidates] == 2).astype(float)

    try:
        recipe = Recipe(query_strategy=Peeking())
        first = record(recipe, data, block, monkeypatch)
        other = poisoned(data, block, first.curve.rows)
        Peeking.truth = other.y[block.pool]
        again = record(recipe, other, block, monkeypatch)
        with pytest.raises(AssertionError):
            first.same_decisions(again)
    finally:
        unregister("query_strategy", "peeking_of_test")


def test_preprocessing_that_looks_at_test_rows_is_caught(monkeypatch):
    data, block = iris()

    def fitted_on_all(dataset, pool, test, **given):
        everything = encode_described(dataset, np.concatenate([pool, test]), test, **given)
        return everything.pool[: len(pool)], everything.pool[len(pool) :], everything.encoding

    monkeypatch.setattr(altune.simulation.prepared, "encode_described", fitted_on_all)
    first = record(Recipe(), data, block, monkeypatch)
    again = record(Recipe(), poisoned(data, block, first.curve.rows), block, monkeypatch)
    with pytest.raises(AssertionError):
        first.same_decisions(again)


# preprocessing of every kind of data ------------------------------------------------------------------


def wine_table() -> pd.DataFrame:
    """Return the wine data as a table: numbers with gaps, categories, text and dates."""
    frame = load_wine(as_frame=True).frame.drop(columns="target")
    frame["strength"] = pd.cut(frame["alcohol"], 4, labels=["light", "mild", "full", "heavy"]).astype(str)
    frame["shade"] = pd.Categorical(np.where(frame["hue"] > 1, "pale", "deep"))
    frame["bottled"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(frame["proline"].astype(int), unit="D")
    frame.loc[::7, "ash"] = np.nan
    return frame


@pytest.mark.parametrize("text_features", ["lsa", 5, "tfidf"])
def test_a_table_is_encoded_by_the_pool_alone(text_features):
    frame, y = wine_table(), load_wine().target
    words = np.array(["round", "dry", "oak", "plum", "smoke", "young"])
    frame["note"] = [" ".join(np.random.default_rng(row).choice(words, 4)) + f" no{row}" for row in range(len(y))]
    order = np.random.default_rng(1).permutation(len(y))
    pool, test = order[:120], order[120:]
    clean = encode(Dataset(frame, y, name="wine"), pool, test, text_features=text_features)
    other = frame.copy()
    other["shade"] = other["shade"].astype(object)
    for column in ("alcohol", "ash", "proline"):
        other.loc[test, column] = 1e6
    other.loc[test, "strength"] = [f"unheard of {number}" for number in range(len(test))]
    other.loc[test, "shade"] = "invisible"
    other.loc[test, "bottled"] = pd.Timestamp("1815-06-18")
    other.loc[test, "hue"] = np.nan
    other.loc[test, "note"] = [f"never read {number}" for number in range(len(test))]
    dirty = encode(Dataset(other, y, name="wine"), pool, test, text_features=text_features)
    assert sparse.issparse(clean[0]) == (text_features == "tfidf")
    clean, dirty = ([as_dense(part) for part in parts] for parts in (clean, dirty))
    np.testing.assert_array_equal(clean[0], dirty[0])
    assert dirty[1].shape[1] == clean[0].shape[1]
    assert not np.array_equal(clean[1], dirty[1])


def test_sparse_features_are_scaled_by_the_pool_alone():
    X, y = load_wine(return_X_y=True)
    order = np.random.default_rng(1).permutation(len(y))
    pool, test = order[:120], order[120:]
    dirty = X.copy()
    dirty[test] *= 1e4
    for scaling in ("auto", "standard"):
        a = encode(Dataset(sparse.csr_array(X), y, name="wine"), pool, test, scaling=scaling)[0]
        b = encode(Dataset(sparse.csr_array(dirty), y, name="wine"), pool, test, scaling=scaling)[0]
        np.testing.assert_array_equal(a.toarray(), b.toarray())
