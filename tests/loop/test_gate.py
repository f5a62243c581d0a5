"""Answers of methods pass one gate: what is right passes unchanged, and each wrong answer raises one line."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

from altune.core.errors import WorkError
from altune.core.registry import parse_method
from altune.core.streams import Streams
from altune.knobs.initial_sample import InitialSample
from altune.knobs.labeling import Automatic
from altune.knobs.query_strategy import Choice
from altune.loop.gate import Gate
from altune.loop.loop import ActiveLearningLoop
from altune.models import FittedModel
from altune.recipes.recipe import Recipe

MARGIN = parse_method("query_strategy", "margin")
LOGISTIC = parse_method("model", "logistic_regression")
GATE = Gate(3, n_classes=3)
CANDIDATES = np.array([2, 3, 5, 8, 9])
ROWS = np.array([4, 7])


def automatic(rows: Any, labels: Any, weight: float = 0.5) -> Any:
    return GATE.automatic(MARGIN, Automatic(np.array(rows), np.array(labels), weight), CANDIDATES)


def asked(rows: Any, annotators: Any) -> Any:
    return GATE.asked(MARGIN, (np.array(rows), np.array(annotators)), ROWS, 2, annotators=3)


def fitted(n_classes: int) -> FittedModel:
    return FittedModel(None, n_classes, np.array([0]), np.array([0]), ())


def rows(values: Any, least: int = 0, most: int | None = None) -> Any:
    return GATE.rows(MARGIN, values, CANDIDATES, least=least, most=most)


def choice(value: Any) -> Any:
    return GATE.choice(MARGIN, value, CANDIDATES, 2)


def tuned(value: Any) -> Any:
    return GATE.learner(MARGIN, LOGISTIC.model_copy(update={"C": value}), LOGISTIC)


def endless() -> Any:
    memo: list[Any] = []
    memo.append(memo)
    return memo


class Stubborn:
    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no")


TWO = np.array(["margin", "random"])


def chosen(propensities: Any = None, memo: Any = None) -> Choice:
    return Choice(np.array([8, 2]), TWO, None if propensities is None else np.array(propensities), memo)


def test_right_answers_pass_unchanged() -> None:
    assert rows(np.array([8, 2]), least=2, most=2).tolist() == [8, 2]
    assert rows([5]).dtype == np.intp
    assert rows(np.empty(0)).dtype == np.intp
    passed = choice(chosen([0.5, np.nan], {"weights": [1.0, 2]}))
    assert passed.rows.tolist() == [8, 2]
    assert passed.arms is TWO
    assert passed.memo == {"weights": [1.0, 2]}
    np.testing.assert_array_equal(passed.propensities, [0.5, np.nan])
    scores = np.array([0.1, -3.0, 1e300, 1e300, 1e308])
    assert GATE.scores(MARGIN, scores, 5) is scores
    assert GATE.size(MARGIN, np.int64(4)) == 4
    pair = asked([4, 7, 4, 7], [0, 1, 2, 0])
    assert [part.tolist() for part in pair] == [[4, 7, 4, 7], [0, 1, 2, 0]]
    assert GATE.labels(MARGIN, np.array([0, 2], dtype=np.int32), 2).dtype == np.intp
    assert GATE.automatic(MARGIN, None, CANDIDATES) is None
    assert automatic([3, 9], [1, 2], 1.0).labels.tolist() == [1, 2]
    notes = {"kappa": 0.5, "loops": 2, "size": np.float64(3.0)}
    assert GATE.notes(MARGIN, notes) == notes
    assert json.dumps(GATE.notes(MARGIN, {"kappa": np.float32(0.5), "loops": np.int64(2)}))
    tuned = LOGISTIC.model_copy(update={"C": 2.0})
    assert GATE.learner(MARGIN, tuned, LOGISTIC) is tuned
    assert GATE.decision(MARGIN, np.bool_(True)) is True
    model = fitted(3)
    assert GATE.fitted(MARGIN, model) is model


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda: rows(np.array([[2, 3]])), r"selected an array of shape \(1, 2\) and type int64, not row numbers"),
        (lambda: rows(np.array([2.0, 3.0])), "type float64, not row numbers"),
        (lambda: rows([True, False]), "type bool, not row numbers"),
        (lambda: rows(3), r"shape \(\)"),
        (lambda: rows([2], least=2, most=2), "selected 1 rows, not 2"),
        (lambda: rows([2, 3, 5], least=1, most=2), "selected 3 rows, not 1 to 2"),
        (lambda: rows([2, 5, 2]), "selected a row twice"),
        (lambda: rows([2, 4]), "selected row 4, which is not a candidate"),
        (lambda: rows([99, 2]), "selected row 99, which is not a candidate"),
        (lambda: rows([-1, 2]), "selected row -1, which is not a candidate"),
        (lambda: choice(np.array([2, 3])), "chose ndarray, not a Choice"),
        (lambda: choice(Choice(np.array([2, 4]), TWO)), "row 4, which is not a candidate"),
        (lambda: choice(Choice(np.array([2]), TWO[:1])), "selected 1 rows, not 2"),
        (lambda: choice(Choice(np.array([2, 3]), TWO[:1])), r"arms of shape \(1,\) and type <U6, not the name of who"),
        (lambda: choice(Choice(np.array([2, 3]), np.array([0, 1]))), "type int64, not the name of who chose each of 2"),
        (lambda: choice(chosen(propensities=[0.5])), r"propensities of shape \(1,\) and type float64, not \(2,\)"),
        (lambda: choice(chosen(propensities=["a", "b"])), "propensities of shape .* and type <U1"),
        (lambda: choice(chosen(propensities=[0.5, 0.0])), r"propensities outside of \(0, 1\]"),
        (lambda: choice(chosen(propensities=[1.5, 0.5])), r"propensities outside of \(0, 1\]"),
        (lambda: choice(chosen(memo=np.ones(2))), "a memo that JSON cannot write"),
        (lambda: choice(chosen(memo={"weight": np.nan})), "a memo that JSON cannot write"),
        (lambda: GATE.scores(MARGIN, np.ones(4), 5), r"scores of shape \(4,\) and type float64, not \(5,\) numbers"),
        (lambda: GATE.scores(MARGIN, np.ones((5, 1)), 5), r"scores of shape \(5, 1\)"),
        (lambda: GATE.scores(MARGIN, np.array(list("abcde")), 5), "type <U1"),
        (lambda: GATE.scores(MARGIN, np.array([1, 2, 3, 4, np.nan]), 5), "scores that are not finite"),
        (lambda: GATE.scores(MARGIN, np.array([1, 2, 3, 4, -np.inf]), 5), "scores that are not finite"),
        (lambda: GATE.size(MARGIN, 2.0), "returned the size 2.0, not a whole number of 1 or more"),
        (lambda: GATE.size(MARGIN, 0), "returned the size 0"),
        (lambda: GATE.size(MARGIN, True), "returned the size True"),
        (lambda: GATE.asked(MARGIN, None, ROWS, 1, 1), "returned NoneType, not rows and annotators"),
        (lambda: asked([4, 4, 7], [0, 1, 0]), "does not ask 2 times about each of 2 rows"),
        (lambda: asked([4, 4, 7, 8], [0, 1, 0, 1]), "does not ask 2 times about each of 2 rows"),
        (lambda: asked([4, 4, 7, 7], [0, 1, 0]), "does not name one annotator for each label"),
        (lambda: asked([4, 4, 7, 7], [0.0, 1.0, 0.0, 1.0]), "does not name one annotator for each label"),
        (lambda: asked([4, 4, 7, 7], [0, 1, 0, 3]), "asks annotators outside of 0 to 2"),
        (lambda: asked([4, 4, 7, 7], [0, 1, 0, -1]), "asks annotators outside of 0 to 2"),
        (lambda: GATE.labels(MARGIN, [0, 1, 2], 2), r"labels of shape \(3,\) and type int64, not \(2,\) class codes"),
        (lambda: GATE.labels(MARGIN, [0.0, 1.0], 2), "type float64"),
        (lambda: GATE.labels(MARGIN, [0, 3], 2), "labels from 0 to 3, not in 0 to 2"),
        (lambda: GATE.labels(MARGIN, [-1, 2], 2), "labels from -1 to 2, not in 0 to 2"),
        (lambda: GATE.automatic(MARGIN, ([2], [1]), CANDIDATES), "tuple as automatic labels, not Automatic or None"),
        (lambda: automatic([4], [1]), "row 4, which is not a candidate"),
        (lambda: automatic([5, 2], [1, 1]), "rows are not sorted"),
        (lambda: automatic([2, 5], [1, 3]), "labels from 1 to 3"),
        (lambda: automatic([2, 5], [1]), r"labels of shape \(1,\)"),
        (lambda: automatic([2], [1], 0.0), r"weight 0.0, not in \(0, 1\]"),
        (lambda: automatic([2], [1], np.nan), r"weight nan, not in \(0, 1\]"),
        (lambda: GATE.notes(MARGIN, [1.0]), "noted list, not a dictionary"),
        (lambda: GATE.notes(MARGIN, {"kappa": np.nan}), "noted 'kappa': nan, not a finite number"),
        (lambda: GATE.notes(MARGIN, {"kappa": "high"}), "noted 'kappa': 'high', not a finite number"),
        (lambda: GATE.notes(MARGIN, {"kappa": True}), "noted 'kappa': True, not a finite number"),
        (lambda: GATE.notes(MARGIN, {3: 1.0}), "noted 3: 1.0"),
        (lambda: GATE.decision(MARGIN, None), "decided None, not True or False"),
        (lambda: GATE.decision(MARGIN, 1), "decided 1, not True or False"),
        (lambda: GATE.learner(MARGIN, MARGIN, LOGISTIC), "Margin[A-Za-z]*, not a Model"),
        (lambda: GATE.learner(MARGIN, parse_method("model", "svm_rbf"), LOGISTIC), "model 'svm_rbf', not 'logistic"),
        (lambda: tuned(np.nan), "'logistic_regression' with another value than it takes: C: "),
        (lambda: tuned(-1.0), "'logistic_regression' with another value than it takes: C: "),
        (lambda: tuned("a"), "'logistic_regression' with another value than it takes: C: "),
        (lambda: rows(row for row in (2, 3)), r"selected an array of shape \(\) and type object"),
        (lambda: rows(None), r"selected an array of shape \(\) and type object"),
        (lambda: rows([[2, 3], [5]]), "selected a list that is no array: ValueError: "),
        (lambda: rows(Stubborn()), "selected a Stubborn that is no array: RuntimeError: no"),
        (lambda: rows(np.array([2, 2**63], dtype=np.uint64)), "which is not a candidate"),
        (lambda: GATE.scores(MARGIN, np.ones(5) * 1j, 5), "type complex128"),
        (lambda: GATE.scores(MARGIN, np.array([1, None, 2, 3, 4]), 5), "type object"),
        (lambda: GATE.scores(MARGIN, [1, [2], 3, 4, 5], 5), "returned a list that is no array"),
        (lambda: GATE.size(MARGIN, None), "returned the size None"),
        (lambda: GATE.size(MARGIN, float("nan")), "returned the size nan"),
        (lambda: GATE.size(MARGIN, -5), "returned the size -5"),
        (lambda: GATE.size(MARGIN, -1, "held_out_rows", least=0), "returned held_out_rows -1, not a whole number of 0"),
        (lambda: GATE.decision(MARGIN, np.array([True, False])), "decided array"),
        (lambda: GATE.decision(MARGIN, np.nan), "decided nan"),
        (lambda: GATE.asked(MARGIN, (np.array([[4, 7]]), np.array([0, 0])), ROWS, 1, 1), "does not ask 1 times"),
        (lambda: GATE.asked(MARGIN, (np.array([4.0, 7.0]), np.array([0, 0])), ROWS, 1, 1), "does not ask 1 times"),
        (lambda: GATE.labels(MARGIN, [[0], [1, 2]], 2), "returned a list that is no array"),
        (lambda: automatic([2], [1], "much"), "weight 'much', not in"),
        (lambda: automatic([2], [1], np.ones(2)), "weight array"),
        (lambda: GATE.notes(MARGIN, {"kappa": 1j}), "noted 'kappa': 1j"),
        (lambda: choice(chosen(memo=endless())), "a memo that JSON cannot write"),
        (lambda: GATE.fitted(MARGIN, None), "returned NoneType, not a FittedModel"),
        (lambda: GATE.fitted(MARGIN, fitted(4)), "a model of 4 classes, not 3"),
    ],
)
def test_a_wrong_answer_raises_one_line(answer: Any, problem: str) -> None:
    with pytest.raises(WorkError, match=f"^query_strategy 'margin' in loop 3: it .*{problem}") as caught:
        answer()
    assert "\n" not in str(caught.value)


# what the loop asks of each method ------------------------------------------------------------------


def play(recipe: Recipe) -> None:
    X, y = load_iris(return_X_y=True)
    loop = ActiveLearningLoop(recipe, scale(X), 3, budget=40, loops=5, streams=Streams(0, "iris", "search", 0))
    while not loop.done:
        loop.tell(y[loop.ask().rows])


@pytest.mark.parametrize(
    ("fields", "knob", "name", "wrong", "message"),
    [
        ({}, "query_strategy", "scores", lambda *_: np.zeros(3), "'margin' in loop 1: it returned scores of shape"),
        ({"query_strategy": "kcenter"}, "query_strategy", "select", lambda *_: np.arange(2), "'kcenter' in loop 1: it"),
        ({}, "query_strategy", "choose", lambda *_: np.arange(2), "'margin' in loop 1: it chose ndarray, not a Choice"),
        ({}, "initial_sample", "select", lambda *_: np.array([7, 7]), "'random' in loop 0: it selected a row twice"),
        ({}, "initial_sample", "more", lambda *_: np.array([900]), "'random' in loop 0: it selected row 900"),
        ({}, "initial_sample", "n_rows", lambda *_: None, "'random' in loop 0: it returned the size None"),
        ({}, "initial_sample", "n_rows", lambda *_: 4.5, "'random' in loop 0: it returned the size 4.5"),
        ({}, "labeling", "labels_per_row", 0, "'single' in loop 0: it returned labels_per_row 0, not a whole number"),
        ({}, "stopping", "held_out_rows", np.nan, "'budget' in loop 0: it returned held_out_rows nan"),
        (
            {},
            "model_init",
            "start",
            lambda *_, **__: None,
            "'default' in loop 0: it returned NoneType",
        ),
        ({}, "loop_size", "next_size", lambda *_: 2.5, "'constant' in loop 1: it returned the size 2.5"),
        ({}, "labeling", "ask", lambda _, rows, *__: (rows, rows), "'single' in loop 0: it asks annotators outside"),
        ({}, "labeling", "combine", lambda *_: np.zeros(1, int), "'single' in loop 0: it returned labels of shape"),
        ({}, "labeling", "automatic", lambda *_: 1, "'single' in loop 0: it returned int as automatic labels"),
        ({}, "stopping", "note", lambda *_: {"a": np.inf}, "'budget' in loop 0: it noted 'a': inf"),
        ({}, "stopping", "fires", lambda *_: "no", "'budget' in loop 0: it decided 'no'"),
        ({}, "training", "adapt", lambda *_: None, "'constant' in loop 0: it returned NoneType, not a Model"),
        ({}, "training", "tune", lambda *_: None, "'constant' in loop 0: it returned NoneType, not a Model"),
        ({}, "training", "note", lambda *_: None, "'constant' in loop 0: it noted NoneType"),
        ({}, "retrain", "train", lambda *_: "model", "'reset' in loop 0: it returned str, not a FittedModel"),
    ],
)
def test_the_loop_checks_every_method(
    fields: Any, knob: str, name: str, wrong: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(**fields)
    play(recipe)
    monkeypatch.setattr(type(getattr(recipe, knob)), name, wrong)
    with pytest.raises(WorkError, match=f"^{knob} {message}"):
        play(recipe)


def test_an_upper_bound_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = load_iris(return_X_y=True)
    recipe = Recipe()
    sample = type(recipe.initial_sample)
    monkeypatch.setattr(sample, "uses_oracle", True)
    monkeypatch.setattr(sample, "select_knowing", lambda *_: np.array([0.5]))
    assert issubclass(sample, InitialSample)
    streams = Streams(0, "iris", "search", 0)
    loop = ActiveLearningLoop(recipe, scale(X), 3, budget=40, loops=5, streams=streams, oracle=y)
    with pytest.raises(WorkError, match=r"^initial_sample 'random' in loop 0: it selected an array"):
        loop.ask()
