"""A hyperparameter tuned again and again on labels that were paid for."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import scale

from altune.core.errors import FormatError
from altune.core.registry import parse_method
from altune.core.streams import Streams
from altune.core.types import TrainingSet
from altune.knobs.training import Retune, TuningInput, set_hyperparameter
from altune.loop.loop import ActiveLearningLoop
from altune.models import KNearestNeighbours, LinearSVM, LogisticRegressionModel, SoftmaxRegression
from altune.recipes.recipe import Capabilities, Recipe

STREAMS = Streams(0, "retune", "search", 0)


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y


def so_far(X, y, *, n_classes=2, first=20, before=0, last=None, loop=0, weight=None):
    return TuningInput(
        training=TrainingSet(X, y, n_classes, weight),
        first_labels=first,
        last_labels=before,
        last=last,
        streams=STREAMS,
        loop=loop,
    )


def by_hand(X, y, values, judge, weight=None, folds=3, loop=0):
    """Return the merit of each C by a cross-validation written out with scikit-learn's own estimator."""
    split = StratifiedKFold(folds, shuffle=True, random_state=STREAMS.integer("retune", loop))
    merits = []
    for C in values:
        merit = np.empty(len(y))
        for train, out in split.split(X, y):
            part = None if weight is None else weight[train]
            fitted = LogisticRegression(C=C, max_iter=1000).fit(X[train], y[train], sample_weight=part)
            p = fitted.predict_proba(X[out])[np.arange(len(out)), y[out]]
            merit[out] = np.log(np.maximum(p, 1e-12)) if judge == "log_probability" else p > 0.5
        merits.append(np.average(merit, weights=weight))
    return merits


# what is chosen -------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_the_value_of_the_best_cross_validation_is_chosen(cancer, weighted):
    X, y = cancer
    values = (0.001, 0.05, 1.0, 1000.0)
    chosen = set()
    for start in range(0, 300, 60):
        rows = slice(start, start + 60)
        weight = np.random.default_rng(start).uniform(0.1, 1.0, 60) if weighted else None
        tuned = Retune(values=values).tune(LogisticRegressionModel(C=7.0), so_far(X[rows], y[rows], weight=weight))
        merits = by_hand(X[rows], y[rows], values, "log_probability", weight)
        assert values[int(np.argmax(merits))] == tuned.C
        chosen.add(tuned.C)
    assert len(chosen) > 1
    assert 0.001 not in chosen


def test_among_equals_the_value_in_use_stays_else_the_first(cancer):
    X, y = cancer
    easy = np.concatenate(
        [np.flatnonzero((y == 0) & (X[:, 0] > 2))[:12], np.flatnonzero((y == 1) & (X[:, 0] < -1))[:12]]
    )
    values = (0.1, 1.0, 10.0)
    assert by_hand(X[easy], y[easy], values, "accuracy") == [1.0, 1.0, 1.0]
    rule = Retune(values=values, judge="accuracy")
    assert rule.tune(LogisticRegressionModel(C=10.0), so_far(X[easy], y[easy])).C == 10.0
    assert rule.tune(LogisticRegressionModel(C=3.0), so_far(X[easy], y[easy])).C == 0.1


def test_accuracy_counts_hits(cancer):
    X, y = cancer
    values = (0.0001, 0.003, 30.0)
    rule = Retune(values=values, judge="accuracy", folds=4)
    tuned = rule.tune(LogisticRegressionModel(C=5.0), so_far(X[:80], y[:80]))
    merits = by_hand(X[:80], y[:80], values, "accuracy", folds=4)
    assert len(set(merits)) > 1
    assert values[int(np.argmax(merits))] == tuned.C
    assert rule.quality(tuned, so_far(X[:80], y[:80])) == pytest.approx(max(merits))


def test_a_range_is_cut_into_equal_steps_of_the_logarithm():
    assert Retune(low=0.01, high=100.0, points=5).offered() == (0.01, 0.1, 1.0, 10.0, 100.0)
    assert Retune(values=(3.0, 1.0), low=0.01).offered() == (3.0, 1.0)
    found = Retune(hyperparameter="n_neighbors", low=1, high=20, points=6).models(KNearestNeighbours())
    assert [model.n_neighbors for model in found] == [1, 2, 3, 6, 11, 20]
    assert all(isinstance(model.n_neighbors, int) for model in found)


def test_a_hyperparameter_is_set_within_its_declared_range():
    assert set_hyperparameter(LogisticRegressionModel(), "C", 1e9).C == 1e6
    assert set_hyperparameter(SoftmaxRegression(), "batch_size", 2.4).batch_size == 2


# when -----------------------------------------------------------------------------------------------


def tuned_at(rule, labels, first=20):
    """Return the label counts at which a rule is due."""
    due, before = [], 0
    for loop, n in enumerate(labels):
        if rule.due(so_far(np.zeros((n, 1)), np.zeros(n, dtype=int), first=first, before=before, loop=loop)):
            due.append(n)
        before = n
    return due


def test_due_at_each_doubling_or_every_k_loops():
    labels = range(20, 181, 10)
    assert tuned_at(Retune(), labels) == [20, 40, 80, 160]
    assert tuned_at(Retune(every=2), labels) == [20, 80]
    assert tuned_at(Retune(when="loops", every=5), labels) == [20, 70, 120, 170]
    assert tuned_at(Retune(when="loops"), labels) == list(labels)
    assert tuned_at(Retune(), [20, 90, 100, 170]) == [20, 90, 170]  # a step over a doubling is due at its end


