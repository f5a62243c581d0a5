"""Labels of unequal annotators: their confusions and the classes are estimated together."""

from __future__ import annotations

import numpy as np
import pytest

from altune.core.registry import parse_method
from altune.knobs.labeling import Answers, dawid_skene
from altune.recipes.recipe import Capabilities, Recipe


def labeling(name, **parameters):
    return parse_method("labeling", {"method": name, **parameters})


def crowd(n_items=300, seed=0):
    """Return truth and the answers of three good annotators, one that sees classes 1 and 2 swapped, one at random."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(3, size=n_items)
    swapped = np.array([0, 2, 1])[truth]
    sheets = []
    for kind in range(5):
        sure = {3: swapped, 4: rng.integers(3, size=n_items)}.get(kind, truth)
        error = {3: 0.05, 4: 0.0}.get(kind, 0.3)
        sheets.append(np.where(rng.random(n_items) < error, rng.integers(3, size=n_items), sure))
    return truth, np.stack(sheets)


def test_confusions_and_classes_are_found_together():
    truth, sheets = crowd()
    items = np.tile(np.arange(300), 5)
    found = dawid_skene(items, np.repeat(np.arange(5), 300), sheets.ravel(), 3, smoothing=0.1)
    votes = np.stack([(sheets == code).sum(axis=0) for code in range(3)], axis=1)
    assert np.mean(found.posterior.argmax(axis=1) == truth) > np.mean(votes.argmax(axis=1) == truth) + 0.03
    assert found.confusion[3, 1, 2] > 0.9  # who swaps two classes is found out, and so made use of
    assert found.confusion[:, 0, 0][:3] == pytest.approx(0.8, abs=0.1)
    assert found.confusion[4] == pytest.approx(1 / 3, abs=0.12)
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1.0)
    np.testing.assert_allclose(found.confusion.sum(axis=2), 1.0)
    assert found.prior == pytest.approx(np.bincount(truth) / 300, abs=0.05)


def test_the_estimate_is_a_fixed_point_of_both_steps():
    _, sheets = crowd(120)
    items, who = np.tile(np.arange(120), 5), np.repeat(np.arange(5), 120)
    found = dawid_skene(items, who, sheets.ravel(), 3, smoothing=0.5)
    confusion = np.full((5, 3, 3), 0.5)
    for annotator in range(5):
        for item in range(120):
            confusion[annotator, :, sheets[annotator, item]] += found.posterior[item]
    confusion /= confusion.sum(axis=2, keepdims=True)
    np.testing.assert_allclose(found.confusion, confusion, atol=1e-4)
    prior = (found.posterior.sum(axis=0) + 0.5) / (120 + 1.5)
    q = np.log(prior) + sum(np.log(confusion[j][:, sheets[j]]).T for j in range(5))
    q = np.exp(q - q.max(axis=1, keepdims=True))
    np.testing.assert_allclose(found.posterior, q / q.sum(axis=1, keepdims=True), atol=1e-4)


def test_the_method_beats_the_vote_and_answers_in_the_order_asked():
    truth, sheets = crowd()
    method, vote = labeling("dawid_skene", annotators=5), labeling("majority", annotators=5)
    rows, who = method.ask(np.arange(300), 5, np.random.default_rng(1))
    assert method.labels_per_row == 5
    answers = Answers()
    answers.add(rows, who, sheets[who, rows])
    order = np.random.default_rng(2).permutation(300)
    labels = method.combine(answers, order, 3)
    assert np.mean(labels == truth[order]) > np.mean(vote.combine(answers, order, 3) == truth[order]) + 0.03
    np.testing.assert_array_equal(method.combine(answers, order[:9], 3), labels[:9])


def test_trust_keeps_it_from_being_worse_than_the_vote_while_answers_are_few():
    rng = np.random.default_rng(0)
    errors = {"trust": [], "none": [], "vote": []}
    for _ in range(60):
        truth = rng.integers(3, size=20)
        who = np.argsort(rng.random((20, 5)), axis=1)[:, :3].ravel()
        items = np.repeat(np.arange(20), 3)
        said = np.where(rng.random(60) < 0.25, (truth[items] + rng.integers(1, 3, size=60)) % 3, truth[items])
        answers = Answers()
        answers.add(items, who, said)
        for name, method in (
            ("trust", labeling("dawid_skene")),
            ("none", labeling("dawid_skene", trust=0.0)),
            ("vote", labeling("majority")),
        ):
            errors[name].append(np.mean(method.combine(answers, np.arange(20), 3) != truth))
    assert np.mean(errors["trust"]) < np.mean(errors["vote"]) + 0.02
    assert np.mean(errors["none"]) > np.mean(errors["trust"]) + 0.05


def test_more_annotators_than_the_scenario_has_are_refused():
    recipe = Recipe(labeling={"method": "dawid_skene", "annotators": 5})
    assert "needs 5 annotators, and the scenario has 3" in recipe.problems(Capabilities(annotators=3))[0]
    assert "several annotators" in recipe.problems(Capabilities())[0]
