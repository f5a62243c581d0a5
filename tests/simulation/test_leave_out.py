"""Scores without each group of test rows, held against scikit-learn's on the same rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, jaccard_score, matthews_corrcoef, roc_auc_score

from altune.core.types import Codes
from altune.models import FittedModel
from altune.simulation.leave_out import without_each_group
from altune.simulation.scoring import TestScorer, row_groups

AVERAGED = [
    f"{name}_{how}" for name in ("f1", "precision", "recall", "jaccard") for how in ("macro", "micro", "weighted")
]


class Guesses:
    """A model that has learned nothing: its outputs are given."""

    def __init__(self, predicted: Codes, probabilities: np.ndarray) -> None:
        self.predicted, self.probabilities = predicted, probabilities
        self.classes_ = np.arange(probabilities.shape[1])

    def predict(self, X: object) -> Codes:
        return self.predicted

    def predict_proba(self, X: object) -> np.ndarray:
        return self.probabilities


def sample(n_classes: int, seed: int = 0, rows: int = 60) -> tuple[Codes, Guesses]:
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.concatenate([np.arange(n_classes).repeat(3), rng.integers(n_classes - 1, size=rows)]))
    probabilities = rng.dirichlet(np.ones(n_classes), size=len(y)).round(2)
    probabilities[:, 0] += 1 - probabilities.sum(axis=1)
    return y, Guesses(probabilities.argmax(axis=1), probabilities)


@pytest.mark.parametrize("metric", [*AVERAGED, "balanced_accuracy", "matthews_corrcoef"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_each_metric_of_predicted_classes_is_scikit_learns_on_the_other_rows(metric: str, n_classes: int) -> None:
    y, model = sample(n_classes)
    groups = row_groups(y)
    fast = without_each_group(metric, y, model.predicted, groups, n_classes, n_classes - 1)
    assert fast is not None
    for group, value in zip(groups, fast, strict=True):
        rest = np.setdiff1d(np.arange(len(y)), group)
        scorer = TestScorer((metric,), np.zeros((len(rest), 1)), y[rest], n_classes)
        guesses = Guesses(model.predicted[rest], model.probabilities[rest])
        assert value == pytest.approx(scorer(guesses)[metric]), metric  # type: ignore[arg-type]


@pytest.mark.parametrize("positive", [0, 1])
def test_metrics_of_one_class_take_the_positive_one(positive: int) -> None:
    y, model = sample(2)
    groups = row_groups(y)
    for metric, function in (("f1", f1_score), ("jaccard", jaccard_score)):
        fast = without_each_group(metric, y, model.predicted, groups, 2, positive)
        rest = np.setdiff1d(np.arange(len(y)), groups[3])
        assert fast is not None
        assert fast[3] == pytest.approx(function(y[rest], model.predicted[rest], pos_label=positive))


def test_a_class_that_is_never_right_or_never_called_counts_as_in_scikit_learn() -> None:
    y, predicted = np.array([0, 0, 1, 1, 2, 2, 0, 1]), np.array([0, 0, 1, 1, 0, 1, 0, 1])
    groups = [np.array([0, 4]), np.array([5, 1]), np.array([2, 6]), np.array([3, 7])]
    for metric, function in (
        ("f1_macro", lambda a, b: f1_score(a, b, average="macro")),
        ("balanced_accuracy", balanced_accuracy_score),
        ("matthews_corrcoef", matthews_corrcoef),
    ):
        # The scenario may have a fourth class, which neither the rows nor the predictions have.
        for n_classes in (3, 4):
            fast = without_each_group(metric, y, predicted, groups, n_classes, 2)
            assert fast is not None
            for group, value in zip(groups, fast, strict=True):
                rest = np.setdiff1d(np.arange(len(y)), group)
                assert value == pytest.approx(function(y[rest], predicted[rest])), metric


def test_the_area_under_the_roc_curve_is_scikit_learns_with_ties() -> None:
    y, model = sample(2, seed=3)
    scorer = TestScorer(("roc_auc",), np.zeros((len(y), 1)), y, 2)
    score, units = scorer.with_units(model)  # type: ignore[arg-type]
    groups = row_groups(y)
    for number, group in enumerate(groups):
        rest = np.setdiff1d(np.arange(len(y)), group)
        without = roc_auc_score(y[rest], model.probabilities[rest, 1])
        expected = len(groups) * score["roc_auc"] - (len(groups) - 1) * without
        assert units.groups["roc_auc"][number] == pytest.approx(expected)


def test_pseudo_values_of_a_mean_over_rows_are_the_means_of_the_groups() -> None:
    y, model = sample(3)
    scorer = TestScorer(("accuracy", "neg_log_loss"), np.zeros((len(y), 1)), y, 3)
    score, units = scorer.with_units(model)  # type: ignore[arg-type]
    losses = np.log(np.clip(model.probabilities[np.arange(len(y)), y], np.finfo(float).eps, 1))
    assert score["neg_log_loss"] == pytest.approx(losses.mean())
    groups = row_groups(y)
    equal = [number for number, group in enumerate(groups) if len(group) == len(groups[0])]
    sizes = {len(group) for group in groups}
    assert max(sizes) - min(sizes) <= 1
    for number in equal[:3]:
        # Exact for groups of equal size; here sizes differ by a row at most.
        assert units.groups["neg_log_loss"][number] == pytest.approx(losses[groups[number]].mean(), abs=0.2)
    assert set(units.groups) == {"neg_log_loss"}
    assert units.correct.mean() == pytest.approx(score["accuracy"])


def test_groups_have_nearly_one_size_and_every_class_in_its_share() -> None:
    y = np.repeat([0, 1], [90, 10])
    groups = row_groups(y)
    assert sorted(np.concatenate(groups).tolist()) == list(range(100))
    assert {len(group) for group in groups} == {5}
    assert max(np.count_nonzero(y[group]) for group in groups) == 1
    assert len(row_groups(np.zeros(7, dtype=int))) == 3


def test_a_constant_model_has_units_as_well() -> None:
    y = np.array([0, 1, 1, 0, 1, 1])
    scorer = TestScorer(("accuracy", "f1_macro", "roc_auc"), np.zeros((6, 1)), y, 2)
    constant = FittedModel(None, 2, np.array([1]), np.array([1]), ("predict_proba",))
    score, units = scorer.with_units(constant)
    assert units.correct.tolist() == [False, True, True, False, True, True]
    assert set(units.groups) == {"f1_macro", "roc_auc"}
    assert np.isfinite([*units.groups["f1_macro"], *units.groups["roc_auc"]]).all()
    assert score["roc_auc"] == 0.5
