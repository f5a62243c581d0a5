"""Audits of labels: planted errors are found, and each action on the suspects does what it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import scale

from altune.core.registry import parse_method
from altune.core.streams import Streams
from altune.core.types import TrainingSet
from altune.knobs.folds import enough_for, folds_of
from altune.knobs.labeling import AUDITS, FEATURE_AUDITS, audit_ranking
from altune.knobs.labeling.audit import SUSPECT_WEIGHT, out_of_fold
from altune.loop.loop import ActiveLearningLoop
from altune.models import FittedModel, LogisticRegressionModel
from altune.recipes.recipe import Capabilities, Recipe

STREAMS = Streams(0, "cancer", "search", 0)
NEIGHBOUR = parse_method("model", {"method": "k_nearest_neighbours", "n_neighbors": 1})


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


@pytest.fixture(scope="module")
def planted():
    """Return features, labels with 8 % planted errors, and which they are."""
    X, y = load_breast_cancer(return_X_y=True)
    X, y = scale(X)[:250], y[:250]
    wrong = np.zeros(250, dtype=bool)
    wrong[np.random.default_rng(3).choice(250, 20, replace=False)] = True
    return X, np.where(wrong, 1 - y, y), wrong


def audit(X, y, share=0.1, n_classes=2, loop=0):
    training = TrainingSet(X, y, n_classes)
    return audit_ranking(
        "confident_learning", LogisticRegressionModel(), training, share=share, streams=STREAMS, loop=loop
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

        def fit(self, training, seed):
            fitted = super().fit(training, seed)
            known = {row.tobytes() for row in training.X}
            assert 0.75 * 250 < len(training) < 0.85 * 250
            return Watching(**fitted.get_params(deep=False)).told(known)

    class Watching(FittedModel):
        def told(self, known):
            self.known = known
            return self

        def class_scores(self, X):
            assert not any(row.tobytes() in self.known for row in X)
            return super().class_scores(X)

    assert out_of_fold(Memorising(), TrainingSet(X, y, 2), STREAMS, 0).shape == (250, 2)


def test_folds_keep_groups_together_and_wait_for_enough_of_them():
    rng = np.random.default_rng(0)
    groups, X = np.repeat(np.arange(40), 5), np.repeat(rng.normal(size=(40, 8)), 5, axis=0)
    y = np.repeat(rng.integers(2, size=40), 5)
    alone, together = TrainingSet(X, y, 2), TrainingSet(X, y, 2, groups=groups)
    folds = list(folds_of(together, 5, 0))
    assert np.array_equal(np.sort(np.concatenate([left_out for _, left_out in folds])), np.arange(200))
    assert not any(np.intersect1d(groups[kept], groups[left_out]).size for kept, left_out in folds)
    assert together.take(np.array([7, 0])).groups.tolist() == [1, 0]
    # noise in groups is learned by heart from rows of the same group, so that no label looks wrong
    hits = [np.mean(out_of_fold(NEIGHBOUR, each, STREAMS, 0).argmax(axis=1) == y) for each in (alone, together)]
    assert hits[0] == 1.0
    assert hits[1] < 0.7
    few = TrainingSet(X, np.where(groups < 4, 1, 0), 2, groups=groups)
    assert not enough_for(few, 5)
    assert not audit_ranking("self_confidence", NEIGHBOUR, few, share=0.1, streams=STREAMS, loop=0).ran
    assert audit_ranking("knn_disagreement", NEIGHBOUR, few, share=0.1, streams=STREAMS, loop=0).ran
    assert enough_for(TrainingSet(X, few.y, 2), 5)


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
    expected = LogisticRegressionModel().fit(TrainingSet(X[loop.pool.labelled], y[loop.pool.labelled], 2), 0)
    np.testing.assert_allclose(loop.model.class_scores(X), expected.class_scores(X), atol=1e-6)
    assert not np.isin(dropped, loop.pool.candidates).any()


def test_weight_gives_the_suspects_a_fifth(planted):
    X, y, _ = planted
    suspects = np.setdiff1d(started("drop", planted).bought, started("drop", planted).pool.labelled)
    loop = started("weight", planted)
    rows = loop.pool.labelled
    assert len(rows) == 240
    weight = np.where(np.isin(rows, suspects), SUSPECT_WEIGHT, 1.0)
    expected = LogisticRegressionModel().fit(TrainingSet(X[rows], y[rows], 2, weight), 0)
    np.testing.assert_allclose(loop.model.class_scores(X), expected.class_scores(X), atol=1e-6)
    plain = LogisticRegressionModel().fit(TrainingSet(X[rows], y[rows], 2), 0)
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


def labeling(name, **parameters):
    return parse_method("labeling", {"method": name, **parameters})


@pytest.fixture(scope="module")
def wrong_labels():
    """Return features, labels with 8 % wrong_labels errors, and which they are."""
    X, y = load_breast_cancer(return_X_y=True)
    X, y = scale(X)[:250], y[:250]
    wrong = np.zeros(250, dtype=bool)
    wrong[np.random.default_rng(3).choice(250, 20, replace=False)] = True
    return X, np.where(wrong, 1 - y, y), wrong


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("name", [*AUDITS, *FEATURE_AUDITS])
def test_each_audit_finds_planted_errors(name, make, wrong_labels):
    X, y, wrong = wrong_labels
    training = TrainingSet(make(X), y, 2)
    found = audit_ranking(name, LogisticRegressionModel(), training, share=0.08, streams=STREAMS, loop=0)
    assert found.ran
    assert 0 < len(found.suspects) <= 20
    # An isolation forest knows what is odd among its class, not what is wrong, so it does less well.
    assert wrong[found.suspects].mean() > (0.2 if name == "isolation_forest" else 0.6)


def test_scores_of_labels_by_hand():
    p = np.array([[0.4, 0.35, 0.25], [0.1, 0.2, 0.7], [0.9, 0.05, 0.05], [0.3, 0.36, 0.34]])
    labels = np.array([1, 0, 0, 0])
    assert AUDITS["self_confidence"](labels, p).tolist() == [1, 3, 0]  # .1, .3, .35; the third is right
    assert AUDITS["normalized_margin"](labels, p).tolist() == [1, 3, 0]  # −.6, −.06, −.05
    entropy = -(p * np.log(p)).sum(axis=1)
    surprise = -np.log(p[np.arange(4), labels]) - entropy
    expected = [place for place in np.argsort(-surprise) if surprise[place] > 0]
    assert AUDITS["cross_entropy_entropy"](labels, p).tolist() == expected


def test_neighbours_that_disagree():
    X = np.concatenate([np.linspace(0, 1, 20), np.linspace(9, 10, 20)])[:, None]
    labels = np.repeat([0, 1], 20)
    labels[[3, 30]] = 1, 0
    assert set(FEATURE_AUDITS["knn_disagreement"](labels, X, 0).tolist()) == {3, 30}


def test_an_audit_without_a_model_needs_no_scores_of_it():
    class Mute(LogisticRegressionModel):
        """Has no class scores."""

        def able(self):
            return frozenset(super().able() - {"class_scores", "probabilities", "decision_function"})

    facts = Capabilities()
    for name in FEATURE_AUDITS:
        assert labeling("single", audit=name).objections(Mute(), facts) == []
    for name in AUDITS:
        assert "needs class scores" in labeling("single", audit=name).objections(Mute(), facts)[0]


def test_relabelling_tells_how_many_labels_it_corrected():
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    told = y.copy()
    flipped = np.random.default_rng(0).choice(569, 60, replace=False)
    told[flipped] = 1 - told[flipped]
    recipe = Recipe(
        labeling={"method": "single", "audit": "normalized_margin", "action": "relabel", "share": 0.1},
        initial_sample={"method": "random", "size": 300},
    )
    loop = ActiveLearningLoop(recipe, X, 2, budget=400, loops=3, streams=STREAMS)
    loop.tell(told[loop.ask().rows])
    request = loop.ask()
    assert 0 < len(request.again) <= 30
    assert set(request.again.tolist()) <= set(loop.bought.tolist())
    loop.tell(y[request.rows])
    notes = loop.records[1].notes
    assert notes["labels_bought_again"] == len(request.again)
    assert notes["labels_corrected"] == np.count_nonzero(told[request.again] != y[request.again]) > 5
