"""Labeling: votes by hand, who is asked, and the audit that finds planted errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import scale

from altune.core.registry import parse_method
from altune.core.streams import Streams
from altune.knobs.labeling import AUDITS, Answers, audit_ranking
from altune.knobs.labeling.audit import SUSPECT_WEIGHT, out_of_fold
from altune.loop.loop import ActiveLearningLoop
from altune.models import FittedModel, LogisticRegressionModel
from altune.recipes.recipe import Capabilities, Recipe

STREAMS = Streams(0, "cancer", "search", 0)


def labeling(name, **parameters):
    return parse_method("labeling", {"method": name, **parameters})


def answers(*triples):
    found = Answers()
    for row, annotator, label in triples:
        found.add(np.array([row]), np.array([annotator]), np.array([label]))
    return found


# answers and votes ----------------------------------------------------------------------------------


def test_votes_are_counted_for_the_rows_asked_about_in_their_order():
    found = answers((4, 0, 2), (9, 0, 1), (4, 1, 2), (4, 2, 0))
    assert found.votes(np.array([9, 4]), 3).tolist() == [[0, 1, 0], [1, 0, 2]]
    assert found.votes(np.array([7]), 3).tolist() == [[0, 0, 0]]
    assert found.votes(np.array([], dtype=int), 3).shape == (0, 3)
    assert len(found) == 4


@pytest.mark.parametrize("name", ["single", "majority"])
def test_most_votes_win_and_between_equals_the_newest(name):
    method = labeling(name)
    rows = np.array([1, 2, 3, 4])
    found = answers(
        *[(1, 0, 2), (1, 1, 0), (1, 2, 2)],  # two to one
        *[(2, 0, 0), (2, 1, 1)],  # one to one, the newest is 1
        *[(3, 0, 1), (3, 1, 0)],  # the newest is 0
        *[(4, 0, 1), (4, 1, 1), (4, 2, 2), (4, 0, 2), (4, 1, 0)],  # 1 and 2 tie; the newest has fewer: the first
    )
    assert method.combine(found, rows, 3).tolist() == [2, 1, 0, 1]
    assert method.combine(found, np.array([3, 1]), 3).tolist() == [0, 2]
    assert method.combine(found, np.array([], dtype=int), 3).tolist() == []


@given(st.integers(2, 5), st.integers(5, 9), st.integers(0, 100))
def test_majority_asks_different_annotators(each, n_annotators, seed):
    method = labeling("majority", annotators=each)
    rows = np.array([8, 3, 5])
    asked, whom = method.ask(rows, n_annotators, np.random.default_rng(seed))
    assert asked.tolist() == np.repeat(rows, each).tolist()
    for row in rows:
        assert len(set(whom[asked == row].tolist())) == each
    assert set(whom.tolist()) <= set(range(n_annotators))
    assert method.labels_per_row == each


def test_single_spreads_over_all_annotators():
    asked, whom = labeling("single").ask(np.arange(400), 4, np.random.default_rng(0))
    assert asked.tolist() == list(range(400))
    assert np.bincount(whom, minlength=4).min() > 60
    assert labeling("single").labels_per_row == 1


def test_more_annotators_than_there_are_is_refused():
    model = LogisticRegressionModel()
    recipe = Recipe(labeling={"method": "majority", "annotators": 5}, model=model)
    assert "asks 5 annotators, and the scenario has 3" in recipe.problems(Capabilities(annotators=3))[0]
    assert "several annotators" in recipe.problems(Capabilities(annotators=1))[0]
    assert recipe.problems(Capabilities(annotators=5)) == []


def test_an_action_that_the_model_cannot_take_is_refused():
    audited = {"method": "single", "audit": "confident_learning", "action": "weight"}
    recipe = Recipe(labeling=audited, model={"method": "k_nearest_neighbours"})
    assert "takes no sample weights" in recipe.problems(Capabilities())[0]
    assert (
        Recipe(labeling={**audited, "action": "drop"}, model={"method": "k_nearest_neighbours"}).problems(
            Capabilities()
        )
        == []
    )


# the audit ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def planted():
    """Return features, labels with 8 % planted errors, and which they are."""
    X, y = load_breast_cancer(return_X_y=True)
    X, y = scale(X)[:250], y[:250]
    wrong = np.zeros(250, dtype=bool)
    wrong[np.random.default_rng(3).choice(250, 20, replace=False)] = True
    return X, np.where(wrong, 1 - y, y), wrong


def audit(X, y, share=0.1, n_classes=2, loop=0):
    return audit_ranking(
        "confident_learning", LogisticRegressionModel(), X, y, n_classes, share=share, streams=STREAMS, loop=loop
    )


def test_confident_learning_finds_planted_errors(planted):
    X, y, wrong = planted
    found = audit(X, y)
    assert found.ran
    assert wrong[found.suspects].mean() > 0.6  # 8 % by chance
    assert wrong[found.suspects].sum() > 14
    assert wrong[found.suspects[:10]].mean() > wrong[found.suspects].mean()  # worst first


def test_no_more_suspects_than_the_share(planted):
    X, y, _ = planted
    assert len(audit(X, y, share=0.02).suspects) == 5
    assert audit(X, y, share=0.02).suspects.tolist() == audit(X, y).suspects[:5].tolist()
    # 29 of 100, though 0.29 · 100 is 28.99… in binary
    noisy = np.random.default_rng(0).integers(2, size=100)
    assert len(audit(X[:100], noisy, share=0.29).suspects) == min(29, len(audit(X[:100], noisy, share=0.5).suspects))


def test_a_row_is_judged_by_models_that_did_not_learn_from_it(planted):
    X, y, _ = planted

    class Memorising(LogisticRegressionModel):
        """Remembers which rows it was trained on."""

        def fit(self, X, y, n_classes, seed, sample_weight=None):
            fitted = super().fit(X, y, n_classes, seed, sample_weight)
            known = {row.tobytes() for row in X}
            assert 0.75 * 250 < len(X) < 0.85 * 250
            return Watching(**fitted.get_params(deep=False)).told(known)

    class Watching(FittedModel):
        def told(self, known):
            self.known = known
            return self

        def class_scores(self, X):
            assert not any(row.tobytes() in self.known for row in X)
            return super().class_scores(X)

    assert out_of_fold(Memorising(), X, y, 2, STREAMS, 0).shape == (250, 2)


def test_the_audit_waits_until_each_class_has_rows_for_every_fold(planted):
    X, y, _ = planted
    few = np.concatenate([np.flatnonzero(y == 0)[:4], np.flatnonzero(y == 1)[:30]])
    assert not audit(X[few], y[few]).ran
    assert len(audit(X[few], y[few]).suspects) == 0
    assert not audit(X[y == 1], y[y == 1]).ran
    enough = np.concatenate([np.flatnonzero(y == 0)[:5], np.flatnonzero(y == 1)[:30]])
    assert audit(X[enough], y[enough]).ran


def test_classes_that_have_not_appeared_are_no_obstacle():
    X, y = load_digits(return_X_y=True)
    rows = np.flatnonzero(np.isin(y, [2, 7, 9]))[:120]
    labels = y[rows].copy()
    labels[:6] = np.where(labels[:6] == 2, 7, 2)
    found = audit(X[rows] / 16, labels, n_classes=10)
    assert set(found.suspects[:4].tolist()) <= set(range(6))


def test_detectors_by_name_rank_labels():
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.95, 0.05], [0.9, 0.1]])
    labels = np.array([0, 0, 1, 1, 1, 0])
    assert AUDITS["confident_learning"](labels, p).tolist() == [4]


# what the actions do in the loop --------------------------------------------------------------------


def started(action, planted, **extra):
    """Return the loop after its first sample, all 250 rows with planted errors."""
    X, y, _ = planted
    loop = ActiveLearningLoop(
        Recipe(
            labeling={"method": "single", "audit": "confident_learning", "action": action, "share": 0.1, **extra},
            initial_sample={"method": "random", "size": 240},
        ),
        X,
        2,
        budget=400,
        loops=5,
        streams=STREAMS,
    )
    loop.tell(y[loop.ask().rows])
    return loop


def test_drop_leaves_the_suspects_out(planted):
    X, y, wrong = planted
    loop = started("drop", planted)
    dropped = np.setdiff1d(loop.bought, loop.pool.labelled)
    assert len(dropped) == loop.records[0].notes["audit_suspects"] == 240 - loop.records[0].labels_used
    assert wrong[dropped].mean() > 0.6
    expected = LogisticRegressionModel().fit(X[loop.pool.labelled], y[loop.pool.labelled], 2, 0)
    np.testing.assert_allclose(loop.model.class_scores(X), expected.class_scores(X), atol=1e-6)
    assert not np.isin(dropped, loop.pool.candidates).any()


def test_weight_gives_the_suspects_a_fifth(planted):
    X, y, _ = planted
    suspects = np.setdiff1d(started("drop", planted).bought, started("drop", planted).pool.labelled)
    loop = started("weight", planted)
    rows = loop.pool.labelled
    assert len(rows) == 240
    weight = np.where(np.isin(rows, suspects), SUSPECT_WEIGHT, 1.0)
    expected = LogisticRegressionModel().fit(X[rows], y[rows], 2, 0, weight)
    np.testing.assert_allclose(loop.model.class_scores(X), expected.class_scores(X), atol=1e-6)
    plain = LogisticRegressionModel().fit(X[rows], y[rows], 2, 0)
    assert not np.allclose(loop.model.class_scores(X), plain.class_scores(X), atol=1e-3)


def test_relabel_buys_the_suspects_again_and_repairs_them(planted):
    _, y, wrong = planted
    loop = started("relabel", planted)
    suspects = np.setdiff1d(started("drop", planted).bought, started("drop", planted).pool.labelled)
    request = loop.ask()
    again = request.rows[: len(suspects)]
    assert sorted(again.tolist()) == suspects.tolist()
    truth = np.where(wrong, 1 - y, y)
    loop.tell(truth[request.rows])
    in_use = dict(zip(loop.pool.labelled.tolist(), loop.pool.labels.tolist(), strict=True))
    assert all(in_use[row] == truth[row] for row in again.tolist())
    assert loop.records[1].labels_bought == 240 + len(request)


def test_every_so_many_loops(planted):
    _, y, _ = planted
    loop = started("drop", planted, every=2)
    while not loop.done:
        loop.tell(y[loop.ask().rows])
    assert ["audit_ran" in turn.notes for turn in loop.records] == [turn.loop % 2 == 0 for turn in loop.records]


def test_without_an_audit_nothing_is_suspected(planted):
    X, y, _ = planted
    loop = ActiveLearningLoop(Recipe(), X, 2, budget=60, loops=3, streams=STREAMS)
    while not loop.done:
        loop.tell(y[loop.ask().rows])
    assert all(turn.notes == {} for turn in loop.records)
    assert [turn.labels_used for turn in loop.records] == [turn.labels_bought for turn in loop.records]
