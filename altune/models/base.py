"""The base of every model: from a training set to a fitted model, whatever classes the labels hold."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from altune.core.errors import EstimatorError, RequestError, WorkError, first_line
from altune.core.needs import Need
from altune.core.raw_rows import NUMBERS, RawRows, Takes
from altune.core.registry import Method
from altune.core.settings import no_warnings
from altune.core.types import TrainingSet
from altune.models.fitted import FittedModel
from altune.models.outputs import OutputMethod

_OUTPUTS: Mapping[OutputMethod, Need] = {"predict_proba": "probabilities", "decision_function": "decision_function"}


class Model(Method):
    """An estimator and its hyperparameters.

    ``fit`` trains from scratch; ``resume`` continues from an earlier fitted model on all labels; ``update``
    continues on the given rows only. The labels may hold any of the scenario's classes, even a single one,
    and a class may appear at any time. Warnings that an optimiser stopped at its limit of iterations are
    silenced: with few labels they come in every loop and mean nothing. Seeds decide all that is random; each
    estimator uses one thread.
    """

    knob = "model"
    abilities: ClassVar[frozenset[Need]] = frozenset()
    """What the estimator can do."""
    schedulable: ClassVar[tuple[str, ...]] = ()
    """Hyperparameters that the knob ``training`` may set loop by loop."""
    takes: ClassVar[Takes] = NUMBERS
    """What the estimator is given of each row: encoded features, or raw rows of the data set."""

    def able(self) -> frozenset[Need]:
        """Return what the estimator can do, given these parameters."""
        return self.abilities

    @abstractmethod
    def build(self, seed: int, n_labelled: int) -> Any:
        """Return a new scikit-learn estimator.

        Parameters
        ----------
        seed : its ``random_state`` where it has one.
        n_labelled : rows that it will be trained on; sizes that cannot exceed it are clipped.
        """

    def fit(self, training: TrainingSet, seed: int) -> FittedModel:
        """Train from scratch.

        Parameters
        ----------
        training : labelled rows; CSR features need the ability ``sparse``, weights the ability ``sample_weight``.
        seed : for all that is random in the training.

        Returns
        -------
        The fitted model. Where the estimator cannot be trained on the rows, because it wants more of them, it is the
        prior predictor of their classes, and its ``failure`` says why.
        """
        training = self._usable(training)
        if len(training.seen) == 1:
            return self._fitted(None, training)
        estimator = self.build(seed, len(training))
        try:
            with self._explained(training):
                self._fit_estimator(estimator, training)
        except EstimatorError as error:
            return self._prior(training, str(error))
        return self._fitted(estimator, training)

    def resume(self, previous: FittedModel, training: TrainingSet, seed: int) -> FittedModel:
        """Continue from the parameters of ``previous`` on all labels; ``previous`` is not changed.

        The other parameters are those of :meth:`fit`.

        Raises
        ------
        RequestError
            If the model lacks the ability ``resume``.
        """
        raise RequestError(f"{self.method} cannot continue from earlier parameters (resume); it trains from scratch")

    def update(self, previous: FittedModel, training: TrainingSet, seed: int) -> FittedModel:
        """Continue from the parameters of ``previous`` on the given rows only; ``previous`` is not changed.

        The other parameters are those of :meth:`fit`.

        Raises
        ------
        RequestError
            If the model lacks the ability ``partial_fit``.
        """
        raise RequestError(f"{self.method} cannot learn from new rows alone (partial_fit); it needs all labels")

    def untrained(self, training: TrainingSet, seed: int) -> FittedModel:
        """Return the model before its first step of training, ready for :meth:`resume`.

        Parameters are those of :meth:`fit`; the labels only say which classes there are.

        Raises
        ------
        RequestError
            If the model has no such state.
        """
        raise RequestError(f"{self.method} has no parameters before it is trained; choose another model_init")

    def _fit_estimator(self, estimator: Any, training: TrainingSet) -> None:
        if training.weights is None:
            estimator.fit(training.X, training.positions)
        else:
            estimator.fit(training.X, training.positions, sample_weight=training.weights)

    def _fitted(self, estimator: Any, training: TrainingSet, **changes: Any) -> FittedModel:
        settings: dict[str, Any] = {
            "n_classes": training.n_classes,
            "seen": training.seen,
            "codes": training.seen,
            "outputs": self._outputs(),
            "takes": self.takes,
        }
        return FittedModel(estimator, **(settings | changes))

    def _outputs(self) -> tuple[OutputMethod, ...]:
        """Return which methods that score classes the estimator has."""
        able = self.able()
        return tuple(output for output, ability in _OUTPUTS.items() if ability in able)

    def _prior(self, training: TrainingSet, failure: str) -> FittedModel:
        """Return the predictor that knows the shares of the classes and nothing else."""
        counts = np.bincount(training.y, weights=training.weights, minlength=training.n_classes)
        return self._fitted(None, training, shares=counts / counts.sum(), failure=failure)

    def _usable(self, training: TrainingSet) -> TrainingSet:
        """Return the rows of weight above 0, encoded unless the estimator takes raw rows.

        To some estimators a row of weight 0 is still a row.
        """
        if isinstance(training.X, RawRows) and not self.takes.raw:
            training = replace(training, X=training.X.encoded)
        if training.weights is not None:
            if "sample_weight" not in self.able():
                raise RequestError(f"{self.method} takes no sample weights (sample_weight)")
            kept = np.flatnonzero(training.weights > 0)
            if len(kept) < len(training):
                training = training.take(kept)
        if len(training.seen) == 0:
            raise WorkError(f"{self.method} has no labelled rows to learn from")
        return training

    def _require_same_classes(self, previous: FittedModel, training: TrainingSet) -> None:
        if previous.n_classes != training.n_classes:
            raise RequestError(
                f"{self.method} cannot continue from a model of {previous.n_classes} classes with labels of "
                f"{training.n_classes} classes"
            )

    @contextmanager
    def _explained(self, training: TrainingSet) -> Iterator[None]:
        """Turn an error of the estimator into one line that names the model and the rows."""
        with no_warnings():
            try:
                yield
            except Exception as error:
                if isinstance(error, WorkError) and not isinstance(error, EstimatorError):
                    raise
                reason = first_line(error) or type(error).__name__
                rows = f"{len(training)} rows of {len(training.seen)} classes"
                kind = WorkError if isinstance(error, MemoryError) else EstimatorError
                raise kind(f"{self.method} could not be trained on {rows}: {reason}") from error
