"""Networks trained by minibatches: a linear softmax model and the multilayer perceptron."""

from __future__ import annotations

import copy
from typing import Any, Literal

import numpy as np
from pydantic import Field
from scipy import sparse
from sklearn import config_context
from sklearn.neural_network import MLPClassifier
from sklearn.utils import check_random_state

from altune.core.registry import register
from altune.core.types import Codes, TrainingSet
from altune.models.base import Model
from altune.models.epochs import Epochs
from altune.models.fitted import FittedModel
from altune.models.sklearn_private import drop_optimiser

TOLERANCE = 1e-4
PATIENCE = 10


class _Network(Model):
    """Fields and training that both networks share.

    They know all classes of the scenario beforehand. Training runs over the rows in epochs of shuffled
    minibatches until the loss has not fallen by 1e-4 for 10 epochs, or ``max_epochs``. ``fit``, ``resume``
    and ``update`` run the same loop, from new parameters or from copies of the earlier ones, always with a
    new optimiser.
    """

    abilities = frozenset(
        {"class_scores", "probabilities", "resume", "partial_fit", "random_start", "sample_weight", "sparse"}
    )
    schedulable = ("batch_size", "learning_rate", "alpha", "max_epochs")

    batch_size: int = Field(default=32, ge=1, le=4096, description="rows in a minibatch, at most the labelled rows")
    learning_rate: float = Field(default=0.01, ge=1e-6, le=1.0, description="step size of the optimiser")
    alpha: float = Field(default=1e-4, ge=0.0, le=100.0, description="strength of the L2 penalty")
    max_epochs: int = Field(default=200, ge=1, le=10_000, description="most passes over the labelled rows")

    def fit(self, training: TrainingSet, seed: int) -> FittedModel:
        """Train from a new random start."""
        training = self._usable(training)
        return self._run(self.build(seed, len(training)), training, seed, training.seen)

    def resume(self, previous: FittedModel, training: TrainingSet, seed: int) -> FittedModel:
        """Continue from the weights of ``previous`` on all labels; ``previous`` is not changed."""
        self._require_same_classes(previous, training)
        training = self._usable(training)
        return self._run(self._continued(previous, len(training)), training, seed, training.seen)

    def update(self, previous: FittedModel, training: TrainingSet, seed: int) -> FittedModel:
        """Continue from the weights of ``previous`` on the given rows only; ``previous`` is not changed."""
        self._require_same_classes(previous, training)
        training = self._usable(training)
        seen = np.union1d(previous.seen, training.seen)
        return self._run(self._continued(previous, len(training)), training, seed, seen)

    def untrained(self, training: TrainingSet, seed: int) -> FittedModel:
        """Return the network with the random weights that :meth:`fit` starts from."""
        training = self._usable(training)
        estimator, classes = self.build(seed, len(training)), np.arange(training.n_classes)
        # scikit-learn draws the weights in the first pass over the rows; a step size of 0 leaves them as drawn
        estimator.set_params(random_state=check_random_state(seed), learning_rate_init=0.0)
        with self._explained(training), config_context(skip_parameter_validation=True):
            estimator.partial_fit(training.X, training.y, classes=classes)
        return self._fitted(estimator, training, codes=classes)

    def _parameters(self, n_labelled: int) -> dict[str, Any]:
        return {
            "batch_size": min(self.batch_size, n_labelled),
            "learning_rate_init": self.learning_rate,
            "alpha": self.alpha,
        }

    def _continued(self, previous: FittedModel, n_labelled: int) -> MLPClassifier:
        estimator = copy.deepcopy(previous.estimator).set_params(**self._parameters(n_labelled))
        # it holds the old learning rate and the momenta of an old loss; without it scikit-learn makes a new one
        drop_optimiser(estimator)
        return estimator

    def _run(self, estimator: MLPClassifier, training: TrainingSet, seed: int, seen: Codes) -> FittedModel:
        # with an integer seed scikit-learn would shuffle each epoch alike
        estimator.set_params(random_state=check_random_state(seed))
        with self._explained(training), config_context(skip_parameter_validation=True):
            run_epochs(estimator, training, self.max_epochs)
        return self._fitted(estimator, training, seen=seen, codes=np.arange(training.n_classes))


@register
class SoftmaxRegression(_Network):
    """Linear softmax model trained by minibatch stochastic gradient descent with momentum .9.

    scikit-learn's SGDClassifier has no minibatches; this is its MLPClassifier without hidden layers.
    """

    method: Literal["sgd"] = "sgd"
    learning_rate: float = Field(default=0.05, ge=1e-6, le=1.0, description="step size of the optimiser")

    def build(self, seed: int, n_labelled: int) -> MLPClassifier:
        """Return the estimator before its first epoch."""
        return MLPClassifier((), solver="sgd", random_state=seed, **self._parameters(n_labelled))


@register
class MultilayerPerceptron(_Network):
    """Multilayer perceptron of rectified units, trained by Adam on minibatches.

    With scikit-learn's step size .001 and minibatch 200 a few dozen rows take all 200 epochs; .005 and 32
    end as well or slightly better (digits, wine, breast_cancer; 20 and 100 labels) in a third of them.
    """

    method: Literal["mlp"] = "mlp"
    hidden_units: int = Field(default=100, ge=1, le=4096, description="units in each hidden layer")
    hidden_layers: int = Field(default=1, ge=1, le=10, description="hidden layers")
    learning_rate: float = Field(default=0.005, ge=1e-6, le=1.0, description="step size of the optimiser")

    def build(self, seed: int, n_labelled: int) -> MLPClassifier:
        """Return the estimator before its first epoch."""
        layers = (self.hidden_units,) * self.hidden_layers
        return MLPClassifier(layers, random_state=seed, **self._parameters(n_labelled))


def run_epochs(estimator: MLPClassifier, training: TrainingSet, max_epochs: int) -> int:
    """Pass over the rows until the loss no longer falls; return the number of epochs."""
    later: Epochs | None = None
    best, stale, epoch = np.inf, 0, 0
    while epoch < max_epochs and stale < PATIENCE:
        epoch += 1
        if later is not None:
            estimator.loss_ = later.run()
        else:
            estimator.partial_fit(training.X, training.y, training.weights, classes=np.arange(training.n_classes))
            later = _later_epochs(estimator, training)
        stale = 0 if estimator.loss_ < best - TOLERANCE else stale + 1
        best = min(best, estimator.loss_)
    if later is not None:
        later.close()
    # the momenta take twice the memory of the weights, and training that continues starts a new optimiser
    drop_optimiser(estimator)
    return epoch


def _later_epochs(estimator: MLPClassifier, training: TrainingSet) -> Epochs | None:
    """Return the epochs after the first; None where scikit-learn has to run them itself."""
    if getattr(training.X, "dtype", None) != np.float64:
        return None
    X = training.X if isinstance(training.X, np.ndarray) else sparse.csr_array(training.X)
    one_hot = np.zeros((len(training), training.n_classes))
    one_hot[np.arange(len(training)), training.y] = 1.0
    targets = one_hot[:, 1:] if training.n_classes == 2 else one_hot
    try:
        return Epochs(estimator, X, np.ascontiguousarray(targets), training.weights)
    except AttributeError:
        return None
