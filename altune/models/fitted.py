"""A trained estimator over all classes of the scenario, whichever of them it was trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.neural_network import MLPClassifier
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.metaestimators import available_if

from altune.core.errors import WorkError
from altune.core.raw_rows import NUMBERS, Takes, taken
from altune.core.types import Array, Codes, Features
from altune.core.uncertainty import softmax
from altune.models.outputs import OutputMethod, estimator_output, spread, spread_decision
from altune.models.pipelines import transformed

MethodT = TypeVar("MethodT", bound=Callable[..., Any])


def _where_offered(output: str) -> Callable[[MethodT], MethodT]:
    return cast("Callable[[MethodT], MethodT]", available_if(lambda fitted: output in fitted.outputs))


class FittedModel(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """What a model has learned, over all classes of the scenario.

    It is a scikit-learn classifier in all but ``fit``, so that any scorer takes it. A class that was not in
    the labels has probability 0 and a decision value below all others, unless the estimator knew all
    classes beforehand (``sgd``, ``mlp``). Trained on one class only, it is a constant predictor. Where the estimator
    could not be trained, it is the prior predictor: the class shares of the labels, for every row.

    Parameters
    ----------
    estimator : the trained estimator; None for a constant predictor, which has nothing to train.
    n_classes : classes of the scenario, K.
    seen : sorted codes of the classes in the labels, ``(1..K,)``.
    codes : codes of the estimator's own classes, in its order.
    outputs : which of ``predict_proba`` and ``decision_function`` the model has.
    memory : the labelled rows behind it, kept by models that may have to start again from them.
    pairs : whether the decision function has a column for each pair of classes, see
        :func:`altune.models.outputs.estimator_output`.
    shares : shares of the classes in the labels of a prior predictor, ``(n_classes,)``; None for any other model.
    failure : why the estimator of a prior predictor could not be trained, one line; empty for any other model.
    takes : what the estimator is given of each row.
    transforms : whether the output of the pipeline's last transformer is the embedding.
    """

    def __init__(
        self,
        estimator: Any,
        n_classes: int,
        seen: Codes,
        codes: Codes,
        outputs: tuple[str, ...],
        memory: Any = None,
        pairs: int = 0,
        shares: Array | None = None,
        failure: str = "",
        takes: Takes = NUMBERS,
        transforms: bool = False,
    ) -> None:
        self.estimator = estimator
        self.n_classes = n_classes
        self.seen = seen
        self.codes = codes
        self.outputs = outputs
        self.memory = memory
        self.pairs = pairs
        self.shares = shares
        self.failure = failure
        self.takes = takes
        self.transforms = transforms
        self.classes_ = np.arange(n_classes)
        self._complete = len(codes) == n_classes

    @property
    def constant(self) -> bool:
        """Whether every row gets the same prediction: one class only was seen, or the estimator was not trained."""
        return len(self.seen) == 1 or self.shares is not None

    @property
    def scores_classes(self) -> bool:
        """Whether the model has class scores, so that :meth:`class_scores` works."""
        return self.constant or bool({"predict_proba", "decision_function"} & set(self.outputs))

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Features) -> Codes:
        """Return the predicted class codes, ``(n_rows,)``."""
        if self.constant:
            return np.full(X.shape[0], np.argmax(self._same(1)), dtype=np.intp)
        predicted: Codes = self._output("predict", X)
        return predicted if self._complete else self.codes[predicted]

    @_where_offered("predict_proba")
    def predict_proba(self, X: Features) -> Array:
        """Return class probabilities, ``(n_rows, n_classes)``; only where the model has them."""
        if self.constant:
            return self._same(X.shape[0])
        return spread(self._output("predict_proba", X), self.codes, self.n_classes)

    @_where_offered("decision_function")
    def decision_function(self, X: Features) -> Array:
        """Return decision values, ``(n_rows, n_classes)``; ``(n_rows,)`` for two, as scikit-learn does."""
        if self.constant:
            certain = 2 * self._same(X.shape[0]) - 1
            return certain[:, 1] if self.n_classes == 2 else certain
        values: Array = self._output("decision_function", X)
        return values if self._complete else spread_decision(values, self.codes, self.n_classes)

    def class_scores(self, X: Features) -> Array:
        """Return scores in [0, 1] whose rows sum to 1, ``(n_rows, n_classes)``.

        They are the probabilities where the model has them, else the softmax of its decision function (the
        sigmoid for two classes), which is no calibrated probability. Classes unknown to the estimator get 0.

        Raises
        ------
        WorkError
            If the estimator's output is wrong, or if it has neither output.
        """
        if self.constant:
            return self._same(X.shape[0])
        if "predict_proba" in self.outputs:
            scores = self._output("predict_proba", X)
        elif "decision_function" in self.outputs:
            scores = decision_to_scores(self._output("decision_function", X))
        else:
            raise WorkError(f"{type(self.estimator).__name__} has neither probabilities nor a decision function")
        return spread(np.asarray(scores, dtype=np.float64), self.codes, self.n_classes)

    @property
    def embeds(self) -> bool:
        """Whether :meth:`embedding` is more than the features: of a hidden layer, or of the pipeline's transformers."""
        if self.transforms:
            return self.estimator is not None
        return isinstance(self.estimator, MLPClassifier) and len(self.estimator.coefs_) > 1

    def embedding(self, X: Features) -> Any:
        """Return the last hidden layer's activations, ``(n_rows, n_units)``; without one, the encoded features.

        With ``transforms`` it is the output of the pipeline's last transformer.
        """
        if self.embeds and self.transforms:
            return transformed(self.estimator, taken(X, self.takes))
        if self.embeds:
            return hidden_activations(taken(X, self.takes), self.estimator.coefs_, self.estimator.intercepts_)
        return taken(X, NUMBERS)

    def _output(self, method: OutputMethod, X: Features) -> Any:
        return estimator_output(self.estimator, method, taken(X, self.takes), len(self.codes), self.pairs)

    def _same(self, n_rows: int) -> Array:
        if self.shares is not None:
            return np.tile(self.shares, (n_rows, 1))
        scores = np.zeros((n_rows, self.n_classes))
        scores[:, self.seen[0]] = 1.0
        return scores


def decision_to_scores(values: Array) -> Array:
    """Return the softmax of decision values, the sigmoid of ``(n_rows,)`` ones, ``(n_rows, n_classes)``.

    >>> decision_to_scores(np.array([0.0])).tolist()
    [[0.5, 0.5]]
    """
    return softmax(np.column_stack([-values / 2, values / 2]) if values.ndim == 1 else values)


def hidden_activations(X: Features, coefs: list[Array], intercepts: list[Array]) -> Array:
    """Return the last hidden activations of a network of rectified units, ``(n_rows, n_units)``."""
    activations = X
    for weights, bias in zip(coefs[:-1], intercepts[:-1], strict=True):
        activations = np.maximum(safe_sparse_dot(activations, weights, dense_output=True) + bias, 0.0)
    return cast(Array, activations)
