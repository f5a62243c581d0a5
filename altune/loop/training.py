"""The training half of one loop: audit the labels, train the next model, and hand it to the pool."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from altune.core.metadata import Metadata
from altune.core.pool import Pool
from altune.core.read_only import read_only
from altune.core.types import Array, Codes, RowNumbers, TrainingSet
from altune.knobs.labeling import Automatic, audit_ranking
from altune.knobs.labeling.audit import SUSPECT_WEIGHT
from altune.knobs.retrain import TrainingInput
from altune.knobs.training import TuningInput
from altune.loop.gate import Gate
from altune.loop.prefix_cache import PrefixCache, PrefixKey
from altune.loop.purchases import NO_ROWS
from altune.models import FittedModel, Model

if TYPE_CHECKING:
    from altune.core.streams import Streams
    from altune.recipes.recipe import Recipe

Labelled = tuple[RowNumbers, Codes, Array | None]
"""Sorted pool rows, the label of each, and their weights or None."""
NO_MODEL = "no_model"
"""Note of a loop in which the estimator could not be trained, nor in any before: its model is the prior predictor."""
MODEL_KEPT = "model_kept"
"""Note of a loop in which the estimator could not be trained: its model is the last one that was."""


@dataclass
class LoopRecord:
    """What happened in one loop.

    Attributes
    ----------
    loop : number of the loop, 0 for the initial sample.
    labels_bought : labels bought so far.
    labels_used : labels that the model was trained on, automatic ones not counted.
    loop_rows : rows labelled in the loop.
    fit_seconds : seconds spent on combining answers, auditing and training.
    query_seconds : seconds spent on choosing the rows of the loop.
    notes : further numbers by name.
    """

    loop: int
    labels_bought: int
    labels_used: int = 0
    loop_rows: int = 0
    fit_seconds: float = 0.0
    query_seconds: float = 0.0
    notes: dict[str, float] = field(default_factory=dict)


class Trainer:
    """Trains the model of each loop, and keeps what the next training needs.

    An estimator may want more rows than there are, or more of a class that has just appeared. Where it cannot be
    trained, the last model that was is kept, as a user would keep it; before the first, the prior predictor is the
    model.

    Parameters
    ----------
    recipe : the eight decisions and the model.
    pool : the pool of the trajectory; its model and labels are set here.
    streams : the random streams of this trajectory.
    prefixes : results that the trajectories of one block share; None if there are no others.

    Attributes
    ----------
    prefixes : the same.
    model, learner : the current model after and before training; None before the first.
    automatic : labels that no annotator gave and that the current model was trained on as well, None without any.
    doubted : pool rows with a label that the last audit doubts, worst first, and these labels.
    """

    def __init__(self, recipe: Recipe, pool: Pool, streams: Streams, prefixes: PrefixCache | None) -> None:
        self._recipe = recipe
        self._pool = pool
        self._streams = streams
        self.prefixes = prefixes if prefixes is not None else PrefixCache(sharing=False)
        self.model: FittedModel | None = None
        self.learner: Model | None = None
        self.automatic: Automatic | None = None
        self.doubted: tuple[RowNumbers, Codes] = (NO_ROWS, NO_ROWS)
        self._prefix = PrefixKey.of((recipe.model, recipe.model_init, recipe.retrain, recipe.training))
        self._suspects: RowNumbers = NO_ROWS
        self._to_relabel: RowNumbers = NO_ROWS
        self._trained_label: Codes = np.full(pool.n_rows, -1, dtype=np.intp)
        self._first_labels = 0
        self._last_labels = 0

    def take_to_relabel(self) -> RowNumbers:
        """Return the rows whose labels an audit wants to buy again; the next call returns none."""
        rows, self._to_relabel = self._to_relabel, NO_ROWS
        return rows

    def extend(self, added: int) -> None:
        """Make room for rows that were added to the pool."""
        self._trained_label = np.concatenate([self._trained_label, np.full(added, -1, dtype=np.intp)])

    def train(self, record: LoopRecord, rows: RowNumbers, labels: Codes) -> None:
        """Audit the labels, train the next model and hand it to the pool.

        Parameters
        ----------
        record : record of this loop; it is completed here.
        rows : bought pool rows to be trained on, sorted.
        labels : the label of each, combined from all answers so far.
        """
        pool, recipe = self._pool, self._recipe
        gate = Gate(record.loop, pool.n_classes)
        self._audit(record, gate, rows, labels)
        bought = self._without_suspects(rows, labels)
        rows, labels, weights = read_only(bought)
        self._first_labels = self._first_labels or len(rows)
        pool.set_labels(rows, labels)
        automatic = gate.automatic(recipe.labeling, recipe.labeling.automatic(pool, self.automatic), pool.candidates)
        used = bought
        if automatic is not None:
            used = automatic.joined(*bought)
            record.notes["auto_labels"] = float(len(automatic.rows))
        fresh = self._trained_label[used[0]] != used[1]
        self._prefix = self._prefix.then(*bought, *used, fresh)
        learner, model = self.prefixes.model(
            self._prefix, record.loop == 0, lambda: self._fit(record.loop, gate, bought, used, fresh)
        )
        if model.failure and self.model is not None and not self.model.failure:
            model = self.model
            record.notes[MODEL_KEPT] = 1.0
        else:
            if self.automatic is not None:
                self._trained_label[self.automatic.rows] = -1
            self._trained_label[used[0]] = used[1]
            self.automatic = automatic
            self._last_labels = len(rows)
            self.learner = learner
            if model.failure:
                record.notes[NO_MODEL] = 1.0
        record.labels_used = self._last_labels
        record.notes.update(gate.notes(recipe.training, recipe.training.note(learner)))
        earlier = () if pool.metadata is None else pool.metadata.as_history()
        self.model = model
        pool.learner, pool.model, pool.label_weights = learner, model, weights
        pool.loop = record.loop
        pool.metadata = Metadata(pool.X, pool.candidates, model, earlier, pool.inputs)

    def _fit(
        self, loop: int, gate: Gate, bought: Labelled, used: Labelled, fresh: NDArray[np.bool_]
    ) -> tuple[Model, FittedModel]:
        """Return the model of a loop before and after training; hyperparameters are tuned on bought labels alone."""
        recipe, streams = self._recipe, self._streams
        training = self._training_set(*bought)
        tuning = TuningInput(
            training=training,
            first_labels=self._first_labels,
            last_labels=self._last_labels,
            last=self.learner,
            streams=streams,
            loop=loop,
        )
        adapted = self._adapted(gate, len(training))
        learner = gate.learner(recipe.training, recipe.training.tune(adapted, tuning), adapted)
        inputs = TrainingInput(
            model=learner,
            model_init=recipe.model_init,
            training=training if used is bought else self._training_set(*used),
            fresh=fresh,
            previous=self.model,
            streams=streams,
            loop=loop,
            pool=self._pool,
        )
        return learner, gate.fitted(recipe.retrain, recipe.retrain.train(inputs))

    def _training_set(self, rows: RowNumbers, labels: Codes, weights: Array | None = None) -> TrainingSet:
        groups = None if self._pool.groups is None else self._pool.groups[rows]
        return TrainingSet(self._pool.inputs[rows], labels, self._pool.n_classes, weights, groups)

    def _adapted(self, gate: Gate, n_labels: int) -> Model:
        recipe = self._recipe
        adapted = recipe.training.adapt(recipe.model, n_labels, self._first_labels or n_labels)
        return gate.learner(recipe.training, adapted, recipe.model)

    def _audit(self, record: LoopRecord, gate: Gate, rows: RowNumbers, labels: Codes) -> None:
        labeling = self._recipe.labeling
        if labeling.audit == "none" or record.loop % labeling.every:
            return
        audit = audit_ranking(
            labeling.audit,
            self._adapted(gate, len(rows)),
            self._training_set(rows, labels),
            share=labeling.share,
            streams=self._streams,
            loop=record.loop,
        )
        record.notes["audit_ran"] = float(audit.ran)
        record.notes["audit_suspects"] = float(len(audit.suspects))
        self.doubted = rows[audit.suspects], labels[audit.suspects]
        if labeling.action == "relabel":
            self._to_relabel = rows[audit.suspects]
        else:
            self._suspects = rows[audit.suspects]

    def _without_suspects(self, rows: RowNumbers, labels: Codes) -> Labelled:
        """Return rows, labels and weights after the audit's action; None are weights that are all 1."""
        if not len(self._suspects):
            return rows, labels, None
        suspect = np.isin(rows, self._suspects)
        if self._recipe.labeling.action == "drop":
            return rows[~suspect], labels[~suspect], None
        return rows, labels, np.where(suspect, SUSPECT_WEIGHT, 1.0)
