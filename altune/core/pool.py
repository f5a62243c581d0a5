"""The pool: what a knob may see, and nothing else.

True labels live in the simulator and reach a recipe through its labeling process only; test rows never come here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from altune.core.types import Codes, Features, Learner, RowNumbers, TrainedModel

if TYPE_CHECKING:
    from altune.core.metadata import Metadata

T = TypeVar("T")


class FeatureCache:
    """Structures of one pool that depend on its features alone, built once and kept: neighbours, clusterings, norms.

    All trajectories of a block share one, so nothing that depends on labels, on a model or on a random draw of the
    trajectory may be kept here (``Pool.memory``, a trajectory's own, may hold what depends on the rows it bought).
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, Any] = {}

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return what is kept under ``key``, calling ``build`` the first time."""
        if key not in self._kept:
            self._kept[key] = build()
        kept: T = self._kept[key]
        return kept


class Pool:
    """The rows that may be labelled, and what is known of them so far.

    Parameters
    ----------
    X : features, ``(n_rows, n_features)``, dense float or CSR; scaled, as the model gets them.
    n_classes : classes of the scenario, 2 or more; labels are codes in ``[0, n_classes)``.
    budget : labels that may be bought in all.
    shared : structures of the same features that other trajectories have built already.
    feature_names : names of the columns of ``X``, None where they have none.

    Attributes
    ----------
    labelled : pool rows with a label that the model may use, sorted.
    labels : their labels, ``(len(labelled),)``.
    candidates : pool rows that may be queried now, sorted.
    held_out : pool rows bought for validation only.
    loop : number of the current loop; 0 until the first model is trained.
    label_weights : their weights in training, ``(len(labelled),)``, None where all are 1.
    model : the model in hand, None before the first.
    learner : what ``model`` was trained by, with this loop's hyperparameters, so that a strategy can train
        others like it; None before the first.
    metadata : what the model in hand says of the candidates, None before the first model.
    memory : what this trajectory would else work out anew in each loop, such as distances to the rows bought so far;
        it may make a selection faster, never another.
    """

    def __init__(
        self,
        X: Features,
        n_classes: int,
        *,
        budget: int,
        shared: FeatureCache | None = None,
        feature_names: tuple[str, ...] | None = None,
    ) -> None:
        self.X = X
        self.feature_names = feature_names
        self.n_rows = int(X.shape[0])
        self.n_classes = n_classes
        self.budget = budget
        self.shared = shared if shared is not None else FeatureCache()
        self.memory = FeatureCache()
        self.labelled: RowNumbers = np.empty(0, dtype=np.intp)
        self.labels: Codes = np.empty(0, dtype=np.intp)
        self.held_out: RowNumbers = np.empty(0, dtype=np.intp)
        self.labels_bought = 0
        self.loop = 0
        self.label_weights: NDArray[np.float64] | None = None
        self.model: TrainedModel | None = None
        self.learner: Learner | None = None
        self.metadata: Metadata | None = None
        self._open = np.ones(self.n_rows, dtype=bool)
        self._candidates: RowNumbers | None = None

    @property
    def candidates(self) -> RowNumbers:
        """RowNumbers that may be queried now, sorted, ``(n_candidates,)``."""
        if self._candidates is None:
            self._candidates = np.flatnonzero(self._open)
        return self._candidates

    @property
    def progress(self) -> float:
        """Return τ = ln n / ln B in [0, 1], n labels bought of a budget of B."""
        if self.labels_bought < 1 or self.budget <= 1:
            return 0.0
        return float(min(1.0, np.log(self.labels_bought) / np.log(self.budget)))

    def close(self, rows: RowNumbers) -> None:
        """Take rows out of the candidates: they were bought."""
        self._open[rows] = False
        self._candidates = None

    def set_labels(self, rows: RowNumbers, labels: Codes) -> None:
        """Replace the labels in use; ``rows`` are sorted."""
        self.labelled = np.asarray(rows, dtype=np.intp)
        self.labels = np.asarray(labels, dtype=np.intp)

    def known(self) -> Metadata:
        """Return the metadata of the model in hand.

        Raises
        ------
        RuntimeError
            Before the first model is trained: only an initial sample is asked then, and it has no use for them.
        """
        if self.metadata is None:
            raise RuntimeError("there are no metadata before the first model is trained")
        return self.metadata
