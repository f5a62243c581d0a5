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


def slow_dawid_skene(answers, n_classes, smoothing, trust, steps):
    """Return class probabilities by expectation maximisation, answer by answer, without a sum in logarithms."""
    items, people = sorted({item for item, _, _ in answers}), sorted({person for _, person, _ in answers})
    q = {}
    for item in items:
        votes = [1 / (10 * n_classes)] * n_classes
        for other, _, label in answers:
            votes[label] += other == item
        q[item] = [vote / sum(votes) for vote in votes]
    for _ in range(steps):
        share = [
            (sum(q[item][k] for item in items) + smoothing) / (len(items) + smoothing * n_classes)
            for k in range(n_classes)
        ]
        chance = {}
        for person in people:
            for k in range(n_classes):
                row = [smoothing + trust * (label == k) for label in range(n_classes)]
                for item, other, label in answers:
                    row[label] += q[item][k] * (other == person)
                chance[person, k] = [part / sum(row) for part in row]
        for item in items:
            joint = list(share)
            for other, person, label in answers:
                if other == item:
                    joint = [joint[k] * chance[person, k][label] for k in range(n_classes)]
            q[item] = [part / sum(joint) for part in joint]
    return np.array([q[item] for item in items])


@pytest.mark.parametrize(("smoothing", "trust", "seed"), [(1.0, 8.0, 0), (0.1, 0.0, 1), (0.5, 2.0, 2)])
def test_it_is_the_method_written_answer_by_answer(smoothing, trust, seed):
    rng = np.random.default_rng(seed)
    items, who = np.repeat(np.arange(30), 3), np.argsort(rng.random((30, 5)), axis=1)[:, :3].ravel()
    labels = np.where(rng.random(90) < 0.3, rng.integers(3, size=90), np.repeat(rng.integers(3, size=30), 3))
    found = dawid_skene(items, who, labels, 3, smoothing=smoothing, trust=trust).posterior
    answers = list(zip(items.tolist(), who.tolist(), labels.tolist(), strict=True))
    np.testing.assert_allclose(found, slow_dawid_skene(answers, 3, smoothing, trust, 100), atol=1e-4)
    # Other names of the classes and of the annotators, and another order of the answers, change nothing.
    classes, people, order = np.array([2, 0, 1]), rng.permutation(5), rng.permutation(90)
    again = dawid_skene(items[order], people[who[order]], classes[labels[order]], 3, smoothing=smoothing, trust=trust)
    np.testing.assert_allclose(again.posterior[:, classes], found, atol=1e-9)


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
