"""Epochs of a network without scikit-learn's bookkeeping around each minibatch: the same weights, bit for bit.

scikit-learn's network spends most of an epoch over a few hundred rows on finding out what its arrays are, on a new
array for each sum, and on its optimiser's step through one small array after the other. Here weights, gradients and
momenta are one flat array each, stepped at once and in place. The arithmetic and its order are scikit-learn's, the
first epoch too: it draws the weights and makes the optimiser. A scikit-learn whose optimisers keep their state
otherwise trains in its own way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, xlogy
from sklearn.neural_network import MLPClassifier

from altune.core.types import Features

Array = NDArray[np.float64]

_SMALLEST = float(np.finfo(np.float64).eps)


class Epochs:
    """The epochs of a network after its first, over rows and labels that do not change.

    Parameters
    ----------
    network : a network of rectified units after its first epoch by ``partial_fit``, trained by ``adam`` or by ``sgd``
        with Nesterov's momentum at a constant rate. Its weights are those of the last epoch after :meth:`close`.
    X : features, ``(n_rows, n_features)``, dense or CSR, float64.
    targets : 1 for the class of a row, else 0, ``(n_rows, n_outputs)``.
    weights : weights of the rows, ``(n_rows,)``, or None.

    Raises
    ------
    AttributeError
        If the optimiser's state is not where it is looked for.
    """

    def __init__(self, network: MLPClassifier, X: Features, targets: Array, weights: Array | None) -> None:
        self.X, self.targets, self.weights = X, targets, weights
        self._network, self._rng = network, network._random_state
        self._batch_rows = int(np.clip(network.batch_size, 1, X.shape[0]))
        self._activate = _softmax if network.out_activation_ == "softmax" else _logistic
        self._loss = _log_loss if network.out_activation_ == "softmax" else _two_class_loss
        arrays = [*network.coefs_, *network.intercepts_]
        self._flat = _flat(arrays)
        self._gradient = np.empty_like(self._flat)
        layers = len(network.coefs_)
        views, slopes = _views(self._flat, arrays), _views(self._gradient, arrays)
        self._coefs, self._intercepts = views[:layers], views[layers:]
        self._coef_slopes, self._intercept_slopes = slopes[:layers], slopes[layers:]
        self._n_coefs = sum(coefs.size for coefs in network.coefs_)
        self._step = (Adam if network.solver == "adam" else Nesterov)(network._optimizer, len(self._flat))

    def run(self) -> float:
        """Pass once over the rows in a new order; return the mean loss.

        Raises
        ------
        ValueError
            If a weight is no longer finite.
        """
        n_rows = self.X.shape[0]
        order = np.arange(n_rows)
        self._rng.shuffle(order)
        X, targets = self.X[order], self.targets[order]
        weights = None if self.weights is None else self.weights[order]
        total = 0.0
        for start in range(0, n_rows, self._batch_rows):
            batch = slice(start, min(start + self._batch_rows, n_rows))
            loss = self._backpropagate(X[batch], targets[batch], None if weights is None else weights[batch])
            total += loss * (batch.stop - batch.start)
            self._step(self._flat, self._gradient)
        if not np.isfinite(self._flat.sum()) and not np.isfinite(self._flat).all():
            raise ValueError("the solver produced weights that are not finite; the features may be too large")
        return float(total / n_rows)

    def close(self) -> None:
        """Put the weights into the network."""
        for into, values in zip(
            [*self._network.coefs_, *self._network.intercepts_], [*self._coefs, *self._intercepts], strict=True
        ):
            into[...] = values

    def _backpropagate(self, X: Features, targets: Array, weights: Array | None) -> float:
        """Put the gradient of a minibatch in place; return its loss."""
        alpha, last = self._network.alpha, len(self._coefs) - 1
        activations: list[Any] = [X]
        for layer, (coefs, intercept) in enumerate(zip(self._coefs, self._intercepts, strict=True)):
            values: Array = activations[layer] @ coefs
            values += intercept
            if layer < last:
                np.maximum(values, 0, out=values)
            activations.append(values)
        output = activations.pop()
        self._activate(output)
        length = sum(float(coefs.ravel() @ coefs.ravel()) for coefs in self._coefs)
        total = len(output) if weights is None else float(weights.sum())
        loss = self._loss(targets, output, weights) + (0.5 * alpha) * length / total
        delta = np.subtract(output, targets, out=output)
        if weights is not None:
            delta *= weights[:, None]
        for layer in range(last, -1, -1):
            self._slope(activations[layer], delta, layer)
            if layer:
                before = activations[layer]
                delta = delta @ self._coefs[layer].T
                np.copyto(delta, 0.0, where=before == 0)
        pushed = self._gradient[: self._n_coefs]
        pushed += alpha * self._flat[: self._n_coefs]
        self._gradient /= total
        return float(loss)

    def _slope(self, before: Any, delta: Array, layer: int) -> None:
        if isinstance(before, np.ndarray):
            np.matmul(before.T, delta, out=self._coef_slopes[layer])
        else:
            self._coef_slopes[layer][...] = before.T @ delta
        np.add.reduce(delta, axis=0, out=self._intercept_slopes[layer])


class Adam:
    """D. Kingma, J. Ba, Adam: A method for stochastic optimization, ICLR 2015, from an optimiser's state on."""

    def __init__(self, optimizer: Any, size: int) -> None:
        self.first, self.second = _flat(optimizer.ms), _flat(optimizer.vs)
        self.step, self.rate = optimizer.t, optimizer.learning_rate_init
        self.beta_1, self.beta_2, self.epsilon = optimizer.beta_1, optimizer.beta_2, optimizer.epsilon
        self._room = np.empty(size)

    def __call__(self, flat: Array, gradient: Array) -> None:
        """Change the weights by one step; the gradient is used up."""
        first, second, room = self.first, self.second, self._room
        self.step += 1
        first *= self.beta_1
        np.multiply(gradient, 1 - self.beta_1, out=room)
        first += room
        second *= self.beta_2
        np.square(gradient, out=gradient)
        gradient *= 1 - self.beta_2
        second += gradient
        rate = self.rate * np.sqrt(1 - self.beta_2**self.step) / (1 - self.beta_1**self.step)
        np.sqrt(second, out=room)
        room += self.epsilon
        np.multiply(first, -rate, out=gradient)
        gradient /= room
        flat += gradient


