"""Estimators that want more labels than there are yet: no model counts as the prior predictor."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_wine, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from altune.core.errors import WorkError
from altune.core.streams import Streams
from altune.core.types import TrainingSet
from altune.data import Dataset
from altune.loop.loop import ActiveLearningLoop
from altune.models import as_model
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.simulation.environment import make_environment
from altune.simulation.execution.items import Failure, WorkItem
from altune.simulation.execution.player import Player
from altune.simulation.scenario import Scenario
from altune.simulation.untrained import untrained_sentences
from altune.workflows.compare import compare
from altune.workflows.simulate import simulate
from altune.workflows.tune import tune


class Mapped(NamedTuple):
    """What of a curve counts here."""

    notes: Any
    labels: Any


class Wants(RidgeClassifier):  # type: ignore[misc]
    """A classifier that wants three rows of each class."""

    def fit(self, X: Any, y: Any) -> Any:
        if np.bincount(y).min() < 3:
            raise ValueError("three rows of each class")
        return super().fit(X, y)


pytestmark = pytest.mark.usefixtures("own_models")


def wine() -> Dataset:
    return Dataset(*load_wine(return_X_y=True), name="wine")


def played(recipe: dict[str, Any], estimator: Any, **options: Any) -> Any:
    options = {"budget": 40, "loops": 6, "n_blocks": 1} | options
    return simulate(recipe, wine(), model=estimator, **options).curves[0]


def run(recipe: dict[str, Any], estimator: Any, X: Any, y: Any, budget: int = 40) -> ActiveLearningLoop:
    """Run a loop on all rows to its end."""
    made = Recipe(model=as_model(estimator), **recipe)
    streams = Streams(0, "made", "search", 0)
    loop = ActiveLearningLoop(made, X, len(set(y.tolist())), budget=budget, loops=None, streams=streams)
    while not loop.done:
        loop.tell(y[loop.ask().rows])
    return loop


def test_the_prior_predictor_knows_the_shares_of_the_labels() -> None:
    X, y = load_wine(return_X_y=True)
    rows = np.array([0, 1, 60, 61, 62, 140])
    fitted = as_model(KNeighborsClassifier(15)).fit(TrainingSet(X[rows], y[rows], 3), 0)
    assert "could not be trained on 6 rows of 3 classes: KNeighbors" in fitted.failure
    assert fitted.predict(X).tolist() == [1] * len(X)
    for scores in (fitted.predict_proba(X), fitted.class_scores(X)):
        np.testing.assert_allclose(scores, np.tile([2 / 6, 3 / 6, 1 / 6], (len(X), 1)))
    weights = np.array([3.0, 3.0, 1.0, 1.0, 1.0, 1.0])
    weighted = as_model(CalibratedClassifierCV(GaussianNB(), cv=4)).fit(TrainingSet(X[rows], y[rows], 3, weights), 0)
    np.testing.assert_allclose(weighted.class_scores(X[:1]), [[0.6, 0.3, 0.1]])
    two = TrainingSet(X[[0, 60, 61]], np.array([0, 1, 1]), 2)
    machine = as_model(CalibratedClassifierCV(LinearSVC(), cv=2)).fit(two, 0)
    assert machine.failure
    np.testing.assert_allclose(machine.class_scores(X[:2]), [[1 / 3, 2 / 3]] * 2)
    neither = as_model(Wants()).fit(two, 0)
    np.testing.assert_allclose(neither.decision_function(X[:2]), [1 / 3, 1 / 3])


@pytest.mark.parametrize(
    "estimator",
    [
        KNeighborsClassifier(15),
        CalibratedClassifierCV(LinearSVC(), cv=3),
        HistGradientBoostingClassifier(max_iter=3, early_stopping=True, min_samples_leaf=2),
        Wants(),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_before_the_first_model_the_score_is_that_of_the_labels_shares(estimator: Any) -> None:
    size = {"method": "random", "size": 4}
    curve = played({"initial_sample": size, "query_strategy": "random"}, estimator, n_blocks=1)
    waiting = [index for index, notes in enumerate(curve.notes) if "no_model" in notes]
    assert waiting == list(range(len(waiting)))
    assert 1 <= len(waiting) < len(curve)
    y = load_wine(return_X_y=True)[1]
    shares = [np.bincount(y[curve.rows[:labels]], minlength=3) for labels in curve.labels]
    reference = played({"initial_sample": size, "query_strategy": "random"}, GaussianNB())
    assert curve.rows[: curve.labels[0]].tolist() == reference.rows[: reference.labels[0]].tolist()
    for index in waiting:
        assert curve.scores["accuracy"][index] == share_of_test(int(shares[index].argmax()))
    assert curve.scores["accuracy"][-1] > 0.5


def share_of_test(code: int) -> Any:
    """Return the share of a class in the test rows: the accuracy of a model that predicts nothing else."""

    class Always(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def fit(self, X: Any, y: Any) -> Any:
            return self

        def predict(self, X: Any) -> Any:
            return np.full(len(X), code)

    all_first = {"initial_sample": {"method": "random", "size": 30}, "query_strategy": "random"}
    return pytest.approx(played(all_first, Always()).scores["accuracy"][0])


def test_picks_come_from_the_initial_sample_until_there_is_a_model() -> None:
    X, y = load_wine(return_X_y=True)
    recipe = {"initial_sample": {"method": "random", "size": 4}, "loop_size": {"method": "constant", "size": 4}}
    loop = run(recipe, KNeighborsClassifier(15), X, y)
    waited = sum("no_model" in record.notes for record in loop.records)
    assert waited == 3  # after 4, 8 and 12 labels
    assert loop.pool.history.arms.tolist() == ["initial_sample.random"] * 16 + ["margin"] * 24
    assert [record.labels_used for record in loop.records] == list(range(4, 41, 4))


def test_a_model_that_cannot_be_trained_again_is_kept() -> None:
    """One row of a new class is not enough for three folds."""
    X, y = make_classification(200, 5, n_informative=4, n_redundant=0, n_classes=2, random_state=0)
    y = y.copy()
    y[np.flatnonzero(X[:, 0] > 1.4)] = 2  # a class of a few rows
    loop = run(
        {
            "initial_sample": {"method": "random", "size": 12},
            "loop_size": {"method": "constant", "size": 2},
            "query_strategy": "random",
        },
        Wants(),
        X,
        y,
        100,
    )
    kept = [record for record in loop.records if "model_kept" in record.notes]
    assert kept
    assert not any("no_model" in record.notes for record in loop.records)
    before = loop.records[kept[0].loop - 1]
    assert kept[0].labels_used == before.labels_used < kept[0].labels_bought
    assert loop.records[-1].labels_used == 100
    assert loop.model is not None
    assert loop.model.seen.tolist() == [0, 1, 2]


def test_results_say_in_which_share_of_the_loops_there_was_no_model() -> None:
    recipe = {"initial_sample": {"method": "random", "size": 4}, "loop_size": {"method": "constant", "size": 4}}
    given = {"budget": 40, "loops": None, "n_blocks": 2, "progress": False, "model": KNeighborsClassifier(15)}
    alone = simulate(recipe, wine(), **given)
    loops = {"no_model": 0.3, "model_kept": 0.0, "labels": 12}
    assert alone.to_dict()["untrained"] == {"recipe": loops}
    (line,) = alone.remarks
    assert line.startswith("No model could be trained yet in 30 % of the loops of the recipe: there, the scores are")
    assert line.endswith("It happened with up to 12 labels; a larger first sample changes that (initial_sample.size).")
    sized = {**recipe, "initial_sample": {"method": "random", "size": 16}}
    whole = simulate(sized, wine(), **given)
    assert (whole.remarks, "untrained" in whole.to_dict()) == ([], False)
    comparison = compare({"small": recipe, "also_small": recipe, "sized": sized}, wine(), **given)
    assert comparison.to_dict()["untrained"] == {"small": loops, "also_small": loops}
    assert any("in 30 % of the loops of small and also small:" in line for line in comparison.sentences)


def test_a_model_that_was_kept_is_counted_too() -> None:
    curve = Mapped([{}, {"model_kept": 1.0}, {}, {}], [8, 10, 12, 14])
    (line,) = untrained_sentences({"a": [curve, curve], "b": [Mapped([{}], [8])]})
    assert line.startswith(
        "The model could not be trained again in 25 % of the loops of a: there, the last one was kept"
    )
    assert "up to 10 labels" in line


@pytest.mark.slow
def test_the_answer_of_a_run_says_it_of_recipe_and_baselines(tmp_path: Path) -> None:
    sizes: dict[str, Any] = {"n_blocks": 1, "n_trials": 1, "select_blocks": 1, "report_blocks": 2, "n_jobs": 1}
    found = tune(wine(), model=KNeighborsClassifier(15), budget=40, loops=6, ablation=False, out=tmp_path, **sizes)
    (line,) = [line for line in found.sentences if line.startswith("No model could be trained yet in")]
    assert "of the loops of" in line
    assert "random sampling" in line
    assert {"recipe", "random_sampling"} <= found.to_dict()["untrained"].keys()
    assert "No model could be trained yet in" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    "fields",
    [
        {"stopping": {"method": "stabilizing_predictions", "models": 2, "threshold": 0.5}},
        {"labeling": {"method": "auto", "threshold": 0.5, "weight": 1.0}},
        {"loop_size": {"method": "constant", "size": 3}, "query_strategy": "qbc"},
        {"labeling": {"method": "single", "audit": "confident_learning", "action": "drop"}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_asks_the_model_waits_for_it(fields: dict[str, Any]) -> None:
    curve = played({"initial_sample": {"method": "random", "size": 4}, **fields}, KNeighborsClassifier(15))
    waiting = [notes for notes in curve.notes if "no_model" in notes]
    assert waiting
    assert len(waiting) < len(curve)
    assert not any(name.startswith(("stop_", "auto_")) for notes in waiting for name in notes)


def test_where_it_never_comes_to_a_model_one_line_says_what_to_give() -> None:
    with pytest.raises(
        WorkError, match=r"could not be trained on 20 rows .*n_neighbors.* initial_sample\.size"
    ) as line:
        played({"initial_sample": {"method": "random", "size": 5}}, KNeighborsClassifier(30), budget=20)
    assert "\n" not in str(line.value)


def test_a_search_plays_its_baselines_with_a_model_that_has_to_wait() -> None:
    space = SearchSpace.from_dict(
        {
            "version": 1,
            "query_strategy": ["margin", "random"],
            "initial_sample": {"method": "random", "size": {"low": 5, "high": 30}},
        }
    )
    found = tune(
        wine(), space, model=KNeighborsClassifier(15), n_trials=2, n_blocks=1, budget=40, loops=4, confirm=False
    )
    assert len(found.trials) == 2
    assert all(trial.value is not None and 0.3 < trial.value < 1 for trial in found.trials)


def test_the_time_limit_is_no_error_of_the_estimator() -> None:
    """Whatever the estimator or altune catches around it."""

    class Slow(GaussianNB):  # type: ignore[misc]
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
            try:
                while 20 < len(X) < 30:
                    pass
            except Exception:
                pass
            return super().fit(X, y, sample_weight)

    environment = make_environment(wine(), scenario=Scenario(budget=40))
    recipe = Recipe(model=as_model(Slow()), initial_sample={"method": "random", "size": 25})
    with Player() as player:
        (outcome,) = player.play([WorkItem(recipe, environment.blocks("search", 1)[0], environment, limit=0.2)])
    assert isinstance(outcome, Failure)
    assert outcome.reason == "over the time limit of 0.2 s on one block"