def test_in_between_the_last_choice_holds(cancer):
    X, y = cancer
    rule = Retune(values=(0.01, 1.0), when="loops", every=2)
    last = LogisticRegressionModel(C=0.01)
    kept = rule.tune(LogisticRegressionModel(C=5.0), so_far(X[:60], y[:60], last=last, before=50, loop=1))
    assert kept.C == 0.01


def test_skipped_while_a_class_has_fewer_rows_than_folds(cancer):
    X, y = cancer
    rows = np.concatenate([np.flatnonzero(y == 0)[:2], np.flatnonzero(y == 1)[:30]])
    model = LogisticRegressionModel(C=5.0)
    for folds, tuned in ((3, False), (2, True)):
        rule = Retune(values=(0.001, 0.002), folds=folds)
        assert (rule.tune(model, so_far(X[rows], y[rows])).C != 5.0) is tuned
    alone = np.flatnonzero(y == 1)[:30]
    assert Retune(values=(0.001, 0.002)).tune(model, so_far(X[alone], y[alone])) == model


# in the loop ----------------------------------------------------------------------------------------


def play(X, y, n_classes, budget, **fields):
    recipe = Recipe(**{"initial_sample": {"method": "random", "size": 30}, **fields})
    loop = ActiveLearningLoop(recipe, X, n_classes, budget=budget, loops=6, streams=STREAMS)
    learners = []
    while not loop.done:
        loop.tell(y[loop.ask().rows])
        learners.append(loop.pool.learner)
    return loop, learners


def test_the_loop_trains_with_the_tuned_value_and_notes_it(cancer):
    training = {"method": "retune", "values": [0.003, 0.1, 3.0], "when": "loops", "every": 2}
    loop, learners = play(*cancer, 2, 120, training=training)
    noted = [turn.notes["tuned_C"] for turn in loop.records]
    assert noted == [learner.C for learner in learners]
    assert noted[-1] == loop.model.estimator.C
    assert set(noted) <= {0.003, 0.1, 3.0}
    assert noted[1] == noted[0]
    assert noted[3] == noted[2]
    again, _ = play(*cancer, 2, 120, training=training)
    assert [turn.notes for turn in again.records] == [turn.notes for turn in loop.records]


def test_tuning_mends_a_bad_hyperparameter():
    X, y = load_digits(return_X_y=True)
    X, y = X[:700] / 16, y[:700]
    bad = {"method": "logistic_regression", "C": 1e-4}
    right = {}
    for name, training in (("tuned", {"method": "retune", "when": "loops", "folds": 2}), ("left", "constant")):
        loop, _ = play(X, y, 10, 150, training=training, model=bad)
        right[name] = (loop.model.predict(X) == y).mean()
    assert right["tuned"] > right["left"] + 0.1


def test_its_time_is_training_time(cancer, monkeypatch):
    clock = [0.0]
    whole = Retune.tune

    def slow(self, model, labels):
        clock[0] += 100.0
        return whole(self, model, labels)

    monkeypatch.setattr(Retune, "tune", slow)
    monkeypatch.setattr("altune.loop.loop.time.perf_counter", lambda: clock[0])
    loop, _ = play(*cancer, 2, 60, training="retune")
    assert {turn.fit_seconds for turn in loop.records} == {100.0}
    assert {turn.query_seconds for turn in loop.records} == {0.0}


# what cannot be -------------------------------------------------------------------------------------


def test_what_the_model_does_not_offer_is_refused():
    facts = Capabilities()
    recipe = Recipe(training={"method": "retune", "hyperparameter": "learning_rate"})
    assert "does not offer (it offers C)" in recipe.problems(facts)[0]
    outside = Recipe(training={"method": "retune", "hyperparameter": "n_neighbors"}, model="k_nearest_neighbours")
    assert "tries 0.01 for 'n_neighbors', which must be from 1 to 1000" in outside.problems(facts)[0]
    reversed_range = Recipe(training={"method": "retune", "low": 5.0, "high": 5.0})
    assert "low must be below high" in reversed_range.problems(facts)[0]
    assert Recipe(training="retune").problems(facts) == []
    assert Recipe(training="retune", model="linear_svm").problems(facts) == []


def test_a_model_without_scores_is_judged_by_its_hits(cancer):
    X, y = cancer
    assert "class_scores" in Retune().required()
    assert Retune(judge="accuracy").required() == frozenset()
    tuned = Retune(values=(1e-6, 0.1), judge="accuracy").tune(LinearSVM(C=5.0), so_far(X[:60], y[:60]))
    assert tuned.C in (1e-6, 0.1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"values": [1.0]},
        {"values": ["a", "b"]},
        {"low": 0.0},
        {"high": -1.0},
        {"points": 1},
        {"folds": 1},
        {"every": 0},
        {"when": "never"},
        {"judge": "auc"},
    ],
)
def test_parameters_outside_of_their_ranges_are_refused(wrong):
    with pytest.raises(FormatError):
        parse_method("training", {"method": "retune", **wrong})
