"""The base of every model: from labels to a fitted model, whatever classes are in them."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from altune.core.errors import RequestError, WorkError
from altune.core.needs import Need
from altune.core.registry import Method
from altune.core.types import Features
from altune.models.fitted import Array, Codes, FittedModel


@dataclass(frozen=True)
class Lesson:
    """Labelled rows, checked and freed of rows without weight.

    Parameters
    ----------
    X : features, ``(n_rows, n_features)``.
    y : class codes, ``(n_rows,)``.
    weights : weights above 0, ``(n_rows,)``, or None for equal ones.
    seen : sorted codes in ``y``.
    n_classes : classes of the scenario.
    """

    X: Features
    y: Codes
    weights: Array | None
    seen: Codes
    n_classes: int

    @property
    def positions(self) -> Codes:
        """Classes as positions in ``seen``, ``(n_rows,)``: estimators may want them without gaps."""
        return self.y if len(self.seen) == self.n_classes else np.searchsorted(self.seen, self.y)


class Model(Method):
    """An estimator and its hyperparameters.

    ``fit`` starts from scratch; ``resume`` goes on from an earlier fitted model on all labels; ``update``
    goes on with the given rows only. The labels may hold any of the scenario's classes, even a single one,
    and a class may appear at any time. Warnings that an optimiser stopped at its limit of iterations are
    silenced: with few labels they come in each loop and mean nothing. Seeds decide all that is random; each
    estimator uses one thread.
    """

    knob: ClassVar[str] = "model"
    abilities: ClassVar[frozenset[Need]] = frozenset()
    """What the estimator can do."""
    schedulable: ClassVar[tuple[str, ...]] = ()
    """Hyperparameters that the knob ``training`` may set loop by loop."""

    def able(self) -> frozenset[Need]:
        """Return what the estimator can do, given these parameters."""
        return self.abilities

    @abstractmethod
    def build(self, seed: int, n_labelled: int) -> Any:
        """Return a fresh scikit-learn estimator.

        Parameters
        ----------
        seed : its ``random_state`` where it has one.
        n_labelled : rows that it will be trained on; sizes that cannot exceed it are clipped.
        """

    def fit(
        self,
        X: Features,
        y: Codes,
        n_classes: int,
        seed: int,
        sample_weight: Array | None = None,
    ) -> FittedModel:
        """Train from scratch.

        Parameters
        ----------
        X : features, ``(n_rows, n_features)``, dense or (with the ability ``sparse``) CSR.
        y : class codes in ``[0, n_classes)``, ``(n_rows,)``.
        n_classes : classes of the scenario, 2 or more.
        seed : for all that is random in the training.
        sample_weight : weights of 0 or more, ``(n_rows,)``; needs the ability ``sample_weight``.

        Raises
        ------
        WorkError
            If the estimator refuses the rows; the message says why.
        """
        lesson = self._lesson(X, y, n_classes, sample_weight)
        if len(lesson.seen) == 1:
            return self._fitted(None, lesson)
        estimator = self.build(seed, len(lesson.y))
        with self._training(lesson):
            self._fit_estimator(estimator, lesson)
        return self._fitted(estimator, lesson)

    def resume(
        self,
        previous: FittedModel,
        X: Features,
        y: Codes,
        n_classes: int,
        seed: int,
        sample_weight: Array | None = None,
    ) -> FittedModel:
        """Go on from the parameters of ``previous`` on all labels; ``previous`` stays as it was.

        Parameters are those of :meth:`fit`.

        Raises
        ------
        RequestError
            If the model lacks the ability ``resume``.
        """
        raise RequestError(f"{self.method} cannot go on from earlier parameters (resume); it starts from scratch")

    def update(
        self,
        previous: FittedModel,
        X: Features,
        y: Codes,
        n_classes: int,
        seed: int,
        sample_weight: Array | None = None,
    ) -> FittedModel:
        """Go on from the parameters of ``previous`` on the given rows only; ``previous`` stays as it was.

        Parameters are those of :meth:`fit`.

        Raises
        ------
        RequestError
            If the model lacks the ability ``partial_fit``.
        """
        raise RequestError(f"{self.method} cannot learn from new rows alone (partial_fit); it needs all labels")

    def untrained(
        self,
        X: Features,
        y: Codes,
        n_classes: int,
        seed: int,
        sample_weight: Array | None = None,
    ) -> FittedModel:
        """Return the model as it is before it learns anything, ready to be resumed.

        Parameters are those of :meth:`fit`; the labels say which classes there are.

        Raises
        ------
        RequestError
            If the model has no such state.
        """
        raise RequestError(f"{self.method} has no parameters before it is trained; choose another model_init")

    def _fit_estimator(self, estimator: Any, lesson: Lesson) -> None:
        if lesson.weights is None:
            estimator.fit(lesson.X, lesson.positions)
        else:
            estimator.fit(lesson.X, lesson.positions, sample_weight=lesson.weights)

    def _fitted(self, estimator: Any, lesson: Lesson, **changes: Any) -> FittedModel:
        able = self.able()
        outputs = (("predict_proba", "probabilities"), ("decision_function", "decision_function"))
        settings: dict[str, Any] = {
            "n_classes": lesson.n_classes,
            "seen": lesson.seen,
            "codes": lesson.seen,
            "outputs": tuple(output for output, ability in outputs if ability in able),
        }
        return FittedModel(estimator, **(settings | changes))

    def _lesson(self, X: Features, y: Codes, n_classes: int, sample_weight: Array | None) -> Lesson:
        if sample_weight is not None:
            if "sample_weight" not in self.able():
                raise RequestError(f"{self.method} cannot weight its rows (sample_weight)")
            kept = np.flatnonzero(np.asarray(sample_weight) > 0)
            if len(kept) < len(y):
                X, y, sample_weight = X[kept], y[kept], sample_weight[kept]
        seen = np.unique(y)
        if len(seen) == 0:
            raise WorkError(f"{self.method} has no labelled rows to learn from")
        if seen[0] < 0 or seen[-1] >= n_classes:
            raise RequestError(f"labels must be codes from 0 to {n_classes - 1}, not {seen[0]} to {seen[-1]}")
        return Lesson(X, y, sample_weight, seen, n_classes)

    def _same_classes(self, previous: FittedModel, n_classes: int) -> None:
        if previous.n_classes != n_classes:
            raise RequestError(
                f"{self.method} cannot go on: it knew {previous.n_classes} classes, now there are {n_classes}"
            )

    @contextmanager
    def _training(self, lesson: Lesson) -> Iterator[None]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            try:
                yield
            except Exception as error:
                reason = (str(error).strip() or type(error).__name__).splitlines()[0]
                rows = f"{len(lesson.y)} rows of {len(lesson.seen)} classes"
                raise WorkError(f"{self.method} could not be trained on {rows}: {reason}") from error
