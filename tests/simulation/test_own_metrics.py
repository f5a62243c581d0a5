"""Metrics and objectives of the user, and metrics that a rare class makes impossible."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    log_loss,
    make_scorer,
    roc_auc_score,
)

import altune
from altune.core.errors import AltuneError, FormatError, RequestError, ScenarioError
from altune.simulation.objectives import KINDS, own_objective
from altune.simulation.own_metrics import own_metrics

NAMES = np.array(["ham", "spam", "virus"])
RECIPE = {"initial_sample": {"method": "random", "size": 12}}
PLAYED = {"budget": 24, "loops": 2, "n_blocks": 1}


@pytest.fixture(autouse=True)
def own() -> Iterator[None]:
    """Forget what a test registers."""
    metrics, kinds = set(own_metrics()), set(KINDS)
    yield
    for name, metric in own_metrics().items():
        if name not in metrics:
            metric.forget()
    for name in set(KINDS) - kinds:
        made = own_objective(name)
        assert made is not None
        made.forget()


def data(labels: Any = NAMES, n_classes: int = 3, **given: Any) -> altune.Dataset:
    rng = np.random.default_rng(3)
    y = np.arange(180) % n_classes
    return altune.Dataset(rng.normal(size=(180, 4)) + y[:, None] / 2, np.asarray(labels)[y], name="same", **given)


def area(dataset: altune.Dataset, metric: str, **given: Any) -> float:
    return altune.simulate(RECIPE, dataset, metric=metric, **(PLAYED | given)).aulc


@pytest.mark.parametrize(
    ("metric", "scorer", "n_classes"),
    [
        ("accuracy", make_scorer(accuracy_score), 3),
        ("f1_macro", make_scorer(f1_score, average="macro"), 3),
        ("roc_auc", make_scorer(roc_auc_score, response_method=("decision_function", "predict_proba")), 2),
        ("neg_log_loss", make_scorer(log_loss, greater_is_better=False, response_method="predict_proba"), 3),
        ("roc_auc_ovr", make_scorer(roc_auc_score, response_method="predict_proba", multi_class="ovr"), 3),
    ],
)
def test_a_scorer_gives_what_the_metric_of_its_function_gives(metric: str, scorer: Any, n_classes: int) -> None:
    altune.register_metric("mine", scorer)
    for names, classes in ((NAMES, None), ((30, 4, 100), None), (NAMES, ["virus", "ham", "spam"][-n_classes:])):
        dataset = data(names, n_classes, **({} if classes is None else {"classes": classes}))
        given = {"model": RidgeClassifier()} if metric == "roc_auc" else {}
        assert area(dataset, "mine", **given) == pytest.approx(area(dataset, metric, **given), abs=1e-12)


@pytest.mark.parametrize("names", [("ham", "spam"), (1, 2), (5, 1), (False, True)])
def test_the_positive_label_is_the_label_of_the_data(names: tuple[Any, Any]) -> None:
    for position in (0, 1):
        altune.register_metric("mine", make_scorer(f1_score, pos_label=names[position]))
        altune.register_metric(
            "ranked", make_scorer(average_precision_score, pos_label=names[position], response_method="predict_proba")
        )
        dataset = data(names, 2)
        assert area(dataset, "mine") == area(dataset, "f1", positive=str(names[position]))
        assert area(dataset, "ranked") == pytest.approx(
            area(dataset, "average_precision", positive=str(names[position]))
        )


def test_a_function_of_classifier_features_and_labels_is_a_scorer() -> None:
    def plain(classifier: Any, X: Any, y: Any) -> float:
        assert X.shape[1] == 4
        assert set(classifier.classes_) == set(NAMES)
        return float((classifier.predict(X) == y).mean())

    altune.register_metric("mine", plain)
    assert area(data(), "mine") == area(data(), "accuracy")


def test_worker_processes_receive_metrics_with_the_task() -> None:
    altune.register_metric("mine", make_scorer(lambda y, found: float((y == found).mean())))
    alone = altune.simulate(RECIPE, data(), metric="mine", **(PLAYED | {"n_blocks": 2}))
    shared = altune.simulate(RECIPE, data(), metric="mine", n_jobs=2, **(PLAYED | {"n_blocks": 2}))
    assert shared.aulc == alone.aulc == altune.simulate(RECIPE, data(), **(PLAYED | {"n_blocks": 2})).aulc


def test_a_scenario_brings_its_metrics_along() -> None:
    metric = altune.register_metric("mine", make_scorer(accuracy_score), high=1)
    sent = pickle.dumps(altune.Scenario(metric="mine", objective="alc_normalized"))
    metric.forget()
    with pytest.raises(FormatError, match="unknown scorer 'mine'"):
        altune.Scenario.from_dict({"metric": "mine"})
    assert pickle.loads(sent).metric == "mine"
    assert own_metrics()["mine"].fingerprint() == metric.fingerprint()
    assert altune.Scenario.from_dict({"metric": "mine", "objective": "alc_normalized"}).metric == "mine"


@pytest.mark.parametrize(
    ("scorer", "line"),
    [
        (make_scorer(lambda y, found: float("nan")), "metric 'mine' returned nan; it must return a finite number"),
        (make_scorer(lambda y, found: np.zeros(3)), "metric 'mine' returned an array of shape (3,)"),
        (make_scorer(lambda y, found: "high"), "metric 'mine' returned a str"),
        (lambda classifier, X, y: None, "metric 'mine' returned nothing"),
        (lambda classifier, X, y: {"a": 1.0}, "metric 'mine' returned a dict"),
        (make_scorer(lambda y, found: 1 / 0), "metric 'mine' failed: ZeroDivisionError: division by zero"),
        (make_scorer(f1_score), "metric 'mine' failed: ValueError: Target is multiclass"),
        (
            make_scorer(f1_score, labels=["ham", "x"], average="macro"),
            "metric 'mine' names the class 'x', and the labels",
        ),
    ],
)
def test_a_scorer_that_gives_no_number_is_refused_in_one_line(scorer: Any, line: str) -> None:
    altune.register_metric("mine", scorer)
    with pytest.raises(AltuneError) as refused:
        area(data(), "mine")
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_scorer_that_fails_later_ends_with_one_line() -> None:
    calls = iter(range(1000))
    altune.register_metric("mine", make_scorer(lambda y, found: 0.5 if next(calls) < 4 else float("nan")))
    with pytest.raises(AltuneError, match="metric 'mine' returned nan; it must return a finite number"):
        area(data(), "mine", budget=40, loops=10)


def test_names_and_scorers_are_checked() -> None:
    good = make_scorer(accuracy_score)
    for name, scorer, line in (
        ("accuracy", good, "'accuracy' is a metric already"),
        ("My metric", good, "'My metric' is not a name for a metric"),
        ("mine", accuracy_score, "accuracy_score compares labels; give sklearn.metrics.make_scorer"),
        ("mine", "accuracy", "'accuracy' is not a scorer"),
        ("mine", 3, "3 is not a scorer"),
    ):
        with pytest.raises(RequestError, match=line):
            altune.register_metric(name, scorer)
    with pytest.raises(RequestError, match="low must be less than high, not 1 and 0"):
        altune.register_metric("mine", good, low=1, high=0)
    with pytest.raises(RequestError, match="metric: give the name of a registered metric"):
        area(data(), good)  # type: ignore[arg-type]
    altune.register_metric("mine", good)
    altune.register_metric("mine", make_scorer(f1_score, average="macro"))
    assert area(data(), "mine") == pytest.approx(area(data(), "f1_macro"))


def test_a_metric_of_probabilities_needs_a_model_that_has_them() -> None:
    altune.register_metric("mine", make_scorer(log_loss, greater_is_better=False, response_method="predict_proba"))
    with pytest.raises(RequestError, match="the metric 'mine' needs probabilities"):
        area(data(), "mine", model="linear_svm")


def test_a_run_is_resumed_with_the_same_metric_only(tmp_path: Path) -> None:
    given = {"n_trials": 1, "n_blocks": 1, "budget": 24, "loops": 2, "confirm": False, "out": tmp_path / "run"}
    altune.register_metric("mine", make_scorer(accuracy_score))
    altune.register_objective("end", lambda terms, curve, reference: curve.scores[terms.metric][-1])
    altune.tune(data(), metric="mine", objective="end", **given)
    altune.tune(data(), metric="mine", objective="end", **given)
    altune.register_metric("mine", make_scorer(f1_score, average="macro"))
    with pytest.raises(RequestError, match="your metric 'mine' has changed"):
        altune.tune(data(), metric="mine", objective="end", **given)
    altune.register_metric("mine", make_scorer(accuracy_score))
    altune.register_objective("end", lambda terms, curve, reference: 1 - curve.scores[terms.metric][-1])
    with pytest.raises(RequestError, match="your objective 'end' has changed"):
        altune.tune(data(), metric="mine", objective="end", **given)
    own_metrics()["mine"].forget()
    with pytest.raises(RequestError, match="the run uses your own metric 'mine'; register it with"):
        altune.open_run(tmp_path / "run")


def last_half(terms: Any, curve: Any, reference: Any) -> Any:
    """Mean score over the second half of the budget.

    More lines.
    """
    return curve.at(np.linspace(terms.end / 2, terms.end, 50), terms.metric).mean()


def test_an_objective_is_a_function_of_a_curve() -> None:
    made = altune.register_objective("last_half", last_half, by_row=True)
    assert made.kind.text == "Mean score over the second half of the budget."
    played = altune.simulate(RECIPE, data(), objective="last_half", **(PLAYED | {"n_blocks": 3}))
    curves = played.curves
    expected = [curve.at(np.linspace(12, 24, 50), "accuracy").mean() for curve in curves]
    assert played.values.tolist() == pytest.approx(expected)
    bounded = altune.Scenario(constraints=("last_half >= 0.5",), objective=("aulc", "last_half"))
    assert bounded.constraints == ("last_half >= 0.5",)


def test_an_objective_to_minimise_is_searched_confirmed_and_explained(tmp_path: Path) -> None:
    altune.register_objective(
        "error",
        lambda terms, curve, reference: 1 - curve.scores[terms.metric][-1] / reference.scores[terms.metric][-1],
        direction="minimize",
        reference=True,
    )
    sizes = {"n_trials": 3, "n_blocks": 2, "select_blocks": 2, "report_blocks": 2}
    run = altune.tune(data(), objective="error", budget=24, loops=2, out=tmp_path / "run", space="quick", **sizes)
    assert run.study.direction.name == "MINIMIZE"
    assert "error" in (tmp_path / "run" / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (lambda terms, curve, reference: float("inf"), "objective 'mine' returned inf"),
        (lambda terms, curve, reference: curve.scores["f1_macro"], "objective 'mine' failed: KeyError: 'f1_macro'"),
        (
            lambda terms, curve, reference: curve.scores[terms.metric],
            "objective 'mine' returned an array of shape (3,)",
        ),
    ],
)
def test_an_objective_that_gives_no_number_is_refused_in_one_line(function: Any, line: str) -> None:
    altune.register_objective("mine", function)
    with pytest.raises(ScenarioError) as refused:
        altune.simulate(RECIPE, data(), objective="mine", **PLAYED)
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


def test_names_and_functions_of_objectives_are_checked() -> None:
    for name, function, given, line in (
        ("aulc", last_half, {}, "'aulc' is an objective already"),
        ("Mine", last_half, {}, "'Mine' is not a name for an objective"),
        ("mine", "aulc", {}, "'aulc' is not a function"),
        ("mine", lambda curve: 1.0, {}, r"call it as function\(terms, curve, reference\)"),
        ("mine", last_half, {"direction": "up"}, "direction is maximize or minimize, not 'up'"),
    ):
        with pytest.raises(RequestError, match=line):
            altune.register_objective(name, function, **given)  # type: ignore[arg-type]
    with pytest.raises(FormatError, match="unknown objective 'mine'"):
        altune.Scenario.from_dict({"objective": "mine"})


def rare() -> tuple[altune.Dataset, list[dict[str, list[int]]]]:
    """Return data with a class of 6 rows, and two blocks of which the second has none of it among its test rows."""
    rng = np.random.default_rng(0)
    y = np.r_[np.arange(174) % 2, np.full(6, 2)]
    dataset = altune.Dataset(rng.normal(size=(180, 4)) + y[:, None], NAMES[y], name="rare")
    some, others = np.arange(120), np.arange(120, 174)
    lasts = np.arange(174, 180)
    first = {"pool": [*some.tolist(), *lasts[:3].tolist()], "test": [*others.tolist(), *lasts[3:].tolist()]}
    return dataset, [first, {"pool": [*some.tolist(), *lasts.tolist()], "test": others.tolist()}]


@pytest.mark.parametrize("metric", ["roc_auc_ovr", "average_precision"])
def test_a_class_that_is_too_rare_for_a_metric_is_named_before_the_first_trial(metric: str, tmp_path: Path) -> None:
    dataset, splits = rare()
    message = (
        f"the metric '{metric}' cannot be computed on search block 1 of rare: class 'virus' has 6 of 180 rows and none "
        "among the test rows; give more rows of it, merge it with another class, or choose a metric such as "
        "balanced_accuracy"
    )
    with pytest.raises(ScenarioError) as refused:
        altune.tune(dataset, metric=metric, splits=splits, budget=24, loops=2, n_trials=1, confirm=False)
    assert str(refused.value) == message
    assert np.isfinite(area(dataset, metric, splits=splits[:1]))
    report = {"search": splits[:1], "select": splits[:1], "report": splits}
    with pytest.raises(ScenarioError, match="cannot be computed on report block 1 of rare"):
        altune.tune(dataset, metric=metric, splits=report, budget=24, loops=2, n_trials=1, out=tmp_path / "run")
    assert not (tmp_path / "run" / "study.journal").exists()


@pytest.mark.parametrize(
    "metric",
    ["neg_log_loss", "neg_brier_score", "d2_log_loss_score", "top_k_accuracy", "balanced_accuracy", "f1_macro"],
)
def test_other_metrics_are_computed_over_all_classes(metric: str) -> None:
    dataset, splits = rare()
    assert np.isfinite(area(dataset, metric, splits=splits))


def test_a_positive_class_without_test_rows_is_named() -> None:
    rng = np.random.default_rng(0)
    y = np.r_[np.zeros(60, dtype=int), np.ones(6, dtype=int)]
    dataset = altune.Dataset(rng.normal(size=(66, 2)), np.array(["no", "yes"])[y], name="rare")
    splits = [{"pool": [*range(40), *range(60, 66)], "test": list(range(40, 60))}]
    for metric in ("recall", "f1", "roc_auc", "positive_likelihood_ratio"):
        with pytest.raises(ScenarioError, match="class 'yes' has 6 of 66 rows and none among the test rows"):
            area(dataset, metric, splits=splits)
    assert area(dataset, "recall", positive="no", splits=splits) > 0
    assert np.isfinite(area(dataset, "neg_log_loss", splits=splits))


@pytest.mark.slow
def test_the_command_line_finds_those_of_installed_packages(tmp_path: Path) -> None:
    (tmp_path / "my_scores.py").write_text(
        "import altune\n"
        "from sklearn.metrics import accuracy_score, make_scorer\n"
        "metric = altune.register_metric('mine', make_scorer(accuracy_score), high=1)\n"
        "objective = altune.register_objective('end', lambda terms, curve, reference: curve.scores['mine'][-1])\n",
        "utf-8",
    )
    metadata = tmp_path / "my_scores-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-scores\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[altune.metrics]\nmine = my_scores:metric\n[altune.objectives]\nend = my_scores:objective\n"
    )
    words = ["simulate", "iris", "--budget", "30", "--blocks", "2", "--jobs", "2", "--json"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}

    def mean(*more: str) -> float:
        command = [sys.executable, "-m", "altune", *words, *more]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        return float(json.loads(ended.stdout)["mean"])

    assert mean("--metric", "mine", "--objective", "end") == mean("--objective", "final_score")
