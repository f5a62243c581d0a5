"""The pool: everything that a knob may see.

True labels stay in the simulator and reach a recipe only through its labeling process. Test rows are never part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from altune.core.history import History
from altune.core.read_only import read_only, read_only_view
from altune.core.types import Codes, Features, Learner, RowNumbers, TrainedModel

if TYPE_CHECKING:
    from altune.core.metadata import Metadata

T = TypeVar("T")


class FeatureCache:
    """A cache of what depends on the features of a pool alone: neighbours, clusterings, norms.

    All trajectories of a block share one cache, so nothing may be stored here that depends on labels, on a model or on
    a random draw of the trajectory. ``Pool.memory``, which belongs to one trajectory, may store what depends on the
    rows that it bought.

    Parameters
    ----------
    shared : whether several trajectories share it; its arrays are read-only then.
    """

    def __init__(self, shared: bool = True) -> None:
        self._shared = shared
        self._kept: dict[Hashable, Any] = {}

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return the value of ``key``, which ``build`` returns the first time."""
        if key not in self._kept:
            built = build()
            self._kept[key] = read_only(built) if self._shared else built
        kept: T = self._kept[key]
        return kept


class Pool:
    """The rows that may be labelled, and what is known about them so far.

    Parameters
    ----------
    X : features, ``(n_rows, n_features)``, dense float or CSR, scaled as the model gets them.
    n_classes : number of classes of the scenario, 2 or more; labels are codes in ``[0, n_classes)``.
    budget : number of labels that may be bought in total.
    shared : cache that the trajectories of a block share; None for a new one.
    feature_names : names of the columns of ``X``, None if they have none.
    inputs : the same rows as models are given them; None for ``X``.

    Attributes
    ----------
    inputs : what every model is trained on and asked about, indexed by pool rows: ``X``, or raw rows beside them where
        a model takes those. Distances are measured in ``X``.
    groups : group of each row, ``(n_rows,)``, which folds of labelled rows may not separate; None if there are none.
    labelled : pool rows with a label that the model may use, sorted.
    labels : their labels, ``(len(labelled),)``.
    label_weights : their weights in training, ``(len(labelled),)``, None if all are 1.
    candidates : pool rows that may be queried, sorted.
    held_out : pool rows that were bought for validation only.
    labels_bought : number of labels bought so far.
    loop : number of the current loop; 0 until the first model is trained.
    model : the current model, None before the first one.
    learner : the untrained model of this loop with its hyperparameters, so that a strategy can train others like the
        current one; None before the first model.
    metadata : what the current model says about the candidates, None before the first model.
    history : the rows bought so far in their order, who chose each, and what the model thought of it just before its
        label came. These rows are a biased sample of the pool.
    memory : cache of this trajectory, for what would otherwise be computed again in each loop, such as distances to
        the rows bought so far. It makes a selection faster and must not change it.
    """

    def __init__(
        self,
        X: Features,
        n_classes: int,
        *,
        budget: int,
        shared: FeatureCache | None = None,
        feature_names: tuple[str, ...] | None = None,
        inputs: Features | None = None,
    ) -> None:
        self.X = X
        self.inputs: Features = X if inputs is None else inputs
        self.feature_names = feature_names
        self.groups: Codes | None = None
        self.n_rows = int(X.shape[0])
        self.n_classes = n_classes
        self.budget = budget
        self.shared = shared if shared is not None else FeatureCache()
        self.memory = FeatureCache(shared=False)
        self.labelled: RowNumbers = np.empty(0, dtype=np.intp)
        self.labels: Codes = np.empty(0, dtype=np.intp)
        self.held_out: RowNumbers = np.empty(0, dtype=np.intp)
        self.labels_bought = 0
        self.loop = 0
        self.label_weights: NDArray[np.float64] | None = None
        self.model: TrainedModel | None = None
        self.learner: Learner | None = None
        self.metadata: Metadata | None = None
        self.history = History(n_classes)
        self._open = np.ones(self.n_rows, dtype=bool)
        self._candidates: RowNumbers | None = None

    @property
    def candidates(self) -> RowNumbers:
        """Pool rows that may be queried, sorted, ``(n_candidates,)``."""
        if self._candidates is None:
            self._candidates = read_only(np.flatnonzero(self._open))
        return self._candidates

    @property
    def progress(self) -> float:
        """τ = ln n / ln B in [0, 1], for n labels bought of a budget of B."""
        if self.labels_bought < 1 or self.budget <= 1:
            return 0.0
        return float(min(1.0, np.log(self.labels_bought) / np.log(self.budget)))

    def extend(self, X: Features, inputs: Features | None = None) -> None:
        """Add candidates after the rows that there are; ``X`` and ``inputs`` have the features of all rows."""
        self.X, self.inputs = X, X if inputs is None else inputs
        added = int(X.shape[0]) - self.n_rows
        self.n_rows += added
        self.shared, self.memory = FeatureCache(), FeatureCache(shared=False)
        self._open = np.concatenate([self._open, np.ones(added, dtype=bool)])
        self._candidates = None

    def close(self, rows: RowNumbers) -> None:
        """Remove rows from the candidates, such as those that were bought."""
        self._open[rows] = False
        self._candidates = None

    def set_labels(self, rows: RowNumbers, labels: Codes) -> None:
        """Replace the labels in use. ``rows`` must be sorted."""
        self.labelled = read_only_view(np.asarray(rows, dtype=np.intp))
        self.labels = read_only_view(np.asarray(labels, dtype=np.intp))

    def known(self) -> Metadata:
        """Return the metadata of the current model.

        Raises
        ------
        RuntimeError
            Before the first model is trained, when only the initial sample is selected.
        """
        if self.metadata is None:
            raise RuntimeError("there is no metadata before the first model is trained")
        return self.metadata
