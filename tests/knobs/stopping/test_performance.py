"""Stopping rules by performance: by hand and against other libraries."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from altune.core.needs import Capabilities
from altune.recipes.recipe import Recipe
from tests.helpers.stopping import agreement_view, fired, rule, view


def held_out(hits, trials, metric="accuracy", **parameters):
    """Return what target notes of models with the given hits on held-out rows of one class each, one note a model."""
    method, n_classes, notes = rule("target", metric=metric, **parameters), max(2, len(trials)), []
    labels = np.repeat(np.arange(len(trials)), trials)
    for right in hits:
        wrong = np.concatenate([np.arange(n) >= h for h, n in zip(right, trials, strict=True)])
        notes.append(method.note(agreement_view(labels=labels, said=(labels + wrong) % n_classes, n_classes=n_classes)))
    return method, notes


def test_target_notes_the_exact_p_value_of_the_held_out_accuracy():
    labels, said = np.arange(20) % 3, np.arange(20) % 3
    said[:2] = (said[:2] + 1) % 3
    noted = rule("target", score=0.8).note(agreement_view(labels=labels, said=said))
    assert noted["stop_p_value"] == pytest.approx(binomtest(18, 20, 0.8, alternative="greater").pvalue)
    assert noted["stop_faultless_p"] == pytest.approx(0.8**20)
    assert noted["stop_held_out"] == 20


def test_target_of_balanced_accuracy_needs_both_classes():
    _, [accuracy] = held_out([(57, 0)], (57, 3), score=0.85)
    _, [balanced] = held_out([(57, 0)], (57, 3), "balanced_accuracy", score=0.85)
    _, [faultless] = held_out([(57, 3)], (57, 3), "balanced_accuracy", score=0.85)
    assert accuracy["stop_p_value"] < 0.05
    assert balanced["stop_p_value"] == 1.0
    # Three rows do not show that the second class is recognised in more than 7 of 10 cases.
    assert faultless["stop_p_value"] == faultless["stop_faultless_p"] == pytest.approx(0.7**3)


def test_target_without_held_out_labels_never_stops():
    assert rule("target").note(agreement_view()) == {}
    assert not rule("target").fires([{}] * 30)


def test_target_spreads_its_error_over_the_looks_and_keeps_what_a_loop_cannot_use():
    # 30 rows without an error have the p-value .9 ** 30 = .042, which is there after 9 of 20 loops at .1 / 20 each.
    method, notes = held_out([(30,)] * 20, (30,), score=0.9)
    assert np.flatnonzero(fired(method, notes)).tolist() == [8, 16]
    # 60 rows: .9 ** 60 = .0018 at once, and one error (.0138) is allowed once .0018 + .0018 + .0138 < .015 + .005.
    method, notes = held_out([(60,)] * 3, (60,), score=0.9)
    assert fired(method, notes) == [True] * 3
    method, notes = held_out([(59,)] * 8, (60,), score=0.9)
    assert np.flatnonzero(fired(method, notes)).tolist() == [3, 7]
    # All at once: .1 is enough for two looks at .042, whichever models they are.
    once, notes = held_out([(28,), (30,), (30,)], (30,), score=0.9, looks=1)
    assert fired(once, notes) == [False, True, False]


def test_target_keeps_its_error_before_the_minimum_and_counts_patience_in_looks():
    method, notes = held_out([(30,)] * 20, (30,), score=0.9, minimum=15)
    early = [{**note, "stop_labels": float(count)} for count, note in enumerate(notes)]
    assert np.flatnonzero(fired(method, early)).tolist() == [15, 16]
    patient, notes = held_out([(30,)] * 20, (30,), score=0.9, patience=2)
    assert np.flatnonzero(fired(patient, notes)).tolist() == [16]
    assert rule("target", holdout=17).held_out_rows == 17


@pytest.mark.parametrize(
    ("metric", "trials"), [("accuracy", (30,)), ("accuracy", (80,)), ("balanced_accuracy", (40, 40))]
)
@pytest.mark.parametrize("alike", [True, False])
def test_at_most_the_stated_share_of_runs_stops_below_the_target(metric, trials, alike):
    """Every model has exactly the target; models of a run err on the same rows, or on rows of their own."""
    runs, models, score = 400, 20, 0.9
    rng = np.random.default_rng(7)
    shape = (runs, 1 if alike else models, len(trials))
    hits = np.broadcast_to(rng.binomial(np.array(trials), score, size=shape), (runs, models, len(trials)))
    noted: dict[tuple[int, ...], dict[str, float]] = {}
    stopped = 0
    for run in hits.tolist():
        for right in map(tuple, run):
            if right not in noted:
                method, [noted[right]] = held_out([right], trials, metric, score=score)
        notes = [noted[tuple(right)] for right in run]
        stopped += any(method.fires(notes[:end]) for end in range(1, models + 1))
    assert stopped / runs < 0.1 + 3 * np.sqrt(0.09 / runs)
    if not alike and metric == "accuracy":
        assert stopped / runs > 0.04


def test_a_target_that_can_never_be_shown_is_refused():
    capabilities = Capabilities(n_classes=10)
    problems = Recipe(stopping={"method": "target", "score": 0.98}).problems(capabilities)
    assert len(problems) == 1
    assert "30 held-out rows do not show accuracy 0.98 (p-value 0.55, above 0.1)" in problems[0]
    assert Recipe(stopping={"method": "target", "score": 0.98, "holdout": 114}).problems(capabilities) == []
    balanced = {"method": "target", "metric": "balanced_accuracy", "score": 0.9}
    assert Recipe(stopping=balanced).problems(Capabilities(n_classes=10)) == []
    assert Recipe(stopping=balanced).problems(Capabilities(n_classes=31)) != []


def test_oracle_accuracy_is_how_often_the_chooser_was_right():
    method = rule("oracle_accuracy", threshold=0.75)
    noted = method.note(view(new_predictions=[0, 1, 1, 0], new_labels=[0, 1, 1, 1]))
    assert noted == {"stop_oracle_accuracy": 0.75}
    assert method.fires([noted])
    assert not rule("oracle_accuracy").fires([noted])
    assert method.note(view()) == {}


def test_convergence_is_a_small_slope_at_a_new_maximum():
    key = "stop_expected_f"
    method = rule("performance_convergence", window=3, threshold=0.01)
    values = [0.2, 0.5, 0.8, 0.81, 0.815, 0.818, 0.7, 0.819]
    notes = [{key: value} for value in values]
    # windows of three, a loop apart: the slope is a third of what entered less what left
    slopes = [(values[end] - values[end - 3]) / 3 for end in range(3, 8)]
    found = [method.statistic(notes[:end]) for end in range(1, 9)]
    assert found[:3] == [None] * 3
    assert found[3:] == pytest.approx(slopes)
    assert fired(method, notes) == [False] * 5 + [True, False, True]
    lower = [*notes[:6], {key: 0.8175}]  # a small positive slope, and no new maximum
    assert 0 < method.statistic(lower) < 0.01
    assert not method.fires(lower)


def test_uncertainty_convergence_takes_the_least_margin_of_the_chosen_and_medians():
    method = rule("uncertainty_convergence", window=3, threshold=0.06)
    assert method.note(view(new_scores=[[0.7, 0.3], [0.45, 0.55]])) == {"stop_selected_margin": pytest.approx(0.1)}
    notes = [{"stop_selected_margin": value} for value in (0.1, 0.2, 0.9, 0.25, 0.95)]
    assert method.statistic(notes[:4]) == pytest.approx(0.25 - 0.2)
    assert fired(method, notes) == [False] * 5  # the fourth is no maximum, the fifth moves the median too far
    assert rule("uncertainty_convergence", window=3, threshold=0.1).fires(
        [*notes[:2], {"stop_selected_margin": 0.21}, {"stop_selected_margin": 0.25}]
    )
