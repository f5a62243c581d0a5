"""Networks: epochs, resuming, and scikit-learn's own to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.neural_network import MLPClassifier

from altune.core.types import TrainingSet
from altune.models import MultilayerPerceptron, SoftmaxRegression, epochs, neural
from tests.helpers.models import model, some_rows


@pytest.mark.parametrize("name", ["sgd", "mlp"])
def test_epochs_and_learning_rate_are_obeyed_also_when_going_on(name: str, digits: Any) -> None:
    X, y = digits[0][:100], digits[1][:100]
    once = model(name, max_epochs=1, batch_size=1000).fit(TrainingSet(X, y, 10), 0)
    assert once.estimator.t_ == 100
    start = model(name, max_epochs=3).fit(TrainingSet(X, y, 10), 0)
    moved = []
    for rate in (1e-5, 1e-2):
        after = model(name, max_epochs=3, learning_rate=rate).resume(start, TrainingSet(X, y, 10), 1)
        moved.append(np.abs(after.estimator.coefs_[0] - start.estimator.coefs_[0]).max())
    assert moved[0] < 1e-2 * moved[1]


def test_epochs_shuffle_anew(digits: Any) -> None:
    X, y = digits[0][:64], digits[1][:64]
    together = model("sgd", max_epochs=2).fit(TrainingSet(X, y, 10), 0)
    step = model("sgd", max_epochs=1).fit(TrainingSet(X, y, 10), 0)
    repeated = model("sgd", max_epochs=1).resume(step, TrainingSet(X, y, 10), 0)
    assert not np.allclose(together.estimator.coefs_[0], repeated.estimator.coefs_[0], atol=1e-9)


@pytest.mark.parametrize("name", ["sgd", "mlp"])
def test_resuming_a_network_starts_where_it_stopped(name: str, digits: Any) -> None:
    X, y = digits[0][:150], digits[1][:150]
    start = model(name, max_epochs=200).fit(TrainingSet(X, y, 10), 0)
    one_more = model(name, max_epochs=1).resume(start, TrainingSet(X, y, 10), 1)
    fresh = model(name, max_epochs=1).fit(TrainingSet(X, y, 10), 1)
    assert one_more.score(X, y) > 0.97 > fresh.score(X, y) + 0.2


def test_embedding_is_the_last_hidden_layer(digits: Any) -> None:
    X, y = digits
    fitted = model("mlp", hidden_units=20, hidden_layers=2).fit(TrainingSet(X[:80], y[:80], 10), 0)
    hidden = fitted.embedding(X[-50:])
    assert hidden.shape == (50, 20)
    logits = hidden @ fitted.estimator.coefs_[-1] + fitted.estimator.intercepts_[-1]
    np.testing.assert_array_equal(logits.argmax(axis=1), fitted.predict(X[-50:]))
    np.testing.assert_allclose(fitted.embedding(sparse.csr_matrix(X[-50:])), hidden)
    assert model("sgd").fit(TrainingSet(X[:80], y[:80], 10), 0).embedding(X) is X


def trained_in_steps(model: Any, X: Any, y: Any, n_classes: int, weights: Any) -> Any:
    """Return scikit-learn's network, trained by its own ``partial_fit`` until the loss no longer falls."""
    estimator = model.build(seed=3, n_labelled=len(y)).set_params(random_state=np.random.RandomState(3))
    losses: list[float] = []
    stale = 0
    while len(losses) < model.max_epochs and stale < neural.PATIENCE:
        estimator.partial_fit(X, y, weights, classes=np.arange(n_classes))
        stale = 0 if estimator.loss_ < min(losses, default=np.inf) - neural.TOLERANCE else stale + 1
        losses.append(estimator.loss_)
    return estimator


def require_same_network(ours: Any, theirs: Any) -> None:
    for name in ("coefs_", "intercepts_"):
        assert all(np.array_equal(*pair) for pair in zip(getattr(ours, name), getattr(theirs, name), strict=True))
    assert ours.loss_ == theirs.loss_


@pytest.mark.parametrize("data", ["digits", "breast_cancer"])
@pytest.mark.parametrize("n_rows", [6, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "model",
    [
        MultilayerPerceptron(hidden_units=20),
        MultilayerPerceptron(hidden_units=9, hidden_layers=3, batch_size=7, alpha=0.1, learning_rate=0.02),
        MultilayerPerceptron(max_epochs=1),
        SoftmaxRegression(),
        SoftmaxRegression(batch_size=1, max_epochs=20),
    ],
    ids=["mlp", "deep", "one epoch", "sgd", "single rows"],
)
def test_networks_are_scikit_learns(data: str, n_rows: int, form: Any, weighted: bool, model: Any) -> None:
    _, X, y = some_rows(data, n_rows)
    n_classes = len(np.unique(y)) + (data == "digits")  # a class that no row has
    weights = np.random.default_rng(1).random(len(y)) + 0.1 if weighted else None
    ours = model.fit(TrainingSet(form(X), y, n_classes, weights), 3).estimator
    require_same_network(ours, trained_in_steps(model, form(X), y, n_classes, weights))


def test_a_network_goes_through_its_later_epochs_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    _, X, y = some_rows("wine", 40)
    calls = []
    first = MLPClassifier.partial_fit
    monkeypatch.setattr(MLPClassifier, "partial_fit", lambda self, *a, **k: calls.append(1) or first(self, *a, **k))
    MultilayerPerceptron(max_epochs=12).fit(TrainingSet(X, y, 3), 0)
    assert len(calls) == 1


def test_a_network_whose_optimiser_hides_its_state_is_trained_by_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    _, X, y = some_rows("wine", 40)
    model = MultilayerPerceptron(max_epochs=12)
    expected = model.fit(TrainingSet(X, y, 3), 3).estimator

    def hidden(optimizer: Any, size: int) -> None:
        raise AttributeError("ms")

    monkeypatch.setattr(epochs, "Adam", hidden)
    require_same_network(model.fit(TrainingSet(X, y, 3), 3).estimator, expected)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_weights_that_run_away_are_named() -> None:
    _, X, y = some_rows("wine", 40)
    estimator = MultilayerPerceptron().build(seed=0, n_labelled=40).partial_fit(X, y, classes=np.arange(3))
    estimator.coefs_[0][0, 0] = np.inf
    with pytest.raises(ValueError, match="not finite"):
        epochs.Epochs(estimator, X, np.eye(3)[y], None).run()
