"""Epochs of a network without scikit-learn's overhead in each minibatch: the same weights, bit for bit.

On a few hundred rows scikit-learn's network spends most of an epoch on validating its arrays, on allocating an array
for each sum, and on an optimiser that steps through one small array after the other. Here weights, gradients and
momenta are one flat array each, and a step changes them in place.

Every operation is scikit-learn's and comes in scikit-learn's order, because floating-point sums depend on it. The
first epoch is scikit-learn's own: it draws the weights and makes the optimiser, whose state is continued here. If a
version of scikit-learn keeps that state in other attributes, reading it raises AttributeError, and scikit-learn runs
all epochs itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, xlogy
from sklearn.neural_network import MLPClassifier

from altune.core.types import Array, Features
from altune.models.sklearn_private import network_state

_SMALLEST = float(np.finfo(np.float64).eps)


class Epochs:
    """The epochs of a network after its first one, over the same rows and labels.

    Parameters
    ----------
    network : a network of rectified units after its first epoch by ``partial_fit``, trained by ``adam`` or by ``sgd``
        with Nesterov's momentum at a constant rate. It gets the new weights by :meth:`close`, not before.
    X : features, ``(n_rows, n_features)``, dense or CSR, float64.
    targets : 1 for the class of a row and 0 for the others, ``(n_rows, n_outputs)``.
    weights : weights of the rows, ``(n_rows,)``, or None.

    Raises
    ------
    AttributeError
        If the optimiser does not have the expected attributes.
    """

    def __init__(self, network: MLPClassifier, X: Features, targets: Array, weights: Array | None) -> None:
        self.X, self.targets, self.weights = X, targets, weights
        self._network = network
        self._rng, optimiser = network_state(network)
        self._batch_rows = int(np.clip(network.batch_size, 1, X.shape[0]))
        self._activate = _softmax if network.out_activation_ == "softmax" else _logistic
        self._loss = _log_loss if network.out_activation_ == "softmax" else _two_class_loss
        arrays = [*network.coefs_, *network.intercepts_]
        self._flat = _flat(arrays)
        self._gradient = np.empty_like(self._flat)
        layers = len(network.coefs_)
        # the arrays of each layer are views into the flat arrays, so a step on the flat arrays changes all of them
        views, slopes = _views(self._flat, arrays), _views(self._gradient, arrays)
        self._coefs, self._intercepts = views[:layers], views[layers:]
        self._coef_slopes, self._intercept_slopes = slopes[:layers], slopes[layers:]
        self._n_coefs = sum(coefs.size for coefs in network.coefs_)
        self._step = (Adam if network.solver == "adam" else Nesterov)(optimiser, len(self._flat))

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
        # the sum is the cheap test; finite weights may overflow in it, so it alone proves nothing
        if not np.isfinite(self._flat.sum()) and not np.isfinite(self._flat).all():
            raise ValueError("the solver produced weights that are not finite; the features may be too large")
        return float(total / n_rows)

    def close(self) -> None:
        """Copy the weights into the network."""
        network = self._network
        for array, values in zip(
            [*network.coefs_, *network.intercepts_], [*self._coefs, *self._intercepts], strict=True
        ):
            array[...] = values

    def _backpropagate(self, X: Features, targets: Array, weights: Array | None) -> float:
        """Write the gradient of a minibatch into ``_gradient``; return its loss."""
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
        # the slope of both losses in the last sums is p − target, whatever the activation
        delta = np.subtract(output, targets, out=output)
        if weights is not None:
            delta *= weights[:, None]
        for layer in range(last, -1, -1):
            self._slope(activations[layer], delta, layer)
            if layer:
                delta = delta @ self._coefs[layer].T
                np.copyto(delta, 0.0, where=activations[layer] == 0)
        penalised = self._gradient[: self._n_coefs]
        penalised += alpha * self._flat[: self._n_coefs]
        self._gradient /= total
        return float(loss)

    def _slope(self, inputs: Any, delta: Array, layer: int) -> None:
        if isinstance(inputs, np.ndarray):
            np.matmul(inputs.T, delta, out=self._coef_slopes[layer])
        else:
            self._coef_slopes[layer][...] = inputs.T @ delta
        np.add.reduce(delta, axis=0, out=self._intercept_slopes[layer])


class Adam:
    """Adam, continued from the state of scikit-learn's optimiser.

    Source: D. Kingma, J. Ba, Adam: A method for stochastic optimization, ICLR 2015.
    """

    def __init__(self, optimizer: Any, size: int) -> None:
        self.first, self.second = _flat(optimizer.ms), _flat(optimizer.vs)
        self.step, self.rate = optimizer.t, optimizer.learning_rate_init
        self.beta_1, self.beta_2, self.epsilon = optimizer.beta_1, optimizer.beta_2, optimizer.epsilon
        self._buffer = np.empty(size)

    def __call__(self, flat: Array, gradient: Array) -> None:
        """Change the weights by one step; the gradient is overwritten."""
        first, second, buffer = self.first, self.second, self._buffer
        self.step += 1
        first *= self.beta_1
        np.multiply(gradient, 1 - self.beta_1, out=buffer)
        first += buffer
        second *= self.beta_2
        np.square(gradient, out=gradient)
        gradient *= 1 - self.beta_2
        second += gradient
        rate = self.rate * np.sqrt(1 - self.beta_2**self.step) / (1 - self.beta_1**self.step)
        np.sqrt(second, out=buffer)
        buffer += self.epsilon
        np.multiply(first, -rate, out=gradient)
        gradient /= buffer
        flat += gradient


class Nesterov:
    """Gradient descent with Nesterov's momentum, continued from the state of scikit-learn's optimiser."""

    def __init__(self, optimizer: Any, size: int) -> None:
        self.velocity = _flat(optimizer.velocities)
        self.momentum, self.rate = optimizer.momentum, optimizer.learning_rate
        self._buffer = np.empty(size)

    def __call__(self, flat: Array, gradient: Array) -> None:
        """Change the weights by one step; the gradient is overwritten."""
        velocity, buffer = self.velocity, self._buffer
        gradient *= self.rate
        velocity *= self.momentum
        velocity -= gradient
        np.multiply(velocity, self.momentum, out=buffer)
        buffer -= gradient
        flat += buffer


def _flat(arrays: list[Array]) -> Array:
    return np.concatenate([array.ravel() for array in arrays])


def _views(flat: Array, like: list[Array]) -> list[Array]:
    ends = np.cumsum([array.size for array in like])
    return [piece.reshape(array.shape) for piece, array in zip(np.split(flat, ends[:-1]), like, strict=True)]


def _softmax(values: Array) -> None:
    values -= values.max(axis=1)[:, None]
    np.exp(values, out=values)
    values /= values.sum(axis=1)[:, None]


def _logistic(values: Array) -> None:
    expit(values, out=values)


def _log_loss(targets: Array, probabilities: Array, weights: Array | None) -> float:
    return -_summed_mean(xlogy(targets, _clipped(probabilities)), weights)


def _two_class_loss(targets: Array, probabilities: Array, weights: Array | None) -> float:
    clipped = _clipped(probabilities)
    return -_summed_mean(xlogy(targets, clipped) + xlogy(1 - targets, 1 - clipped), weights)


def _clipped(probabilities: Array) -> Array:
    """Return probabilities in the open interval (0, 1), so that their logarithms are finite."""
    clipped: Array = np.maximum(probabilities, _SMALLEST)
    return np.minimum(clipped, 1 - _SMALLEST, out=clipped)


def _summed_mean(values: Any, weights: Array | None) -> float:
    means = values.mean(axis=0) if weights is None else np.average(values, axis=0, weights=weights)
    return float(means.sum())