class Nesterov:
    """Gradient descent with Nesterov's momentum, from an optimiser's state on."""

    def __init__(self, optimizer: Any, size: int) -> None:
        self.velocity, self.momentum, self.rate = (
            _flat(optimizer.velocities),
            optimizer.momentum,
            optimizer.learning_rate,
        )
        self._room = np.empty(size)

    def __call__(self, flat: Array, gradient: Array) -> None:
        """Change the weights by one step; the gradient is used up."""
        velocity, room = self.velocity, self._room
        gradient *= self.rate
        velocity *= self.momentum
        velocity -= gradient
        np.multiply(velocity, self.momentum, out=room)
        room -= gradient
        flat += room


def _flat(arrays: list[Array]) -> Array:
    return np.concatenate([array.ravel() for array in arrays])


def _views(flat: Array, like: list[Array]) -> list[Array]:
    ends = np.cumsum([array.size for array in like])
    return [part.reshape(array.shape) for part, array in zip(np.split(flat, ends[:-1]), like, strict=True)]


def _softmax(values: Array) -> None:
    values -= values.max(axis=1)[:, None]
    np.exp(values, out=values)
    values /= values.sum(axis=1)[:, None]


def _logistic(values: Array) -> None:
    expit(values, out=values)


def _log_loss(targets: Array, probabilities: Array, weights: Array | None) -> float:
    return -_summed_mean(xlogy(targets, _inside(probabilities)), weights)


def _two_class_loss(targets: Array, probabilities: Array, weights: Array | None) -> float:
    inside = _inside(probabilities)
    return -_summed_mean(xlogy(targets, inside) + xlogy(1 - targets, 1 - inside), weights)


def _inside(probabilities: Array) -> Array:
    inside: Array = np.maximum(probabilities, _SMALLEST)
    return np.minimum(inside, 1 - _SMALLEST, out=inside)


def _summed_mean(values: Any, weights: Array | None) -> float:
    means = values.mean(axis=0) if weights is None else np.average(values, axis=0, weights=weights)
    return float(means.sum())
